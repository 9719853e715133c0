//! How many consumers have each combination of marks.

use hashbrown::HashMap;

use super::choice::CensusPlan;
use crate::exec::program::{Node, NodeId, Program};

/// Bits up to which combinations are counted in a list of all, which the cache should hold.
const LISTED_BITS: usize = 14;

/// The leaves some consumers are in: their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination(u64);

/// Places for combinations that come again and again.
const RECENT: usize = 1 << 12;

/// Counts of each combination that is listed.
const WAYS: usize = 2;

/// How many consumers each combination has.
#[derive(Debug)]
pub struct Combinations {
    /// By combination, while there are few leaves; several counts of each, so that a consumer's
    /// need not wait for that of the one before, who is often of the same combination.
    listed: Vec<[u32; WAYS]>,
    /// With more: by leaf, who has only that.
    single: [u64; 64],
    /// With more: by hash, the combination that came last and how often. It fits the cache, which
    /// the whole does not.
    recent: Vec<(u64, u64)>,
    /// The others.
    found: HashMap<u64, u64>,
    /// By combination, the money of those who have it, in minor units.
    sums: HashMap<u64, i128>,
}

impl Combinations {
    pub(super) fn new(leaves: usize) -> Self {
        let listed = if leaves <= LISTED_BITS { vec![[0; WAYS]; 1 << leaves] } else { Vec::new() };
        let recent = if listed.is_empty() { vec![(0, 0); RECENT] } else { Vec::new() };
        Self { listed, single: [0; 64], recent, found: HashMap::new(), sums: HashMap::new() }
    }

    /// Consumers with some marks, none of them counted before.
    #[inline]
    pub(super) fn add(&mut self, marks: impl Iterator<Item = u64>) {
        let combinations = marks.map(|marks| marks >> 1);
        if self.listed.is_empty() {
            combinations.for_each(|combination| self.add_one(combination));
            return;
        }
        for (number, combination) in combinations.enumerate() {
            let place = usize::try_from(combination).ok();
            if let Some(counts) = place.and_then(|place| self.listed.get_mut(place)) {
                // Fewer consumers than 2^32 are there at all.
                counts[number % WAYS] += 1;
            }
        }
    }

    #[inline]
    fn add_one(&mut self, combination: u64) {
        if combination.is_power_of_two() {
            self.single[combination.trailing_zeros() as usize] += 1;
            return;
        }
        // Fibonacci hashing: Knuth, The Art of Computer Programming, volume 3, section 6.4.
        let hash = combination.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - RECENT.ilog2());
        let Some(recent) = self.recent.get_mut(usize::try_from(hash).unwrap_or(0)) else { return };
        if recent.0 != combination {
            let (before, count) = std::mem::replace(recent, (combination, 0));
            if count > 0 {
                *self.found.entry(before).or_insert(0) += count;
            }
        }
        recent.1 += 1;
    }

    /// Adds so many consumers with some marks, none of them counted before.
    pub(super) fn add_many(&mut self, marks: u64, consumers: usize) {
        let (combination, consumers) = (marks >> 1, consumers as u64);
        let place = usize::try_from(combination).ok();
        if let Some(counts) = place.and_then(|place| self.listed.get_mut(place)) {
            // Fewer consumers than 2^32 are there at all.
            counts[0] += u32::try_from(consumers).unwrap_or(u32::MAX);
        } else if combination.is_power_of_two() {
            self.single[combination.trailing_zeros() as usize] += consumers;
        } else if consumers > 0 {
            *self.found.entry(combination).or_insert(0) += consumers;
        }
    }

    /// Adds money of a consumer with some marks, or with none.
    #[inline]
    pub(super) fn add_money(&mut self, marks: u64, amount: i128) {
        *self.sums.entry(marks >> 1).or_insert(0) += amount;
    }

    /// Ends the adding.
    pub(super) fn settle(&mut self) {
        for (leaf, count) in self.single.iter_mut().enumerate().filter(|(_, count)| **count > 0) {
            *self.found.entry(1 << leaf).or_insert(0) += std::mem::take(count);
        }
        for (combination, count) in self.recent.drain(..).filter(|(_, count)| *count > 0) {
            *self.found.entry(combination).or_insert(0) += count;
        }
    }

    /// Adds those of another, both settled.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.listed.iter_mut().zip(&other.listed) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
        for (combination, count) in &other.found {
            *self.found.entry(*combination).or_insert(0) += count;
        }
        for (combination, money) in &other.sums {
            *self.sums.entry(*combination).or_insert(0) += money;
        }
    }

    /// Every combination that has somebody, and how many.
    pub fn iter(&self) -> impl Iterator<Item = (Combination, u64)> {
        let count = |counts: &[u32; WAYS]| counts.iter().map(|count| u64::from(*count)).sum();
        let listed = (0..).zip(self.listed.iter().map(count)).filter(|(_, count)| *count > 0_u64);
        let found = self.found.iter().map(|(combination, count)| (*combination, *count));
        listed.chain(found).map(|(bits, count)| (Combination(bits), count))
    }

    /// The money of every combination that has any, also of those without any leaf.
    pub fn money(&self) -> impl Iterator<Item = (Combination, i128)> {
        self.sums.iter().map(|(bits, money)| (Combination(*bits), *money))
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.listed.len() * size_of::<[u32; WAYS]>()
            + self.recent.len() * 16
            + self.found.capacity() * 17
            + self.sums.capacity() * 32
    }
}

impl Combination {
    /// Of each node, whether those who have it are in it; nodes that the plan does not need may
    /// say anything.
    pub fn nodes(self, plan: &CensusPlan, program: &Program, nodes: &mut Vec<bool>) {
        nodes.clear();
        for (number, node) in program.nodes().iter().enumerate() {
            // A node's children are before it.
            let is_in = |child: &NodeId| nodes[child.0];
            if let Some(bit) = plan.bits[number] {
                nodes.push(self.0 >> bit & 1 == 1);
                continue;
            }
            nodes.push(match node {
                Node::Nobody => false,
                Node::And(children) => children.iter().all(is_in),
                Node::Or(children) => children.iter().any(is_in),
                Node::Minus(from, what) => is_in(from) && !is_in(what),
                Node::Leaf(_) => false,
            });
        }
    }
}
