//! A set of consumers within one chunk: the value every node of a program has.

use throng_storage::container::{CHUNK_SIZE, ChunkBits, Container};
use throng_storage::prefetch::Ahead;

use crate::kernel;
use crate::memo::KeptChunk;

/// A sparse set is kept as a list up to this many members: beyond it a bitset is as small as
/// the list is slow.
pub const SPARSE_MAX: usize = 1024;

/// Two lists are merged up to this many positions.
const MERGED_MAX: usize = 256;
/// A list that is not ascending is kept up to this many positions.
const UNSORTED_MAX: usize = 64;

/// Members of one chunk.
#[derive(Debug, Clone, Default)]
pub enum ChunkSet {
    /// Nobody.
    #[default]
    Empty,
    /// Ascending positions, at least 1 and at most [`SPARSE_MAX`].
    Sparse(Vec<u16>),
    /// A bitset; may hold any number of members.
    Bits(Box<ChunkBits>),
}

/// Boxes and lists given back, to be used again, and what will be read soon.
#[derive(Debug, Default)]
pub struct Pool {
    /// What indexes hold of the chunks that come next.
    ahead: Ahead,
    boxes: Vec<Box<ChunkBits>>,
    lists: Vec<Vec<u16>>,
}

impl Pool {
    /// A bitset with nobody in it.
    pub fn zeroed(&mut self) -> Box<ChunkBits> {
        match self.boxes.pop() {
            Some(mut bits) => {
                bits.fill(0);
                bits
            }
            None => kernel::zeroed(),
        }
    }

    /// What will be read soon.
    pub fn ahead(&mut self) -> &mut Ahead {
        &mut self.ahead
    }

    /// A bitset with anybody in it, to be written.
    pub(super) fn any(&mut self) -> Box<ChunkBits> {
        self.boxes.pop().unwrap_or_else(kernel::zeroed)
    }

    fn copied(&mut self, from: &ChunkBits) -> Box<ChunkBits> {
        match self.boxes.pop() {
            Some(mut bits) => {
                bits.copy_from_slice(from);
                bits
            }
            None => Box::new(*from),
        }
    }

    /// An empty list.
    pub fn list(&mut self) -> Vec<u16> {
        self.lists.pop().unwrap_or_default()
    }

    /// Takes a set's memory back.
    pub fn recycle(&mut self, set: ChunkSet) {
        match set {
            ChunkSet::Empty => {}
            ChunkSet::Sparse(mut list) => {
                list.clear();
                self.lists.push(list);
            }
            ChunkSet::Bits(bits) => self.boxes.push(bits),
        }
    }
}

impl ChunkSet {
    /// Ascending distinct positions as a set.
    pub fn from_sorted(list: Vec<u16>, pool: &mut Pool) -> Self {
        if list.is_empty() {
            pool.lists.push(list);
            Self::Empty
        } else if list.len() <= SPARSE_MAX {
            Self::Sparse(list)
        } else {
            let mut bits = pool.zeroed();
            kernel::set_all(&mut bits, &list);
            pool.recycle(Self::Sparse(list));
            Self::Bits(bits)
        }
    }

    /// The members of a chunk that was kept.
    pub fn from_kept(kept: &KeptChunk, pool: &mut Pool) -> Self {
        match kept {
            KeptChunk::Empty => Self::Empty,
            KeptChunk::List(lows) if lows.len() <= SPARSE_MAX => {
                let mut list = pool.list();
                list.extend_from_slice(lows);
                Self::Sparse(list)
            }
            KeptChunk::List(lows) => {
                let mut bits = pool.zeroed();
                kernel::set_all(&mut bits, lows);
                Self::Bits(bits)
            }
            KeptChunk::Bits(bits) => Self::Bits(pool.copied(bits)),
        }
    }

