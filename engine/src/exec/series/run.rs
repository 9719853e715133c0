//! A series on several workers.

use std::ops::Range;
use std::time::Instant;

use super::count::{BitCounts, count_bits};
use super::days::{ChunkDays, LanePurpose};
use super::plan::{SeriesNode, SeriesPlan};
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::census::Counting;
use crate::exec::eval::Worker;
use crate::exec::program::Program;
use crate::exec::run::{SpanWork, for_each_span};
use crate::exec::set::ChunkSet;
use crate::exec::trace::{NodeTrace, Trace, Way};
use crate::exec::walk::{Walk, each_lane, spans};
use crate::view::View;

/// For each intersection asked for, by day of the series, how many consumers it has.
pub type Counts = Vec<BitCounts>;

/// Counts the consumers of intersections of a plan's nodes, each of one node or more, on every day.
///
/// # Errors
/// When bytes of the store are corrupt; a cancellation, the deadline or the memory limit.
pub fn series(
    view: &View,
    program: &Program,
    plan: &SeriesPlan<'_>,
    asked: &[Vec<usize>],
    bounds: &Bounds,
) -> Result<(Counts, Trace), ExecuteError> {
    let start = Instant::now();
    let spans = spans(view.chunk_end(), plan.rows, bounds.threads);
    let made = for_each_span(spans, bounds, || Taker::new(view, program, plan, asked, bounds))?;
    let mut counts = vec![[0; 64]; asked.len()];
    let mut trace = Trace { way: Way::Days, ..Trace::default() };
    for (own, part) in made {
        for (all, own) in counts.iter_mut().zip(own) {
            all.iter_mut().zip(own).for_each(|(all, own)| *all += own);
        }
        trace.merge(&part);
    }
    trace.elapsed = start.elapsed();
    Ok((counts, trace))
}

/// What one worker has.
struct Taker<'v> {
    plan: &'v SeriesPlan<'v>,
    asked: &'v [Vec<usize>],
    walk: Walk<'v, LanePurpose>,
    chunk: ChunkDays,
    /// Computes the nodes that are the same every day.
    sets: Option<Worker<'v>>,
    counts: Counts,
    trace: Trace,
}

impl SpanWork for Taker<'_> {
    type Made = (Counts, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Days;

    fn memory(&self) -> usize {
        self.walk.memory() + self.chunk.memory()
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        self.walk.read(chunks.clone(), &mut self.trace)?;
        for chunk in chunks.clone() {
            let days = &mut self.chunk;
            self.walk.chunk(chunk, |lows, _, _| days.place(lows));
            if !days.lows.is_empty() {
                let numbered = self.plan.nodes.iter().enumerate();
                let rows = numbered.filter(|(_, node)| matches!(node, SeriesNode::Rows(_)));
                days.make_room(rows.map(|(place, _)| place));
                self.walk.chunk(chunk, |lows, days_of, of| days.add(lows, days_of, of));
                self.combine(chunk)?;
                self.count();
                self.chunk.clear();
            }
        }
        self.trace.chunks += u64::from(chunks.end - chunks.start);
        Ok(())
    }

    fn finish(mut self) -> Self::Made {
        if let Some(sets) = &self.sets {
            let nodes = sets.trace.nodes.clone();
            self.trace.merge(&Trace { nodes, ..Trace::default() });
        }
        (self.counts, self.trace)
    }
}

impl<'v> Taker<'v> {
    fn new(
        view: &'v View,
        program: &'v Program,
        plan: &'v SeriesPlan<'v>,
        asked: &'v [Vec<usize>],
        bounds: &Bounds,
    ) -> Self {
        let mut walk = Walk::new();
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
                    let purpose = walk.lane((segment, lane), &rows.reading.days, rows.node, new);
                    purpose.add(place, rows, counter);
                }
            });
        }
        walk.settle();
        let sets = plan.nodes.iter().any(|node| matches!(node, SeriesNode::LookUp(_)));
        let nodes = vec![NodeTrace::default(); program.nodes().len()];
        Self {
            plan,
            asked,
            walk,
            chunk: ChunkDays::new(plan.nodes.len(), &kept),
            sets: sets.then(|| Worker::new(view, program, bounds.timing)),
            counts: vec![[0; 64]; asked.len()],
            trace: Trace { nodes, workers: 1, ..Trace::default() },
        }
    }

    /// Computes the nodes that are not read by rows, children first.
    fn combine(&mut self, chunk: u32) -> Result<(), ExecuteError> {
        if let Some(sets) = &mut self.sets {
            sets.start(chunk);
        }
        for (place, node) in self.plan.nodes.iter().enumerate() {
            if matches!(node, SeriesNode::Rows(_)) {
                continue;
            }
            let mut own = std::mem::take(&mut self.chunk.days[place]);
            own.clear();
            let (lows, days) = (&self.chunk.lows, &self.chunk.days);
            match node {
                SeriesNode::Rows(_) => {}
                SeriesNode::Nobody => own.resize(lows.len(), 0),
                SeriesNode::And(children) => {
                    own.resize(lows.len(), u64::MAX);
                    children.iter().for_each(|child| apply(&mut own, &days[*child], |a, b| a & b));
                }
                SeriesNode::Or(children) => {
                    own.resize(lows.len(), 0);
                    children.iter().for_each(|child| apply(&mut own, &days[*child], |a, b| a | b));
                }
                SeriesNode::Minus(from, what) => {
                    own.extend_from_slice(&days[*from]);
                    apply(&mut own, &days[*what], |a, b| a & !b);
                }
                SeriesNode::LookUp(of) => {
                    const NOBODY: &ChunkSet = &ChunkSet::Empty;
                    let set = match &mut self.sets {
                        Some(sets) => sets.set(*of)?,
                        None => NOBODY,
                    };
                    let all = |low: &u16| if set.contains(*low) { u64::MAX } else { 0 };
                    own.extend(lows.iter().map(all));
                }
            }
            self.chunk.days[place] = own;
        }
        Ok(())
    }

    fn count(&mut self) {
        let days = &self.chunk.days;
        for (nodes, counts) in self.asked.iter().zip(&mut self.counts) {
            match nodes.as_slice() {
                [] => {}
                [one] => count_bits(days[*one].iter().copied(), counts),
                [first, second] => {
                    let both = days[*first].iter().zip(&days[*second]).map(|(a, b)| a & b);
                    count_bits(both, counts);
                }
                [first, rest @ ..] => {
                    let mut all = days[*first].clone();
                    rest.iter().for_each(|node| apply(&mut all, &days[*node], |a, b| a & b));
                    count_bits(all.into_iter(), counts);
                }
            }
        }
    }
}

fn apply(to: &mut [u64], from: &[u64], with: impl Fn(u64, u64) -> u64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = with(*to, *from));
}
