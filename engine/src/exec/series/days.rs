//! The days of one chunk's consumers.

use std::ops::RangeInclusive;

use throng_storage::container::CHUNK_SIZE;

use super::plan::SeriesRows;
use crate::exec::census::Counting;
use crate::exec::listed::{Needs, Purpose};

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

/// For each consumer of a chunk with a row, the days of the series on which they are in each node.
#[derive(Debug)]
pub(super) struct ChunkDays {
    /// By position, one more than the consumer's place; 0 for those without a row.
    places: Vec<u32>,
    /// The positions, by place.
    pub(super) lows: Vec<u16>,
    /// By node and place; beyond the places all 0.
    pub(super) days: Vec<Vec<u64>>,
    counters: Vec<Counter>,
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

impl ChunkDays {
    /// Nobody has a row.
    pub(super) fn new(nodes: usize, kept: &[usize]) -> Self {
        let counter = |kept: &usize| Counter { kept: *kept, rows: vec![], latest: vec![] };
        Self {
            places: vec![0; CHUNK_SIZE],
            lows: Vec::new(),
            days: vec![Vec::new(); nodes],
            counters: kept.iter().map(counter).collect(),
        }
    }

    /// Bytes it may take.
    pub(super) fn memory(&self) -> usize {
        let days: usize = self.days.iter().map(Vec::capacity).sum();
        let rows: usize = self.counters.iter().map(|counter| counter.rows.capacity()).sum();
        CHUNK_SIZE * (6 + 2 * self.counters.len()) + (days + rows) * 8
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

    /// Makes room for the days of those with a place, in the nodes that are read by rows.
    pub(super) fn make_room(&mut self, nodes: impl Iterator<Item = usize>) {
        let places = self.lows.len();
        for node in nodes {
            self.days[node].clear();
            self.days[node].resize(places, 0);
        }
        for counter in &mut self.counters {
            counter.rows.clear();
            counter.rows.resize(places * counter.kept, 0);
            counter.latest.clear();
            counter.latest.resize(places, 0);
        }
    }

    /// Adds the rows of one lane.
    pub(super) fn add(&mut self, lows: &[u16], days: &[u16], of: &LanePurpose) {
        let Self { places, days: by_node, counters, .. } = self;
        let place = |low: u16| places[usize::from(low)] as usize - 1;
        for leaf in &of.leaves {
            let own = by_node[leaf.node].as_mut_slice();
            if leaf.by_day.is_empty() {
                lows.iter().for_each(|low| own[place(*low)] |= leaf.all);
                continue;
            }
            let rows = lows.iter().zip(days).map(|(low, day)| {
                let at = usize::from(day.wrapping_sub(of.first));
                (place(*low), *day, leaf.by_day.get(at).copied().unwrap_or(0))
            });
            match leaf.counter {
                None => rows.for_each(|(place, _, with)| own[place] |= with),
                Some((number, counting)) => {
                    let by_day = matches!(counting, Counting::Days(_));
                    let counter = &mut counters[number];
                    rows.for_each(|(place, day, with)| {
                        own[place] |= counter.add(place, day, with, by_day);
                    });
                }
            }
        }
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
