//! Lanes opened by one worker, and the memory in which their rows are counted.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use throng_storage::segment::{
    ColumnSet, Lane, LaneChunk, LaneCursor, RowBuffer, Rows, WindowRows,
};

use crate::error::ExecuteError;
use crate::exec::listed::each_lane;
use crate::exec::program::LaneChoice;
use crate::exec::trace::Touched;
use crate::view::View;

/// One lane of one segment, read forward chunk by chunk.
#[derive(Debug)]
pub struct LaneReader<'v> {
    cursor: LaneCursor<'v>,
    first_chunk: u32,
    last_chunk: u32,
    /// Whose events.
    pub brand: u32,
    /// Which behaviour.
    pub behaviour: u16,
    /// Day of its earliest row.
    pub first_day: i32,
    /// Day of its latest row.
    pub last_day: i32,
    /// Whether some row counts for more than one.
    pub has_counts: bool,
    /// The rows decoded last, and of which chunk and days.
    window: WindowRows,
    decoded: Option<(u32, RangeInclusive<i32>)>,
    /// All rows of a chunk by day, once several windows of it were asked for.
    whole: WindowRows,
    /// Which chunk was asked for last, and for how many windows.
    asked: (u32, u32),
}

/// From this many windows of a chunk on its rows are decoded once for all of them.
const WINDOWS_MANY: u32 = 3;

/// The place of a lane in [`Lanes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneId(usize);

/// The lanes of one worker: each is opened once, however many leaves read it, and what one leaf
/// decoded of a chunk is there for the next.
#[derive(Debug, Default)]
pub struct Lanes<'v> {
    readers: Vec<LaneReader<'v>>,
    /// By segment, brand and behaviour.
    places: HashMap<(usize, u32, u16), LaneId>,
}

/// Memory that a leaf uses within one chunk. Between chunks every array is at rest: all zero.
#[derive(Debug)]
pub struct Scratch {
    /// Decoded rows.
    pub rows: RowBuffer,
    /// Per position: a counter, a day, a time.
    pub numbers: Vec<u64>,
    /// Per position: money.
    pub sums: Vec<i128>,
    /// Positions whose number or sum is not at rest, or may not be.
    pub lows: Vec<u16>,
    /// (position, day) pairs, as 16 bits each.
    pub pairs: Vec<u32>,
}

const POSITIONS: usize = throng_storage::container::CHUNK_SIZE;

impl Default for Scratch {
    fn default() -> Self {
        Self {
            rows: RowBuffer::default(),
            numbers: vec![0; POSITIONS],
            sums: Vec::new(),
            lows: Vec::new(),
            pairs: Vec::new(),
        }
    }
}

impl Scratch {
    /// The sums, allocated at their first use.
    pub fn sums(&mut self) -> &mut Vec<i128> {
        if self.sums.is_empty() {
            self.sums = vec![0; POSITIONS];
        }
        &mut self.sums
    }
}

impl<'v> LaneReader<'v> {
    /// Opens a lane.
    pub fn new(lane: Lane<'v>) -> Self {
        let (first_chunk, last_chunk) = lane.chunks();
        Self {
            cursor: lane.cursor(),
            first_chunk,
            last_chunk,
            brand: lane.brand(),
            behaviour: lane.behaviour(),
            first_day: lane.first_day(),
            last_day: lane.last_day(),
            has_counts: lane.columns().has(ColumnSet::COUNT),
            window: WindowRows::default(),
            decoded: None,
            whole: WindowRows::default(),
            asked: (u32::MAX, 0),
        }
    }

    /// The chunk, if it has rows.
    ///
    /// # Errors
    /// When its bytes are corrupt.
    pub fn chunk(&mut self, chunk: u32) -> Result<Option<LaneChunk<'_>>, ExecuteError> {
        if chunk < self.first_chunk || chunk > self.last_chunk {
            return Ok(None);
        }
        Ok(self.cursor.chunk(chunk)?)
    }

    /// The chunk's rows on some days, by consumer and day or by day and consumer.
    ///
    /// # Errors
    /// When its bytes are corrupt.
    pub fn window(
        &mut self,
        chunk: u32,
        days: &RangeInclusive<i32>,
        touched: &mut Touched,
    ) -> Result<Rows<'_>, ExecuteError> {
        if self.decoded.as_ref().is_some_and(|(at, of)| *at == chunk && of == days) {
            return Ok(self.window.rows());
        }
        self.asked = (chunk, if self.asked.0 == chunk { self.asked.1 + 1 } else { 1 });
        if self.asked.1 < WINDOWS_MANY {
            self.decoded = None;
            let mut window = std::mem::take(&mut self.window);
            self.decode(chunk, days, &mut window, touched)?;
            self.window = window;
            self.decoded = Some((chunk, days.clone()));
            return Ok(self.window.rows());
        }
        if self.asked.1 == WINDOWS_MANY {
            self.decoded = None;
            let mut whole = std::mem::take(&mut self.whole);
            self.decode(chunk, &(i32::MIN..=i32::MAX), &mut whole, touched)?;
            whole.sort_by_day(&mut self.window);
            self.whole = whole;
        }
        Ok(self.whole.of_days(days))
    }

    fn decode(
        &mut self,
        chunk: u32,
        days: &RangeInclusive<i32>,
        window: &mut WindowRows,
        touched: &mut Touched,
    ) -> Result<(), ExecuteError> {
        match self.chunk(chunk)? {
            Some(part) => {
                part.decode_days(days, window)?;
                touched.rows(&part);
            }
            None => window.clear(),
        }
        Ok(())
    }

    /// Whether every row's day lies between two days.
    pub fn within(&self, first: i32, last: i32) -> bool {
        first <= self.first_day && self.last_day <= last
    }
}

impl<'v> Lanes<'v> {
    /// A lane that was opened.
    pub fn get(&mut self, id: LaneId) -> &mut LaneReader<'v> {
        &mut self.readers[id.0]
    }

    /// Opens the lanes chosen, of every segment, that have a row between two days; by first day
    /// of the segment.
    pub fn open(
        &mut self,
        view: &'v View,
        choice: &LaneChoice,
        first: i32,
        last: i32,
    ) -> Vec<LaneId> {
        let mut opened = Vec::new();
        each_lane(view, choice, &(first..=last), &mut |segment, lane| {
            opened.push(self.open_one(segment, lane));
        });
        opened
    }

    fn open_one(&mut self, segment: usize, lane: Lane<'v>) -> LaneId {
        let readers = &mut self.readers;
        *self.places.entry((segment, lane.brand(), lane.behaviour())).or_insert_with(|| {
            readers.push(LaneReader::new(lane));
            LaneId(readers.len() - 1)
        })
    }
}
