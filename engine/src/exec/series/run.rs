//! A series on several workers.

use std::ops::{Range, RangeInclusive};
use std::time::Instant;

use super::days::{ChunkDays, LanePurpose, PlacedDays};
use super::money::MoneyDays;
use super::plan::{SeriesNode, SeriesPlan};
use super::tally::Tally;
use super::wide::{self, WideTaker};
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::census::Counting;
use crate::exec::eval::Worker;
use crate::exec::listed::{LaneList, each_lane};
use crate::exec::program::{Program, SpendChoice};
use crate::exec::run::{SpanWork, for_each_span};
use crate::exec::set::ChunkSet;
use crate::exec::trace::{NodeTrace, Trace, Way};
use crate::exec::walk::{ROWS_BETWEEN_PAUSES, Walk, spans};
use crate::view::View;

/// For each intersection asked for, by day of the series, how many consumers it has.
pub type Counts = Vec<[u64; 64]>;

/// For each intersection asked for, by day of the series, the money of those in it.
pub type Sums = Vec<[i128; 64]>;

/// A node so many days of the series later: the days of a program may overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// The node's place in the plan.
    pub node: usize,
    /// Days of the series.
    pub days: u32,
}

/// Money that is added up on every day of a series.
#[derive(Debug)]
pub struct SeriesMoney {
    /// Whose; rows of all windows.
    pub choice: SpendChoice,
    /// By day of the series, the days whose rows count.
    pub windows: Vec<RangeInclusive<i32>>,
}

/// Different nodes up to which intersections may ask for money.
pub const MONEY_NODES_MAX: usize = 64;

/// Counts the consumers of intersections of a plan's nodes on every day, and adds up their money
/// where any is given. An intersection of no nodes has no count, and the money of everyone.
///
/// # Errors
/// When bytes of the store are corrupt; a cancellation, the deadline or the memory limit.
pub fn series(
    view: &View,
    program: &Program,
    plan: &SeriesPlan<'_>,
    (asked, money): (&[Vec<Later>], Option<&SeriesMoney>),
    bounds: &Bounds,
) -> Result<(Counts, Sums, Trace), ExecuteError> {
    let start = Instant::now();
    let spans = spans(view.chunk_end(), plan.rows, bounds.threads);
    let made = if wide::is_for(plan, money, (spans.end, bounds.method)) {
        let nodes = program.nodes().len();
        for_each_span(crate::exec::wide::spans(spans, wide::CHUNKS_MAX), bounds, || {
            WideTaker::new(view, plan, open(view, plan), (asked, money), (bounds, nodes))
        })?
    } else {
        let new = || Taker::new(view, program, plan, (asked, money), bounds);
        for_each_span(spans, bounds, new)?
    };
    let mut counts = vec![[0; 64]; asked.len()];
    let mut sums = vec![[0; 64]; asked.len()];
    let mut trace = Trace { way: Way::Days, ..Trace::default() };
    for (own, own_sums, part) in made {
        for (all, own) in counts.iter_mut().zip(own) {
            all.iter_mut().zip(own).for_each(|(all, own)| *all += own);
        }
        for (all, own) in sums.iter_mut().zip(own_sums) {
            all.iter_mut().zip(own).for_each(|(all, own)| *all += own);
        }
        trace.merge(&part);
    }
    trace.elapsed = start.elapsed();
    Ok((counts, sums, trace))
}

/// What one worker has.
struct Taker<'v> {
    plan: &'v SeriesPlan<'v>,
    bounds: &'v Bounds,
    walk: Walk<'v, LanePurpose>,
    chunk: ChunkDays,
    /// Computes the nodes that are the same every day, and lends what money is read with.
    sets: Option<Worker<'v>>,
    money: Option<MoneyDays<'v>>,
    tally: Tally<'v>,
    trace: Trace,
}

