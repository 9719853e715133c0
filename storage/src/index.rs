//! A family of audience indexes in one immutable file: the values of an attribute, the bit slices
//! of a number, or the members of a frozen audience.

use crate::container::Container;
use crate::error::CorruptError;

/// Sets of consumers numbered 0.., each as containers by chunk, read in place.
#[derive(Debug)]
pub struct IndexFile;

/// A position in one set that moves forward chunk by chunk.
#[derive(Debug)]
pub struct IndexCursor<'a> {
    file: &'a IndexFile,
}

impl IndexFile {
    /// How many sets.
    pub fn sets(&self) -> u32 {
        unimplemented!()
    }
    /// Members of a set, all chunks together.
    pub fn cardinality(&self, _set: u32) -> u64 {
        unimplemented!()
    }
    /// The header's free bytes, as given to the builder.
    pub fn header(&self) -> &[u8] {
        unimplemented!()
    }
    /// One more than the largest chunk with a member in any set.
    pub fn chunk_end(&self) -> u32 {
        unimplemented!()
    }
    /// A cursor over one set.
    pub fn cursor(&self, _set: u32) -> IndexCursor<'_> {
        IndexCursor { file: self }
    }
}

impl<'a> IndexCursor<'a> {
    /// The members in a chunk. Ascending order is fastest.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn chunk(&mut self, _chunk: u32) -> Result<Option<Container<'a>>, CorruptError> {
        let _ = self.file;
        unimplemented!()
    }
}
