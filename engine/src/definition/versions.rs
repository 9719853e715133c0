//! Which versions of which models an answer hangs on.

use std::collections::{BTreeMap, BTreeSet};

use throng_query::builtin;
use throng_query::date::Date;
use throng_query::plan::AudienceKind;

use super::uses::Uses;
use crate::view::View;

/// Models by name, with their versions.
type Versions = Vec<(String, u32)>;

/// What sets hang on: models as they are now, and frozen audiences with the models they were made
/// by.
#[derive(Debug, Default)]
struct Reached {
    models: BTreeSet<String>,
    audiences: BTreeSet<String>,
    frozen: BTreeMap<String, (Option<Date>, Versions)>,
}

impl Reached {
    /// Follows what is used through live audiences, partitions and models.
    fn add(&mut self, view: &View, uses: &Uses) {
        for name in &uses.models {
            if self.models.insert(name.clone())
                && let Some(model) = view.model(name)
            {
                self.add(view, &Uses::of_model(&model));
            }
        }
        for name in &uses.partitions {
            if let Some(partition) = view.partition(name) {
                self.add(view, &Uses::of_partition(&partition));
            }
        }
        for name in &uses.audiences {
            let Some(audience) = view.audience(name) else { continue };
            if !self.audiences.insert(name.clone()) {
                continue;
            }
            match audience.kind {
                AudienceKind::Live => self.add(view, &Uses::of_set(&audience.set)),
                AudienceKind::Frozen { as_of } => {
                    if !audience.models.is_empty() {
                        self.frozen.insert(name.clone(), (as_of, audience.models.clone()));
                    }
                }
            }
        }
    }
}

/// The models that sets hang on now, with their versions, by name. What a frozen audience was made
/// by is its own.
pub(crate) fn versions_of(view: &View, uses: &Uses) -> Versions {
    let mut reached = Reached::default();
    reached.add(view, uses);
    current(view, reached.models)
}

/// Says which versions of which models an answer hangs on: nothing when on none.
pub(crate) fn told(view: &View, uses: &Uses) -> Vec<String> {
    let mut reached = Reached::default();
    reached.add(view, uses);
    let mut notices = Vec::new();
    let models = current(view, reached.models);
    if !models.is_empty() {
        notices.push(listed(&models));
    }
    for (name, (as_of, models)) in &reached.frozen {
        let day = as_of.map_or_else(String::new, |day| format!(" as of {day}"));
        notices.push(format!("audience `{name}` was frozen{day} by {}", listed(models)));
    }
    notices
}

fn current(view: &View, models: BTreeSet<String>) -> Versions {
    let version = |name: String| Some((name.clone(), view.definitions().version(&name)?));
    models.into_iter().filter_map(version).collect()
}

/// ``model `aipl` version 1 (built in), model `mine` version 3``.
fn listed(models: &[(String, u32)]) -> String {
    let one = |(name, version): &(String, u32)| {
        let built_in = if builtin::is_model(name) { " (built in)" } else { "" };
        format!("model `{name}` version {version}{built_in}")
    };
    models.iter().map(one).collect::<Vec<_>>().join(", ")
}
