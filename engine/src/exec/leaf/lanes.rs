//! Lanes opened by one worker, and the memory in which their rows are counted.

use throng_storage::segment::{LaneChunk, LaneCursor, RowBuffer};

use crate::error::ExecuteError;
use crate::exec::program::LaneChoice;
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
    /// (position, day) pairs.
    pub pairs: Vec<u64>,
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
    pub fn new(lane: throng_storage::segment::Lane<'v>) -> Self {
        let (first_chunk, last_chunk) = lane.chunks();
        Self {
            cursor: lane.cursor(),
            first_chunk,
            last_chunk,
            brand: lane.brand(),
            behaviour: lane.behaviour(),
            first_day: lane.first_day(),
            last_day: lane.last_day(),
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

    /// Whether every row's day lies between two days.
    pub fn within(&self, first: i32, last: i32) -> bool {
        first <= self.first_day && self.last_day <= last
    }
}

/// The lanes chosen, of every segment, that have a row between two days.
pub fn open_lanes<'v>(
    view: &'v View,
    choice: &LaneChoice,
    first: i32,
    last: i32,
) -> Vec<LaneReader<'v>> {
    let mut lanes = Vec::new();
    for segment in view.snapshot().segments() {
        if segment.last_day() < first || segment.first_day() > last {
            continue;
        }
        let mut take = |lane: throng_storage::segment::Lane<'v>| {
            if lane.first_day() <= last && first <= lane.last_day() {
                lanes.push(LaneReader::new(lane));
            }
        };
        match choice.brand {
            Some(brand) if !choice.behaviours.is_empty() => {
                let chosen = choice.behaviours.iter().filter_map(|b| segment.lane(brand, *b));
                chosen.for_each(&mut take);
            }
            _ => segment
                .lanes()
                .filter(|lane| choice.brand.is_none_or(|brand| lane.brand() == brand))
                .filter(|lane| {
                    choice.behaviours.is_empty()
                        || choice.behaviours.binary_search(&lane.behaviour()).is_ok()
                })
                .for_each(&mut take),
        }
    }
    lanes
}
