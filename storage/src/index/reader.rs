//! Reading index files in place.

#![deny(clippy::indexing_slicing)]

use std::ops::Range;
use std::path::{Path, PathBuf};

use roaring::RoaringBitmap;

use crate::bits::packed_len;
use crate::block::{BlockFile, FileKind, HEADER_LEN};
use crate::bytes::{Bytes, bits_at, positions_at, runs_at, u16_at, u32_at, u64_at};
use crate::container::{CHUNK_SIZE, Container};
use crate::error::{CorruptError, FileError};
use crate::io::Mapping;
use crate::prefetch::Ahead;

/// Bytes of the directory before its sets: how many sets, the last chunk, the free bytes.
const HEAD_LEN: usize = 16;
/// Bytes of a set in the directory.
pub(super) const SET_LEN: usize = 24;
/// Bytes of a container in its set's list.
pub(super) const ENTRY_LEN: usize = 8;
/// Where the bits of a kind start in a container's place; the rest counts pairs of bytes.
pub(super) const KIND_SHIFT: u32 = 30;
const PLACE_MASK: u32 = (1 << KIND_SHIFT) - 1;
pub(super) const PLACE_UNIT: usize = 2;
pub(super) const BITSET_LEN: usize = packed_len(CHUNK_SIZE, 1);
pub(super) const BITSET_ALIGN: usize = 64;

// The largest set, all bitsets, has its places within reach.
const _: () = assert!((BITSET_LEN + ENTRY_LEN) << 16 <= (PLACE_MASK as usize) * PLACE_UNIT);

/// Sets of consumers numbered 0.., each as containers by chunk, read in place.
#[derive(Debug)]
pub struct IndexFile {
    file: BlockFile,
    sets: u32,
    chunk_end: u32,
    header: Range<usize>,
}

/// A position in one set that moves forward chunk by chunk.
#[derive(Debug, Clone)]
pub struct IndexCursor<'a> {
    file: &'a IndexFile,
    set: Set,
    /// The set's list of containers; empty until it was verified.
    entries: &'a [u8],
    /// The first container that the last chunk asked for does not lie behind.
    at: usize,
}

/// A set in the directory.
#[derive(Debug, Clone, Copy, Default)]
struct Set {
    /// Where it starts in the file.
    start: u64,
    cardinality: u64,
    containers: u32,
    /// Its length in units of 8 bytes.
    length: u32,
}

impl Set {
    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            start: u64_at(bytes, 0)?,
            cardinality: u64_at(bytes, 8)?,
            containers: u32_at(bytes, 16)?,
            length: u32_at(bytes, 20)?,
        })
    }

    fn range(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.start).ok()?;
        Some(start..start.checked_add((self.length as usize).checked_mul(8)?)?)
    }
}

/// A container in its set's list.
#[derive(Debug, Clone, Copy)]
struct Entry {
    chunk: u16,
    /// One less than how many members; for runs, than how many runs.
    count_less_one: u16,
    kind: Kind,
    /// From the set's start.
    place: usize,
}

/// How a container holds its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Bitset,
    Runs,
    Full,
}

impl Entry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let place = u32_at(bytes, 4)?;
        Some(Self {
            chunk: u16_at(bytes, 0)?,
            count_less_one: u16_at(bytes, 2)?,
            kind: match place >> KIND_SHIFT {
                0 => Kind::Array,
                1 => Kind::Bitset,
                2 => Kind::Runs,
                _ => Kind::Full,
            },
            place: (place & PLACE_MASK) as usize * PLACE_UNIT,
        })
    }
}

