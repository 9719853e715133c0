//! All definitions of a snapshot, resolved. What did not change since the last one is taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use throng_query::builtin;
use throng_query::catalog::Currency;
use throng_query::plan::{AttributeRef, AudienceKind, Division, Model, Set, State};
use throng_storage::names::NameTable;
use throng_storage::store::Snapshot;

use super::built_in;
use super::names::SnapshotNames;
use super::record::{
    AttributeRecord, AudienceRecord, BehaviourRecord, BrandRecord, DefinitionKind, ModelRecord,
    PartitionRecord, Standing, StateRecord, decode, decode_audience, decode_model,
};
use crate::attribute::{AttributeLayout, fits, index_key};
use crate::error::DefinitionError;
use crate::view::{AttributeInfo, Audience, BrandSettings};

/// Definitions by name.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    models: BTreeMap<String, Arc<Model>>,
    /// The versions of the models that were made by statements, dropped ones included.
    versions: BTreeMap<String, Arc<ModelRecord>>,
    partitions: BTreeMap<String, Arc<Division>>,
    states: BTreeMap<String, Arc<State>>,
    audiences: BTreeMap<String, Arc<Audience>>,
    brands: BTreeMap<String, Arc<BrandSettings>>,
    attributes: BTreeMap<String, Arc<AttributeInfo>>,
    dropped_brands: BTreeSet<String>,
    dropped_behaviours: BTreeSet<String>,
}

/// The key of a frozen audience's index.
#[must_use]
pub fn audience_key(name: &str) -> String {
    format!("audience:{name}")
}

/// Resolved one by one, kinds that others refer to first.
const ORDER: [DefinitionKind; 7] = [
    DefinitionKind::Behaviour,
    DefinitionKind::Brand,
    DefinitionKind::Attribute,
    DefinitionKind::State,
    DefinitionKind::Model,
    DefinitionKind::Partition,
    DefinitionKind::Audience,
];

/// What is being resolved, and from what.
struct Source<'a> {
    snapshot: &'a Snapshot,
    currency: &'a Currency,
}

impl Definitions {
    /// Resolves a snapshot's definitions. `before` are those of an earlier snapshot, which are
    /// taken over as they are when nothing was defined or loaded since.
    ///
    /// # Errors
    /// When stored bytes are not a definition of this version.
    pub fn resolve(
        snapshot: &Snapshot,
        currency: &Currency,
        before: Option<(&Snapshot, &Arc<Self>)>,
    ) -> Result<Arc<Self>, DefinitionError> {
        if let Some((earlier, definitions)) = before
            && std::ptr::eq(earlier.definitions(), snapshot.definitions())
            && definitions.attributes().all(|info| is_current(info, snapshot))
        {
            return Ok(Arc::clone(definitions));
        }
        let source = Source { snapshot, currency };
        let (models, states) = (built_in::models().clone(), built_in::states());
        let mut all = Self { models, states, ..Self::default() };
        for kind in ORDER {
            let from = (kind as u8, String::new());
            let until = (kind as u8 + 1, String::new());
            for (key, bytes) in snapshot.definitions().range(from..until) {
                let kept = before
                    .filter(|(earlier, _)| earlier.definitions().get(key) == Some(bytes))
                    .map(|(_, definitions)| &**definitions);
                all.add(&source, kind, &key.1, bytes, kept)?;
            }
        }
        Ok(Arc::new(all))
    }

    fn add(
        &mut self,
        source: &Source<'_>,
        kind: DefinitionKind,
        name: &str,
        bytes: &[u8],
        kept: Option<&Self>,
    ) -> Result<(), DefinitionError> {
        let done = match kind {
            DefinitionKind::Model => self.add_model(source, name, bytes, kept),
            DefinitionKind::Partition => self.add_partition(source, name, bytes, kept),
            DefinitionKind::Audience => self.add_audience(source, name, bytes, kept),
            DefinitionKind::Brand => self.add_brand(source, name, bytes),
            DefinitionKind::Attribute => self.add_attribute(source, name, bytes, kept),
            DefinitionKind::Behaviour => self.add_behaviour(name, bytes),
            DefinitionKind::State => self.add_state(name, bytes),
        };
        let (kind, name) = (kind.name_kind(), name.to_owned());
        done.ok_or(DefinitionError::Unreadable { kind, name })
    }

