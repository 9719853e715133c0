//! Consumers of one worker by the combination of leaves they are in.

use hashbrown::HashMap;

use super::combinations::Combinations;
use super::leaf_bits::LeafBits;

/// Leaves up to which combinations are counted in a list of all, which the cache should hold.
const LISTED_LEAVES: usize = 14;

/// Places for combinations that come again and again, as a power of two.
const RECENT_BITS: u32 = 12;

/// Counts of each combination that is listed.
const WAYS: usize = 2;

/// How many consumers each combination has, and their money.
#[derive(Debug)]
pub(super) struct Counts<const WORDS: usize> {
    /// By combination, while there are few leaves; several counts of each, so that a consumer's
    /// need not wait for that of the one before, who is often of the same combination.
    listed: Vec<[u32; WAYS]>,
    /// With more: by leaf, who has only that.
    single: Vec<u64>,
    /// With more: by hash, the combination that came last and how often. It fits the cache, which
    /// the whole does not.
    recent: Vec<(LeafBits<WORDS>, u64)>,
    /// The others.
    found: HashMap<LeafBits<WORDS>, u64>,
    /// By combination, the money of those who have it, in minor units.
    sums: HashMap<LeafBits<WORDS>, i128>,
}

impl<const WORDS: usize> Counts<WORDS> {
    /// Nobody yet, of so many leaves.
    pub(super) fn new(leaves: usize) -> Self {
        let mut new = Self {
            listed: Vec::new(),
            single: Vec::new(),
            recent: Vec::new(),
            found: HashMap::new(),
            sums: HashMap::new(),
        };
        if leaves <= LISTED_LEAVES {
            new.listed = vec![[0; WAYS]; 1 << leaves];
        } else {
            new.single = vec![0; leaves];
            new.recent = vec![(LeafBits::NONE, 0); 1 << RECENT_BITS];
        }
        new
    }

    /// Consumers with some marks, none of them counted before.
    #[inline]
    pub(super) fn add(&mut self, marks: impl Iterator<Item = LeafBits<WORDS>>) {
        if self.listed.is_empty() {
            marks.for_each(|marks| self.add_one(marks));
            return;
        }
        for (number, marks) in marks.enumerate() {
            if let Some(counts) = self.listed.get_mut(marks.number()) {
                // Fewer consumers than 2^32 are there at all.
                counts[number % WAYS] += 1;
            }
        }
    }

    #[inline]
    fn add_one(&mut self, marks: LeafBits<WORDS>) {
        if let Some(leaf) = marks.single() {
            self.single[leaf] += 1;
            return;
        }
        let Some(recent) = self.recent.get_mut(marks.spread(RECENT_BITS)) else { return };
        if recent.0 != marks {
            let (before, count) = std::mem::replace(recent, (marks, 0));
            if count > 0 {
                *self.found.entry(before).or_insert(0) += count;
            }
        }
        recent.1 += 1;
    }

    /// Adds so many consumers with some marks, none of them counted before.
    pub(super) fn add_many(&mut self, marks: LeafBits<WORDS>, consumers: usize) {
        let consumers = consumers as u64;
        if let Some(counts) = self.listed.get_mut(marks.number()) {
            // Fewer consumers than 2^32 are there at all.
            counts[0] += u32::try_from(consumers).unwrap_or(u32::MAX);
        } else if let Some(leaf) = marks.single() {
            self.single[leaf] += consumers;
        } else if consumers > 0 {
            *self.found.entry(marks).or_insert(0) += consumers;
        }
    }

    /// Adds money of a consumer with some marks, or with none.
    #[inline]
    pub(super) fn add_money(&mut self, marks: LeafBits<WORDS>, amount: i128) {
        *self.sums.entry(marks).or_insert(0) += amount;
    }

