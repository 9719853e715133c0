//! The days of some consumers, and of one chunk's.

use std::ops::RangeInclusive;

use throng_storage::container::CHUNK_SIZE;

use super::plan::{SeriesNode, SeriesPlan, SeriesRows};
use crate::exec::census::Counting;
use crate::exec::listed::{Needs, Purpose};
use crate::exec::program::NodeId;

/// What one lane's rows are read for: a leaf or more.
#[derive(Debug)]
pub(super) struct LanePurpose {
    first: u16,
    last: i32,
    leaves: Vec<LaneLeaf>,
}

/// A leaf that reads a lane.
#[derive(Debug)]
struct LaneLeaf {
    node: usize,
    /// By day from `first` on, the days of the series that its rows count for.
    by_day: Vec<u64>,
    /// The days that all rows count for, when they are the same.
    all: u64,
    /// Where rows are counted: the counter, and how many rows or days make one.
    counter: Option<(usize, Counting)>,
}

impl LanePurpose {
    /// No leaf yet.
    pub(super) fn new(first: i32, last: i32) -> Self {
        Self { first: u16::try_from(first).unwrap_or(0), last, leaves: Vec::new() }
    }

    /// Adds a leaf.
    pub(super) fn add(&mut self, node: usize, rows: &SeriesRows, counter: Option<usize>) {
        let days = i32::from(self.first)..=self.last;
        let by_day = days.map(|day| rows.days_with(day)).collect();
        let counter = counter.map(|counter| (counter, rows.reading.counting));
        self.leaves.push(LaneLeaf { node, by_day, all: 0, counter });
    }

    /// The nodes that one row alone may bring its consumer into.
    pub(super) fn nodes_of_one(&self) -> Vec<usize> {
        let leaves = self.leaves.iter().filter(|leaf| leaf.counter.is_none());
        leaves.map(|leaf| leaf.node).collect()
    }

    /// Of each day from the lane's first on, whether its rows count for any day of the series; none
    /// when all do that are read.
    pub(super) fn days_of_use(&self, read: &RangeInclusive<i32>) -> Option<Vec<bool>> {
        let days = i32::from(self.first)..=self.last;
        let of_use = |at: usize| {
            let with = |leaf: &LaneLeaf| leaf.by_day.get(at).copied().unwrap_or(leaf.all);
            self.leaves.iter().any(|leaf| with(leaf) != 0)
        };
        let all: Vec<bool> = days.clone().enumerate().map(|(at, _)| of_use(at)).collect();
        let is_idle = |(day, of_use): (i32, &bool)| read.contains(&day) && !of_use;
        days.zip(&all).any(is_idle).then_some(all)
    }
}

impl Purpose for LanePurpose {
    fn settle(&mut self, read: &RangeInclusive<i32>) -> Needs {
        for leaf in &mut self.leaves {
            let days = (i32::from(self.first)..).zip(&leaf.by_day);
            let mut own = days.filter(|(day, _)| read.contains(day)).map(|(_, days)| *days);
            leaf.all = own.next().unwrap_or(0);
            if own.all(|days| days == leaf.all) && leaf.counter.is_none() {
                leaf.by_day = Vec::new();
            }
        }
        let whole = *read.start() <= i32::from(self.first) && self.last <= *read.end();
        let none = self.leaves.iter().all(|leaf| leaf.by_day.is_empty() && leaf.counter.is_none());
        if whole && none { Needs::Consumers } else { Needs::Days }
    }
}

/// Consumers with a place each, and the days of the series on which they are in each node.
#[derive(Debug)]
pub(super) struct PlacedDays {
    /// How many have a place.
    pub(super) places: usize,
    /// By node and place.
    pub(super) nodes: Vec<Vec<u64>>,
    counters: Vec<Counter>,
}

/// The same of those of one chunk who have a row.
#[derive(Debug)]
pub(super) struct ChunkDays {
    /// By position, one more than the consumer's place; 0 for those without a row.
    places: Vec<u32>,
    /// The positions, by place.
    pub(super) lows: Vec<u16>,
    pub(super) days: PlacedDays,
}

/// What the rows of a leaf are counted in: of each of the last rows, the days of the series that
/// it counts for.
#[derive(Debug)]
struct Counter {
    /// How many rows are kept: one less than are wanted.
    kept: usize,
    /// By place, the rows kept, latest first.
    rows: Vec<u64>,
    /// By place, one more than the day of the latest row.
    latest: Vec<u16>,
}

impl PlacedDays {
    /// Nobody has a place. Of each counter, how many rows it keeps.
    pub(super) fn new(nodes: usize, kept: &[usize]) -> Self {
        let counter = |kept: &usize| Counter { kept: *kept, rows: vec![], latest: vec![] };
        let counters = kept.iter().map(counter).collect();
        Self { places: 0, nodes: vec![Vec::new(); nodes], counters }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        let days: usize = self.nodes.iter().map(Vec::capacity).sum();
        let of = |counter: &Counter| counter.rows.capacity() * 8 + counter.latest.capacity() * 2;
        days * 8 + self.counters.iter().map(of).sum::<usize>()
    }