    fn add_model(
        &mut self,
        source: &Source<'_>,
        name: &str,
        bytes: &[u8],
        kept: Option<&Self>,
    ) -> Option<()> {
        let versions = kept.and_then(|all| all.versions.get(name));
        let record = kept_or(versions, || decode_model(bytes))?;
        if record.standing == Standing::Created {
            let text = &record.newest()?.text;
            let model = kept_or(kept.and_then(|all| all.models.get(name)), || {
                throng_query::bind_model(name, text, &self.names(source)).ok()
            })?;
            self.models.insert(name.to_owned(), model);
        }
        self.versions.insert(name.to_owned(), record);
        Some(())
    }

    fn add_partition(
        &mut self,
        source: &Source<'_>,
        name: &str,
        bytes: &[u8],
        kept: Option<&Self>,
    ) -> Option<()> {
        let partition = kept_or(kept.and_then(|all| all.partitions.get(name)), || {
            let record: PartitionRecord = decode(DefinitionKind::Partition, bytes)?;
            throng_query::bind_division(name, &record.text, &self.names(source)).ok()
        })?;
        self.partitions.insert(name.to_owned(), partition);
        Some(())
    }

    fn add_audience(
        &mut self,
        source: &Source<'_>,
        name: &str,
        bytes: &[u8],
        kept: Option<&Self>,
    ) -> Option<()> {
        let made = kept_or(kept.and_then(|all| all.audiences.get(name)), || {
            let record = decode_audience(bytes)?;
            let set = match record.frozen {
                // Its members are kept; what it was made of may have gone since.
                Some(_) => Set::All,
                None => throng_query::bind_set(&record.text, &self.names(source)).ok()?,
            };
            Some(audience(name, record, set))
        })?;
        self.audiences.insert(name.to_owned(), made);
        Some(())
    }

    fn add_brand(&mut self, source: &Source<'_>, name: &str, bytes: &[u8]) -> Option<()> {
        let record: BrandRecord = decode(DefinitionKind::Brand, bytes)?;
        match record.standing {
            Standing::Created => {
                let settings = brand(record, source.snapshot);
                self.brands.insert(name.to_owned(), Arc::new(settings));
            }
            Standing::Dropped => {
                self.dropped_brands.insert(name.to_owned());
            }
        }
        Some(())
    }

    fn add_behaviour(&mut self, name: &str, bytes: &[u8]) -> Option<()> {
        let record: BehaviourRecord = decode(DefinitionKind::Behaviour, bytes)?;
        if record.standing == Standing::Dropped {
            self.dropped_behaviours.insert(name.to_owned());
        }
        Some(())
    }

    fn add_state(&mut self, name: &str, bytes: &[u8]) -> Option<()> {
        let StateRecord { from, until } = decode(DefinitionKind::State, bytes)?;
        let state = State { name: name.to_owned(), from, until };
        self.states.insert(name.to_owned(), Arc::new(state));
        Some(())
    }

    fn add_attribute(
        &mut self,
        source: &Source<'_>,
        name: &str,
        bytes: &[u8],
        kept: Option<&Self>,
    ) -> Option<()> {
        let before = kept.and_then(|all| all.attributes.get(name));
        let info = kept_or(before.filter(|info| is_current(info, source.snapshot)), || {
            attribute(decode(DefinitionKind::Attribute, bytes)?, source.snapshot)
        })?;
        self.attributes.insert(name.to_owned(), info);
        Some(())
    }

    fn names<'a>(&'a self, source: &Source<'a>) -> SnapshotNames<'a> {
        SnapshotNames { snapshot: source.snapshot, definitions: self, currency: source.currency }
    }

