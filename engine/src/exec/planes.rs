//! Who of some chunks has rows, and who has several: a bit for each consumer.

use throng_storage::container::CHUNK_WORDS;

use crate::kernel;

/// Words for each of those seen again, from which on passing all words takes longer than ordering
/// them.
const WORDS_FOR_EACH: usize = 64;

/// Words that are passed as fast as one row is looked up.
const WORDS_FOR_ONE: usize = 8;

/// Consumers seen among the rows of lanes, counted from the first of the chunks.
#[derive(Debug, Default)]
pub(super) struct Planes {
    seen: Vec<u64>,
    /// Those seen more than once.
    again: Vec<u64>,
    /// The same as a list: while they are seen some of them are in it several times.
    listed: Vec<u32>,
    /// How many were not seen before.
    new: u64,
    /// By word, how many before it were seen again; not while few were, whose ranks are their
    /// places in the list.
    ranks: Vec<u32>,
    has_ranks: bool,
    /// Of the rows picked last: their places and the ranks of their consumers.
    places: Vec<u32>,
    found: Vec<u32>,
}

impl Planes {
    /// Begins some chunks, of whom nobody was seen: all are forgotten by now.
    pub(super) fn begin(&mut self, chunks: u32) {
        let words = chunks as usize * CHUNK_WORDS;
        self.seen.resize(words, 0);
        self.again.resize(words, 0);
        self.listed.clear();
        self.new = 0;
    }

    /// Sees some consumers. False when they are not of the chunks.
    #[must_use]
    pub(super) fn see(&mut self, consumers: &[u32]) -> bool {
        let before = self.listed.len();
        let seen = kernel::see((&mut self.seen, &mut self.again), consumers, &mut self.listed);
        if seen {
            self.new += (consumers.len() - (self.listed.len() - before)) as u64;
        }
        seen
    }

    /// Gives ranks to those seen again. How many there are.
    pub(super) fn rank(&mut self) -> u32 {
        self.has_ranks = self.listed.len() >= self.again.len() / WORDS_FOR_EACH;
        if !self.has_ranks {
            self.listed.sort_unstable();
            self.listed.dedup();
            return u32::try_from(self.listed.len()).unwrap_or(u32::MAX);
        }
        self.ranks.resize(self.again.len(), 0);
        kernel::rank_all(&self.again, &mut self.ranks)
    }

    /// Those of some rows whose consumers were seen again: their places, and the ranks of their
    /// consumers.
    pub(super) fn pick(&mut self, consumers: &[u32]) -> (&[u32], &[u32]) {
        self.places.clear();
        self.found.clear();
        if self.listed.is_empty() {
            return (&[], &[]);
        }
        kernel::pick(&self.again, consumers, &mut self.places);
        if !self.has_ranks {
            let rank = |place: &u32| {
                let rank = self.listed.binary_search(&consumers[*place as usize]);
                rank.ok().and_then(|rank| u32::try_from(rank).ok()).unwrap_or(u32::MAX)
            };
            self.found.extend(self.places.iter().map(rank));
        } else {
            let again = (self.again.as_slice(), self.ranks.as_slice());
            kernel::ranks_of(again, consumers, &self.places, &mut self.found);
        }
        (&self.places, &self.found)
    }

    /// Appends the consumers of some rows who were seen once.
    pub(super) fn push_alone(&self, consumers: &[u32], rows: &[u32], found: &mut Vec<u32>) {
        let mut end = found.len();
        found.resize(end + rows.len(), 0);
        for row in rows {
            let consumer = consumers.get(*row as usize).copied().unwrap_or(0);
            let word = self.again.get((consumer >> 6) as usize).copied().unwrap_or(0);
            // Written before it is known whether it stays, so that no branch has to be guessed.
            found[end] = consumer;
            end += usize::from(word >> (consumer & 63) & 1 == 0);
        }
        found.truncate(end);
    }

