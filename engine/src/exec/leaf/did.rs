//! Those who did something: once, n times, or on n days.

use throng_query::plan::AtLeast;
use throng_storage::segment::ColumnSet;

use super::Tools;
use super::lanes::{LaneId, Lanes, Scratch};
use super::levels::{LEVELS_MAX, Levels};
use super::rows::{Row, RowSource, RowTest};
use super::void::Voids;
use crate::error::ExecuteError;
use crate::exec::program::{LaneChoice, RowChoice};
use crate::exec::set::{ChunkSet, Pool, SetBuilder};
use crate::view::View;

/// The lanes of one DID.
#[derive(Debug)]
pub struct DidReader {
    /// Each lane with the void purchases of its brand, where they matter.
    lanes: Vec<(LaneId, Option<usize>)>,
    counting: Counting,
    rows: RowChoice,
}

/// How those who did it often enough are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counting {
    /// Once is enough.
    Once,
    /// So many rows, counted in levels.
    FewTimes(u32),
    /// So many rows.
    Times(u32),
    /// So many days, counted in levels: no two lanes share a day.
    FewDays(u32),
    /// So many days.
    Days(u32),
}

/// Where a leaf opens what it reads.
#[derive(Debug)]
pub struct Opened<'o, 'v> {
    /// The store.
    pub view: &'v View,
    /// The worker's lanes.
    pub lanes: &'o mut Lanes<'v>,
    /// The worker's void purchases.
    pub voids: &'o mut Voids<'v>,
}

impl DidReader {
    /// Opens the lanes that have rows on the days.
    pub fn open(
        opened: Opened<'_, '_>,
        choice: &LaneChoice,
        at_least: AtLeast,
        rows: &RowChoice,
    ) -> Self {
        let Opened { view, lanes, voids } = opened;
        let buy = view.behaviour_id("buy");
        let ids = lanes.open(view, choice, rows.first, rows.last);
        let counting = match at_least {
            AtLeast::Times(1) | AtLeast::Days(1) => Counting::Once,
            AtLeast::Times(n) if n <= LEVELS_MAX => Counting::FewTimes(n),
            AtLeast::Times(n) => Counting::Times(n),
            AtLeast::Days(n) if n <= LEVELS_MAX && share_no_day(lanes, &ids) => {
                Counting::FewDays(n)
            }
            AtLeast::Days(n) => Counting::Days(n),
        };
        let void = |id| {
            let lane = lanes.get(id);
            let void = Some(lane.behaviour) == buy;
            (id, void.then(|| voids.open(view, lane.brand, rows.as_of)).flatten())
        };
        Self { lanes: ids.into_iter().map(void).collect(), counting, rows: rows.clone() }
    }

