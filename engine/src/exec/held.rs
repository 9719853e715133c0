//! Sets that an AND has read in place, put together: first what is short, then what is listed, of
//! which a bitset is made anyhow, and last bitsets, which are put to it where they lie.
//!
//! Looking up what is listed in a bitset takes twice as long as setting its bits in another.

use throng_storage::container::Container;

use super::set::{ChunkSet, Pool, SPARSE_MAX};
use crate::kernel;

/// What an index holds of a chunk, or two of that of which either is enough.
#[derive(Debug, Clone, Copy)]
pub(super) enum Held<'v> {
    One(Container<'v>),
    Either(Container<'v>, Container<'v>),
}

/// When one is put to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// So few that the others are looked up for each.
    Few,
    Listed,
    Bits,
}

impl Held<'_> {
    fn turn(&self) -> Turn {
        let listed = |container: &Container<'_>| match container {
            Container::Array(lows) => Some(lows.len()),
            _ => None,
        };
        let listed = match self {
            Self::One(one) => listed(one),
            Self::Either(left, right) => listed(left).zip(listed(right)).map(|(l, r)| l + r),
        };
        match listed {
            Some(few) if few <= SPARSE_MAX => Turn::Few,
            Some(_) => Turn::Listed,
            None => Turn::Bits,
        }
    }

    /// Its members.
    pub(super) fn members(&self, pool: &mut Pool) -> ChunkSet {
        match self {
            Self::One(one) => ChunkSet::from_container(one, pool),
            Self::Either(left, right) => ChunkSet::either_of(left, right, pool),
        }
    }

    /// Who is in both.
    fn with(&self, other: &Self, pool: &mut Pool) -> ChunkSet {
        match (self, other) {
            (Self::One(left), Self::One(right)) => ChunkSet::both_of(left, right, pool),
            (
                Self::One(Container::Bitset(one)),
                Self::Either(Container::Bitset(left), Container::Bitset(right)),
            )
            | (
                Self::Either(Container::Bitset(left), Container::Bitset(right)),
                Self::One(Container::Bitset(one)),
            ) => {
                let mut bits = pool.any();
                kernel::both_of_either(&mut bits, one, left, right);
                ChunkSet::Bits(bits)
            }
            _ => {
                let mut set = self.members(pool);
                other.narrow(&mut set, pool);
                set
            }
        }
    }

    /// Keeps of a set who is in it.
    pub(super) fn narrow(&self, set: &mut ChunkSet, pool: &mut Pool) {
        match (&*set, self) {
            (ChunkSet::Empty, _) => {}
            (_, Self::One(one)) => set.intersect_container(one, pool),
            (_, Self::Either(left, right)) => set.intersect_either(left, right, pool),
        }
    }
}

/// Who is in all of them, and in a set if there is one.
pub(super) fn put_together(
    set: Option<ChunkSet>,
    held: &mut [Held<'_>],
    pool: &mut Pool,
) -> ChunkSet {
    held.sort_by_key(Held::turn);
    let (mut set, rest) = match (set, &*held) {
        (Some(set), rest) => (set, rest),
        (None, [left, right, rest @ ..]) => (left.with(right, pool), rest),
        (None, [one]) => (one.members(pool), &[][..]),
        (None, []) => (ChunkSet::Empty, &[][..]),
    };
    for held in rest {
        held.narrow(&mut set, pool);
    }
    set
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};
    use throng_storage::container::CHUNK_WORDS;

    use super::*;

    #[test]
    fn sets_are_put_together_whatever_they_are() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(5);
        let pool = &mut Pool::default();
        let mut draw = |n: usize| -> Vec<u16> {
            let list: BTreeSet<u16> = (0..n).map(|_| rng.random()).collect();
            list.into_iter().collect()
        };
        let (few, many, more) = (draw(60), draw(2_000), draw(3_000));
        let bits = [30_000, 20_000, 40_000].map(|n| {
            let mut bits = Box::new([0_u64; CHUNK_WORDS]);
            kernel::set_all(&mut bits, &draw(n));
            bits
        });
        let [a, b, c] = bits.each_ref().map(|bits| Container::Bitset(bits));
        let (few, many, more) =
            (Container::Array(&few), Container::Array(&many), Container::Array(&more));
        let every = [
            vec![Held::One(a)],
            vec![Held::Either(a, many)],
            vec![Held::One(a), Held::Either(b, c)],
            vec![Held::Either(b, c), Held::One(a)],
            vec![Held::Either(many, more), Held::One(a), Held::Either(b, c)],
            vec![Held::Either(many, more), Held::Either(few, few)],
            vec![Held::One(few), Held::One(many), Held::One(Container::Full)],
            vec![Held::One(a), Held::Either(few, a), Held::One(more), Held::One(b)],
            vec![],
        ];
        for held in every {
            for made in [None, Some(draw(900)), Some(draw(20_000)), Some(Vec::new())] {
                let members = |of: &Container<'_>| of.iter().collect::<BTreeSet<u16>>();
                let sets = held.iter().map(|held| match held {
                    Held::One(one) => members(one),
                    Held::Either(left, right) => &members(left) | &members(right),
                });
                let own = made.as_ref().map(|list| list.iter().copied().collect());
                let expected = own.into_iter().chain(sets).reduce(|all, one| &all & &one);
                let set = made.map(|list| ChunkSet::from_sorted(list, pool));
                let found = put_together(set, &mut held.clone(), pool);
                let mut members = BTreeSet::new();
                found.for_each(|low| assert!(members.insert(low)));
                assert_eq!(members, expected.unwrap_or_default(), "{}", held.len());
            }
        }
    }
}
