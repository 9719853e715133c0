//! Lanes read for many chunks at once, as if these were one.

use std::ops::Range;

use throng_storage::segment::{WideAmounts, WideCursor, WideRows};

use super::bounds::Bounds;
use super::listed::{LaneList, ListedLane, Needs, Purpose};
use super::paid::MoneyLane;
use super::planes::Planes;
use super::run::Spans;
use super::trace::{NodeTrace, Trace};
use super::walk::ROWS_BETWEEN_PAUSES;
use crate::error::ExecuteError;
use crate::options::Method;

/// Rows that room is made for before any was read, at most.
const ROOM_MAX: usize = 1 << 20;
/// And room beside them.
const ROOM_MORE: usize = 1 << 13;

/// One lane of one segment.
#[derive(Debug)]
struct WideLane<'v, P> {
    cursor: WideCursor<'v>,
    of: ListedLane<'v, P>,
    /// By day, whether its rows are of use, where those of some days between are not.
    of_use: Option<Vec<bool>>,
}

/// A lane's rows of the chunks read last.
#[derive(Debug)]
struct Run {
    lane: usize,
    rows: Range<usize>,
}

/// Rows of one lane, ordered by consumer, who are counted from the first of the chunks on; of a
/// column that is not needed there are none.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WideRun<'r> {
    pub(super) consumers: &'r [u32],
    pub(super) days: &'r [u16],
    pub(super) amounts: &'r [i64],
    /// Which of the walk's lanes.
    pub(super) lane: usize,
}

/// The lanes, and their rows of the chunks read last.
#[derive(Debug)]
pub(super) struct WideWalk<'v, P> {
    lanes: Vec<WideLane<'v, P>>,
    /// Rows of lanes whose days matter.
    dated: WideRows,
    /// Consumers of those where nothing else does.
    plain: Vec<u32>,
    paid: WideAmounts,
    runs: Vec<Run>,
    /// Whether room was made for what is read.
    has_room: bool,
}

impl<'v, P: Purpose> WideWalk<'v, P> {
    /// Of some lanes, before their first chunks. Of each lane `of_use` may say by day, from its
    /// first on, whether rows are of use.
    pub(super) fn new(
        lanes: LaneList<'v, P>,
        of_use: impl Fn(&ListedLane<'v, P>) -> Option<Vec<bool>>,
    ) -> Self {
        let wide = |of: ListedLane<'v, P>| {
            let of_use = of_use(&of);
            WideLane { cursor: of.lane.wide_cursor(), of, of_use }
        };
        let lanes: Vec<_> = lanes.settle().into_iter().map(wide).collect();
        let with_days = lanes.iter().any(|lane| lane.of.needs == Needs::DatedAmounts);
        Self {
            lanes,
            dated: WideRows::default(),
            plain: Vec::new(),
            paid: WideAmounts::new(with_days),
            runs: Vec::new(),
            has_room: false,
        }
    }

