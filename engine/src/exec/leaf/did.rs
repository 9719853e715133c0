//! Those who did something: once, n times, or on n days.

use throng_query::plan::AtLeast;
use throng_storage::segment::ColumnSet;

use super::Tools;
use super::lanes::{LaneReader, open_lanes};
use super::rows::RowTest;
use super::void::Voids;
use crate::error::ExecuteError;
use crate::exec::program::{LaneChoice, RowChoice};
use crate::exec::set::{ChunkSet, Pool, SetBuilder};
use crate::view::View;

/// The lanes of one DID.
#[derive(Debug)]
pub struct DidReader<'v> {
    /// Each lane with the void purchases of its brand, where they matter.
    lanes: Vec<(LaneReader<'v>, Option<usize>)>,
    at_least: AtLeast,
    rows: RowChoice,
}

impl<'v> DidReader<'v> {
    /// Opens the lanes that have rows on the days.
    pub fn open(
        view: &'v View,
        choice: &LaneChoice,
        at_least: AtLeast,
        rows: &RowChoice,
        voids: &mut Voids<'v>,
    ) -> Self {
        let buy = view.behaviour_id("buy");
        let lanes = open_lanes(view, choice, rows.first, rows.last)
            .into_iter()
            .map(|lane| {
                let void = (Some(lane.behaviour) == buy)
                    .then(|| voids.open(view, lane.brand, rows.as_of))
                    .flatten();
                (lane, void)
            })
            .collect();
        Self { lanes, at_least, rows: rows.clone() }
    }

    /// Its members in a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        match self.at_least {
            AtLeast::Times(1) | AtLeast::Days(1) => self.once(chunk, tools),
            AtLeast::Times(n) => self.times(chunk, n, tools),
            AtLeast::Days(2) => self.two_days(chunk, tools),
            AtLeast::Days(n) => self.days(chunk, n, tools),
        }
    }

    /// Whole lanes are united as they lie; only where some rows may not count are they decoded.
    fn once(&mut self, chunk: u32, tools: &mut Tools<'_, 'v>) -> Result<ChunkSet, ExecuteError> {
        let mut members = SetBuilder::new(tools.pool);
        for (lane, void) in &mut self.lanes {
            if let Some(void) = void {
                tools.voids.load(*void, chunk, tools.touched)?;
            }
            let orders = void.and_then(|void| tools.voids.orders(void));
            let test = RowTest::new(&self.rows, lane, orders);
            let Some(part) = lane.chunk(chunk)? else { continue };
            if test.passes_all() {
                tools.touched.consumers(&part);
                members.push_container(&part.consumers(), tools.pool);
                continue;
            }
            let (pool, rows) = (&mut *tools.pool, &mut tools.scratch.rows);
            test.for_each(&part, ColumnSet::NONE, rows, tools.touched, |rows, row| {
                members.push(rows.low[row], pool);
            })?;
        }
        Ok(members.finish(tools.pool))
    }

    /// Calls `visit` with (position, row's day, row's count, the counters) of every row.
    fn visit(
        &mut self,
        chunk: u32,
        columns: ColumnSet,
        tools: &mut Tools<'_, 'v>,
        mut visit: impl FnMut(&throng_storage::segment::RowBuffer, usize, &mut Counters<'_>),
    ) -> Result<(), ExecuteError> {
        for (lane, void) in &mut self.lanes {
            if let Some(void) = void {
                tools.voids.load(*void, chunk, tools.touched)?;
            }
            let orders = void.and_then(|void| tools.voids.orders(void));
            let test = RowTest::new(&self.rows, lane, orders);
            let Some(part) = lane.chunk(chunk)? else { continue };
            let scratch = &mut *tools.scratch;
            let mut counters = Counters {
                numbers: &mut scratch.numbers,
                lows: &mut scratch.lows,
                pairs: &mut scratch.pairs,
            };
            test.for_each(&part, columns, &mut scratch.rows, tools.touched, |rows, row| {
                visit(rows, row, &mut counters);
            })?;
        }
        Ok(())
    }

    fn times(
        &mut self,
        chunk: u32,
        n: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        let read = self.visit(chunk, ColumnSet::COUNT, tools, |rows, row, counters| {
            let number = counters.at(rows.low[row]);
            *number = number.saturating_add(u64::from(rows.count[row]));
        });
        let scratch = &mut *tools.scratch;
        let members = take(&mut scratch.numbers, &mut scratch.lows, tools.pool, |number| {
            number >= u64::from(n)
        });
        read.map(|()| members)
    }

    /// The first day seen is kept; another day settles it.
    fn two_days(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        const TWO: u64 = u64::MAX;
        let read = self.visit(chunk, ColumnSet::DAY, tools, |rows, row, counters| {
            let day = day_key(rows.day[row]);
            let number = counters.at(rows.low[row]);
            if *number == 0 {
                *number = day;
            } else if *number != day {
                *number = TWO;
            }
        });
        let scratch = &mut *tools.scratch;
        let members =
            take(&mut scratch.numbers, &mut scratch.lows, tools.pool, |number| number == TWO);
        read.map(|()| members)
    }

    fn days(
        &mut self,
        chunk: u32,
        n: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        tools.scratch.pairs.clear();
        self.visit(chunk, ColumnSet::DAY, tools, |rows, row, counters| {
            counters.pairs.push(u64::from(rows.low[row]) << 48 | day_key(rows.day[row]));
        })?;
        let pairs = &mut tools.scratch.pairs;
        pairs.sort_unstable();
        pairs.dedup();
        let mut members = tools.pool.list();
        for days in pairs.chunk_by(|a, b| a >> 48 == b >> 48) {
            if days.len() >= usize::try_from(n).unwrap_or(usize::MAX) {
                members.extend(days.first().and_then(|pair| u16::try_from(pair >> 48).ok()));
            }
        }
        Ok(ChunkSet::from_sorted(members, tools.pool))
    }
}

/// The counters of a chunk.
struct Counters<'s> {
    numbers: &'s mut Vec<u64>,
    lows: &'s mut Vec<u16>,
    pairs: &'s mut Vec<u64>,
}

impl Counters<'_> {
    /// The number of a position; a position whose number is at rest is remembered.
    #[inline]
    fn at(&mut self, low: u16) -> &mut u64 {
        let number = &mut self.numbers[usize::from(low)];
        if *number == 0 {
            self.lows.push(low);
        }
        number
    }
}

/// A day as a number that is never 0 and orders like the day.
fn day_key(day: i32) -> u64 {
    u64::from(day.cast_unsigned() ^ 0x8000_0000) + 1
}

/// The positions whose number is enough; puts every number to rest.
fn take(
    numbers: &mut [u64],
    lows: &mut Vec<u16>,
    pool: &mut Pool,
    enough: impl Fn(u64) -> bool,
) -> ChunkSet {
    let mut members = SetBuilder::new(pool);
    for low in lows.drain(..) {
        let number = std::mem::take(&mut numbers[usize::from(low)]);
        if enough(number) {
            members.push(low, pool);
        }
    }
    members.finish(pool)
}
