//! Sets put together with what an index holds of a chunk, without a copy of it.

use throng_storage::container::Container;

use super::set::{ChunkSet, Pool, SetBuilder};
use crate::kernel;

impl ChunkSet {
    /// A container's members.
    pub fn from_container(container: &Container<'_>, pool: &mut Pool) -> Self {
        let mut members = SetBuilder::new(pool);
        members.push_container(container, pool);
        members.finish(pool)
    }

    /// The members of two containers.
    pub fn either_of(left: &Container<'_>, right: &Container<'_>, pool: &mut Pool) -> Self {
        if let (Container::Bitset(left), Container::Bitset(right)) = (left, right) {
            let mut bits = pool.any();
            kernel::either_of(&mut bits, left, right);
            return Self::Bits(bits);
        }
        let mut set = Self::from_container(left, pool);
        set.unite_container(right, pool);
        set
    }

    /// Those who are in two containers.
    pub fn both_of(left: &Container<'_>, right: &Container<'_>, pool: &mut Pool) -> Self {
        if let (Container::Bitset(left), Container::Bitset(right)) = (left, right) {
            let mut bits = pool.any();
            kernel::both_of(&mut bits, left, right);
            return Self::Bits(bits);
        }
        let mut set = Self::from_container(left, pool);
        set.intersect_container(right, pool);
        set
    }

    /// Keeps the members that are in one of two containers.
    pub fn intersect_either(
        &mut self,
        left: &Container<'_>,
        right: &Container<'_>,
        pool: &mut Pool,
    ) {
        match (&mut *self, left, right) {
            (Self::Bits(bits), Container::Bitset(left), Container::Bitset(right)) => {
                kernel::and_either(bits, left, right);
            }
            (Self::Sparse(list), Container::Bitset(left), Container::Bitset(right)) => {
                list.retain(|low| kernel::test(left, *low) || kernel::test(right, *low));
                self.drop_empty(pool);
            }
            _ => {
                let either = Self::either_of(left, right, pool);
                self.intersect(&either, pool);
                pool.recycle(either);
            }
        }
    }

    /// Keeps the members that are in a container too.
    pub fn intersect_container(&mut self, container: &Container<'_>, pool: &mut Pool) {
        match (&mut *self, container) {
            (_, Container::Full) => {}
            (Self::Bits(bits), Container::Bitset(more)) => kernel::and(bits, more),
            (Self::Bits(bits), Container::Array(lows)) => {
                let mut kept = pool.list();
                kept.extend(lows.iter().filter(|low| kernel::test(bits, **low)));
                let kept = Self::from_sorted(kept, pool);
                pool.recycle(std::mem::replace(self, kept));
            }
            (Self::Sparse(list), Container::Bitset(bits)) => {
                list.retain(|low| kernel::test(bits, *low));
                self.drop_empty(pool);
            }
            (_, other) => {
                let other = Self::from_container(other, pool);
                self.intersect(&other, pool);
                pool.recycle(other);
            }
        }
    }

    /// How many members are in a container too.
    pub fn count_container(&self, container: &Container<'_>, pool: &mut Pool) -> u32 {
        match (self, container) {
            (Self::Empty, _) => 0,
            (_, Container::Full) => self.count(),
            (Self::Bits(bits), Container::Array(lows)) => kernel::count_listed(bits, lows),
            (Self::Bits(bits), Container::Bitset(more)) => kernel::count_and(bits, more),
            (Self::Sparse(list), Container::Bitset(bits)) => kernel::count_listed(bits, list),
            (Self::Sparse(list), Container::Array(lows)) => {
                let both = list.iter().filter(|low| lows.binary_search(low).is_ok()).count();
                u32::try_from(both).unwrap_or(u32::MAX)
            }
            (_, Container::Runs(_)) => {
                let other = Self::from_container(container, pool);
                let both = self.count_both(&other);
                pool.recycle(other);
                both
            }
        }
    }

    /// Adds the members of a container.
    pub fn unite_container(&mut self, container: &Container<'_>, pool: &mut Pool) {
        match self {
            Self::Bits(bits) => kernel::or_container_ahead(bits, container, pool.ahead()),
            Self::Empty => *self = Self::from_container(container, pool),
            Self::Sparse(_) => {
                let mut other = Self::from_container(container, pool);
                other.unite(self, pool);
                pool.recycle(std::mem::replace(self, other));
            }
        }
    }

    /// Removes the members of a container.
    pub fn subtract_container(&mut self, container: &Container<'_>, pool: &mut Pool) {
        match (&mut *self, container) {
            (Self::Empty, _) => {}
            (_, Container::Full) => pool.recycle(std::mem::take(self)),
            (Self::Bits(bits), Container::Array(lows)) => {
                kernel::unset_all_ahead(bits, lows, pool.ahead());
            }
            (Self::Bits(bits), Container::Bitset(more)) => kernel::and_not(bits, more),
            (_, other) => {
                let other = Self::from_container(other, pool);
                self.subtract(&other, pool);
                pool.recycle(other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};
    use throng_storage::container::{CHUNK_WORDS, Run};

    use super::*;

    #[test]
    fn every_container_is_put_to_every_set_as_a_set_is() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(31);
        let pool = &mut Pool::default();
        let mut draw = |n: usize| -> Vec<u16> {
            let list: BTreeSet<u16> = (0..n).map(|_| rng.random()).collect();
            list.into_iter().collect()
        };
        let (few, many, most) = (draw(40), draw(3_000), draw(30_000));
        let mut bits = Box::new([0_u64; CHUNK_WORDS]);
        kernel::set_all(&mut bits, &most);
        let runs = [Run { first: 3, last: 900 }, Run { first: 40_000, last: 65_535 }];
        let containers = [
            Container::Array(&few),
            Container::Array(&many),
            Container::Bitset(&bits),
            Container::Runs(&runs),
            Container::Full,
        ];
        let sizes = [0, 1, 500, 1_024, 1_025, 30_000];
        for (size, container) in sizes.iter().flat_map(|n| containers.map(|c| (*n, c))) {
            let own = draw(size);
            let other: BTreeSet<u16> = container.iter().collect();
            let set = ChunkSet::from_sorted(own.clone(), pool);
            let own: BTreeSet<u16> = own.into_iter().collect();
            let check = |found: &ChunkSet, expected: BTreeSet<u16>| {
                let mut members = BTreeSet::new();
                found.for_each(|low| assert!(members.insert(low)));
                assert_eq!(members, expected, "{size} with {container:?}");
                assert!(!matches!(found, ChunkSet::Sparse(list) if list.is_empty()));
            };
            let mut both = set.copied(pool);
            both.intersect_container(&container, pool);
            check(&both, &own & &other);
            assert_eq!(set.count_container(&container, pool) as usize, (&own & &other).len());
            let mut either = set.copied(pool);
            either.unite_container(&container, pool);
            check(&either, &own | &other);
            let mut rest = set.copied(pool);
            rest.subtract_container(&container, pool);
            check(&rest, &own - &other);
            for second in containers {
                let more: BTreeSet<u16> = second.iter().collect();
                check(&ChunkSet::either_of(&container, &second, pool), &other | &more);
                check(&ChunkSet::both_of(&container, &second, pool), &other & &more);
                let mut within = set.copied(pool);
                within.intersect_either(&container, &second, pool);
                check(&within, &own & &(&other | &more));
            }
            check(&ChunkSet::from_container(&container, pool), other);
        }
    }
}
