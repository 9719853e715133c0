//! Where what stands in a segment file. See docs/format.md.

#![deny(clippy::indexing_slicing)]

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::segment::ColumnSet;

/// Bytes of the directory before its lanes.
pub(super) const DIRECTORY_HEAD_LEN: usize = 32;
/// Bytes of a lane in the directory.
pub(super) const LANE_LEN: usize = 40;
/// Bytes of a page in its lane's list of pages.
pub(super) const PAGE_LEN: usize = 16;
/// Bytes of the head of a page, before its columns' descriptors.
pub(super) const PAGE_HEAD_LEN: usize = 12;
/// Bytes of a column's descriptor in a page.
pub(super) const COLUMN_LEN: usize = 8;
/// Bytes of the bitset of a chunk.
pub(super) const BITSET_LEN: usize = 1 << 13;
/// Offsets of lanes and pages count units of this many bytes.
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
#[derive(Debug, Clone, Copy, Default)]
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
    /// In units.
    pub(super) offset: u64,
    /// Its length in units.
    pub(super) length: u32,
}

impl LaneEntry {
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
            offset: u64_at(entry, 28)?,
            length: u32_at(entry, 36)?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.brand.to_le_bytes());
        out.extend_from_slice(&self.behaviour.to_le_bytes());
        out.extend_from_slice(&self.columns.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.consumers.to_le_bytes());
        out.extend_from_slice(&self.first_day.to_le_bytes());
        out.extend_from_slice(&self.last_day.to_le_bytes());
        out.extend_from_slice(&self.first_chunk.to_le_bytes());
        out.extend_from_slice(&self.last_chunk.to_le_bytes());
        out.extend_from_slice(&self.pages.to_le_bytes());
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
    }

    /// Where its bytes are in the file.
    pub(super) fn range(&self) -> std::ops::Range<usize> {
        let at = |units: u64| usize::try_from(units).unwrap_or(usize::MAX).saturating_mul(UNIT);
        at(self.offset)..at(self.offset.saturating_add(u64::from(self.length)))
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
    fn read(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::List,
            1 => Self::Bitset,
            2 => Self::Runs,
            3 => Self::Full,
            _ => return None,
        })
    }

    fn code(self) -> u8 {
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

/// The head of a page.
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
    /// How many columns are stored.
    pub(super) columns: u8,
}

impl PageHead {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<PAGE_HEAD_LEN>()?;
        let [.., low_bits, repeats, repeat_bits, columns] = *head;
        Some(Self {
            base: u32_at(head, 0)?,
            span: u32_at(head, 4)?,
            low_bits,
            repeats: match repeats {
                0 => Repeats::None,
                1 => Repeats::Packed,
                2 => Repeats::Listed,
                _ => return None,
            },
            repeat_bits,
            columns,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let repeats = match self.repeats {
            Repeats::None => 0,
            Repeats::Packed => 1,
            Repeats::Listed => 2,
        };
        out.extend_from_slice(&self.base.to_le_bytes());
        out.extend_from_slice(&self.span.to_le_bytes());
        out.extend_from_slice(&[self.low_bits, repeats, self.repeat_bits, self.columns]);
    }
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
    /// Its place in [`COLUMNS`].
    pub(super) column: u8,
    pub(super) encoding: Encoding,
    /// Bits of a row's value or code.
    pub(super) bits: u8,
    /// Bits of a dictionary's value.
    pub(super) value_bits: u8,
    /// The base when it fits and there is no dictionary; else the dictionary's length, or 0, and
    /// the base is the stream's first eight bytes.
    pub(super) small: u32,
    pub(super) base_at: BaseAt,
}

/// Where the base of a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseAt {
    /// In the descriptor.
    Descriptor,
    /// In the first eight bytes of its stream.
    Stream,
}

impl ColumnHead {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let head = bytes.first_chunk::<COLUMN_LEN>()?;
        let [column, encoding, bits, value_bits, ..] = *head;
        let (encoding, base_at) = match encoding {
            0 => (Encoding::Constant, BaseAt::Descriptor),
            1 => (Encoding::Packed, BaseAt::Descriptor),
            4 => (Encoding::Constant, BaseAt::Stream),
            5 => (Encoding::Packed, BaseAt::Stream),
            6 => (Encoding::Dictionary, BaseAt::Stream),
            _ => return None,
        };
        let small = u32_at(head, 4)?;
        Some(Self { column, encoding, bits, value_bits, small, base_at })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let encoding = match self.encoding {
            Encoding::Constant => 0,
            Encoding::Packed => 1,
            Encoding::Dictionary => 2,
        } + match self.base_at {
            BaseAt::Descriptor => 0,
            BaseAt::Stream => 4,
        };
        out.extend_from_slice(&[self.column, encoding, self.bits, self.value_bits]);
        out.extend_from_slice(&self.small.to_le_bytes());
    }
}
