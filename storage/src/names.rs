//! Small tables of names: brands, behaviours, touchpoints, categories. Append-only, shared.

use std::sync::Arc;

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

/// The names of a store. Ids start at 1; 0 stands for none. Any thread may look up and add.
#[derive(Debug, Default)]
pub struct Names;

impl Names {
    /// The id of a name.
    pub fn get(&self, _table: NameTable, _name: &str) -> Option<u32> {
        unimplemented!()
    }
    /// The id of a name, added when new. It becomes durable with the next commit.
    ///
    /// # Errors
    /// When the table is full (65,535 behaviours; 2^20 of the others) or the name is empty or
    /// longer than 256 bytes.
    pub fn intern(&self, _table: NameTable, _name: &str) -> Result<u32, NameError> {
        unimplemented!()
    }
    /// The name of an id.
    pub fn name(&self, _table: NameTable, _id: u32) -> Option<Arc<str>> {
        unimplemented!()
    }
    /// All names of a table: position i has id i + 1.
    pub fn all(&self, _table: NameTable) -> Vec<Arc<str>> {
        unimplemented!()
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
}
