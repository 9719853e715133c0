//! The naive model, and the comparison.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{KeyTable, Outcome, Store};
use super::{Row, first_days, rows_of};

/// What a store should hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) rows: Vec<Row>,
    pub(super) definitions: BTreeMap<(u8, String), Vec<u8>>,
    pub(super) tokens: BTreeSet<String>,
    /// Members of the only set of each index.
    pub(super) indexes: BTreeMap<String, Vec<u32>>,
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
        Outcome::Applied { events: rows.len() as u64 }
    }

    pub(super) fn define(&mut self, kind: u8, name: &str, value: Option<&str>) {
        let key = (kind, name.to_owned());
        match value {
            Some(value) => self.definitions.insert(key, value.as_bytes().to_vec()),
            None => self.definitions.remove(&key),
        };
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
        let consumers: BTreeSet<_> = self.rows.iter().map(|row| &row.0).collect();
        assert_eq!(snapshot.keys(KeyTable::Consumer) as usize, consumers.len());
        for key in consumers {
            let id = snapshot.id(KeyTable::Consumer, key.as_bytes()).unwrap().unwrap();
            let back = snapshot.key(KeyTable::Consumer, id).unwrap().unwrap();
            assert_eq!(back, key.as_bytes());
        }
        assert_eq!(snapshot.id(KeyTable::Consumer, b"nobody").unwrap(), None);
        let indexes: Vec<_> = snapshot.index_keys().collect();
        assert_eq!(indexes, self.indexes.keys().collect::<Vec<_>>());
        for (key, members) in &self.indexes {
            assert_eq!(snapshot.index(key).unwrap().cardinality(0), members.len() as u64);
        }
        assert!(snapshot.memory.len() <= 8, "{} segments in memory", snapshot.memory.len());
    }
}