impl IndexFile {
    /// Maps an index file.
    ///
    /// # Errors
    /// When it is no index file, of another version, corrupt, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Self::new(BlockFile::open(FileKind::Index, path)?)
    }

    /// An index file that was mapped already.
    ///
    /// # Errors
    /// When it is no index file, of another version, or corrupt.
    pub fn from_mapping(mapping: Mapping, path: PathBuf) -> Result<Self, FileError> {
        Self::new(BlockFile::new(FileKind::Index, Bytes::Map(mapping), path)?)
    }

    /// An index file in memory. The name stands in errors.
    ///
    /// # Errors
    /// When it is no index file, of another version, or corrupt.
    pub fn from_bytes(bytes: Vec<u8>, name: PathBuf) -> Result<Self, FileError> {
        Self::new(BlockFile::new(FileKind::Index, Bytes::from_vec(bytes), name)?)
    }

    fn new(file: BlockFile) -> Result<Self, FileError> {
        let directory = file.directory();
        let field = |at| u32_at(directory, at);
        let (Some(sets), Some(chunk_end), Some(length)) = (field(0), field(4), field(8)) else {
            return Err(file.corrupt(file.directory_at(), "the directory is too short").into());
        };
        let head_len = (sets as usize).saturating_mul(SET_LEN).saturating_add(HEAD_LEN);
        let total = head_len.saturating_add(length as usize);
        if total != directory.len() || chunk_end as usize > CHUNK_SIZE {
            let what = "the directory's length is not that of its sets";
            return Err(file.corrupt(file.directory_at(), what).into());
        }
        let all = directory.get(HEAD_LEN..head_len).unwrap_or_default();
        for bytes in all.chunks_exact(SET_LEN) {
            let set = Set::read(bytes).unwrap_or_default();
            let list = (set.containers as usize).saturating_mul(ENTRY_LEN);
            let fits = |range: Range<usize>| {
                range.start >= HEADER_LEN && range.end <= file.body_len() && list <= range.len()
            };
            if !set.range().is_some_and(fits) || set.containers as usize > CHUNK_SIZE {
                return Err(file.corrupt(file.directory_at(), "a set is outside the file").into());
            }
        }
        Ok(Self { sets, chunk_end, header: head_len..total, file })
    }

    /// How many sets.
    #[must_use]
    pub fn sets(&self) -> u32 {
        self.sets
    }

    /// Members of a set, all chunks together; 0 for a set that does not exist.
    #[must_use]
    pub fn cardinality(&self, set: u32) -> u64 {
        self.set(set).cardinality
    }

    /// Bytes of a set in the file.
    #[must_use]
    pub fn set_bytes(&self, set: u32) -> u64 {
        u64::from(self.set(set).length) * 8
    }

    /// The header's free bytes, as given to the builder.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        self.file.directory().get(self.header.clone()).unwrap_or_default()
    }

    /// One more than the largest chunk with a member in any set.
    #[must_use]
    pub fn chunk_end(&self) -> u32 {
        self.chunk_end
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.len()
    }

    /// The file's name.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The random number it was built with.
    #[must_use]
    pub fn file_id(&self) -> u64 {
        self.file.file_id()
    }

    /// Verifies every byte against its checksum.
    ///
    /// # Errors
    /// Names the first block that does not match.
    pub fn verify(&self) -> Result<(), CorruptError> {
        self.file.verify()
    }

    /// The file below.
    pub(crate) fn block_file(&self) -> &BlockFile {
        &self.file
    }

    /// How many chunks have members of a set, and where the set starts in the file.
    pub(crate) fn containers(&self, set: u32) -> (u32, u64) {
        let set = self.set(set);
        (set.containers, set.start)
    }

    /// A cursor over one set. A set that does not exist is empty.
    #[must_use]
    pub fn cursor(&self, set: u32) -> IndexCursor<'_> {
        IndexCursor { file: self, set: self.set(set), entries: &[], at: 0 }
    }

    /// A set's members as one bitmap.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn read_set(&self, set: u32) -> Result<RoaringBitmap, CorruptError> {
        let mut members = RoaringBitmap::new();
        let mut cursor = self.cursor(set);
        let mut next = cursor.next_chunk(0)?;
        while let Some(chunk) = next {
            if let Some(container) = cursor.chunk(chunk)? {
                let ids = container.iter().map(|low| chunk << 16 | u32::from(low));
                // Arrays may hold anything that carries the right checksum.
                members.extend(ids);
            }
            next = cursor.next_chunk(chunk + 1)?;
        }
        Ok(members)
    }

    fn set(&self, set: u32) -> Set {
        let at = HEAD_LEN + set as usize * SET_LEN;
        let bytes = self.file.directory().get(at..self.header.start);
        bytes.and_then(Set::read).unwrap_or_default()
    }
}

