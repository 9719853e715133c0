//! Lanes walked for several chunks at once, row by row.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};

use throng_storage::segment::{AmountRows, Lane, LaneCursor, WindowRows};

use super::bounds::Bounds;
use super::program::{LaneChoice, NodeId};
use super::run::Spans;
use super::trace::Trace;
use crate::error::ExecuteError;
use crate::view::View;

/// Rows that are read in some tens of microseconds.
pub(super) const ROWS_BETWEEN_PAUSES: usize = 1 << 12;

/// No further run of the chunk.
const LAST: usize = usize::MAX;

/// What the rows of one lane are read for.
pub(super) trait Purpose {
    /// Ends the making of it; only rows on some days will be read. What it needs of them.
    fn settle(&mut self, read: &RangeInclusive<i32>) -> Needs;
}

/// What is read of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Who has a row.
    Consumers,
    /// The consumer and the day of each row.
    Days,
    /// The consumer and the amount of each row.
    Amounts,
}

/// Rows of one lane in one chunk, ordered by consumer; of a column that is not needed there are
/// none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WalkedRows<'r> {
    pub(super) lows: &'r [u16],
    pub(super) days: &'r [u16],
    pub(super) amounts: &'r [i64],
}

/// One lane of one segment.
#[derive(Debug)]
struct WalkedLane<'v, P> {
    cursor: LaneCursor<'v>,
    first_chunk: u32,
    last_chunk: u32,
    /// The days of the rows that are read.
    days: RangeInclusive<i32>,
    needs: Needs,
    purpose: P,
    /// The first leaf that reads it.
    node: NodeId,
}

/// A lane's rows of one chunk.
#[derive(Debug, Clone, Copy)]
struct Run {
    lane: usize,
    from: usize,
    to: usize,
    /// The next run of the same chunk.
    next: usize,
}

/// The lanes, and their rows of the chunks read last.
#[derive(Debug)]
pub(super) struct Walk<'v, P> {
    lanes: Vec<WalkedLane<'v, P>>,
    /// Where the lane of a segment, brand and behaviour is.
    places: HashMap<(usize, u32, u16), usize>,
    /// Rows of lanes whose days matter.
    rows: WindowRows,
    /// Consumers of those where nothing else does.
    lows: Vec<u16>,
    amounts: AmountRows,
    runs: Vec<Run>,
    /// By chunk of the span, its first and last run.
    ends: Vec<(usize, usize)>,
    first: u32,
}

impl<'v, P: Purpose> Walk<'v, P> {
    /// No lanes yet.
    pub(super) fn new() -> Self {
        Self {
            lanes: Vec::new(),
            places: HashMap::new(),
            rows: WindowRows::default(),
            lows: Vec::new(),
            amounts: AmountRows::default(),
            runs: Vec::new(),
            ends: Vec::new(),
            first: 0,
        }
    }

    /// Adds a lane, made for `node` unless it is there already, with rows on some days more.
    pub(super) fn lane(
        &mut self,
        (segment, lane): (usize, Lane<'v>),
        days: &RangeInclusive<i32>,
        node: NodeId,
        purpose: impl FnOnce() -> P,
    ) -> &mut P {
        let lanes = &mut self.lanes;
        let place = (segment, lane.brand(), lane.behaviour());
        let place = *self.places.entry(place).or_insert_with(|| {
            let (first_chunk, last_chunk) = lane.chunks();
            lanes.push(WalkedLane {
                cursor: lane.cursor(),
                first_chunk,
                last_chunk,
                days: days.clone(),
                needs: Needs::Days,
                purpose: purpose(),
                node,
            });
            lanes.len() - 1
        });
        let lane = &mut lanes[place];
        let start = (*lane.days.start()).min(*days.start());
        let end = (*lane.days.end()).max(*days.end());
        lane.days = start..=end;
        &mut lane.purpose
    }

    /// Ends the adding.
    pub(super) fn settle(&mut self) {
        for lane in &mut self.lanes {
            lane.needs = lane.purpose.settle(&lane.days);
        }
    }

    /// Reads the rows of some chunks. Every few thousand of them the statement can be ended or give
    /// way.
    ///
    /// # Errors
    /// When bytes of the store are corrupt, and as [`Bounds::pause`].
    pub(super) fn read(
        &mut self,
        chunks: Range<u32>,
        trace: &mut Trace,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let mut since = 0_u64;
        let Range { start: first, end } = chunks;
        self.first = first;
        self.rows.clear();
        self.lows.clear();
        self.amounts.clear();
        self.runs.clear();
        self.ends.clear();
        self.ends.resize((end - first) as usize, (LAST, LAST));
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            if lane.first_chunk >= end || lane.last_chunk < first {
                continue;
            }
            let account = &mut trace.nodes[lane.node.0];
            let (runs, ends) = (&mut self.runs, &mut self.ends);
            let mut visit = |chunk: u32, rows: Range<usize>| {
                if rows.is_empty() {
                    return;
                }
                account.occupied += 1;
                let place = runs.len();
                runs.push(Run { lane: number, from: rows.start, to: rows.end, next: LAST });
                let ends = &mut ends[(chunk - first) as usize];
                match runs.get_mut(ends.1) {
                    Some(before) => before.next = place,
                    None => ends.0 = place,
                }
                ends.1 = place;
            };
            let (cursor, days) = (&mut lane.cursor, &lane.days);
            let read = match lane.needs {
                Needs::Consumers => {
                    cursor.append_consumers(first..end, &mut self.lows, &mut visit)?
                }
                Needs::Days => cursor.append_days(first..end, days, &mut self.rows, &mut visit)?,
                Needs::Amounts => {
                    cursor.append_amounts(first..end, days, &mut self.amounts, &mut visit)?
                }
            };
            since += read.rows;
            if since > ROWS_BETWEEN_PAUSES as u64 {
                since = 0;
                bounds.pause()?;
            }
            account.bytes += read.bytes;
            account.chunks += read.chunks;
            if lane.needs != Needs::Consumers {
                account.rows += read.rows;
            }
        }
        Ok(())
    }

