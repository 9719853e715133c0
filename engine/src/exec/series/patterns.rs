//! Counting by pattern: which of some nodes a consumer is in on a day, as the bits of a number.
//!
//! Asking of every consumer for each intersection whether it is in it costs as much as there are
//! intersections. Where there are many and a consumer has few days, the days with any node are
//! gone through instead, and the intersections follow from the patterns, of which there are few.

use hashbrown::HashMap;

use super::days::PlacedDays;
use super::run::{Counts, Later, Sums};

/// Nodes up to which consumers are counted by pattern: their counters stay in the cache.
const NODES_MAX: usize = 10;
/// What a consumer's day costs against asking a consumer for one intersection on all days: some
/// thirty steps against one or two.
const DAY_COST: u64 = 16;
/// Days of a series.
const DAYS: usize = 64;

/// The nodes that intersections are made of.
#[derive(Debug, Clone)]
pub(super) struct Nodes {
    /// Each once.
    pub(super) nodes: Vec<Later>,
    /// Of each intersection, the bits of its nodes.
    wanted: Vec<u64>,
}

impl Nodes {
    /// Those of some intersections; there are at most 64.
    pub(super) fn of(asked: &[Vec<Later>]) -> Self {
        let mut nodes: Vec<Later> = Vec::new();
        let mut bit = |later: &Later| {
            let place = nodes.iter().position(|other| other == later).unwrap_or_else(|| {
                nodes.push(*later);
                nodes.len() - 1
            });
            1_u64.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0)
        };
        let wanted = asked.iter().map(|own| own.iter().fold(0, |bits, node| bits | bit(node)));
        let wanted = wanted.collect();
        Self { nodes, wanted }
    }

    /// The intersections that those with a pattern are in.
    fn with(&self, pattern: u64) -> impl Iterator<Item = usize> {
        let wanted = self.wanted.iter().enumerate();
        wanted.filter(move |(_, wanted)| pattern & *wanted == **wanted).map(|(place, _)| place)
    }
}

/// How many consumers have each pattern on each day.
#[derive(Debug)]
pub(super) struct Patterns {
    nodes: Nodes,
    /// By pattern and day.
    counts: Vec<u32>,
}

impl Patterns {
    /// Nothing counted; none where there are too many nodes, or so few intersections that asking
    /// for each costs less than one day of a consumer.
    pub(super) fn new(asked: &[Vec<Later>]) -> Option<Self> {
        let nodes = Nodes::of(asked);
        let places = nodes.nodes.len();
        let are_many = asked.len() as u64 > DAY_COST;
        (are_many && places <= NODES_MAX).then(|| Self { counts: vec![0; DAYS << places], nodes })
    }

    /// Whether counting some consumers so costs less than by intersection.
    pub(super) fn are_better(&self, consumers: &PlacedDays) -> bool {
        let by_intersection = (consumers.places * self.nodes.wanted.len()) as u64;
        let mut any = vec![0_u64; consumers.places];
        for of in &self.nodes.nodes {
            for (any, own) in any.iter_mut().zip(&consumers.nodes[of.node]) {
                *any |= own >> of.days;
            }
        }
        let days: u64 = any.iter().map(|days| u64::from(days.count_ones())).sum();
        days * DAY_COST < by_intersection
    }

    /// Adds some consumers, each of whom counts for as many as `weight` says of their place.
    pub(super) fn add(&mut self, consumers: &PlacedDays, weight: impl Fn(usize) -> u32) {
        let of = |of: &Later| (consumers.nodes[of.node].as_slice(), of.days);
        let columns: Vec<_> = self.nodes.nodes.iter().map(of).collect();
        let mut own = [0_u64; NODES_MAX];
        let own = &mut own[..columns.len()];
        for place in 0..consumers.places {
            let (mut any, weight) = (0, weight(place));
            for (own, (days, later)) in own.iter_mut().zip(&columns) {
                *own = days[place] >> later;
                any |= *own;
            }
            while any != 0 {
                let day = any.trailing_zeros();
                any &= any - 1;
                let bits = own.iter().rev().fold(0, |bits, own| bits << 1 | own >> day & 1);
                let at = usize::try_from(bits).unwrap_or(0) * DAYS + day as usize;
                if let Some(count) = self.counts.get_mut(at) {
                    *count += weight;
                }
            }
        }
    }

    /// Adds what was counted to the counts of intersections.
    pub(super) fn finish(&self, counts: &mut Counts) {
        for (pattern, days) in (0..).zip(self.counts.chunks_exact(DAYS)) {
            if days.iter().all(|count| *count == 0) {
                continue;
            }
            // One of no nodes has no count.
            for place in self.nodes.with(pattern).filter(|place| self.nodes.wanted[*place] != 0) {
                let all = counts[place].iter_mut().zip(days);
                all.for_each(|(all, own)| *all += u64::from(*own));
            }
        }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.counts.len() * 4
    }
}

/// The money of those who have each pattern on a day.
#[derive(Debug)]
pub(super) struct MoneyPatterns {
    pub(super) nodes: Nodes,
    /// By pattern and day, where there are few nodes.
    listed: Vec<i128>,
    /// With more, those that there are.
    found: HashMap<(u64, u32), i128>,
}

impl MoneyPatterns {
    /// No money yet.
    pub(super) fn new(asked: &[Vec<Later>]) -> Self {
        let nodes = Nodes::of(asked);
        let places = nodes.nodes.len();
        let listed = if places <= NODES_MAX { vec![0; DAYS << places] } else { Vec::new() };
        Self { nodes, listed, found: HashMap::new() }
    }

    /// Adds an amount.
    #[inline]
    pub(super) fn add(&mut self, pattern: u64, day: u32, amount: i128) {
        let at = usize::try_from(pattern).ok().map(|pattern| pattern * DAYS + day as usize);
        match at.and_then(|at| self.listed.get_mut(at)) {
            Some(sum) => *sum += amount,
            None => *self.found.entry((pattern, day)).or_insert(0) += amount,
        }
    }

    /// The money of intersections.
    pub(super) fn finish(&self) -> Sums {
        let mut sums = vec![[0; DAYS]; self.nodes.wanted.len()];
        let listed = (0..).zip(self.listed.chunks_exact(DAYS)).flat_map(|(pattern, days)| {
            (0..).zip(days).map(move |(day, amount)| ((pattern, day), *amount))
        });
        let found = self.found.iter().map(|(key, amount)| (*key, *amount));
        for ((pattern, day), amount) in listed.filter(|(_, amount)| *amount != 0).chain(found) {
            for place in self.nodes.with(pattern) {
                sums[place][day as usize] += amount;
            }
        }
        sums
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.listed.len() * size_of::<i128>() + self.found.capacity() * 48
    }
}
