//! The dictionary: keys (identities, items, orders) to dense ids and back. Append-only.

/// Keys in one run of bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyColumn {
    /// All keys, one after the other.
    pub bytes: Vec<u8>,
    /// Where each key ends in `bytes`.
    pub ends: Vec<u32>,
}

impl KeyColumn {
    /// Adds a key.
    pub fn push(&mut self, _key: &[u8]) {
        unimplemented!()
    }
    /// How many keys.
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// The key at a position below `len`.
    pub fn get(&self, _position: usize) -> &[u8] {
        unimplemented!()
    }
}
