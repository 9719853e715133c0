//! A census on several workers.

use std::ops::Range;
use std::time::Instant;

use super::choice::{CensusPlan, Counting, Reading};
use super::combinations::Combinations;
use super::marks::{COUNTERS_MAX, Counted, Mark, Marking, Marks};
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::eval::Worker;
use crate::exec::program::Program;
use crate::exec::run::{SpanWork, for_each_span};
use crate::exec::set::ChunkSet;
use crate::exec::trace::{NodeTrace, Trace, Way};
use crate::exec::walk::{Walk, each_lane, spans};
use crate::view::View;

/// Counts consumers by combination of a plan's leaves.
///
/// # Errors
/// When bytes of the store are corrupt; a cancellation, the deadline or the memory limit.
pub fn census(
    view: &View,
    program: &Program,
    plan: &CensusPlan,
    bounds: &Bounds,
) -> Result<(Combinations, Trace), ExecuteError> {
    match (plan.leaves.len(), plan.counters) {
        (0..32, 0) => run::<u32, 0>(view, program, plan, bounds),
        (0..32, 1..3) => run::<u32, 2>(view, program, plan, bounds),
        (0..32, _) => run::<u32, COUNTERS_MAX>(view, program, plan, bounds),
        (_, 0) => run::<u64, 0>(view, program, plan, bounds),
        _ => run::<u64, COUNTERS_MAX>(view, program, plan, bounds),
    }
}

/// What one worker has.
struct Taker<'v, M, const COUNTERS: usize> {
    plan: &'v CensusPlan,
    walk: Walk<'v, Marking>,
    marks: Marks<M, COUNTERS>,
    /// Computes the leaves that are sets.
    sets: Option<Worker<'v>>,
    combinations: Combinations,
    trace: Trace,
}

fn run<M: Mark, const COUNTERS: usize>(
    view: &View,
    program: &Program,
    plan: &CensusPlan,
    bounds: &Bounds,
) -> Result<(Combinations, Trace), ExecuteError> {
    let start = Instant::now();
    let spans = spans(view.chunk_end(), plan.rows, bounds.threads);
    let made =
        for_each_span(spans, bounds, || Taker::<M, COUNTERS>::new(view, program, plan, bounds))?;
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
        self.walk.read(chunks.clone(), &mut self.trace)?;
        for chunk in chunks.clone() {
            let marks = &mut self.marks;
            self.walk.chunk(chunk, |lows, days, how| marks.add(lows, days, how));
            self.sets(chunk)?;
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
    fn new(view: &'v View, program: &'v Program, plan: &'v CensusPlan, bounds: &Bounds) -> Self {
        let walk = open(view, plan);
        let sets = plan.leaves.iter().any(|leaf| !matches!(leaf.reading, Reading::Rows(_)));
        let nodes = vec![NodeTrace::default(); program.nodes().len()];
        Self {
            plan,
            marks: Marks::new(),
            walk,
            sets: sets.then(|| Worker::new(view, program, bounds.timing)),
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

/// Opens the lanes of a plan.
fn open<'v>(view: &'v View, plan: &CensusPlan) -> Walk<'v, Marking> {
    let (mut walk, mut counters) = (Walk::new(), 0);
    for (bit, leaf) in (0_u32..).zip(&plan.leaves) {
        let Reading::Rows(reading) = &leaf.reading else { continue };
        let (mark, days) = (2 << bit, &reading.days);
        let counted = match reading.counting {
            Counting::Once => None,
            Counting::Times(n) => Some((n, Counted { counter: counters, by_day: false })),
            Counting::Days(n) => Some((n, Counted { counter: counters, by_day: true })),
        };
        counters += usize::from(counted.is_some());
        each_lane(view, &reading.lanes, days, &mut |segment, lane| {
            let new = || Marking::new(lane.first_day(), lane.last_day());
            let marking = walk.lane((segment, lane), days, leaf.node, new);
            match counted {
                None => marking.once(mark, days),
                Some((wanted, counted)) => marking.count(mark, days, counted, wanted),
            }
        });
    }
    walk.settle();
    walk
}
