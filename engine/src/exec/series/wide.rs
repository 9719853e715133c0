//! A series of many chunks at a time.
//!
//! As in a census most consumers have one row of what is asked. The days on which such a row brings
//! its consumer into a node hang on its lane's leaves and its day alone, so they are counted by
//! these, and their nodes are computed once for each in the end. Those who come again have a place
//! by rank, as consumers of a chunk have.

use std::convert::Infallible;
use std::ops::Range;

use super::days::{LanePurpose, PlacedDays};
use super::money::WideMoney;
use super::plan::{SeriesNode, SeriesPlan};
use super::run::{Counts, Later, SeriesMoney, Sums};
use super::tally::Tally;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::listed::{LaneList, ListedLane};
use crate::exec::paid::{is_plain, money_lanes};
use crate::exec::run::SpanWork;
use crate::exec::trace::{NodeTrace, Trace};
use crate::exec::walk::ROWS_BETWEEN_PAUSES;
use crate::exec::wide::{WidePass, WideRun, WideWalk, are_many};
use crate::options::Method;
use crate::view::View;

/// Chunks read at once, at most.
pub(super) const CHUNKS_MAX: u32 = 32;

/// Whether a plan is read so.
pub(super) fn is_for(
    plan: &SeriesPlan<'_>,
    money: Option<&SeriesMoney>,
    (chunks, method): (u32, Method),
) -> bool {
    let by_row = |node: &SeriesNode| !matches!(node, SeriesNode::LookUp(_));
    money.is_none_or(|money| is_plain(&money.choice))
        && plan.nodes.iter().all(by_row)
        && are_many(plan.rows, chunks, method)
}

/// What one worker has.
pub(super) struct WideTaker<'v> {
    plan: &'v SeriesPlan<'v>,
    bounds: &'v Bounds,
    pass: WidePass<'v, LanePurpose>,
    money: Option<WideMoney>,
    alone: Alone,
    /// Those who come again, by rank.
    several: PlacedDays,
    /// The days of rows of one lane of theirs.
    days: Vec<u16>,
    tally: Tally<'v>,
    trace: Trace,
}