    /// Reads the rows of some chunks, and shows them to the planes that have begun. Every few
    /// thousand of them the statement can be ended or give way.
    ///
    /// # Errors
    /// When bytes of the store are corrupt, and as [`Bounds::pause`].
    fn read(
        &mut self,
        chunks: &Range<u32>,
        planes: &mut Planes,
        trace: &mut Trace,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        self.dated.clear();
        self.plain.clear();
        self.paid.clear();
        self.runs.clear();
        self.make_room(chunks);
        let mut since = 0;
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let (first, last) = lane.of.lane.chunks();
            if first >= chunks.end || last < chunks.start {
                continue;
            }
            // What is of no node is not told of.
            let mut none = NodeTrace::default();
            let account = trace.nodes.get_mut(lane.of.node.0).unwrap_or(&mut none);
            let (cursor, days, chunks) = (&mut lane.cursor, &lane.of.days, chunks.clone());
            let (read, rows) = match lane.of.needs {
                Needs::Consumers => {
                    let from = self.plain.len();
                    let read = cursor.append_consumers(chunks, &mut self.plain)?;
                    (read, from..self.plain.len())
                }
                Needs::Days => {
                    let from = self.dated.consumer.len();
                    let read = cursor.append_days(chunks, days, &mut self.dated)?;
                    if let Some(of_use) = &lane.of_use {
                        drop_idle(&mut self.dated, from, (lane.of.lane.first_day(), of_use));
                    }
                    (read, from..self.dated.consumer.len())
                }
                Needs::Amounts | Needs::DatedAmounts => {
                    let from = self.paid.consumer.len();
                    let read = cursor.append_amounts(chunks, days, &mut self.paid)?;
                    (read, from..self.paid.consumer.len())
                }
            };
            account.bytes += read.bytes;
            account.chunks += read.chunks;
            if lane.of.needs != Needs::Consumers {
                account.rows += read.rows;
            }
            if !rows.is_empty() {
                account.occupied += read.chunks;
                let all = match lane.of.needs {
                    Needs::Consumers => &self.plain,
                    Needs::Days => &self.dated.consumer,
                    Needs::Amounts | Needs::DatedAmounts => &self.paid.consumer,
                };
                if !planes.see(&all[rows.clone()]) {
                    return Err(lane.of.lane.disordered().into());
                }
                self.runs.push(Run { lane: number, rows });
            }
            since += read.rows;
            if since > ROWS_BETWEEN_PAUSES as u64 {
                since = 0;
                bounds.pause()?;
            }
        }
        Ok(())
    }

    /// Makes room for the rows of so many chunks, as if all had as many.
    fn make_room(&mut self, chunks: &Range<u32>) {
        if std::mem::replace(&mut self.has_room, true) {
            return;
        }
        let [mut dated, mut plain, mut paid] = [0; 3];
        for WideLane { of, .. } in &self.lanes {
            let (first, last) = of.lane.chunks();
            let all = u64::from(last - first + 1);
            let rows = of.lane.rows() * u64::from(chunks.end - chunks.start).min(all) / all;
            let (first, last) = (of.lane.first_day(), of.lane.last_day());
            let days = first.max(*of.days.start())..=last.min(*of.days.end());
            let rows = rows * days.count() as u64 / u64::from((last - first).unsigned_abs() + 1);
            *match of.needs {
                Needs::Consumers => &mut plain,
                Needs::Days => &mut dated,
                Needs::Amounts | Needs::DatedAmounts => &mut paid,
            } += rows;
        }
        // Reading a list asks for more room than it takes in the end.
        let some = |rows: u64| match usize::try_from(rows + rows / 8) {
            Ok(0) | Err(_) => 0,
            Ok(rows) => (rows + ROOM_MORE).min(ROOM_MAX),
        };
        self.plain.reserve(some(plain));
        self.dated.reserve(some(dated));
        self.paid.reserve(some(paid));
    }

    /// The lanes.
    pub(super) fn lanes(&self) -> impl Iterator<Item = &ListedLane<'v, P>> {
        self.lanes.iter().map(|lane| &lane.of)
    }

    /// How many lanes have rows in the chunks read last.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The rows of one of these lanes, and what they are read for.
    pub(super) fn run(&self, number: usize) -> (WideRun<'_>, &P) {
        let Run { lane, rows } = &self.runs[number];
        let none = WideRun { lane: *lane, ..WideRun::default() };
        let (lane, rows) = (&self.lanes[*lane].of, rows.clone());
        let run = match lane.needs {
            Needs::Consumers => WideRun { consumers: &self.plain[rows], ..none },
            Needs::Days => WideRun {
                consumers: &self.dated.consumer[rows.clone()],
                days: &self.dated.day[rows],
                ..none
            },
            Needs::Amounts | Needs::DatedAmounts => WideRun {
                consumers: &self.paid.consumer[rows.clone()],
                days: self.paid.day.get(rows.clone()).unwrap_or_default(),
                amounts: &self.paid.amount[rows],
                ..none
            },
        };
        (run, &lane.purpose)
    }

    /// All consumers of the chunks read last, some several times.
    fn consumers(&self) -> [&[u32]; 3] {
        [&self.dated.consumer, &self.plain, &self.paid.consumer]
    }

    /// Bytes of the rows in memory.
    fn memory(&self) -> usize {
        let Self { dated, plain, paid, .. } = self;
        let consumers = dated.consumer.capacity() + plain.capacity() + paid.consumer.capacity();
        let days = dated.day.capacity() + paid.day.capacity();
        consumers * size_of::<u32>()
            + days * size_of::<u16>()
            + paid.amount.capacity() * size_of::<i64>()
    }
}