    /// A model.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(name)
    }

    /// The version of a model; none when there is no such model now.
    #[must_use]
    pub fn version(&self, model: &str) -> Option<u32> {
        if builtin::is_model(model) {
            return Some(builtin::BUILT_IN_VERSION);
        }
        self.models.get(model)?;
        self.versions.get(model)?.newest().map(|version| version.number)
    }

    /// The versions of a model that was made by a statement; it may have been dropped.
    #[must_use]
    pub fn versions(&self, model: &str) -> Option<&Arc<ModelRecord>> {
        self.versions.get(model)
    }

    /// A partition of one's own.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<&Arc<Division>> {
        self.partitions.get(name)
    }

    /// All partitions of one's own by name.
    pub fn partitions(&self) -> impl Iterator<Item = &Arc<Division>> {
        self.partitions.values()
    }

    /// A state, built in or made by a statement.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<&Arc<State>> {
        self.states.get(name)
    }

    /// All states by name, built-in ones included.
    pub fn states(&self) -> impl Iterator<Item = &Arc<State>> {
        self.states.values()
    }

    /// An audience.
    #[must_use]
    pub fn audience(&self, name: &str) -> Option<&Arc<Audience>> {
        self.audiences.get(name)
    }

    /// A brand's settings.
    #[must_use]
    pub fn brand(&self, name: &str) -> Option<&Arc<BrandSettings>> {
        self.brands.get(name)
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, attribute: &AttributeRef) -> Option<&Arc<AttributeInfo>> {
        self.attributes.get(&index_key(attribute))
    }

    /// All models by name, built-in ones included.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// All audiences by name.
    pub fn audiences(&self) -> impl Iterator<Item = &Arc<Audience>> {
        self.audiences.values()
    }

    /// All brands with settings by name.
    pub fn brands(&self) -> impl Iterator<Item = (&str, &Arc<BrandSettings>)> {
        self.brands.iter().map(|(name, settings)| (name.as_str(), settings))
    }

    /// All attributes: those of consumers and those at brands.
    pub fn attributes(&self) -> impl Iterator<Item = &Arc<AttributeInfo>> {
        self.attributes.values()
    }

    /// Whether a brand or behaviour was dropped. It may have got events since.
    #[must_use]
    pub fn is_dropped(&self, kind: DefinitionKind, name: &str) -> bool {
        match kind {
            DefinitionKind::Brand => self.dropped_brands.contains(name),
            DefinitionKind::Behaviour => self.dropped_behaviours.contains(name),
            _ => false,
        }
    }
}

fn audience(name: &str, record: AudienceRecord, set: Set) -> Audience {
    let kind = match record.frozen {
        Some(day) => AudienceKind::Frozen { as_of: Some(day) },
        None => AudienceKind::Live,
    };
    Audience {
        name: name.to_owned(),
        kind,
        set,
        text: record.text,
        models: record.models,
        index_key: record.frozen.map(|_| audience_key(name)),
    }
}

fn brand(record: BrandRecord, snapshot: &Snapshot) -> BrandSettings {
    let find = |name: &String| snapshot.names().get(NameTable::Category, name);
    let mut ids: Vec<u32> = record.target_categories.iter().filter_map(find).collect();
    ids.sort_unstable();
    ids.dedup();
    BrandSettings { target_categories: record.target_categories, target_category_ids: ids }
}

fn attribute(record: AttributeRecord, snapshot: &Snapshot) -> Option<AttributeInfo> {
    let key = index_key(&record.attribute);
    let index = snapshot.index(&key).cloned();
    let layout = match &index {
        None => AttributeLayout::Empty,
        Some(index) => AttributeLayout::decode(index.header(), index.sets()).ok()?,
    };
    if !fits(&layout, record.kind) {
        return None;
    }
    Some(AttributeInfo { attribute: record.attribute, kind: record.kind, key, index, layout })
}

/// What was resolved before, or what is made now.
fn kept_or<T>(kept: Option<&Arc<T>>, make: impl FnOnce() -> Option<T>) -> Option<Arc<T>> {
    kept.map_or_else(|| make().map(Arc::new), |kept| Some(Arc::clone(kept)))
}

/// Whether the attribute's index is the snapshot's.
fn is_current(info: &AttributeInfo, snapshot: &Snapshot) -> bool {
    match (&info.index, snapshot.index(&info.key)) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
        _ => false,
    }
}