    /// Begins with so many, who are in no node that is read by rows.
    pub(super) fn begin(&mut self, places: usize, plan: &SeriesPlan<'_>) {
        self.places = places;
        for (own, node) in self.nodes.iter_mut().zip(&plan.nodes) {
            if matches!(node, SeriesNode::Rows(_)) {
                own.clear();
                own.resize(places, 0);
            }
        }
        for counter in &mut self.counters {
            counter.rows.clear();
            counter.rows.resize(places * counter.kept, 0);
            counter.latest.clear();
            counter.latest.resize(places, 0);
        }
    }

    /// Adds rows of one lane; of each the place of its consumer, and its day where days matter.
    pub(super) fn add(
        &mut self,
        places: impl Iterator<Item = usize> + Clone,
        days: &[u16],
        of: &LanePurpose,
    ) {
        for leaf in &of.leaves {
            let own = self.nodes[leaf.node].as_mut_slice();
            let places = places.clone();
            if leaf.by_day.is_empty() {
                places.for_each(|place| own[place] |= leaf.all);
                continue;
            }
            let rows = places.zip(days).map(|(place, day)| {
                let at = usize::from(day.wrapping_sub(of.first));
                (place, *day, leaf.by_day.get(at).copied().unwrap_or(0))
            });
            match leaf.counter {
                None => rows.for_each(|(place, _, with)| own[place] |= with),
                Some((number, counting)) => {
                    let by_day = matches!(counting, Counting::Days(_));
                    let counter = &mut self.counters[number];
                    rows.for_each(|(place, day, with)| {
                        own[place] |= counter.add(place, day, with, by_day);
                    });
                }
            }
        }
    }

    /// Computes the nodes that are not read by rows, children first. `look_up` is to give the days
    /// of everybody, by place, for a node that is the same every day.
    ///
    /// # Errors
    /// As `look_up`.
    pub(super) fn combine<E>(
        &mut self,
        plan: &SeriesPlan<'_>,
        mut look_up: impl FnMut(NodeId, &mut Vec<u64>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (number, node) in plan.nodes.iter().enumerate() {
            if matches!(node, SeriesNode::Rows(_)) {
                continue;
            }
            let mut own = std::mem::take(&mut self.nodes[number]);
            own.clear();
            let days = &self.nodes;
            match node {
                SeriesNode::Rows(_) | SeriesNode::Nobody => {}
                SeriesNode::And(children) => {
                    put_together((&mut own, u64::MAX), children, days, |a, b| a & b);
                }
                SeriesNode::Or(children) => {
                    put_together((&mut own, 0), children, days, |a, b| a | b);
                }
                SeriesNode::Minus(from, what) => {
                    let pairs = days[*from].iter().zip(&days[*what]);
                    own.extend(pairs.map(|(from, what)| from & !what));
                }
                SeriesNode::LookUp(of) => look_up(*of, &mut own)?,
            }
            own.resize(self.places, 0);
            self.nodes[number] = own;
        }
        Ok(())
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

/// Applies an operation to the days of everybody.
pub(super) fn apply(to: &mut [u64], from: &[u64], with: impl Fn(u64, u64) -> u64) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = with(*to, *from));
}

impl ChunkDays {
    /// Nobody has a row.
    pub(super) fn new(days: PlacedDays) -> Self {
        Self { places: vec![0; CHUNK_SIZE], lows: Vec::new(), days }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        CHUNK_SIZE * size_of::<u32>() + self.lows.capacity() * 2 + self.days.memory()
    }

    /// Gives every consumer of some rows a place.
    pub(super) fn place(&mut self, lows: &[u16]) {
        for low in lows {
            let place = &mut self.places[usize::from(*low)];
            if *place == 0 {
                self.lows.push(*low);
                *place = u32::try_from(self.lows.len()).unwrap_or(u32::MAX);
            }
        }
    }

    /// Makes room for the days of those with a place, who are in no node that is read by rows.
    pub(super) fn begin(&mut self, plan: &SeriesPlan<'_>) {
        self.days.begin(self.lows.len(), plan);
    }

    /// Adds the rows of one lane, whose consumers have places.
    pub(super) fn add(&mut self, lows: &[u16], days: &[u16], of: &LanePurpose) {
        let places = &self.places;
        let place = |low: &u16| places[usize::from(*low)] as usize - 1;
        self.days.add(lows.iter().map(place), days, of);
    }

    /// The place of a consumer; none without a row.
    #[inline]
    pub(super) fn place_of(&self, low: u16) -> Option<usize> {
        (self.places[usize::from(low)] as usize).checked_sub(1)
    }

    /// Forgets the chunk.
    pub(super) fn clear(&mut self) {
        for low in self.lows.drain(..) {
            self.places[usize::from(low)] = 0;
        }
    }
}

impl Counter {
    /// Adds a row that counts for some days of the series. The days for which, with it, there are
    /// enough: those of the first row that is needed and of the last, since a window has no gaps.
    #[inline]
    fn add(&mut self, place: usize, day: u16, with: u64, by_day: bool) -> u64 {
        let stamp = day.saturating_add(1);
        let latest = std::mem::replace(&mut self.latest[place], stamp);
        if by_day && latest == stamp {
            return 0;
        }
        let rows = &mut self.rows[place * self.kept..(place + 1) * self.kept];
        let first = rows.last().copied().unwrap_or(0);
        rows.rotate_right(1);
        if let Some(row) = rows.first_mut() {
            *row = with;
        }
        first & with
    }
}
