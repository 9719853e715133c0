//! Whom a lane does not have, told without reading it.
//!
//! A blocked Bloom filter: a consumer's bits lie in one line of the cache, so that asking costs one
//! wait for memory where a page costs half a dozen. Putze, Sanders, Singler, "Cache-, hash- and
//! space-efficient Bloom filters", Journal of Experimental Algorithmics 14, 2009. With 8 bits for
//! each consumer and 3 of them set, about one in 25 of those who are not there seems to be.

use std::sync::Arc;

use throng_query::sample::mix;

/// Bits for each consumer.
const BITS: u64 = 8;
/// Bits that each sets.
const SET: usize = 3;
const LINE_WORDS: usize = 8;
const LINE_BITS: u64 = 64 * LINE_WORDS as u64;

/// A line of the cache.
#[derive(Debug, Clone, Copy, Default)]
#[repr(align(64))]
struct Line([u64; LINE_WORDS]);

/// A consumer's places in any filter.
#[derive(Debug, Clone, Copy)]
pub struct Hashed {
    /// Of 2^32, spread over the lines.
    line: u32,
    bits: [u16; SET],
}

/// The filter of a lane.
#[derive(Debug, Clone)]
pub(super) struct Filter(Arc<[Line]>);

/// A filter that not everybody was added to yet.
#[derive(Debug)]
pub(super) struct Unfinished(Vec<Line>);

impl Hashed {
    /// Those of a consumer.
    #[must_use]
    pub fn new(consumer: u32) -> Self {
        let hash = mix((u64::from(consumer) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bit = |number: u64| (hash >> (9 * number) & (LINE_BITS - 1)) as u16;
        Self { line: (hash >> 32) as u32, bits: [bit(0), bit(1), bit(2)] }
    }

    /// Which of so many lines has its bits.
    fn line(self, lines: usize) -> usize {
        ((u64::from(self.line) * lines as u64) >> 32) as usize
    }
}

/// Lines of the filter of so many consumers.
fn lines(consumers: u64) -> usize {
    usize::try_from((consumers * BITS).div_ceil(LINE_BITS).max(1)).unwrap_or(usize::MAX)
}

impl Unfinished {
    /// Bytes of the filter of so many consumers.
    pub(super) fn bytes(consumers: u64) -> usize {
        lines(consumers).saturating_mul(size_of::<Line>())
    }

    /// The filter of so many consumers, with none of them.
    pub(super) fn new(consumers: u64) -> Self {
        Self(vec![Line::default(); lines(consumers)])
    }

    /// Adds a consumer.
    pub(super) fn add(&mut self, consumer: u32) {
        let hashed = Hashed::new(consumer);
        let lines = self.0.len();
        if let Some(line) = self.0.get_mut(hashed.line(lines)) {
            for bit in hashed.bits {
                line.0[usize::from(bit / 64)] |= 1 << (bit % 64);
            }
        }
    }

    /// Everybody was added.
    pub(super) fn finish(self) -> Filter {
        Filter(self.0.into())
    }
}

impl Filter {
    /// Whether a consumer may have been added; who was added may.
    #[inline]
    pub(super) fn may_have(&self, hashed: Hashed) -> bool {
        let line = self.0.get(hashed.line(self.0.len()));
        let is_set = |line: &Line, bit: u16| line.0[usize::from(bit / 64)] >> (bit % 64) & 1;
        line.is_none_or(|line| hashed.bits.iter().fold(1, |all, bit| all & is_set(line, *bit)) == 1)
    }

    /// Bytes of it.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Hashed, Unfinished};

    #[test]
    fn who_was_added_may_be_there_and_few_others() {
        for (count, step) in [(1, 1), (7, 3), (1000, 1), (50_000, 400)] {
            let mut filter = Unfinished::new(u64::from(count));
            (0..count).for_each(|number| filter.add(number * step));
            let filter = filter.finish();
            assert_eq!(filter.bytes(), Unfinished::bytes(u64::from(count)));
            assert!((0..count).all(|number| filter.may_have(Hashed::new(number * step))));
            let others = (0..20_000).map(|number| count * step + number);
            let wrong = others.filter(|other| filter.may_have(Hashed::new(*other))).count();
            // One in 25, and one in 20 as few as there are.
            assert!(wrong < 1_000, "{wrong} of 20,000 beside {count}");
        }
    }
}
