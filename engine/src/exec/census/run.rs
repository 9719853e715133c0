//! A census on several workers.

use std::ops::Range;
use std::time::Instant;

use super::choice::{CensusPlan, Counting, PlannedLeaf, Reading};
use super::combinations::Combinations;
use super::counts::Counts;
use super::leaf_bits::{LeafBits, Mark};
use super::marks::{COUNTERS_MAX, Counted, Marking, Marks};
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
    // One bit says that there is a row.
    match (plan.leaves.len(), plan.counters) {
        (0..8, 0) => run::<u8, 1, 0>(view, program, (plan, money), bounds),
        (0..8, 1) => run::<u8, 1, 1>(view, program, (plan, money), bounds),
        (0..16, 0) => run::<u16, 1, 0>(view, program, (plan, money), bounds),
        (0..16, 1..3) => run::<u16, 1, 2>(view, program, (plan, money), bounds),
        (0..32, 0) => run::<u32, 1, 0>(view, program, (plan, money), bounds),
        (0..32, _) => run::<u32, 1, COUNTERS_MAX>(view, program, (plan, money), bounds),
        (0..64, 0) => run::<LeafBits<1>, 1, 0>(view, program, (plan, money), bounds),
        (0..64, _) => run::<LeafBits<1>, 1, COUNTERS_MAX>(view, program, (plan, money), bounds),
        (0..128, 0) => run::<LeafBits<2>, 2, 0>(view, program, (plan, money), bounds),
        (0..128, _) => run::<LeafBits<2>, 2, COUNTERS_MAX>(view, program, (plan, money), bounds),
        (_, 0) => run::<LeafBits<4>, 4, 0>(view, program, (plan, money), bounds),
        _ => run::<LeafBits<4>, 4, COUNTERS_MAX>(view, program, (plan, money), bounds),
    }
}

/// What one worker has.
struct Taker<'v, M, const WORDS: usize, const COUNTERS: usize> {
    plan: &'v CensusPlan,
    bounds: &'v Bounds,
    walk: Walk<'v, Marking<WORDS>>,
    marks: Marks<M, WORDS, COUNTERS>,
    /// Computes the leaves that are sets, and lends what money is read with.
    sets: Option<Worker<'v>>,
    money: Option<SpendReader<'v>>,
    counts: Counts<WORDS>,
    trace: Trace,
}

fn run<M: Mark<WORDS>, const WORDS: usize, const COUNTERS: usize>(
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
            WideTaker::<M, WORDS, COUNTERS>::new(open(view, plan), money, sizes, bounds)
        })?
    } else {
        for_each_span(spans, bounds, || {
            Taker::<M, WORDS, COUNTERS>::new(view, program, (plan, money), bounds)
        })?
    };
    let mut trace = Trace { way: Way::Rows, ..Trace::default() };
    let counts = made.into_iter().map(|(own, part)| {
        trace.merge(&part);
        own
    });
    let combinations = counts.reduce(Counts::merged).map(Counts::combinations);
    trace.elapsed = start.elapsed();
    Ok((combinations.unwrap_or_default(), trace))
}

impl<M, const WORDS: usize, const COUNTERS: usize> SpanWork for Taker<'_, M, WORDS, COUNTERS>
where
    M: Mark<WORDS>,
{
    type Made = (Counts<WORDS>, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Rows;

    fn memory(&self) -> usize {
        self.walk.memory() + Marks::<M, WORDS, COUNTERS>::BYTES + self.counts.memory()
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
            self.marks.count_into(&mut self.counts);
        }
        self.trace.chunks += u64::from(chunks.end - chunks.start);
        Ok(())
    }

    fn finish(mut self) -> Self::Made {
        if let Some(sets) = &self.sets {
            let nodes = sets.trace.nodes.clone();
            self.trace.merge(&Trace { nodes, ..Trace::default() });
        }
        self.counts.settle();
        (self.counts, self.trace)
    }
}

impl<'v, M, const WORDS: usize, const COUNTERS: usize> Taker<'v, M, WORDS, COUNTERS>
where
    M: Mark<WORDS>,
{
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
            counts: Counts::new(plan.leaves.len()),
            trace: Trace { nodes, workers: 1, ..Trace::default() },
        }
    }

    /// Marks the members of leaves that are sets: first those who bring marks, then the others.
    fn sets(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        let Some(worker) = &mut self.sets else { return Ok(()) };
        worker.start(chunk);
        let of = |wanted: Reading| {
            let numbered = (0..).zip(&self.plan.leaves);
            numbered.filter(move |(_, leaf)| leaf.reading == wanted)
        };
        for (place, leaf) in of(Reading::Set) {
            let set = worker.set(leaf.node)?;
            set.for_each(|low| self.marks.add_member(low, LeafBits::of(place)));
        }
        for (place, leaf) in of(Reading::LookUp) {
            let set = worker.set(leaf.node)?;
            if !matches!(set, ChunkSet::Empty) {
                self.marks.look_up(LeafBits::of(place), |low| set.contains(low));
            }
        }
        Ok(())
    }
}

impl<M: Mark<WORDS>, const WORDS: usize, const COUNTERS: usize> Taker<'_, M, WORDS, COUNTERS> {
    /// Adds the money of the chunk's rows to the combinations of its marks.
    fn money(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        let (Some(worker), Some(money)) = (&mut self.sets, &mut self.money) else { return Ok(()) };
        let (marks, counts) = (&self.marks, &mut self.counts);
        money.each(chunk, worker.tools().money().0, ColumnSet::AMOUNT, |low, _, amount| {
            counts.add_money(marks.of(low), amount);
        })
    }
}

/// The lanes of a plan.
fn open<'v, const WORDS: usize>(view: &'v View, plan: &CensusPlan) -> LaneList<'v, Marking<WORDS>> {
    let (mut lanes, mut counters) = (LaneList::new(), 0);
    for (place, leaf) in (0..).zip(&plan.leaves) {
        let Reading::Rows(reading) = &leaf.reading else { continue };
        let (mark, days) = (LeafBits::of(place), &reading.days);
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
