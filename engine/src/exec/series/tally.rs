//! How many consumers each intersection has on each day.

use super::days::{PlacedDays, apply};
use super::patterns::Patterns;
use super::run::{Counts, Later};
use crate::kernel;

/// Counts of one worker.
#[derive(Debug)]
pub(super) struct Tally<'v> {
    asked: &'v [Vec<Later>],
    /// Where there are many intersections.
    patterns: Option<Patterns>,
    counts: Counts,
}

impl<'v> Tally<'v> {
    /// Nothing counted of some intersections.
    pub(super) fn new(asked: &'v [Vec<Later>]) -> Self {
        Self { asked, patterns: Patterns::new(asked), counts: vec![[0; 64]; asked.len()] }
    }

    /// Adds consumers, the days of all their nodes known.
    pub(super) fn count(&mut self, consumers: &PlacedDays) {
        if let Some(patterns) = &mut self.patterns
            && patterns.are_better(consumers)
        {
            patterns.add(consumers, |_| 1);
            return;
        }
        let days = &consumers.nodes;
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

    /// Adds consumers of whom each stands for as many as are given for its place.
    pub(super) fn count_many(&mut self, consumers: &PlacedDays, weights: &[u64]) {
        if let Some(patterns) = &mut self.patterns {
            // Fewer consumers than 2^32 are there at all.
            patterns.add(consumers, |place| u32::try_from(weights[place]).unwrap_or(u32::MAX));
            return;
        }
        for (nodes, counts) in self.asked.iter().zip(&mut self.counts) {
            if nodes.is_empty() {
                continue;
            }
            for (place, weight) in weights.iter().enumerate() {
                let of = |later: &Later| consumers.nodes[later.node][place] >> later.days;
                let mut days = nodes.iter().map(of).fold(u64::MAX, |all, own| all & own);
                while days != 0 {
                    counts[days.trailing_zeros() as usize] += weight;
                    days &= days - 1;
                }
            }
        }
    }

    /// The counts of all that were added.
    pub(super) fn finish(mut self) -> Counts {
        if let Some(patterns) = &self.patterns {
            patterns.finish(&mut self.counts);
        }
        self.counts
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.patterns.as_ref().map_or(0, Patterns::memory)
    }
}
