//! The stage models that every store has, bound once for the whole process.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use throng_query::builtin;
use throng_query::catalog::{Catalog, Currency};
use throng_query::plan::{AttributeType, Model, NameKind, State};

use crate::behaviour;

/// The built-in models by name.
pub(super) fn models() -> &'static BTreeMap<String, Arc<Model>> {
    static BOUND: LazyLock<BTreeMap<String, Arc<Model>>> = LazyLock::new(|| {
        let mut every = EveryStore::default();
        for (name, text) in builtin::models() {
            let model = throng_query::bind_model(name, text, &every)
                .expect("the built-in models use what every store has; a test binds them");
            every.models.insert((*name).to_owned(), Arc::new(model));
        }
        every.models
    });
    &BOUND
}

/// The built-in states by name.
pub(super) fn states() -> BTreeMap<String, Arc<State>> {
    let states = builtin::states().into_iter();
    states.map(|state| (state.name.clone(), Arc::new(state))).collect()
}

/// The names that every store has.
#[derive(Default)]
struct EveryStore {
    /// The models bound so far: a later one may refer to their stages.
    models: BTreeMap<String, Arc<Model>>,
}

impl Catalog for EveryStore {
    fn exists(&self, kind: NameKind, name: &str) -> bool {
        match kind {
            NameKind::Behaviour => behaviour::is_built_in(name),
            NameKind::Model => self.models.contains_key(name),
            _ => false,
        }
    }

    fn names(&self, kind: NameKind) -> Vec<String> {
        match kind {
            NameKind::Behaviour => behaviour::BUILT_IN.map(str::to_owned).to_vec(),
            _ => Vec::new(),
        }
    }

    fn attribute(&self, _brand: Option<&str>, _name: &str) -> Option<AttributeType> {
        None
    }

    fn stages(&self, model: &str) -> Option<Vec<String>> {
        let model = self.models.get(model)?;
        Some(model.stages.iter().map(|rule| rule.stage.clone()).collect())
    }

    fn groups(&self, _partition: &str) -> Option<Vec<String>> {
        None
    }

    fn currency(&self) -> Currency {
        Currency { code: "CNY".to_owned(), exponent: 2 }
    }
}

#[cfg(test)]
mod tests {
    use super::models;

    #[test]
    fn built_in_models_bind_and_keep_the_order_of_their_stages() {
        for name in ["aipl", "aipl_quick"] {
            let model = models().get(name).unwrap();
            let stages: Vec<&str> = model.stages.iter().map(|rule| rule.stage.as_str()).collect();
            assert_eq!(stages, ["L", "P", "I", "A", "O"], "{name}");
        }
        for (name, expected) in [("lifecycle", 5), ("deeplink", 7)] {
            assert_eq!(models().get(name).unwrap().stages.len(), expected, "{name}");
        }
    }
}