    /// Its members in a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, '_>,
    ) -> Result<ChunkSet, ExecuteError> {
        match self.counting {
            Counting::Once => self.once(chunk, tools),
            Counting::FewTimes(n) => self.few_times(chunk, n, tools),
            Counting::Times(n) => self.times(chunk, n, tools),
            Counting::FewDays(n) => self.few_days(chunk, n, tools),
            Counting::Days(n) => self.days(chunk, n, tools),
        }
    }

    /// Whole lanes are united as they lie; only where some rows may not count are they decoded.
    fn once(&mut self, chunk: u32, tools: &mut Tools<'_, '_>) -> Result<ChunkSet, ExecuteError> {
        let mut members = SetBuilder::new(tools.pool);
        for (id, void) in &self.lanes {
            if let Some(void) = void {
                tools.voids.load(*void, chunk, tools.touched)?;
            }
            let orders = void.and_then(|void| tools.voids.orders(void));
            let lane = tools.lanes.get(*id);
            let test = RowTest::new(&self.rows, lane, orders);
            let Some(test) = test.at(lane, chunk)? else { continue };
            if test.passes_all() {
                let Some(part) = lane.chunk(chunk)? else { continue };
                tools.touched.consumers(&part);
                members.push_container(&part.consumers(), tools.pool);
                continue;
            }
            if test.looks_at_no_column_but_days() {
                let rows = lane.window(chunk, &self.rows.days(), tools.touched)?;
                members.push_all(rows.low, tools.pool);
                continue;
            }
            let Some(part) = lane.chunk(chunk)? else { continue };
            let (pool, rows) = (&mut *tools.pool, &mut tools.scratch.rows);
            test.for_each(&part, ColumnSet::NONE, rows, tools.touched, |rows, row| {
                members.push(rows.low[row], pool);
            })?;
        }
        Ok(members.finish(tools.pool))
    }

    /// Calls `visit` with every row that passes.
    fn each_row(
        &self,
        chunk: u32,
        source: &mut RowSource<'_, '_>,
        mut visit: impl FnMut(&mut Pool, Row),
    ) -> Result<(), ExecuteError> {
        for (id, void) in &self.lanes {
            source.each_row(chunk, (*id, *void), &self.rows, &mut visit)?;
        }
        Ok(())
    }

    /// Every row counts as often as it says.
    fn few_times(
        &self,
        chunk: u32,
        n: u32,
        tools: &mut Tools<'_, '_>,
    ) -> Result<ChunkSet, ExecuteError> {
        let mut levels = Levels::new(n);
        let (mut source, _) = tools.source();
        self.each_row(chunk, &mut source, |pool, row| {
            (0..row.count.min(n)).for_each(|_| levels.add(row.low, pool));
        })?;
        Ok(levels.finish(tools.pool))
    }

    fn times(
        &self,
        chunk: u32,
        n: u32,
        tools: &mut Tools<'_, '_>,
    ) -> Result<ChunkSet, ExecuteError> {
        let (mut source, counters) = tools.source();
        let (numbers, lows) = (counters.numbers, counters.lows);
        let read = self.each_row(chunk, &mut source, |_, row| {
            let number = &mut numbers[usize::from(row.low)];
            if *number == 0 {
                lows.push(row.low);
            }
            *number = number.saturating_add(u64::from(row.count));
        });
        let Tools { scratch, pool, .. } = tools;
        let mut members = SetBuilder::new(pool);
        let Scratch { numbers, lows, .. } = &mut **scratch;
        for low in lows.drain(..) {
            let number = std::mem::take(&mut numbers[usize::from(low)]);
            if number >= u64::from(n) {
                members.push(low, pool);
            }
        }
        read.map(|()| members.finish(pool))
    }

    /// Rows of one consumer and day come together, so each day counts once but for its repeats.
    fn few_days(
        &self,
        chunk: u32,
        n: u32,
        tools: &mut Tools<'_, '_>,
    ) -> Result<ChunkSet, ExecuteError> {
        let mut levels = Levels::new(n);
        let mut before = None;
        let (mut source, _) = tools.source();
        self.each_row(chunk, &mut source, |pool, row| {
            if before != Some((row.low, row.day)) {
                levels.add(row.low, pool);
            }
            before = Some((row.low, row.day));
        })?;
        Ok(levels.finish(tools.pool))
    }

    fn days(
        &self,
        chunk: u32,
        n: u32,
        tools: &mut Tools<'_, '_>,
    ) -> Result<ChunkSet, ExecuteError> {
        let (mut source, counters) = tools.source();
        let pairs = counters.pairs;
        pairs.clear();
        self.each_row(chunk, &mut source, |_, row| {
            pairs.push(u32::from(row.low) << 16 | u32::from(row.day));
        })?;
        pairs.sort_unstable();
        pairs.dedup();
        let mut members = source.pool.list();
        for days in pairs.chunk_by(|a, b| a >> 16 == b >> 16) {
            if days.len() >= usize::try_from(n).unwrap_or(usize::MAX) {
                members.extend(days.first().and_then(|pair| u16::try_from(pair >> 16).ok()));
            }
        }
        Ok(ChunkSet::from_sorted(members, source.pool))
    }
}

/// Whether no two of some lanes, ordered by first day, can have rows on the same day.
fn share_no_day(lanes: &mut Lanes<'_>, ids: &[LaneId]) -> bool {
    let mut last = None;
    ids.iter().all(|id| {
        let lane = lanes.get(*id);
        let apart = last < Some(lane.first_day);
        last = Some(lane.last_day);
        apart
    })
}
