//! Counting up to a small number for every position at once.

use throng_storage::container::ChunkBits;

use crate::exec::set::{ChunkSet, Pool};
use crate::kernel;

/// The highest number counted to: every increment costs as many steps.
pub const LEVELS_MAX: u32 = 8;

/// One bitset per number up to n: who was counted that often, at least.
#[derive(Debug)]
pub struct Levels {
    /// Empty until somebody is counted.
    bits: Vec<Box<ChunkBits>>,
    n: usize,
}

impl Levels {
    /// Nobody counted yet. `n` is between 1 and [`LEVELS_MAX`].
    pub fn new(n: u32) -> Self {
        Self { bits: Vec::new(), n: n.clamp(1, LEVELS_MAX) as usize }
    }

    #[cold]
    fn prepare(&mut self, pool: &mut Pool) {
        self.bits.resize_with(self.n, || pool.zeroed());
    }

    /// Counts one.
    #[inline]
    pub fn add(&mut self, low: u16, pool: &mut Pool) {
        if self.bits.is_empty() {
            self.prepare(pool);
        }
        let (word, bit) = (usize::from(low) / 64, 1_u64 << (low % 64));
        let mut carry = bit;
        for level in &mut self.bits {
            let before = level[word];
            level[word] = before | carry;
            carry &= before;
        }
    }

    /// Those counted n times or more.
    pub fn finish(mut self, pool: &mut Pool) -> ChunkSet {
        let last = self.bits.pop();
        self.bits.drain(..).for_each(|bits| pool.recycle(ChunkSet::Bits(bits)));
        match last {
            Some(bits) if kernel::is_empty(&bits) => {
                pool.recycle(ChunkSet::Bits(bits));
                ChunkSet::Empty
            }
            Some(bits) => ChunkSet::Bits(bits),
            None => ChunkSet::Empty,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn levels_count_as_a_table_does() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(5);
        let pool = &mut Pool::default();
        for n in 1..=LEVELS_MAX {
            let mut table = vec![0_u32; 1 << 16];
            let mut levels = Levels::new(n);
            for _ in 0..3000 {
                let low = rng.random_range(0..700_u16) * 93;
                levels.add(low, pool);
                table[usize::from(low)] += 1;
            }
            let set = levels.finish(pool);
            assert!((0..=u16::MAX).all(|low| set.contains(low) == (table[usize::from(low)] >= n)));
            pool.recycle(set);
        }
        assert!(matches!(Levels::new(2).finish(pool), ChunkSet::Empty));
    }
}
