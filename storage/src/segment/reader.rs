//! Reading lanes chunk by chunk.

use crate::container::Container;
use crate::error::CorruptError;

/// The behaviour id and brand id of the presence lane: see [`Segment::presence`].
#[derive(Debug)]
pub struct Segment;

/// All events of one (brand, behaviour) in one segment.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    segment: &'a Segment,
}

/// A position in a lane that moves forward chunk by chunk, with the scratch it decodes into.
#[derive(Debug)]
pub struct LaneCursor<'a> {
    lane: Lane<'a>,
}

/// One chunk of a lane: at least one row.
#[derive(Debug)]
pub struct LaneChunk<'c> {
    cursor: std::marker::PhantomData<&'c ()>,
}

/// Which columns to decode, beside the consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColumnSet(u16);

impl ColumnSet {
    /// No column but the consumers.
    pub const NONE: Self = Self(0);
    /// Days.
    pub const DAY: Self = Self(1);
    /// Seconds within the day.
    pub const SECOND: Self = Self(2);
    /// Counts.
    pub const COUNT: Self = Self(4);
    /// Touchpoints.
    pub const TOUCHPOINT: Self = Self(8);
    /// Categories.
    pub const CATEGORY: Self = Self(16);
    /// Items.
    pub const ITEM: Self = Self(32);
    /// Orders.
    pub const ORDER: Self = Self(64);
    /// Amounts.
    pub const AMOUNT: Self = Self(128);
    /// Every column.
    pub const ALL: Self = Self(255);

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every column of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Decoded rows of one chunk, ordered by (low, day, second). A column that was not asked for is
/// empty; a column asked for is always filled, also where the lane stores a constant.
#[derive(Debug, Default)]
pub struct RowBuffer {
    /// The low 16 bits of the consumer ids, ascending, repeated for consumers with several rows.
    pub low: Vec<u16>,
    /// Calendar days since 1970-01-01.
    pub day: Vec<i32>,
    /// Seconds within the day.
    pub second: Vec<u32>,
    /// Counts.
    pub count: Vec<u32>,
    /// Touchpoint ids, 0 for none.
    pub touchpoint: Vec<u32>,
    /// Category ids, 0 for none.
    pub category: Vec<u32>,
    /// Item ids, 0 for none.
    pub item: Vec<u32>,
    /// Order ids, 0 for none.
    pub order: Vec<u32>,
    /// Amounts in minor units.
    pub amount: Vec<i64>,
}

impl Segment {
    /// The first day of any event in it.
    pub fn first_day(&self) -> i32 {
        unimplemented!()
    }
    /// The last day of any event in it.
    pub fn last_day(&self) -> i32 {
        unimplemented!()
    }
    /// Events in it.
    pub fn rows(&self) -> u64 {
        unimplemented!()
    }
    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        unimplemented!()
    }
    /// The lane of a brand and behaviour, if it has rows.
    pub fn lane(&self, _brand: u32, _behaviour: u16) -> Option<Lane<'_>> {
        unimplemented!()
    }
    /// Every lane, ordered by (brand, behaviour), without the presence lane.
    pub fn lanes(&self) -> impl Iterator<Item = Lane<'_>> {
        std::iter::empty()
    }
    /// The presence lane: consumers with the day of their first event in this segment, at least of
    /// all those not seen in an earlier segment. The universe as of D is everyone with a presence
    /// row on or before D in any segment (and everyone known by attributes).
    pub fn presence(&self) -> Option<Lane<'_>> {
        unimplemented!()
    }
    /// One more than the largest chunk number with a row; 0 when there is none.
    pub fn chunk_end(&self) -> u32 {
        unimplemented!()
    }
}

impl<'a> Lane<'a> {
    /// Whose events.
    pub fn brand(&self) -> u32 {
        unimplemented!()
    }
    /// Which behaviour.
    pub fn behaviour(&self) -> u16 {
        unimplemented!()
    }
    /// Rows in it, at least 1.
    pub fn rows(&self) -> u64 {
        unimplemented!()
    }
    /// Day of its earliest row.
    pub fn first_day(&self) -> i32 {
        unimplemented!()
    }
    /// Day of its latest row.
    pub fn last_day(&self) -> i32 {
        unimplemented!()
    }
    /// The columns that vary in it. One that is absent has its default in every row.
    pub fn columns(&self) -> ColumnSet {
        unimplemented!()
    }
    /// Bytes of the lane in the file.
    pub fn bytes(&self) -> u64 {
        unimplemented!()
    }
    /// Chunk numbers that may have rows: first and last.
    pub fn chunks(&self) -> (u32, u32) {
        unimplemented!()
    }
    /// A cursor before its first chunk.
    pub fn cursor(self) -> LaneCursor<'a> {
        LaneCursor { lane: self }
    }
}

impl LaneCursor<'_> {
    /// The chunk, if it has rows. Chunks are asked for in ascending order; asking for an earlier
    /// one is allowed but costs a search.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn chunk(&mut self, _chunk: u32) -> Result<Option<LaneChunk<'_>>, CorruptError> {
        let _ = self.lane.segment;
        unimplemented!()
    }
}

impl LaneChunk<'_> {
    /// The distinct consumers.
    pub fn consumers(&self) -> Container<'_> {
        let _ = self.cursor;
        unimplemented!()
    }
    /// How many distinct consumers, without decoding.
    pub fn cardinality(&self) -> u32 {
        unimplemented!()
    }
    /// How many rows.
    pub fn rows(&self) -> u32 {
        unimplemented!()
    }
    /// Bytes this chunk takes in the file.
    pub fn bytes(&self) -> u32 {
        unimplemented!()
    }
    /// Decodes its rows, replacing what `out` held.
    ///
    /// # Errors
    /// When the bytes do not decode.
    pub fn decode(&self, _columns: ColumnSet, _out: &mut RowBuffer) -> Result<(), CorruptError> {
        unimplemented!()
    }
}
