//! A series on several workers.

use std::ops::{Range, RangeInclusive};
use std::time::Instant;

use super::days::{ChunkDays, LanePurpose};
use super::money::MoneyDays;
use super::patterns::Patterns;
use super::plan::{SeriesNode, SeriesPlan};
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
use crate::kernel;
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
    let new = || Taker::new(view, program, plan, (asked, money), bounds);
    let made = for_each_span(spans, bounds, new)?;
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
    asked: &'v [Vec<Later>],
    walk: Walk<'v, LanePurpose>,
    chunk: ChunkDays,
    /// Computes the nodes that are the same every day, and lends what money is read with.
    sets: Option<Worker<'v>>,
    money: Option<MoneyDays<'v>>,
    /// Where there are many intersections.
    patterns: Option<Patterns>,
    counts: Counts,
    trace: Trace,
}

impl SpanWork for Taker<'_> {
    type Made = (Counts, Sums, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Days;

    fn memory(&self) -> usize {
        let patterns = self.patterns.as_ref().map_or(0, Patterns::memory);
        let money = self.money.as_ref().map_or(0, MoneyDays::memory);
        self.walk.memory() + self.chunk.memory() + patterns + money
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
                let numbered = self.plan.nodes.iter().enumerate();
                let rows = numbered.filter(|(_, node)| matches!(node, SeriesNode::Rows(_)));
                days.make_room(rows.map(|(place, _)| place));
                self.walk.chunk(chunk, |rows, of| days.add(rows.lows, rows.days, of));
                self.combine(chunk)?;
                self.count();
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
        if let Some(patterns) = &self.patterns {
            patterns.finish(&mut self.counts);
        }
        (self.counts, sums, self.trace)
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
        let look_up = |node: &SeriesNode| matches!(node, SeriesNode::LookUp(_));
        let sets = money.is_some() || plan.nodes.iter().any(look_up);
        let nodes = vec![NodeTrace::default(); program.nodes().len()];
        Self {
            plan,
            bounds,
            asked,
            walk: Walk::new(lanes),
            chunk: ChunkDays::new(plan.nodes.len(), &kept),
            sets: sets.then(|| Worker::new(view, program, bounds.timing)),
            money: money.map(|money| MoneyDays::new(view, money, asked)),
            patterns: Patterns::new(asked),
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
                    put_together((&mut own, u64::MAX), children, days, |a, b| a & b);
                }
                SeriesNode::Or(children) => {
                    put_together((&mut own, 0), children, days, |a, b| a | b)
                }
                SeriesNode::Minus(from, what) => {
                    let pairs = days[*from].iter().zip(&days[*what]);
                    own.extend(pairs.map(|(from, what)| from & !what));
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
            if own.len() != lows.len() {
                own.resize(lows.len(), 0);
            }
            self.chunk.days[place] = own;
        }
        Ok(())
    }

    fn count(&mut self) {
        if let Some(patterns) = &mut self.patterns
            && patterns.are_better(&self.chunk)
        {
            patterns.add(&self.chunk);
            return;
        }
        let days = &self.chunk.days;
        let of = |later: &Later| (days[later.node].as_slice(), later.days);
        for (nodes, counts) in self.asked.iter().zip(&mut self.counts) {
            match nodes.as_slice() {
                [] => {}
                [one] => kernel::count_bits(of(one), of(one), counts),
                [first, second] => kernel::count_bits(of(first), of(second), counts),
                [first, rest @ ..] => {
                    let first_days = days[first.node].iter().map(|own| own >> first.days);
                    let mut all: Vec<u64> = first_days.collect();
                    for later in rest {
                        apply(&mut all, &days[later.node], |a, b| a & b >> later.days);
                    }
                    kernel::count_bits((&all, 0), (&all, 0), counts);
                }
            }
        }
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

/// Puts the days of some nodes together in a list that is empty; of no nodes they are neutral.
fn put_together(
    (own, neutral): (&mut Vec<u64>, u64),
    nodes: &[usize],
    days: &[Vec<u64>],
    with: impl Fn(u64, u64) -> u64 + Copy,
) {
    match nodes {
        [] => own.resize(days.iter().map(Vec::len).max().unwrap_or(0), neutral),
        [one] => own.extend_from_slice(&days[*one]),
        [first, second, rest @ ..] => {
            let pairs = days[*first].iter().zip(&days[*second]);
            own.extend(pairs.map(|(first, second)| with(*first, *second)));
            rest.iter().for_each(|node| apply(own, &days[*node], with));
        }
    }
}

fn apply(to: &mut [u64], from: &[u64], with: impl Fn(u64, u64) -> u64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = with(*to, *from));
}
