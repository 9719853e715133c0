//! A column of keys.

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
    ///
    /// # Panics
    /// When the keys together pass 4 GiB: split the column before.
    pub fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a column holds at most 4 GiB"));
    }

    /// How many keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Removes all keys and keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The key at a position below `len`.
    #[must_use]
    pub fn get(&self, position: usize) -> &[u8] {
        let start = if position == 0 { 0 } else { self.ends[position - 1] as usize };
        &self.bytes[start..self.ends[position] as usize]
    }

    /// All keys in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|position| self.get(position))
    }
}

impl<'k> FromIterator<&'k [u8]> for KeyColumn {
    fn from_iter<I: IntoIterator<Item = &'k [u8]>>(keys: I) -> Self {
        let mut column = Self::default();
        keys.into_iter().for_each(|key| column.push(key));
        column
    }
}

/// Whether two keys are the same. Keys are short: comparing them eight bytes at a time in place
/// takes less than calling the system's `memcmp`, which on some processors takes 100 ns for ten.
#[inline]
#[must_use]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    left.len() == right.len()
        && left_rest.len() == right_rest.len()
        && left.iter().zip(right).all(|(a, b)| u64::from_le_bytes(*a) == u64::from_le_bytes(*b))
        && left_rest.iter().zip(right_rest).all(|(a, b)| a == b)
}