/// The lanes of a pass and those of its money, if there is any, with who of all their consumers was
/// seen in the chunks read last.
#[derive(Debug)]
pub(super) struct WidePass<'v, P> {
    pub(super) walk: WideWalk<'v, P>,
    pub(super) money: Option<WideWalk<'v, MoneyLane>>,
    pub(super) planes: Planes,
}

impl<'v, P: Purpose> WidePass<'v, P> {
    /// Before the first chunks.
    pub(super) fn new(walk: WideWalk<'v, P>, money: Option<LaneList<'v, MoneyLane>>) -> Self {
        let money = money.map(|lanes| WideWalk::new(lanes, |_| None));
        Self { walk, money, planes: Planes::default() }
    }

    /// Reads the rows of some chunks.
    ///
    /// # Errors
    /// When bytes of the store are corrupt, and as [`Bounds::pause`].
    pub(super) fn read(
        &mut self,
        chunks: &Range<u32>,
        trace: &mut Trace,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let Self { walk, money, planes } = self;
        planes.begin(chunks.end - chunks.start);
        walk.read(chunks, planes, trace, bounds)?;
        if let Some(money) = money {
            money.read(chunks, planes, trace, bounds)?;
        }
        trace.chunks += u64::from(chunks.end - chunks.start);
        Ok(())
    }

    /// Ends these chunks.
    pub(super) fn forget(&mut self) {
        self.planes.forget(&self.walk.consumers());
        if let Some(money) = &self.money {
            self.planes.forget(&money.consumers());
        }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        let money = self.money.as_ref().map_or(0, WideWalk::memory);
        self.walk.memory() + money + self.planes.memory()
    }
}

/// Whether chunks have so many rows that planes are small beside them.
pub(super) fn are_many(rows: u64, chunks: u32, method: Method) -> bool {
    /// Rows of a chunk from which on they are.
    const ROWS_MIN: u64 = 128;
    method == Method::Eager || rows >= ROWS_MIN * u64::from(chunks.max(1))
}

/// How the chunks are given to workers, at most so many at once: two planes of 8 KiB each. They are
/// more than are walked at once chunk by chunk, as rows are passed in their order.
pub(super) fn spans(spans: Spans, chunks: u32) -> Spans {
    /// So many times as many.
    const MORE: u32 = 2;
    let span = spans.span.saturating_mul(MORE).min(chunks).max(1);
    // As many for one worker as for another.
    let workers = u32::try_from(spans.workers).unwrap_or(u32::MAX).max(1);
    let all = spans.end.div_ceil(span).checked_next_multiple_of(workers).unwrap_or(1).max(1);
    Spans { span: spans.end.div_ceil(all).max(1), ..spans }
}

/// Takes out the rows from some place on whose days are not of use.
fn drop_idle(rows: &mut WideRows, from: usize, (first, of_use): (i32, &[bool])) {
    let first = u16::try_from(first).unwrap_or(0);
    let mut kept = from;
    for row in from..rows.consumer.len() {
        let day = rows.day[row];
        rows.consumer[kept] = rows.consumer[row];
        rows.day[kept] = day;
        let place = usize::from(day.wrapping_sub(first));
        kept += usize::from(of_use.get(place).copied().unwrap_or(false));
    }
    rows.consumer.truncate(kept);
    rows.day.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::{Spans, spans};

    #[test]
    fn every_worker_gets_as_many_spans() {
        for (end, workers) in [(0, 1), (1, 2), (5, 3), (305, 1), (305, 2), (1526, 8), (65_536, 2)] {
            for (span, most) in [(1, 24), (15, 24), (11, 24), (90, 32), (40, 4)] {
                let made = spans(Spans { end, span, workers }, most);
                assert_eq!((made.end, made.workers), (end, workers));
                assert!((1..=most).contains(&made.span), "{made:?}");
            }
        }
        // 24 at once would be 13 spans, so that one of two had one more than the other.
        let made = spans(Spans { end: 305, span: 15, workers: 2 }, 24);
        assert_eq!((made.span, made.end.div_ceil(made.span)), (22, 14));
    }
}
