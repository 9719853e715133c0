//! A census on several workers.

use std::ops::Range;
use std::time::Instant;

use super::choice::{CensusPlan, Counting, PlannedLeaf, Reading};
use super::combinations::Combinations;
use super::marks::{COUNTERS_MAX, Counted, Mark, Marking, Marks};
use super::wide::{self, WideTaker};
use throng_storage::segment::ColumnSet;

use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::eval::Worker;
use crate::exec::leaf::spend::SpendReader;
use crate::exec::listed::{LaneList, each_lane};
use crate::exec::paid::money_lanes;
use crate::exec::program::{Program, SpendChoice};
use crate::exec::run::{SpanWork, for_each_span};
use crate::exec::set::ChunkSet;
use crate::exec::trace::{NodeTrace, Trace, Way};
use crate::exec::walk::{ROWS_BETWEEN_PAUSES, Walk, spans};
use crate::view::View;

/// Counts consumers by combination of a plan's leaves, and adds up their money where any is given.
///
/// # Errors
/// When bytes of the store are corrupt; a cancellation, the deadline or the memory limit.
pub fn census(
    view: &View,
    program: &Program,
    plan: &CensusPlan,
    money: Option<&SpendChoice>,
    bounds: &Bounds,
) -> Result<(Combinations, Trace), ExecuteError> {
    // One bit says that there is a mark.
    match (plan.leaves.len(), plan.counters) {
        (0..8, 0) => run::<u8, 0>(view, program, (plan, money), bounds),
        (0..8, 1) => run::<u8, 1>(view, program, (plan, money), bounds),
        (0..16, 0) => run::<u16, 0>(view, program, (plan, money), bounds),
        (0..16, 1..3) => run::<u16, 2>(view, program, (plan, money), bounds),
        (0..32, 0) => run::<u32, 0>(view, program, (plan, money), bounds),
        (0..32, _) => run::<u32, COUNTERS_MAX>(view, program, (plan, money), bounds),
        (_, 0) => run::<u64, 0>(view, program, (plan, money), bounds),
        _ => run::<u64, COUNTERS_MAX>(view, program, (plan, money), bounds),
    }
}

/// What one worker has.
struct Taker<'v, M, const COUNTERS: usize> {
    plan: &'v CensusPlan,
    bounds: &'v Bounds,
    walk: Walk<'v, Marking>,
    marks: Marks<M, COUNTERS>,
    /// Computes the leaves that are sets, and lends what money is read with.
    sets: Option<Worker<'v>>,
    money: Option<SpendReader<'v>>,
    combinations: Combinations,
    trace: Trace,
}

fn run<M: Mark, const COUNTERS: usize>(
    view: &View,
    program: &Program,
    (plan, money): (&CensusPlan, Option<&SpendChoice>),
    bounds: &Bounds,
) -> Result<(Combinations, Trace), ExecuteError> {
    let start = Instant::now();
    let spans = spans(view.chunk_end(), plan.rows, bounds.threads);
    let made = if wide::is_for(plan, money, (spans.end, bounds.method)) {
        let spans = crate::exec::wide::spans(spans, wide::CHUNKS_MAX);
        let nodes = program.nodes().len();
        for_each_span(spans, bounds, || {
            let money = money.map(|choice| money_lanes(view, choice, false));
            let sizes = (plan.leaves.len(), nodes);
            WideTaker::<M, COUNTERS>::new(open(view, plan), money, sizes, bounds)
        })?
    } else {
        for_each_span(spans, bounds, || {
            Taker::<M, COUNTERS>::new(view, program, (plan, money), bounds)
        })?
    };
    let mut combinations = Combinations::new(plan.leaves.len());
    let mut trace = Trace { way: Way::Rows, ..Trace::default() };
    for (own, part) in made {
        combinations.merge(&own);
        trace.merge(&part);
    }
    trace.elapsed = start.elapsed();
    Ok((combinations, trace))
}

