//! Making index files.

use crate::block::{FileKind, HEADER_LEN, seal};
use crate::bytes::align;
use crate::container::{CHUNK_SIZE, runs_of};
use crate::index::reader::{
    BITSET_ALIGN, BITSET_LEN, ENTRY_LEN, KIND_SHIFT, Kind, PLACE_UNIT, SET_LEN,
};

/// Makes the bytes of an index file.
#[derive(Debug)]
pub struct IndexBuilder {
    header: Vec<u8>,
    body: Vec<u8>,
    sets: Vec<u8>,
    chunk_end: u32,
    /// Members of the present chunk.
    low: Vec<u16>,
    parts: Parts,
}

/// A set in the making: places are known only once all its containers are.
#[derive(Debug, Default)]
struct Parts {
    /// Chunk, count less one, kind, and the place in `bitsets` or `small`.
    entries: Vec<(u16, u16, Kind, usize)>,
    bitsets: Vec<u8>,
    small: Vec<u8>,
    cardinality: u64,
}

impl IndexBuilder {
    /// An index without sets. The header's bytes are the caller's own.
    #[must_use]
    pub fn new(header: Vec<u8>) -> Self {
        Self {
            header,
            body: vec![0; HEADER_LEN],
            sets: Vec::new(),
            chunk_end: 0,
            low: Vec::new(),
            parts: Parts::default(),
        }
    }

    /// Adds a set of strictly ascending members. Sets are numbered in the order they are added.
    ///
    /// # Panics
    /// When the members do not ascend.
    pub fn add_set(&mut self, members: impl IntoIterator<Item = u32>) {
        self.low.clear();
        let mut chunk = 0;
        let mut before = None;
        for member in members {
            assert!(before < Some(member), "the members of a set ascend");
            before = Some(member);
            let [.., high, top] = member.to_le_bytes();
            let [low, next, ..] = member.to_le_bytes();
            let number = u16::from_le_bytes([high, top]);
            if number != chunk {
                self.parts.add(chunk, &self.low);
                self.low.clear();
                chunk = number;
            }
            self.low.push(u16::from_le_bytes([low, next]));
        }
        self.parts.add(chunk, &self.low);
        if let Some(last) = before {
            self.chunk_end = self.chunk_end.max((last >> 16) + 1);
        }
        self.write_set();
    }

    /// Appends the set in the making.
    fn write_set(&mut self) {
        let parts = &mut self.parts;
        align(&mut self.body, if parts.bitsets.is_empty() { 8 } else { BITSET_ALIGN });
        let start = self.body.len();
        let list = parts.entries.len() * ENTRY_LEN;
        let bitsets =
            if parts.bitsets.is_empty() { list } else { list.next_multiple_of(BITSET_ALIGN) };
        let small = bitsets + parts.bitsets.len();
        for &(chunk, count_less_one, kind, place) in &parts.entries {
            let (code, place) = match kind {
                Kind::Array => (0_u32, small + place),
                Kind::Bitset => (1, bitsets + place),
                Kind::Runs => (2, small + place),
                Kind::Full => (3, 0),
            };
            let place = u32::try_from(place / PLACE_UNIT).expect("the largest set is in reach");
            self.body.extend_from_slice(&chunk.to_le_bytes());
            self.body.extend_from_slice(&count_less_one.to_le_bytes());
            self.body.extend_from_slice(&(code << KIND_SHIFT | place).to_le_bytes());
        }
        self.body.resize(start + bitsets, 0);
        self.body.append(&mut parts.bitsets);
        self.body.append(&mut parts.small);
        align(&mut self.body, 8);
        let count = u32::try_from(parts.entries.len()).expect("a set has 65,536 chunks at most");
        let units = (self.body.len() - start) / 8;
        let length = u32::try_from(units).expect("a set is smaller than 32 GiB");
        self.sets.extend_from_slice(&(start as u64).to_le_bytes());
        self.sets.extend_from_slice(&parts.cardinality.to_le_bytes());
        self.sets.extend_from_slice(&count.to_le_bytes());
        self.sets.extend_from_slice(&length.to_le_bytes());
        parts.entries.clear();
        parts.cardinality = 0;
    }

    /// The bytes of the file. The checksums bind every block to the random `file_id`.
    #[must_use]
    pub fn finish(mut self, file_id: u64) -> Vec<u8> {
        align(&mut self.body, 8);
        let start = self.body.len();
        let sets = u32::try_from(self.sets.len() / SET_LEN).expect("below 2^32 sets");
        let header = u32::try_from(self.header.len()).expect("the header is below 4 GiB");
        for field in [sets, self.chunk_end, header, 0] {
            self.body.extend_from_slice(&field.to_le_bytes());
        }
        self.body.append(&mut self.sets);
        self.body.append(&mut self.header);
        let end = self.body.len();
        seal(FileKind::Index, file_id, self.body, start..end)
    }
}

impl Parts {
    /// Adds the members of a chunk in their smallest form.
    fn add(&mut self, chunk: u16, low: &[u16]) {
        let Some(less_one) = low.len().checked_sub(1).and_then(|n| u16::try_from(n).ok()) else {
            return;
        };
        self.cardinality += low.len() as u64;
        if low.len() == CHUNK_SIZE {
            self.entries.push((chunk, less_one, Kind::Full, 0));
            return;
        }
        let plain = (low.len() * 2).min(BITSET_LEN);
        let adjacent = |pair: &[u16; 2]| pair[1] - pair[0] == 1;
        let runs = low.len() - low.array_windows().filter(|pair| adjacent(pair)).count();
        if runs * 4 < plain {
            let place = self.small.len();
            for run in runs_of(low.iter().copied()) {
                self.small.extend_from_slice(&run.first.to_le_bytes());
                self.small.extend_from_slice(&run.last.to_le_bytes());
            }
            let runs_less_one = u16::try_from(runs - 1).unwrap_or(u16::MAX);
            self.entries.push((chunk, runs_less_one, Kind::Runs, place));
        } else if low.len() * 2 <= BITSET_LEN {
            self.entries.push((chunk, less_one, Kind::Array, self.small.len()));
            low.iter().for_each(|low| self.small.extend_from_slice(&low.to_le_bytes()));
        } else {
            let place = self.bitsets.len();
            self.entries.push((chunk, less_one, Kind::Bitset, place));
            self.bitsets.resize(place + BITSET_LEN, 0);
            let bytes = self.bitsets.split_at_mut(place).1;
            for &low in low {
                if let Some(byte) = bytes.get_mut(usize::from(low / 8)) {
                    *byte |= 1 << (low % 8);
                }
            }
        }
    }
}
