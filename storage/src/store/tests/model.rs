//! The naive model, and the comparison.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Deleted, IfUnknown, KeyTable, Outcome, Store};
use super::{Row, first_days, rows_of};
use crate::erasure::Deletion;
use crate::names::NameTable;

/// What a store should hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) rows: Vec<Row>,
    pub(super) definitions: BTreeMap<(u8, String), Vec<u8>>,
    pub(super) tokens: BTreeSet<String>,
    /// Members of the only set of each index.
    pub(super) indexes: BTreeMap<String, Vec<u32>>,
    /// Consumers with a key, also those without events.
    pub(super) known: BTreeSet<String>,
    /// How many consumers were forgotten.
    pub(super) forgotten: usize,
}

impl Model {
    /// Adds a batch unless its token was there; what the store should say.
    pub(super) fn add(&mut self, token: Option<&str>, rows: &[Row]) -> Outcome {
        if let Some(token) = token
            && !self.tokens.insert(token.to_owned())
        {
            return Outcome::Repeated;
        }
        self.rows.extend_from_slice(rows);
        self.known.extend(rows.iter().map(|row| row.0.clone()));
        Outcome::Applied { events: rows.len() as u64 }
    }

    pub(super) fn define(&mut self, kind: u8, name: &str, value: Option<&str>) {
        let key = (kind, name.to_owned());
        match value {
            Some(value) => self.definitions.insert(key, value.as_bytes().to_vec()),
            None => self.definitions.remove(&key),
        };
    }

    /// Takes consumers out of the store and of the model.
    pub(super) fn forget(&mut self, store: &Store, keys: &[String]) {
        let ids: Vec<_> = keys
            .iter()
            .filter_map(|key| store.snapshot().id(KeyTable::Consumer, key.as_bytes()).unwrap())
            .collect();
        let before = self.rows.len();
        self.rows.retain(|row| !keys.contains(&row.0));
        self.known.retain(|key| !keys.contains(key));
        for members in self.indexes.values_mut() {
            members.retain(|id| !ids.contains(id));
        }
        let identities: Vec<_> = keys.iter().map(String::as_bytes).collect();
        let done = store.forget(&identities, IfUnknown::Skip, Some(1_700_000_000)).unwrap();
        let consumers: BTreeSet<_> = ids.iter().collect();
        assert_eq!(done.consumers, consumers.len() as u64);
        assert_eq!(done.events, (before - self.rows.len()) as u64);
        self.forgotten += consumers.len();
    }

    /// Deletes events from the store and from the model.
    pub(super) fn delete(&mut self, store: &Store, brand: &str, did: &[&str], days: (i32, i32)) {
        let named = |row: &Row| {
            row.1 == brand
                && (did.is_empty() || did.contains(&row.2.as_str()))
                && (days.0..=days.1).contains(&row.3)
        };
        let deleted: Vec<_> = self.rows.extract_if(.., |row| named(row)).collect();
        let consumers: BTreeSet<_> = deleted.iter().map(|row| &row.0).collect();
        let id = |table, name: &str| store.names().get(table, name);
        let Some(brand) = id(NameTable::Brand, brand) else { return };
        let behaviour = |name: &&str| u16::try_from(id(NameTable::Behaviour, name)?).ok();
        let mut behaviours: Vec<_> = did.iter().filter_map(behaviour).collect();
        behaviours.sort_unstable();
        if behaviours.len() < did.len() {
            return;
        }
        let (first_day, last_day) = days;
        let deletion = Deletion { brand, behaviours, first_day, last_day };
        let done = store.delete_events(&deletion, None).unwrap();
        assert_eq!(done.events, deleted.len() as u64);
        assert_eq!(done.consumers, consumers.len() as u64);
        if done.events > 0 {
            let again = store.delete_events(&deletion, None).unwrap();
            assert_eq!(again, Deleted::default());
        }
    }

    /// Panics where the store differs.
    pub(super) fn check(&self, store: &Store) {
        let snapshot = store.snapshot();
        let mut expected = self.rows.clone();
        expected.sort();
        let found = rows_of(&snapshot);
        assert_eq!(found.len(), expected.len(), "rows");
        assert!(found == expected, "the same number of rows, and different ones");
        let mut days = BTreeMap::new();
        for row in &self.rows {
            let first = days.entry(row.0.clone()).or_insert(row.3);
            *first = row.3.min(*first);
        }
        assert_eq!(first_days(&snapshot), days);
        assert_eq!(snapshot.definitions(), &self.definitions);
        let keys = snapshot.keys(KeyTable::Consumer) as usize;
        // Some models are made of rows alone.
        let known: BTreeSet<_> =
            self.known.iter().chain(self.rows.iter().map(|row| &row.0)).collect();
        assert_eq!(keys, known.len() + self.forgotten);
        for key in known {
            let id = snapshot.id(KeyTable::Consumer, key.as_bytes()).unwrap().unwrap();
            let back = snapshot.key(KeyTable::Consumer, id).unwrap().unwrap();
            assert_eq!(back, key.as_bytes());
        }
        assert_eq!(snapshot.id(KeyTable::Consumer, b"nobody").unwrap(), None);
        let indexes: Vec<_> = snapshot.index_keys().collect();
        assert_eq!(indexes, self.indexes.keys().collect::<Vec<_>>());
        for (key, members) in &self.indexes {
            let found = snapshot.index(key).unwrap().read_set(0).unwrap();
            assert!((found - snapshot.erasures().pending()).iter().eq(members.iter().copied()));
        }
        assert!(snapshot.memory.len() <= 8, "{} segments in memory", snapshot.memory.len());
    }
}