impl<M: Mark, const COUNTERS: usize> SpanWork for Taker<'_, M, COUNTERS> {
    type Made = (Combinations, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Rows;

    fn memory(&self) -> usize {
        self.walk.memory() + Marks::<M, COUNTERS>::BYTES + self.combinations.memory()
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        self.walk.read(chunks.clone(), &mut self.trace, self.bounds)?;
        let mut since = 0;
        for chunk in chunks.clone() {
            if since > ROWS_BETWEEN_PAUSES {
                since = 0;
                self.bounds.pause()?;
            }
            let marks = &mut self.marks;
            self.walk.chunk(chunk, |rows, how| {
                since += rows.lows.len();
                marks.add(rows.lows, rows.days, how);
            });
            self.sets(chunk)?;
            self.money(chunk)?;
            self.marks.count_into(&mut self.combinations);
        }
        self.trace.chunks += u64::from(chunks.end - chunks.start);
        Ok(())
    }

    fn finish(mut self) -> Self::Made {
        if let Some(sets) = &self.sets {
            let nodes = sets.trace.nodes.clone();
            self.trace.merge(&Trace { nodes, ..Trace::default() });
        }
        self.combinations.settle();
        (self.combinations, self.trace)
    }
}

impl<'v, M: Mark, const COUNTERS: usize> Taker<'v, M, COUNTERS> {
    fn new(
        view: &'v View,
        program: &'v Program,
        (plan, money): (&'v CensusPlan, Option<&SpendChoice>),
        bounds: &'v Bounds,
    ) -> Self {
        let walk = Walk::new(open(view, plan));
        let is_set = |leaf: &PlannedLeaf| !matches!(leaf.reading, Reading::Rows(_));
        let sets = money.is_some() || plan.leaves.iter().any(is_set);
        let nodes = vec![NodeTrace::default(); program.nodes().len()];
        Self {
            plan,
            bounds,
            marks: Marks::new(),
            walk,
            sets: sets.then(|| Worker::new(view, program, bounds.timing)),
            money: money.map(|choice| SpendReader::new(view, choice)),
            combinations: Combinations::new(plan.leaves.len()),
            trace: Trace { nodes, workers: 1, ..Trace::default() },
        }
    }

    /// Marks the members of leaves that are sets: first those who bring marks, then the others.
    fn sets(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        let Some(worker) = &mut self.sets else { return Ok(()) };
        worker.start(chunk);
        let of = |wanted: Reading| {
            let numbered = (0_u32..).zip(&self.plan.leaves);
            numbered.filter(move |(_, leaf)| leaf.reading == wanted)
        };
        for (bit, leaf) in of(Reading::Set) {
            let set = worker.set(leaf.node)?;
            set.for_each(|low| self.marks.add_member(low, 2 << bit));
        }
        for (bit, leaf) in of(Reading::LookUp) {
            let set = worker.set(leaf.node)?;
            if !matches!(set, ChunkSet::Empty) {
                self.marks.look_up(2 << bit, |low| set.contains(low));
            }
        }
        Ok(())
    }
}

impl<M: Mark, const COUNTERS: usize> Taker<'_, M, COUNTERS> {
    /// Adds the money of the chunk's rows to the combinations of its marks.
    fn money(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        let (Some(worker), Some(money)) = (&mut self.sets, &mut self.money) else { return Ok(()) };
        let (marks, combinations) = (&self.marks, &mut self.combinations);
        money.each(chunk, worker.tools().money().0, ColumnSet::AMOUNT, |low, _, amount| {
            combinations.add_money(marks.of(low), amount);
        })
    }
}

/// The lanes of a plan.
fn open<'v>(view: &'v View, plan: &CensusPlan) -> LaneList<'v, Marking> {
    let (mut lanes, mut counters) = (LaneList::new(), 0);
    for (bit, leaf) in (0_u32..).zip(&plan.leaves) {
        let Reading::Rows(reading) = &leaf.reading else { continue };
        let (mark, days) = (2 << bit, &reading.days);
        let counted = match reading.counting {
            Counting::Once => None,
            Counting::Times(n) => Some((n, Counted { counter: counters, by_day: false })),
            Counting::Days(n) => Some((n, Counted { counter: counters, by_day: true })),
        };
        let counted =
            counted.and_then(|(wanted, how)| u8::try_from(wanted).ok().map(|wanted| (wanted, how)));
        counters += usize::from(counted.is_some());
        each_lane(view, &reading.lanes, days, &mut |segment, lane| {
            let new = || Marking::new(lane.first_day(), lane.last_day());
            let marking = lanes.lane((segment, lane), days, leaf.node, new);
            match counted {
                None => marking.once(mark, days),
                Some((wanted, counted)) => marking.count(mark, days, counted, wanted),
            }
        });
    }
    lanes
}