    /// Calls `visit` with the rows of each lane in one of the chunks read last, in the order in
    /// which lanes were added, and with what they are read for.
    pub(super) fn chunk(&self, chunk: u32, mut visit: impl FnMut(WalkedRows<'_>, &P)) {
        let mut at = self.ends[(chunk - self.first) as usize].0;
        while let Some(run) = self.runs.get(at) {
            let lane = &self.lanes[run.lane];
            let rows = run.from..run.to;
            let none = WalkedRows::default();
            let rows = match lane.needs {
                Needs::Consumers => WalkedRows { lows: &self.lows[rows], ..none },
                Needs::Days => WalkedRows {
                    lows: &self.rows.low[rows.clone()],
                    days: &self.rows.day[rows],
                    ..none
                },
                Needs::Amounts => WalkedRows {
                    lows: &self.amounts.low[rows.clone()],
                    amounts: &self.amounts.amount[rows],
                    ..none
                },
            };
            visit(rows, &lane.purpose);
            at = run.next;
        }
    }

    /// Bytes of the rows in memory.
    pub(super) fn memory(&self) -> usize {
        let amounts = self.amounts.low.len() * (size_of::<u16>() + size_of::<i64>());
        let rows = (self.rows.low.len() * 2 + self.lows.len()) * size_of::<u16>();
        rows + amounts + self.runs.len() * size_of::<Run>()
    }
}

/// Calls `visit` with the lanes chosen, of every segment, that have a row on some days, and with
/// the number of their segment; by first day of the segment.
pub(super) fn each_lane<'v>(
    view: &'v View,
    choice: &LaneChoice,
    days: &RangeInclusive<i32>,
    visit: &mut impl FnMut(usize, Lane<'v>),
) {
    let segments = view.snapshot().segments();
    let overlaps = |first: i32, last: i32| first <= *days.end() && *days.start() <= last;
    let behaviours = &choice.behaviours;
    let chosen = |behaviour: u16| behaviours.is_empty() || behaviours.contains(&behaviour);
    if let Some(brand) = choice.brand {
        for (number, lane) in view.brand_lanes(brand).lanes() {
            if chosen(lane.behaviour()) && overlaps(lane.first_day(), lane.last_day()) {
                visit(*number, segments[*number].attach(lane));
            }
        }
        return;
    }
    for (number, segment) in segments.iter().enumerate() {
        if overlaps(segment.first_day(), segment.last_day()) {
            for lane in segment.lanes() {
                if chosen(lane.behaviour()) && overlaps(lane.first_day(), lane.last_day()) {
                    visit(number, lane);
                }
            }
        }
    }
}

/// How the chunks are given to workers, at most so many. Starting one costs as much as reading some
/// rows; what is read at once should stay in the cache, every worker should get several spans, and
/// walking all lanes should be worth it.
pub(super) fn spans(chunks: u32, rows: u64, threads: usize) -> Spans {
    /// Rows that are worth a worker.
    const ROWS: u64 = 1 << 14;
    /// Rows read at once.
    const ROWS_AT_ONCE: u64 = 1 << 16;
    /// Chunks read at once, at most.
    const CHUNKS: u64 = 256;
    /// Spans a worker should have, so that all end at about the same time.
    const SPANS: u32 = 4;
    let useful = usize::try_from(rows.div_ceil(ROWS)).unwrap_or(usize::MAX);
    let workers = useful.clamp(1, threads.max(1));
    let cached = ROWS_AT_ONCE * u64::from(chunks).max(1) / rows.max(1);
    let shared = chunks.div_ceil(u32::try_from(workers).unwrap_or(u32::MAX).saturating_mul(SPANS));
    let span = u32::try_from(cached.min(u64::from(shared)).clamp(1, CHUNKS)).unwrap_or(1);
    Spans { end: chunks, span, workers }
}