impl<'v> WideTaker<'v> {
    pub(super) fn new(
        view: &'v View,
        plan: &'v SeriesPlan<'v>,
        (lanes, several): (LaneList<'v, LanePurpose>, PlacedDays),
        (asked, money): (&'v [Vec<Later>], Option<&SeriesMoney>),
        (bounds, nodes): (&'v Bounds, usize),
    ) -> Self {
        let of_use = |of: &ListedLane<'v, LanePurpose>| of.purpose.days_of_use(&of.days);
        let walk = WideWalk::new(lanes, of_use);
        let alone = Alone::new(&walk);
        let lanes_of_money = money.map(|money| money_lanes(view, &money.choice, true));
        Self {
            plan,
            bounds,
            pass: WidePass::new(walk, lanes_of_money),
            money: money.map(|money| WideMoney::new(view, money, asked)),
            alone,
            several,
            days: Vec::new(),
            tally: Tally::new(asked),
            trace: Trace {
                nodes: vec![NodeTrace::default(); nodes],
                workers: 1,
                ..Trace::default()
            },
        }
    }
}

impl SpanWork for WideTaker<'_> {
    type Made = (Counts, Sums, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Days;

    fn memory(&self) -> usize {
        let money = self.money.as_ref().map_or(0, WideMoney::memory);
        let own = self.days.capacity() * size_of::<u16>() + self.alone.memory();
        self.pass.memory() + money + own + self.several.memory() + self.tally.memory()
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        self.pass.read(&chunks, &mut self.trace, self.bounds)?;
        let WidePass { walk, money, planes } = &mut self.pass;
        self.several.begin(planes.rank() as usize, self.plan);
        let mut since = 0;
        for run in 0..walk.runs() {
            let (rows, of) = walk.run(run);
            let (places, ranks) = planes.pick(rows.consumers);
            self.alone.add(&rows, places);
            self.days.clear();
            if !rows.days.is_empty() {
                self.days.extend(places.iter().map(|place| rows.days[*place as usize]));
            }
            self.several.add(ranks.iter().map(|rank| *rank as usize), &self.days, of);
            since += rows.consumers.len();
            if since > ROWS_BETWEEN_PAUSES {
                since = 0;
                self.bounds.pause()?;
            }
        }
        combine(&mut self.several, self.plan);
        self.tally.count(&self.several);
        if let (Some(sums), Some(money)) = (&mut self.money, money) {
            sums.add((money, planes), &self.several, self.bounds)?;
        }
        self.pass.forget();
        Ok(())
    }

    fn finish(mut self) -> Self::Made {
        let weights = self.alone.place(&mut self.several, self.plan);
        combine(&mut self.several, self.plan);
        self.tally.count_many(&self.several, &weights);
        let sums = self.money.map_or_else(Vec::new, WideMoney::finish);
        (self.tally.finish(), sums, self.trace)
    }
}

/// Computes the nodes that are not read by rows, where none is looked up.
fn combine(consumers: &mut PlacedDays, plan: &SeriesPlan<'_>) {
    let Ok(()) = consumers.combine(plan, |_, _| Ok::<_, Infallible>(()));
}

/// How many consumers with one row have it for some leaves and on some day.
#[derive(Debug)]
struct Alone {
    /// The nodes of some leaves.
    leaves: Vec<Vec<usize>>,
    /// Of each lane, where the count of its first day is, and this day.
    lanes: Vec<(usize, u16)>,
    /// The first day that has a count, and how many have one, of each of the lists of leaves.
    first: i32,
    days: usize,
    counts: Vec<u64>,
}

impl Alone {
    /// Nobody.
    fn new(walk: &WideWalk<'_, LanePurpose>) -> Self {
        let first = walk.lanes().map(|of| of.lane.first_day()).min().unwrap_or(0);
        let last = walk.lanes().map(|of| of.lane.last_day()).max().unwrap_or(-1);
        let after = |day: i32| usize::try_from(day - first).unwrap_or(0);
        let days = after(last + 1);
        let mut leaves: Vec<Vec<usize>> = Vec::new();
        let lanes = walk.lanes().map(|of| {
            let own = of.purpose.nodes_of_one();
            let list = leaves.iter().position(|other| *other == own).unwrap_or_else(|| {
                leaves.push(own);
                leaves.len() - 1
            });
            let own = of.lane.first_day();
            (list * days + after(own), u16::try_from(own).unwrap_or(0))
        });
        let lanes = lanes.collect();
        Self { lanes, first, days, counts: vec![0; leaves.len() * days], leaves }
    }

    /// Adds the rows of a lane, but for those at some places. Where all days are the same, the
    /// first stands for them.
    fn add(&mut self, rows: &WideRun<'_>, but: &[u32]) {
        let (at, first) = self.lanes[rows.lane];
        let counts = &mut self.counts[at..];
        if rows.days.is_empty() {
            counts[0] += (rows.consumers.len() - but.len()) as u64;
            return;
        }
        let mut add = |day: u16, one: u64| {
            if let Some(count) = counts.get_mut(usize::from(day.wrapping_sub(first))) {
                *count = count.wrapping_add(one);
            }
        };
        rows.days.iter().for_each(|day| add(*day, 1));
        but.iter().for_each(|place| add(rows.days[*place as usize], u64::MAX));
    }

    /// Gives a place to each list of leaves and day that somebody has. How many have it, by place.
    fn place(&self, consumers: &mut PlacedDays, plan: &SeriesPlan<'_>) -> Vec<u64> {
        let is_there = |(_, count): &(usize, &u64)| **count > 0;
        let there: Vec<_> = self.counts.iter().enumerate().filter(is_there).collect();
        consumers.begin(there.len(), plan);
        for (place, (at, _)) in there.iter().enumerate() {
            let day = self.first + i32::try_from(at % self.days).unwrap_or(0);
            for node in &self.leaves[at / self.days] {
                if let SeriesNode::Rows(rows) = &plan.nodes[*node] {
                    consumers.nodes[*node][place] |= rows.days_with(day);
                }
            }
        }
        there.into_iter().map(|(_, count)| *count).collect()
    }

    /// Bytes of it.
    fn memory(&self) -> usize {
        self.counts.len() * size_of::<u64>()
    }
}