    /// Appends those seen: of few rows, which `lists` has, in any order.
    pub(super) fn push_seen<'r>(
        &mut self,
        lists: impl Iterator<Item = &'r [u32]>,
        found: &mut Vec<u32>,
    ) {
        if self.new > (self.seen.len() / WORDS_FOR_ONE) as u64 {
            return each_one(&self.seen, |consumer| found.push(consumer));
        }
        for consumer in lists.flatten() {
            let Some(word) = self.seen.get_mut((consumer >> 6) as usize) else { continue };
            // Nobody is told of twice.
            if *word >> (consumer & 63) & 1 == 1 {
                *word &= !(1 << (consumer & 63));
                found.push(*consumer);
            }
        }
    }

    /// Calls `visit` with those seen again, in the order of their ranks.
    pub(super) fn each_again(&self, visit: impl FnMut(u32)) {
        if !self.has_ranks {
            self.listed.iter().copied().for_each(visit);
        } else {
            each_one(&self.again, visit);
        }
    }

    /// How many were seen.
    pub(super) fn count(&self) -> u64 {
        self.new
    }

    /// Ends the chunks: forgets those of `lists`, of all rows that were seen.
    pub(super) fn forget(&mut self, lists: &[&[u32]]) {
        let rows = lists.iter().map(|list| list.len()).sum();
        forget(&mut self.seen, rows, lists.iter().copied().flatten());
        forget(&mut self.again, self.listed.len(), self.listed.iter());
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        (self.seen.capacity() + self.again.capacity()) * size_of::<u64>()
            + (self.listed.capacity() + self.ranks.capacity()) * size_of::<u32>()
            + (self.places.capacity() + self.found.capacity()) * size_of::<u32>()
    }
}

/// Unsets the bits of some consumers, who are all that have one.
fn forget<'r>(words: &mut [u64], rows: usize, consumers: impl Iterator<Item = &'r u32>) {
    /// Words that are written as fast as one that has to be found.
    const WORDS: usize = 16;
    if rows > words.len() / WORDS {
        words.fill(0);
        return;
    }
    for consumer in consumers {
        if let Some(word) = words.get_mut((consumer >> 6) as usize) {
            *word = 0;
        }
    }
}

/// Calls `visit` with the places of all bits that are set, ascending.
fn each_one(words: &[u64], mut visit: impl FnMut(u32)) {
    for (first, word) in (0_u32..).step_by(64).zip(words) {
        let mut left = *word;
        while left != 0 {
            visit(first + left.trailing_zeros());
            left &= left - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Planes;

    #[test]
    fn consumers_are_seen_once_or_again_and_forgotten() {
        let mut planes = Planes::default();
        for lists in [[vec![3, 70, 65_536], vec![4, 70, 99_999]], [vec![70, 71, 71], vec![]]] {
            planes.begin(2);
            assert!(lists.iter().all(|list| planes.see(list)));
            let mut all = lists.concat();
            all.sort_unstable();
            let mut again: Vec<u32> =
                all.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
            again.dedup();
            all.dedup();
            let mut several = Vec::new();
            assert_eq!(planes.count(), all.len() as u64);
            assert_eq!(planes.rank() as usize, again.len());
            planes.each_again(|consumer| several.push(consumer));
            assert_eq!(several, again);
            let (rows, mut alone): (Vec<u32>, _) = ((0..3).collect(), vec![1]);
            planes.push_alone(&lists[0], &rows, &mut alone);
            assert!(alone[1..].iter().eq(lists[0].iter().filter(|of| !again.contains(of))));
            let (places, ranks) = planes.pick(&lists[0]);
            let picked = places.iter().map(|place| lists[0][*place as usize]);
            assert!(picked.eq(ranks.iter().map(|rank| again[*rank as usize])));
            let mut seen = Vec::new();
            planes.push_seen(lists.iter().map(Vec::as_slice), &mut seen);
            seen.sort_unstable();
            assert_eq!(seen, all);
            planes.forget(&[&lists[0], &lists[1]]);
        }
        // So many that all words are passed.
        let many: Vec<u32> = (0..131_072).step_by(3).collect();
        let mut seen = Vec::new();
        planes.begin(2);
        assert!(planes.see(&many));
        planes.push_seen([many.as_slice()].into_iter(), &mut seen);
        assert_eq!(seen, many);
        planes.forget(&[&many]);
        planes.begin(2);
        assert!(!planes.see(&[5, 131_072]), "not of two chunks");
        assert_eq!((planes.count(), planes.rank()), (0, 0));
    }
}