    /// A copy.
    pub fn copied(&self, pool: &mut Pool) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Sparse(list) => {
                let mut copy = pool.list();
                copy.extend_from_slice(list);
                Self::Sparse(copy)
            }
            Self::Bits(bits) => Self::Bits(pool.copied(bits)),
        }
    }

    /// How many members.
    pub fn count(&self) -> u32 {
        match self {
            Self::Empty => 0,
            Self::Sparse(list) => u32::try_from(list.len()).unwrap_or(u32::MAX),
            Self::Bits(bits) => kernel::count(bits),
        }
    }

    /// Whether it has no member.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Sparse(_) => false,
            Self::Bits(bits) => kernel::is_empty(bits),
        }
    }

    /// Whether a position is a member.
    pub fn contains(&self, low: u16) -> bool {
        match self {
            Self::Empty => false,
            Self::Sparse(list) => list.binary_search(&low).is_ok(),
            Self::Bits(bits) => kernel::test(bits, low),
        }
    }

    /// Calls `visit` with every member, ascending.
    pub fn for_each(&self, mut visit: impl FnMut(u16)) {
        match self {
            Self::Empty => {}
            Self::Sparse(list) => list.iter().for_each(|low| visit(*low)),
            Self::Bits(bits) => kernel::for_each(bits, visit),
        }
    }

    /// Keeps the members that are in `other` too.
    pub fn intersect(&mut self, other: &Self, pool: &mut Pool) {
        match (&mut *self, other) {
            (Self::Empty, _) => {}
            (_, Self::Empty) => pool.recycle(std::mem::take(self)),
            (Self::Sparse(list), _) => {
                list.retain(|low| other.contains(*low));
                self.drop_empty(pool);
            }
            (Self::Bits(bits), Self::Sparse(list)) => {
                let mut kept = pool.list();
                kept.extend(list.iter().filter(|low| kernel::test(bits, **low)));
                let old = std::mem::replace(self, Self::Sparse(kept));
                pool.recycle(old);
                self.drop_empty(pool);
            }
            (Self::Bits(bits), Self::Bits(more)) => kernel::and(bits, more),
        }
    }

    /// Adds the members of `other`.
    pub fn unite(&mut self, other: &Self, pool: &mut Pool) {
        match (&mut *self, other) {
            (_, Self::Empty) => {}
            (Self::Empty, _) => *self = other.copied(pool),
            (Self::Bits(bits), Self::Bits(more)) => kernel::or(bits, more),
            (Self::Bits(bits), Self::Sparse(list)) => {
                kernel::set_all(bits, list);
            }
            (Self::Sparse(list), Self::Bits(more)) => {
                let mut bits = pool.copied(more);
                kernel::set_all(&mut bits, list);
                let old = std::mem::replace(self, Self::Bits(bits));
                pool.recycle(old);
            }
            (Self::Sparse(list), Self::Sparse(more)) if list.len() + more.len() > MERGED_MAX => {
                let mut bits = pool.zeroed();
                kernel::set_all(&mut bits, list);
                kernel::set_all(&mut bits, more);
                let old = std::mem::replace(self, Self::Bits(bits));
                pool.recycle(old);
            }
            (Self::Sparse(list), Self::Sparse(more)) => {
                let mut both = pool.list();
                merge(list, more, &mut both);
                let old = std::mem::replace(self, Self::from_sorted(both, pool));
                pool.recycle(old);
            }
        }
    }

    /// Removes the members of `other`.
    pub fn subtract(&mut self, other: &Self, pool: &mut Pool) {
        match (&mut *self, other) {
            (Self::Empty, _) | (_, Self::Empty) => {}
            (Self::Sparse(list), _) => {
                list.retain(|low| !other.contains(*low));
                self.drop_empty(pool);
            }
            (Self::Bits(bits), Self::Sparse(list)) => {
                kernel::unset_all(bits, list);
            }
            (Self::Bits(bits), Self::Bits(more)) => kernel::and_not(bits, more),
        }
    }

    /// How many members are in both.
    pub fn count_both(&self, other: &Self) -> u32 {
        match (self, other) {
            (Self::Empty, _) | (_, Self::Empty) => 0,
            (Self::Bits(left), Self::Bits(right)) => kernel::count_and(left, right),
            (Self::Sparse(list), Self::Bits(bits)) | (Self::Bits(bits), Self::Sparse(list)) => {
                kernel::count_listed(bits, list)
            }
            (Self::Sparse(list), set) => {
                let both = list.iter().filter(|low| set.contains(**low)).count();
                u32::try_from(both).unwrap_or(u32::MAX)
            }
        }
    }

    /// Nobody is no list.
    pub(super) fn drop_empty(&mut self, pool: &mut Pool) {
        if matches!(self, Self::Sparse(list) if list.is_empty()) {
            pool.recycle(std::mem::take(self));
        }
    }
}

fn merge(left: &[u16], right: &[u16], out: &mut Vec<u16>) {
    let (mut l, mut r) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (l.peek(), r.peek()) {
        let low = (**a).min(**b);
        l.next_if(|x| **x == low);
        r.next_if(|x| **x == low);
        out.push(low);
    }
    out.extend(l.chain(r));
}

/// Collects members in any order, with repeats.
#[derive(Debug)]
pub struct SetBuilder {
    list: Vec<u16>,
    bits: Option<Box<ChunkBits>>,
}

impl SetBuilder {
    /// Nobody yet.
    pub fn new(pool: &mut Pool) -> Self {
        Self { list: pool.list(), bits: None }
    }