    /// Ends the adding.
    pub(super) fn settle(&mut self) {
        for (leaf, count) in self.single.drain(..).enumerate().filter(|(_, count)| *count > 0) {
            let mut marks = LeafBits::ANY;
            marks |= LeafBits::of(leaf);
            *self.found.entry(marks).or_insert(0) += count;
        }
        for (marks, count) in self.recent.drain(..).filter(|(_, count)| *count > 0) {
            *self.found.entry(marks).or_insert(0) += count;
        }
    }

    /// Those of two workers together, both settled.
    pub(super) fn merged(mut self, other: Self) -> Self {
        for (mine, theirs) in self.listed.iter_mut().zip(other.listed) {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
        for (marks, count) in other.found {
            *self.found.entry(marks).or_insert(0) += count;
        }
        for (marks, money) in other.sums {
            *self.sums.entry(marks).or_insert(0) += money;
        }
        self
    }

    /// What was counted, once it is settled.
    pub(super) fn combinations(self) -> Combinations {
        let listed = (0..).zip(self.listed).map(|(number, counts)| {
            let members = counts.iter().map(|count| u64::from(*count)).sum();
            (LeafBits::<WORDS>::of_number(number), members)
        });
        let members = listed.chain(self.found).filter(|(_, members)| *members > 0);
        Combinations::new(
            members.map(|(marks, members)| (marks.widest(), members)),
            self.sums.into_iter().map(|(marks, money)| (marks.widest(), money)),
        )
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        // A place of a map has a byte more.
        self.listed.len() * size_of::<[u32; WAYS]>()
            + self.single.len() * size_of::<u64>()
            + self.recent.len() * size_of::<(LeafBits<WORDS>, u64)>()
            + self.found.capacity() * (size_of::<(LeafBits<WORDS>, u64)>() + 1)
            + self.sums.capacity() * (size_of::<(LeafBits<WORDS>, i128)>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Counts, LeafBits, RECENT_BITS};

    fn leaves<const WORDS: usize>(marks: LeafBits<WORDS>) -> Vec<usize> {
        let mut leaves = Vec::new();
        marks.each(|leaf| leaves.push(leaf));
        leaves
    }

    /// Two workers count what one would, of so many leaves.
    fn two_workers_count<const WORDS: usize>(count: usize) {
        let mut workers = [Counts::<WORDS>::new(count), Counts::new(count)];
        let (mut members, mut sums) = (BTreeMap::new(), BTreeMap::new());
        // More combinations than there are recent ones.
        for consumer in 0..10_u32 << RECENT_BITS {
            let (mut marks, mut left) = (LeafBits::ANY, consumer as usize / 3 % 6_000);
            while left > 0 {
                marks |= LeafBits::of(left * left % count);
                left /= 7;
            }
            let worker = &mut workers[consumer as usize % 2];
            let (consumers, amount) = if consumer % 5 == 0 { (3, 1) } else { (1, -7) };
            if consumers == 1 {
                worker.add(std::iter::once(marks));
            } else {
                worker.add_many(marks, consumers);
            }
            worker.add_money(marks, amount);
            *members.entry(leaves(marks)).or_insert(0) += consumers as u64;
            *sums.entry(leaves(marks)).or_insert(0) += amount;
        }
        workers.iter_mut().for_each(Counts::settle);
        let [one, other] = workers;
        let combinations = one.merged(other).combinations();
        let counted = combinations.members().flatten().map(|(of, count)| (leaves(of.0), *count));
        let counted: Vec<_> = counted.collect();
        assert_eq!(counted.len(), members.len(), "none comes twice");
        assert_eq!(BTreeMap::from_iter(counted), members);
        let money = combinations.money().flatten().map(|(of, money)| (leaves(of.0), *money));
        assert_eq!(money.collect::<BTreeMap<_, _>>(), sums);
    }

    #[test]
    fn two_workers_count_what_one_would() {
        two_workers_count::<1>(12);
        two_workers_count::<1>(63);
        two_workers_count::<2>(127);
        two_workers_count::<4>(255);
    }
}
