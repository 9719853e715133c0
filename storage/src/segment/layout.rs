//! Where what stands in a segment file. See docs/format.md.

#![deny(clippy::indexing_slicing)]

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::segment::ColumnSet;

/// The first version whose directories are packed, whose lanes of one page have no list of pages,
/// and whose heads of pages are short.
pub(super) const VERSION_PACKED: u32 = 2;
/// Bytes of the directory before its lanes.
pub(super) const DIRECTORY_HEAD_LEN: usize = 32;
/// Bytes of a lane in a directory of version 1.
pub(super) const LANE_LEN: usize = 40;
/// Bytes of a page in its lane's list of pages.
pub(super) const PAGE_LEN: usize = 16;
/// Bytes of the bitset of a chunk.
pub(super) const BITSET_LEN: usize = 1 << 13;
/// Offsets of pages count units of this many bytes, and in version 1 those of lanes.
pub(super) const UNIT: usize = 8;
/// Where bitsets are aligned in the file: a cache line.
pub(super) const BITSET_ALIGN: usize = 64;
/// The last day a segment can hold: 2149-06-05.
pub(super) const DAY_MAX: u16 = 65_534;

/// The columns of a row beside its consumer, in the file's order.
pub(super) const COLUMNS: [ColumnSet; 8] = [
    ColumnSet::DAY,
    ColumnSet::SECOND,
    ColumnSet::COUNT,
    ColumnSet::TOUCHPOINT,
    ColumnSet::CATEGORY,
    ColumnSet::ITEM,
    ColumnSet::ORDER,
    ColumnSet::AMOUNT,
];

/// The value of a column where none is stored. A day's is 0 days after the lane's first.
pub(super) const fn default_of(column: usize) -> i64 {
    if column == COUNT { 1 } else { 0 }
}

/// The places in [`COLUMNS`].
pub(super) const DAY: usize = 0;
pub(super) const SECOND: usize = 1;
pub(super) const COUNT: usize = 2;
pub(super) const TOUCHPOINT: usize = 3;
pub(super) const CATEGORY: usize = 4;
pub(super) const ITEM: usize = 5;
pub(super) const ORDER: usize = 6;
pub(super) const AMOUNT: usize = 7;

/// The head of the directory.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DirectoryHead {
    pub(super) rows: u64,
    pub(super) lanes: u32,
    /// 1 when one more lane follows the others: the presence lane.
    pub(super) presence: u32,
    pub(super) chunk_end: u32,
    pub(super) first_day: u16,
    pub(super) last_day: u16,
    /// The number of the newest file whose events are in it; 0 stands for its own.
    pub(super) arrival: u64,
}

impl DirectoryHead {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<DIRECTORY_HEAD_LEN>()?;
        Some(Self {
            rows: u64_at(head, 0)?,
            lanes: u32_at(head, 8)?,
            presence: u32_at(head, 12)?,
            chunk_end: u32_at(head, 16)?,
            first_day: u16_at(head, 20)?,
            last_day: u16_at(head, 22)?,
            arrival: u64_at(head, 24)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.lanes.to_le_bytes());
        out.extend_from_slice(&self.presence.to_le_bytes());
        out.extend_from_slice(&self.chunk_end.to_le_bytes());
        out.extend_from_slice(&self.first_day.to_le_bytes());
        out.extend_from_slice(&self.last_day.to_le_bytes());
        out.extend_from_slice(&self.arrival.to_le_bytes());
    }
}

/// A lane in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LaneEntry {
    pub(super) brand: u32,
    pub(super) behaviour: u16,
    pub(super) columns: u16,
    pub(super) rows: u32,
    pub(super) consumers: u32,
    pub(super) first_day: u16,
    pub(super) last_day: u16,
    pub(super) first_chunk: u16,
    pub(super) last_chunk: u16,
    pub(super) pages: u32,
    /// How its only page holds its consumers, where there is one page and no list of pages.
    pub(super) only: Option<PageKind>,
    /// Where it begins in the file.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) length: u64,
}

