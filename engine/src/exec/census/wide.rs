//! A census of many chunks at a time.
//!
//! Where chunks have many rows most consumers have one of them. Those are counted without being
//! marked: of a lane whose rows all bring the same, so many as it has rows, less those of
//! consumers that have other rows. First all rows are passed to see who comes again; then
//! these alone are marked, as if they were consumers of a chunk, by their ranks. Rows of money are
//! passed as well, so that whoever has any and is in some leaf comes again: the others are in none.

use std::ops::Range;

use super::choice::{CensusPlan, Reading};
use super::counts::Counts;
use super::leaf_bits::{LeafBits, Mark};
use super::marks::{Marking, Marks};
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::listed::{LaneList, ListedLane};
use crate::exec::paid::{MoneyLane, is_plain};
use crate::exec::program::SpendChoice;
use crate::exec::run::SpanWork;
use crate::exec::trace::{NodeTrace, Trace};
use crate::exec::walk::ROWS_BETWEEN_PAUSES;
use crate::exec::wide::{WidePass, WideWalk, are_many};
use crate::options::Method;

/// Chunks read at once, at most.
pub(super) const CHUNKS_MAX: u32 = 24;
/// Ranks that are marked together.
const RANKS: u32 = 1 << 16;

/// Whether a plan is read so.
pub(super) fn is_for(
    plan: &CensusPlan,
    money: Option<&SpendChoice>,
    (chunks, method): (u32, Method),
) -> bool {
    let by_row = |reading: &Reading| matches!(reading, Reading::Rows(_));
    money.is_none_or(is_plain)
        && plan.leaves.iter().all(|leaf| by_row(&leaf.reading))
        && are_many(plan.rows, chunks, method)
}

/// The low 16 bits of a rank that has no more.
fn low_of(rank: u32) -> u16 {
    (rank & 0xFFFF) as u16
}

/// What one worker has.
pub(super) struct WideTaker<'v, M, const WORDS: usize, const COUNTERS: usize> {
    bounds: &'v Bounds,
    pass: WidePass<'v, Marking<WORDS>>,
    /// By rank, money of those who are marked.
    sums: Vec<i128>,
    /// Ranks and days of one lane's rows of those who are marked.
    lows: Vec<u16>,
    days: Vec<u16>,
    marks: Marks<M, WORDS, COUNTERS>,
    counts: Counts<WORDS>,
    trace: Trace,
}

impl<'v, M, const WORDS: usize, const COUNTERS: usize> WideTaker<'v, M, WORDS, COUNTERS>
where
    M: Mark<WORDS>,
{
    pub(super) fn new(
        lanes: LaneList<'v, Marking<WORDS>>,
        money: Option<LaneList<'v, MoneyLane>>,
        (leaves, nodes): (usize, usize),
        bounds: &'v Bounds,
    ) -> Self {
        let nodes = vec![NodeTrace::default(); nodes];
        let of_use = |of: &ListedLane<'v, Marking<WORDS>>| {
            let ends = (of.lane.first_day(), of.lane.last_day());
            of.purpose.days_of_use(ends, &of.days)
        };
        Self {
            bounds,
            pass: WidePass::new(WideWalk::new(lanes, of_use), money),
            sums: Vec::new(),
            lows: Vec::new(),
            days: Vec::new(),
            marks: Marks::new(),
            counts: Counts::new(leaves),
            trace: Trace { nodes, workers: 1, ..Trace::default() },
        }
    }

    /// Counts those of a lane with one row, and marks those with several, so many in all, but only
    /// those of some ranks. How many rows the lane has.
    fn count(&mut self, run: usize, ranks: &Range<u32>, several: u32) -> usize {
        let (rows, how) = self.pass.walk.run(run);
        let (places, own_ranks) = self.pass.planes.pick(rows.consumers);
        if ranks.start == 0 {
            if how.is_even() {
                let alone = rows.consumers.len() - places.len();
                self.counts.add_many(how.of_day(0), alone);
            } else {
                let mut several = places.iter().peekable();
                let alone = (0_u32..).zip(rows.days).filter_map(|(place, day)| {
                    let is_several = several.next_if(|other| **other == place).is_some();
                    (!is_several).then(|| how.of_day(*day))
                });
                self.counts.add(alone);
            }
        }
        self.lows.clear();
        self.days.clear();
        if several <= RANKS {
            self.lows.extend(own_ranks.iter().map(|rank| low_of(*rank)));
            if !rows.days.is_empty() {
                self.days.extend(places.iter().map(|place| rows.days[*place as usize]));
            }
        } else {
            let picked = places.iter().zip(own_ranks);
            for (place, rank) in picked.filter(|(_, rank)| ranks.contains(*rank)) {
                self.lows.push(low_of(rank - ranks.start));
                self.days.extend(rows.days.get(*place as usize));
            }
        }
        self.marks.add(&self.lows, &self.days, how);
        rows.consumers.len()
    }
}

