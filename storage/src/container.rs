//! A set of the 2^16 positions of one chunk, read in place.

/// Consumers in a chunk: 2^16.
pub const CHUNK_SIZE: usize = 1 << 16;
/// 64-bit words of a chunk's bitset.
pub const CHUNK_WORDS: usize = CHUNK_SIZE / 64;

/// The bitset of one chunk: bit `i % 64` of word `i / 64` is position `i`.
pub type ChunkBits = [u64; CHUNK_WORDS];

/// Consecutive positions, both ends included. Its bytes are those of the file.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The first position.
    pub first: u16,
    /// The last position, not below `first`.
    pub last: u16,
}

/// A borrowed set of positions in one chunk. Never empty.
#[derive(Debug, Clone, Copy)]
pub enum Container<'a> {
    /// Positions, strictly ascending.
    Array(&'a [u16]),
    /// One bit per position.
    Bitset(&'a ChunkBits),
    /// Runs, ascending, not touching.
    Runs(&'a [Run]),
    /// Every position.
    Full,
}

impl<'a> Container<'a> {
    /// How many positions.
    #[must_use]
    pub fn cardinality(&self) -> u32 {
        let count = match self {
            Self::Array(positions) => positions.len(),
            Self::Bitset(bits) => bits.iter().map(|word| word.count_ones() as usize).sum(),
            Self::Runs(runs) => runs.iter().map(|run| run.len()).sum(),
            Self::Full => CHUNK_SIZE,
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Whether a position is in it.
    #[must_use]
    pub fn contains(&self, position: u16) -> bool {
        match self {
            Self::Array(positions) => positions.binary_search(&position).is_ok(),
            Self::Bitset(bits) => bits[usize::from(position / 64)] >> (position % 64) & 1 != 0,
            Self::Runs(runs) => {
                let after = runs.partition_point(|run| run.first <= position);
                after > 0 && runs[after - 1].last >= position
            }
            Self::Full => true,
        }
    }

    /// How many positions are before one that is in it.
    #[must_use]
    pub fn rank(&self, position: u16) -> Option<u32> {
        if !self.contains(position) {
            return None;
        }
        let before = match self {
            Self::Array(positions) => positions.partition_point(|other| *other < position),
            Self::Bitset(bits) => {
                let (word, bit) = (usize::from(position / 64), position % 64);
                let whole = bits.iter().take(word).map(|word| word.count_ones() as usize);
                let last = bits[word] & !(u64::MAX << bit);
                whole.sum::<usize>() + last.count_ones() as usize
            }
            Self::Runs(runs) => {
                let before = runs.iter().take_while(|run| run.first <= position);
                before.map(|run| Run { last: run.last.min(position), ..*run }.len()).sum::<usize>()
                    - 1
            }
            Self::Full => usize::from(position),
        };
        u32::try_from(before).ok()
    }

    /// Adds its positions to a bitset.
    pub fn or_into(&self, bits: &mut ChunkBits) {
        match self {
            Self::Array(positions) => {
                for &position in *positions {
                    bits[usize::from(position / 64)] |= 1 << (position % 64);
                }
            }
            Self::Bitset(other) => {
                for (to, from) in bits.iter_mut().zip(*other) {
                    *to |= from;
                }
            }
            Self::Runs(runs) => runs.iter().for_each(|run| run.or_into(bits)),
            Self::Full => bits.fill(u64::MAX),
        }
    }

    /// Its positions, ascending.
    #[must_use]
    pub fn iter(&self) -> Positions<'a> {
        Positions(match *self {
            Self::Array(positions) => State::Array(positions.iter()),
            Self::Bitset(bits) => State::Bitset { bits, word: bits[0], at: 0 },
            Self::Runs(runs) => State::Runs { rest: runs.iter(), next: 1, end: 0 },
            Self::Full => State::Runs { rest: [].iter(), next: 0, end: CHUNK_SIZE - 1 },
        })
    }
}

impl<'a> IntoIterator for &Container<'a> {
    type Item = u16;
    type IntoIter = Positions<'a>;

    fn into_iter(self) -> Positions<'a> {
        self.iter()
    }
}

impl Run {
    /// How many positions; 0 when the ends are the wrong way round.
    #[expect(clippy::len_without_is_empty, reason = "a run is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        (usize::from(self.last) + 1).saturating_sub(usize::from(self.first))
    }

    fn or_into(self, bits: &mut ChunkBits) {
        if self.first > self.last {
            return;
        }
        let (from, to) = (usize::from(self.first / 64), usize::from(self.last / 64));
        let head = u64::MAX << (self.first % 64);
        let tail = u64::MAX >> (63 - self.last % 64);
        if from == to {
            bits[from] |= head & tail;
            return;
        }
        bits[from] |= head;
        bits[from + 1..to].fill(u64::MAX);
        bits[to] |= tail;
    }
}

/// The positions of a container, ascending.
#[derive(Debug, Clone)]
pub struct Positions<'a>(State<'a>);