impl<'a> IndexCursor<'a> {
    /// The members in a chunk. Ascending order is fastest.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    #[inline]
    pub fn chunk(&mut self, chunk: u32) -> Result<Option<Container<'a>>, CorruptError> {
        self.chunk_ahead(chunk, &mut Ahead::default())
    }

    /// The same, where what comes next may be loaded beside something else.
    ///
    /// # Errors
    /// As [`Self::chunk`].
    #[inline]
    pub fn chunk_ahead(
        &mut self,
        chunk: u32,
        ahead: &mut Ahead,
    ) -> Result<Option<Container<'a>>, CorruptError> {
        match self.seek(chunk)? {
            Some(entry) if u32::from(entry.chunk) == chunk => {
                // The memory cannot guess where the next chunk's members are.
                if let Some(next) = self.entry(self.at + 1).and_then(|next| self.bytes(next)) {
                    ahead.add(self.file.file.raw().get(next).unwrap_or_default());
                }
                self.container(entry).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The first chunk number from `chunk` on that has members.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    #[inline]
    pub fn next_chunk(&mut self, chunk: u32) -> Result<Option<u32>, CorruptError> {
        Ok(self.seek(chunk)?.map(|entry| u32::from(entry.chunk)))
    }

    /// Moves to the first container at a chunk or after it.
    #[inline]
    fn seek(&mut self, chunk: u32) -> Result<Option<Entry>, CorruptError> {
        if self.entries.is_empty() {
            let start = usize::try_from(self.set.start).unwrap_or(usize::MAX);
            let length = self.set.containers as usize * ENTRY_LEN;
            if length == 0 {
                return Ok(None);
            }
            self.entries = self.file.file.get(start..start.saturating_add(length))?;
        }
        let count = self.entries.len() / ENTRY_LEN;
        if self.at > 0 && self.number(self.at - 1) >= chunk {
            self.at = self.search(0, self.at, chunk);
        }
        // Steps that double reach far places soon and the next ones at once.
        let (mut low, mut step) = (self.at, 1);
        while low < count && self.number(low) < chunk {
            self.at = low + 1;
            low += step;
            step *= 2;
        }
        self.at = self.search(self.at, low.min(count), chunk);
        Ok(self.entry(self.at))
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        Entry::read(self.entries.get(at * ENTRY_LEN..)?)
    }

    fn number(&self, at: usize) -> u32 {
        self.entries.get(at * ENTRY_LEN..).and_then(|bytes| u16_at(bytes, 0)).map_or(0, u32::from)
    }

    /// The first container of a range at a chunk or after it.
    fn search(&self, mut from: usize, mut to: usize, chunk: u32) -> usize {
        while from < to {
            let middle = from.midpoint(to);
            if self.number(middle) < chunk {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from
    }

    /// Where a container is in the file, if it is in its set.
    fn bytes(&self, entry: Entry) -> Option<Range<usize>> {
        let set = self.set.range()?;
        let at = set.start + entry.place;
        let count = usize::from(entry.count_less_one) + 1;
        let length = match entry.kind {
            Kind::Array => count * 2,
            Kind::Bitset => BITSET_LEN,
            Kind::Runs => count * 4,
            Kind::Full => 0,
        };
        (at + length <= set.end).then(|| at..at + length)
    }

    fn container(&self, entry: Entry) -> Result<Container<'a>, CorruptError> {
        let file = &self.file.file;
        let count = usize::from(entry.count_less_one) + 1;
        let Some(range) = self.bytes(entry) else {
            let start = self.set.range().unwrap_or_default().start;
            return Err(file.corrupt(start + entry.place, "a container is outside its set"));
        };
        let at = range.start;
        let bytes = file.get(range)?;
        match entry.kind {
            Kind::Array => positions_at(bytes, 0, count).map(Container::Array),
            Kind::Bitset => bits_at(bytes, 0).map(Container::Bitset),
            Kind::Runs => runs_at(bytes, 0, count).map(Container::Runs),
            Kind::Full => Some(Container::Full),
        }
        .ok_or_else(|| file.corrupt(at, "a container does not decode"))
    }
}