impl LaneEntry {
    /// Reads an entry of version 1.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let entry = bytes.first_chunk::<LANE_LEN>()?;
        Some(Self {
            brand: u32_at(entry, 0)?,
            behaviour: u16_at(entry, 4)?,
            columns: u16_at(entry, 6)?,
            rows: u32_at(entry, 8)?,
            consumers: u32_at(entry, 12)?,
            first_day: u16_at(entry, 16)?,
            last_day: u16_at(entry, 18)?,
            first_chunk: u16_at(entry, 20)?,
            last_chunk: u16_at(entry, 22)?,
            pages: u32_at(entry, 24)?,
            only: None,
            offset: u64_at(entry, 28)?.checked_mul(UNIT as u64)?,
            length: u64::from(u32_at(entry, 36)?) * UNIT as u64,
        })
    }

    /// Where its bytes are in the file.
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX);
        at(self.offset)..at(self.offset.saturating_add(self.length))
    }

    /// Bytes of its list of pages.
    pub(super) fn list_len(&self) -> usize {
        match self.only {
            Some(_) => 0,
            None => (self.pages as usize).saturating_mul(PAGE_LEN),
        }
    }

    /// Its only page, where it has no list of pages.
    pub(super) fn only_page(&self) -> Option<PageEntry> {
        Some(PageEntry {
            first_chunk: self.first_chunk,
            last_chunk: self.last_chunk,
            rows: self.rows,
            consumers_less_one: u16::try_from(self.consumers.checked_sub(1)?).ok()?,
            kind: self.only?,
            offset: 0,
        })
    }

    /// Order of lanes in the directory.
    pub(super) fn key(&self) -> (u32, u16) {
        (self.brand, self.behaviour)
    }
}

/// How a page holds its distinct consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum PageKind {
    /// An ascending list.
    #[default]
    List,
    /// One bit per position of one chunk.
    Bitset,
    /// Runs of one chunk, in place.
    Runs,
    /// All of one chunk.
    Full,
}

impl PageKind {
    pub(super) fn read(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::List,
            1 => Self::Bitset,
            2 => Self::Runs,
            3 => Self::Full,
            _ => return None,
        })
    }

    pub(super) fn code(self) -> u8 {
        match self {
            Self::List => 0,
            Self::Bitset => 1,
            Self::Runs => 2,
            Self::Full => 3,
        }
    }
}

/// A page in its lane's list.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PageEntry {
    pub(super) first_chunk: u16,
    pub(super) last_chunk: u16,
    pub(super) rows: u32,
    /// One less than how many distinct consumers.
    pub(super) consumers_less_one: u16,
    pub(super) kind: PageKind,
    /// From the lane's start, in units.
    pub(super) offset: u32,
}

impl PageEntry {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let entry = bytes.first_chunk::<PAGE_LEN>()?;
        Some(Self {
            first_chunk: u16_at(entry, 0)?,
            last_chunk: u16_at(entry, 2)?,
            rows: u32_at(entry, 4)?,
            consumers_less_one: u16_at(entry, 8)?,
            kind: PageKind::read(*entry.get(10)?)?,
            offset: u32_at(entry, 12)?,
        })
    }

    pub(super) fn write(&self) -> [u8; PAGE_LEN] {
        let [a, b] = self.first_chunk.to_le_bytes();
        let [c, d] = self.last_chunk.to_le_bytes();
        let [e, f, g, h] = self.rows.to_le_bytes();
        let [i, j] = self.consumers_less_one.to_le_bytes();
        let [k, l, m, n] = self.offset.to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, self.kind.code(), 0, k, l, m, n]
    }

    /// How many distinct consumers.
    pub(super) fn consumers(&self) -> u32 {
        u32::from(self.consumers_less_one) + 1
    }
}

/// How a page says which consumers have several rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Repeats {
    /// None has.
    #[default]
    None,
    /// Rows less one, per consumer, packed.
    Packed,
    /// An ascending list of the rows whose consumer is that of the row before.
    Listed,
}

/// The head of a page. See `head` for its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PageHead {
    /// Lists: the first consumer.
    pub(super) base: u32,
    /// Lists: the last consumer less the first. Runs: how many.
    pub(super) span: u32,
    /// Lists: bits of the packed part.
    pub(super) low_bits: u8,
    pub(super) repeats: Repeats,
    /// Bits of a packed repeat, or of the packed part of a listed one.
    pub(super) repeat_bits: u8,
}

/// How a page holds a column that is not everywhere the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// One value for all rows: the base.
    Constant,
    /// What each row adds to the base, packed.
    Packed,
    /// The page's distinct values packed (less the base), then a packed code per row.
    Dictionary,
}

/// A column's descriptor.
#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnHead {
    pub(super) encoding: Encoding,
    /// Bits of a row's value or code.
    pub(super) bits: u8,
    /// Bits of a dictionary's value.
    pub(super) value_bits: u8,
    /// How many values its dictionary has.
    pub(super) values: u32,
    /// What values add to; none when it is the first eight bytes of the column's stream.
    pub(super) base: Option<i64>,
}
