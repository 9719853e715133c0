//! Small tables of names: brands, behaviours, touchpoints, categories. Append-only, shared.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hashbrown::HashMap;

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameTable {
    /// Brands.
    Brand,
    /// Behaviours.
    Behaviour,
    /// Touchpoints.
    Touchpoint,
    /// Categories.
    Category,
}

impl NameTable {
    /// Every table, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Brand, Self::Behaviour, Self::Touchpoint, Self::Category];

    /// How many names it may hold.
    #[must_use]
    pub const fn capacity(self) -> usize {
        match self {
            Self::Behaviour => u16::MAX as usize,
            Self::Brand | Self::Touchpoint | Self::Category => 1 << 20,
        }
    }
}

/// Bytes of a name at most.
pub const NAME_BYTES_MAX: usize = 256;

/// The names of a store. Ids start at 1; 0 stands for none. Any thread may look up and add.
#[derive(Debug, Default)]
pub struct Names {
    tables: RwLock<[Table; 4]>,
}

#[derive(Debug, Default)]
struct Table {
    // Invariant 1: `ids[names[i]] == i + 1`.
    names: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, u32>,
}

impl Names {
    /// The id of a name.
    #[must_use]
    pub fn get(&self, table: NameTable, name: &str) -> Option<u32> {
        self.read()[table as usize].ids.get(name).copied()
    }

    /// The id of a name, added when new. It becomes durable with the next commit.
    ///
    /// # Errors
    /// When the table is full (65,535 behaviours; 2^20 of the others) or the name is empty or
    /// longer than 256 bytes.
    pub fn intern(&self, table: NameTable, name: &str) -> Result<u32, NameError> {
        if let Some(id) = self.get(table, name) {
            return Ok(id);
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Err(NameError::Length(name.len()));
        }
        let mut tables = self.write();
        let slot = &mut tables[table as usize];
        if let Some(&id) = slot.ids.get(name) {
            return Ok(id);
        }
        if slot.names.len() >= table.capacity() {
            return Err(NameError::Full(table.capacity()));
        }
        Ok(slot.add(name.into()))
    }

    /// The name of an id.
    #[must_use]
    pub fn name(&self, table: NameTable, id: u32) -> Option<Arc<str>> {
        let position = id.checked_sub(1)? as usize;
        self.read()[table as usize].names.get(position).cloned()
    }

    /// All names of a table: position i has id i + 1.
    #[must_use]
    pub fn all(&self, table: NameTable) -> Vec<Arc<str>> {
        self.since(table, 0)
    }

    /// How many names a table has.
    #[must_use]
    pub fn count(&self, table: NameTable) -> usize {
        self.read()[table as usize].names.len()
    }

    /// The names from a position on.
    pub(crate) fn since(&self, table: NameTable, position: usize) -> Vec<Arc<str>> {
        self.read()[table as usize].names.get(position..).unwrap_or_default().to_vec()
    }

    /// Takes back names that were stored at positions `first..`. Those already there must agree.
    pub(crate) fn restore(
        &self,
        table: NameTable,
        first: usize,
        names: &[Arc<str>],
    ) -> Result<(), NameError> {
        let mut tables = self.write();
        let slot = &mut tables[table as usize];
        for (position, name) in (first..).zip(names) {
            match slot.names.get(position) {
                Some(known) if known == name => {}
                None if position == slot.names.len() && !slot.ids.contains_key(name) => {
                    slot.add(Arc::clone(name));
                }
                _ => return Err(NameError::Restore { position }),
            }
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, [Table; 4]> {
        // A table is changed by pushes that cannot be left half done.
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, [Table; 4]> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn add(&mut self, name: Arc<str>) -> u32 {
        self.names.push(Arc::clone(&name));
        let id = u32::try_from(self.names.len()).expect("a table holds at most 2^20 names");
        self.ids.insert(name, id);
        id
    }
}

/// A name that cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or too long.
    #[error("a name has 1 to 256 bytes, this one has {0}")]
    Length(usize),
    /// No more room.
    #[error("the table of names is full at {0}")]
    Full(usize),
    /// A stored name contradicts another.
    #[error("the stored name at position {position} does not follow from those before")]
    Restore {
        /// Its position.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_from_one_and_stay() {
        let names = Names::default();
        assert_eq!(names.intern(NameTable::Brand, "estee"), Ok(1));
        assert_eq!(names.intern(NameTable::Brand, "雅诗兰黛"), Ok(2));
        assert_eq!(names.intern(NameTable::Brand, "estee"), Ok(1));
        assert_eq!(names.get(NameTable::Category, "estee"), None);
        assert_eq!(names.name(NameTable::Brand, 2).as_deref(), Some("雅诗兰黛"));
        assert_eq!(names.name(NameTable::Brand, 0), None);
        assert_eq!(names.intern(NameTable::Brand, ""), Err(NameError::Length(0)));
        assert_eq!(names.intern(NameTable::Brand, &"x".repeat(257)), Err(NameError::Length(257)));
    }

    #[test]
    fn restoring_is_idempotent_and_refuses_contradictions() {
        let names = Names::default();
        let run = [Arc::from("a"), Arc::from("b")];
        names.restore(NameTable::Brand, 0, &run).unwrap();
        names.restore(NameTable::Brand, 1, &run[1..]).unwrap();
        assert_eq!(names.count(NameTable::Brand), 2);
        assert!(names.restore(NameTable::Brand, 1, &run[..1]).is_err());
        assert!(names.restore(NameTable::Brand, 3, &[Arc::from("d")]).is_err());
        assert!(names.restore(NameTable::Brand, 2, &run[..1]).is_err());
    }

    #[test]
    fn behaviours_end_at_65535() {
        let names = Names::default();
        for i in 0..NameTable::Behaviour.capacity() {
            names.intern(NameTable::Behaviour, &i.to_string()).unwrap();
        }
        assert!(matches!(
            names.intern(NameTable::Behaviour, "one more"),
            Err(NameError::Full(65_535))
        ));
    }
}
