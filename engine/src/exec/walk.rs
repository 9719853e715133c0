//! Lanes walked for several chunks at once, row by row.

use std::ops::Range;

use throng_storage::segment::{LaneCursor, WindowRows};

use super::bounds::Bounds;
use super::listed::{LaneList, ListedLane, Needs, Purpose};
use super::run::Spans;
use super::trace::Trace;
use crate::error::ExecuteError;

/// Rows that are read in some tens of microseconds.
pub(super) const ROWS_BETWEEN_PAUSES: usize = 1 << 12;

/// No further run of the chunk.
const LAST: usize = usize::MAX;

/// Rows of one lane in one chunk, ordered by consumer; of a column that is not needed there are
/// none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WalkedRows<'r> {
    pub(super) lows: &'r [u16],
    pub(super) days: &'r [u16],
}

/// One lane of one segment.
#[derive(Debug)]
struct WalkedLane<'v, P> {
    cursor: LaneCursor<'v>,
    first_chunk: u32,
    last_chunk: u32,
    of: ListedLane<'v, P>,
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
    /// Rows of lanes whose days matter.
    rows: WindowRows,
    /// Consumers of those where nothing else does.
    lows: Vec<u16>,
    runs: Vec<Run>,
    /// By chunk of the span, its first and last run.
    ends: Vec<(usize, usize)>,
    first: u32,
}

impl<'v, P: Purpose> Walk<'v, P> {
    /// Of some lanes, before their first chunks.
    pub(super) fn new(lanes: LaneList<'v, P>) -> Self {
        let lanes = lanes.settle().into_iter().map(|of| {
            let (first_chunk, last_chunk) = of.lane.chunks();
            WalkedLane { cursor: of.lane.cursor(), first_chunk, last_chunk, of }
        });
        Self {
            lanes: lanes.collect(),
            rows: WindowRows::default(),
            lows: Vec::new(),
            runs: Vec::new(),
            ends: Vec::new(),
            first: 0,
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
        self.runs.clear();
        self.ends.clear();
        self.ends.resize((end - first) as usize, (LAST, LAST));
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            if lane.first_chunk >= end || lane.last_chunk < first {
                continue;
            }
            let account = &mut trace.nodes[lane.of.node.0];
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
            let (cursor, days) = (&mut lane.cursor, &lane.of.days);
            let read = match lane.of.needs {
                Needs::Consumers => {
                    cursor.append_consumers(first..end, &mut self.lows, &mut visit)?
                }
                Needs::Days | Needs::Amounts | Needs::DatedAmounts => {
                    cursor.append_days(first..end, days, &mut self.rows, &mut visit)?
                }
            };
            since += read.rows;
            if since > ROWS_BETWEEN_PAUSES as u64 {
                since = 0;
                bounds.pause()?;
            }
            account.bytes += read.bytes;
            account.chunks += read.chunks;
            if lane.of.needs != Needs::Consumers {
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
            let rows = match lane.of.needs {
                Needs::Consumers => WalkedRows { lows: &self.lows[rows], days: &[] },
                Needs::Days | Needs::Amounts | Needs::DatedAmounts => {
                    WalkedRows { lows: &self.rows.low[rows.clone()], days: &self.rows.day[rows] }
                }
            };
            visit(rows, &lane.of.purpose);
            at = run.next;
        }
    }

    /// Bytes of the rows in memory.
    pub(super) fn memory(&self) -> usize {
        let rows = (self.rows.low.len() * 2 + self.lows.len()) * size_of::<u16>();
        rows + self.runs.len() * size_of::<Run>()
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