#[derive(Debug, Clone)]
enum State<'a> {
    Array(std::slice::Iter<'a, u16>),
    Bitset {
        bits: &'a ChunkBits,
        word: u64,
        at: usize,
    },
    /// `next..=end` of the present run, then the rest.
    Runs {
        rest: std::slice::Iter<'a, Run>,
        next: usize,
        end: usize,
    },
}

impl Iterator for Positions<'_> {
    type Item = u16;

    #[expect(clippy::cast_possible_truncation, reason = "positions are below 2^16")]
    fn next(&mut self) -> Option<u16> {
        match &mut self.0 {
            State::Array(rest) => rest.next().copied(),
            State::Bitset { bits, word, at } => {
                while *word == 0 {
                    *at += 1;
                    *word = *bits.get(*at)?;
                }
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                Some((*at * 64 + bit) as u16)
            }
            State::Runs { rest, next, end } => {
                while next > end {
                    let run = rest.next()?;
                    (*next, *end) = (usize::from(run.first), usize::from(run.last));
                }
                *next += 1;
                Some((*next - 1) as u16)
            }
        }
    }
}

/// The runs of ascending positions.
pub(crate) fn runs_of(positions: impl IntoIterator<Item = u16>) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for position in positions {
        match runs.last_mut() {
            Some(run) if run.last.checked_add(1) == Some(position) => run.last = position,
            _ => runs.push(Run { first: position, last: position }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{CHUNK_WORDS, Container, runs_of};

    #[test]
    fn every_kind_agrees_with_a_tree_of_its_positions() {
        let shapes: [Vec<u16>; 6] = [
            vec![0],
            vec![u16::MAX],
            vec![0, 1, 2, 63, 64, 65, 127, 128, 65_534, 65_535],
            (0..u16::MAX).step_by(3).collect(),
            (100..40_000).chain(50_000..50_001).collect(),
            (0..=u16::MAX).collect(),
        ];
        for positions in shapes {
            let set: BTreeSet<u16> = positions.iter().copied().collect();
            let mut bits = [0; CHUNK_WORDS];
            Container::Array(&positions).or_into(&mut bits);
            let runs = runs_of(positions.iter().copied());
            let mut kinds = vec![
                Container::Array(&positions),
                Container::Bitset(&bits),
                Container::Runs(&runs),
            ];
            if positions.len() == 1 << 16 {
                kinds.push(Container::Full);
            }
            for kind in kinds {
                assert_eq!(kind.cardinality() as usize, set.len());
                assert!(kind.iter().eq(set.iter().copied()));
                let mut or = [0; CHUNK_WORDS];
                kind.or_into(&mut or);
                assert_eq!(or, bits);
                for probe in (0..=u16::MAX).step_by(61).chain([1, 64, 65_535]) {
                    assert_eq!(kind.contains(probe), set.contains(&probe));
                    let rank = set.contains(&probe).then(|| set.range(..probe).count());
                    assert_eq!(kind.rank(probe).map(|rank| rank as usize), rank);
                }
            }
        }
    }
}