impl SpanWork for Taker<'_> {
    type Made = (Counts, Sums, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Days;

    fn memory(&self) -> usize {
        let money = self.money.as_ref().map_or(0, MoneyDays::memory);
        self.walk.memory() + self.chunk.memory() + self.tally.memory() + money
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        self.walk.read(chunks.clone(), &mut self.trace, self.bounds)?;
        let mut since = 0;
        for chunk in chunks.clone() {
            if since > ROWS_BETWEEN_PAUSES {
                since = 0;
                self.bounds.pause()?;
            }
            let days = &mut self.chunk;
            self.walk.chunk(chunk, |rows, _| {
                since += rows.lows.len();
                days.place(rows.lows);
            });
            if !days.lows.is_empty() {
                days.begin(self.plan);
                self.walk.chunk(chunk, |rows, of| days.add(rows.lows, rows.days, of));
                self.combine(chunk)?;
                self.tally.count(&self.chunk.days);
            }
            self.money(chunk)?;
            self.chunk.clear();
        }
        self.trace.chunks += u64::from(chunks.end - chunks.start);
        Ok(())
    }

    fn finish(mut self) -> Self::Made {
        if let Some(sets) = &self.sets {
            let nodes = sets.trace.nodes.clone();
            self.trace.merge(&Trace { nodes, ..Trace::default() });
        }
        let sums = self.money.as_ref().map_or_else(Vec::new, MoneyDays::finish);
        (self.tally.finish(), sums, self.trace)
    }
}

impl<'v> Taker<'v> {
    fn new(
        view: &'v View,
        program: &'v Program,
        plan: &'v SeriesPlan<'v>,
        (asked, money): (&'v [Vec<Later>], Option<&'v SeriesMoney>),
        bounds: &'v Bounds,
    ) -> Self {
        let (lanes, days) = open(view, plan);
        let look_up = |node: &SeriesNode| matches!(node, SeriesNode::LookUp(_));
        let sets = money.is_some() || plan.nodes.iter().any(look_up);
        let nodes = vec![NodeTrace::default(); program.nodes().len()];
        Self {
            plan,
            bounds,
            walk: Walk::new(lanes),
            chunk: ChunkDays::new(days),
            sets: sets.then(|| Worker::new(view, program, bounds.timing)),
            money: money.map(|money| MoneyDays::new(view, money, asked)),
            tally: Tally::new(asked),
            trace: Trace { nodes, workers: 1, ..Trace::default() },
        }
    }

    /// Computes the nodes that are not read by rows.
    fn combine(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        if let Some(sets) = &mut self.sets {
            sets.start(chunk);
        }
        let Self { sets, plan, chunk: ChunkDays { lows, days, .. }, .. } = self;
        days.combine(plan, |node, own| {
            const NOBODY: &ChunkSet = &ChunkSet::Empty;
            let set = match sets {
                Some(sets) => sets.set(node)?,
                None => NOBODY,
            };
            let all = |low: &u16| if set.contains(*low) { u64::MAX } else { 0 };
            own.extend(lows.iter().map(all));
            Ok(())
        })
    }

    /// Adds up the money of the chunk's rows.
    fn money(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        let (Some(worker), Some(money)) = (&mut self.sets, &mut self.money) else { return Ok(()) };
        if self.chunk.lows.is_empty() {
            worker.start(chunk);
        }
        money.chunk(chunk, worker.tools(), &self.chunk)
    }
}

/// The lanes of a plan, and nobody's days.
fn open<'v>(view: &'v View, plan: &'v SeriesPlan<'v>) -> (LaneList<'v, LanePurpose>, PlacedDays) {
    let mut lanes = LaneList::new();
    let mut kept = Vec::new();
    for (place, node) in plan.nodes.iter().enumerate() {
        let SeriesNode::Rows(rows) = node else { continue };
        let counter = match rows.reading.counting {
            Counting::Once => None,
            Counting::Times(n) | Counting::Days(n) => {
                kept.push(usize::from(n).saturating_sub(1));
                Some(kept.len() - 1)
            }
        };
        each_lane(view, &rows.reading.lanes, &rows.reading.days, &mut |segment, lane| {
            let (first, last) = (lane.first_day(), lane.last_day());
            // Between the windows there may be days that nobody asks for.
            if (first..=last).any(|day| rows.days_with(day) != 0) {
                let new = || LanePurpose::new(first, last);
                let purpose = lanes.lane((segment, lane), &rows.reading.days, rows.node, new);
                purpose.add(place, rows, counter);
            }
        });
    }
    (lanes, PlacedDays::new(plan.nodes.len(), &kept))
}