    /// Adds one.
    #[inline]
    pub fn push(&mut self, low: u16, pool: &mut Pool) {
        if self.bits.is_none() && self.takes(low, 1) {
            self.list.push(low);
        } else {
            kernel::set(self.dense(pool), low);
        }
    }

    /// Adds ascending positions, which may repeat.
    pub fn push_sorted(&mut self, lows: &[u16], pool: &mut Pool) {
        match lows.first() {
            Some(first) if self.bits.is_none() && self.takes(*first, lows.len()) => {
                self.list.extend_from_slice(lows);
            }
            Some(_) => {
                let bits = self.dense(pool);
                kernel::set_all_ahead(bits, lows, &mut pool.ahead);
            }
            None => {}
        }
    }

    /// Adds positions in any order, which may repeat.
    pub fn push_all(&mut self, lows: &[u16], pool: &mut Pool) {
        if lows.is_sorted() {
            return self.push_sorted(lows, pool);
        }
        if self.bits.is_none() && self.list.len() + lows.len() <= UNSORTED_MAX {
            self.list.extend_from_slice(lows);
        } else {
            let bits = self.dense(pool);
            kernel::set_all(bits, lows);
        }
    }

    /// Adds a container's members.
    pub fn push_container(&mut self, container: &Container<'_>, pool: &mut Pool) {
        match container {
            Container::Array(lows) => self.push_sorted(lows, pool),
            Container::Bitset(bits) if self.bits.is_none() && self.list.is_empty() => {
                self.bits = Some(pool.copied(bits));
            }
            other => {
                let bits = self.dense(pool);
                kernel::or_container_ahead(bits, other, &mut pool.ahead);
            }
        }
    }

    /// Whether so many positions from `low` on may go to the list. A long one must stay ascending:
    /// sorting it would cost more than a bitset.
    fn takes(&self, low: u16, more: usize) -> bool {
        let ascending = self.list.last().is_none_or(|last| *last <= low);
        self.list.len() + more <= if ascending { SPARSE_MAX } else { UNSORTED_MAX }
    }

    /// The bitset, from now on.
    pub fn dense(&mut self, pool: &mut Pool) -> &mut ChunkBits {
        let list = &mut self.list;
        self.bits.get_or_insert_with(|| {
            let mut bits = pool.zeroed();
            kernel::set_all(&mut bits, list);
            list.clear();
            bits
        })
    }

    /// The set.
    pub fn finish(mut self, pool: &mut Pool) -> ChunkSet {
        if let Some(bits) = self.bits {
            pool.lists.push(self.list);
            return ChunkSet::Bits(bits);
        }
        if !self.list.is_sorted_by(|a, b| a < b) {
            if !self.list.is_sorted() {
                self.list.sort_unstable();
            }
            self.list.dedup();
        }
        ChunkSet::from_sorted(self.list, pool)
    }
}

const _: () = assert!(SPARSE_MAX < CHUNK_SIZE);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};

    use super::*;

    fn members(set: &ChunkSet) -> BTreeSet<u16> {
        let mut out = BTreeSet::new();
        set.for_each(|low| assert!(out.insert(low)));
        out
    }

    #[test]
    fn every_pair_of_shapes_obeys_set_algebra() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(11);
        let pool = &mut Pool::default();
        let sizes = [0, 1, 3, 900, 1024, 1025, 30_000];
        for (a, b) in sizes.iter().flat_map(|a| sizes.map(|b| (*a, b))) {
            for span in [2000, 65_535] {
                let mut draw = |n: usize| {
                    let mut builder = SetBuilder::new(pool);
                    let list: Vec<u16> = (0..n).map(|_| rng.random_range(0..=span)).collect();
                    list.iter().for_each(|low| builder.push(*low, pool));
                    (builder.finish(pool), list.into_iter().collect::<BTreeSet<u16>>())
                };
                let ((x, xs), (y, ys)) = (draw(a), draw(b));
                assert_eq!(members(&x), xs);
                assert_eq!(x.count_both(&y) as usize, (&xs & &ys).len());
                let mut and = x.copied(pool);
                and.intersect(&y, pool);
                assert_eq!(members(&and), &xs & &ys);
                assert_eq!(and.is_empty(), (&xs & &ys).is_empty());
                let mut or = x.copied(pool);
                or.unite(&y, pool);
                assert_eq!(members(&or), &xs | &ys);
                let mut not = x.copied(pool);
                not.subtract(&y, pool);
                assert_eq!(members(&not), &xs - &ys);
                assert_eq!(not.count() as usize, (&xs - &ys).len());
                [x, y, and, or, not].into_iter().for_each(|set| pool.recycle(set));
            }
        }
    }
}