impl<M, const WORDS: usize, const COUNTERS: usize> WideTaker<'_, M, WORDS, COUNTERS>
where
    M: Mark<WORDS>,
{
    /// Adds the money of those of some ranks, who are marked by now, to their combinations; with
    /// the first ranks that of those with no other row, who have none.
    fn add_money(&mut self, ranks: &Range<u32>, several: u32) -> Result<(), ExecuteError> {
        let Some(money) = &self.pass.money else { return Ok(()) };
        self.sums.clear();
        self.sums.resize((several.min(ranks.end) - ranks.start) as usize, 0);
        let mut alone = 0;
        for run in 0..money.runs() {
            let (rows, lane) = money.run(run);
            let sign = lane.sign();
            let amount = |place: &u32| i128::from(rows.amounts[*place as usize]);
            let (places, own_ranks) = self.pass.planes.pick(rows.consumers);
            let mut several = 0;
            for (place, rank) in places.iter().zip(own_ranks) {
                let amount = amount(place);
                several += amount;
                let place = rank.checked_sub(ranks.start).map(|place| place as usize);
                if let Some(sum) = place.and_then(|place| self.sums.get_mut(place)) {
                    *sum += sign * amount;
                }
            }
            let all: i128 = rows.amounts.iter().copied().map(i128::from).sum();
            alone += sign * (all - several);
            self.bounds.pause()?;
        }
        if ranks.start == 0 {
            self.counts.add_money(LeafBits::NONE, alone);
        }
        let Self { marks, sums, counts, .. } = self;
        marks.each_of(sums, |marks, sum| {
            if sum != 0 {
                counts.add_money(marks, sum);
            }
        });
        Ok(())
    }
}

impl<M, const WORDS: usize, const COUNTERS: usize> SpanWork for WideTaker<'_, M, WORDS, COUNTERS>
where
    M: Mark<WORDS>,
{
    type Made = (Counts<WORDS>, Trace);

    const MEMORY_OF: MemoryUse = MemoryUse::Rows;

    fn memory(&self) -> usize {
        let own = (self.lows.capacity() + self.days.capacity()) * size_of::<u16>();
        let marks = Marks::<M, WORDS, COUNTERS>::BYTES + self.counts.memory();
        let sums = self.sums.capacity() * size_of::<i128>();
        self.pass.memory() + own + marks + sums
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        self.pass.read(&chunks, &mut self.trace, self.bounds)?;
        let several = self.pass.planes.rank();
        let mut since = 0;
        // More than there are places for marks are marked in several rounds.
        for first in (0..several.max(1)).step_by(RANKS as usize) {
            let ranks = first..first.saturating_add(RANKS);
            for run in 0..self.pass.walk.runs() {
                since += self.count(run, &ranks, several);
                if since > ROWS_BETWEEN_PAUSES {
                    since = 0;
                    self.bounds.pause()?;
                }
            }
            self.add_money(&ranks, several)?;
            self.marks.count_into(&mut self.counts);
        }
        self.pass.forget();
        Ok(())
    }

    fn finish(mut self) -> Self::Made {
        self.counts.settle();
        (self.counts, self.trace)
    }
}
