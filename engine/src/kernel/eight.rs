//! Eight sets of a chunk side by side, and in how many of them the positions of a list are: one
//! line of the cache has all that is asked of a position.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm256_and_si256, _mm256_cmpeq_epi64, _mm256_loadu_si256, _mm256_set1_epi64x,
    _mm256_setzero_si256, _mm256_storeu_si256, _mm256_sub_epi64, _mm512_add_epi64,
    _mm512_loadu_si512, _mm512_mask_add_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
    _mm512_storeu_si512, _mm512_test_epi64_mask,
};

use throng_storage::container::{CHUNK_WORDS, ChunkBits};

use super::{Level, level};

/// How many sets there are.
pub const EIGHT: usize = 8;

/// By word of a chunk, that of each of eight sets.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub struct Eight([[u64; EIGHT]; CHUNK_WORDS]);

/// The word that has each position of 64.
static BITS: [u64; 64] = {
    let (mut bits, mut place) = ([0; 64], 0);
    while place < 64 {
        bits[place] = 1 << place;
        place += 1;
    }
    bits
};

impl Eight {
    /// Eight empty sets, on the heap.
    pub fn new() -> Box<Self> {
        Box::new(Self([[0; EIGHT]; CHUNK_WORDS]))
    }

    /// Makes the sets those of some bitsets, the others empty.
    pub fn fill(&mut self, sets: [Option<&ChunkBits>; EIGHT]) {
        if sets.iter().all(Option::is_none) {
            self.0.fill([0; EIGHT]);
            return;
        }
        let nobody: &ChunkBits = &[0; _];
        super::dispatch::side_by_side(&mut self.0, &sets.map(|set| set.unwrap_or(nobody)));
    }

    /// Makes a set, which is empty, one of a list.
    pub fn put_list(&mut self, set: usize, positions: &[u16]) {
        super::dispatch::set_all_of_eight(&mut self.0, set, positions);
    }

    /// How many of some positions are in each of the sets.
    pub fn count_listed(&self, positions: &[u16]) -> [u64; EIGHT] {
        #[cfg(target_arch = "x86_64")]
        match level() {
            Level::Portable => {}
            // SAFETY: a level in use is one whose instructions this machine has.
            Level::Avx2 => return unsafe { count_avx2(self, positions) },
            // SAFETY: a level in use is one whose instructions this machine has.
            Level::Avx512 => return unsafe { count_avx512(self, positions) },
        }
        let mut counts = [0; EIGHT];
        self.add_listed(positions, &mut counts);
        counts
    }

    fn add_listed(&self, positions: &[u16], counts: &mut [u64; EIGHT]) {
        for position in positions {
            let words = &self.0[usize::from(position / 64)];
            for (count, word) in counts.iter_mut().zip(words) {
                *count += word >> (position % 64) & 1;
            }
        }
    }
}

/// The words of a position, and its bit.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn at(eight: &Eight, position: u16) -> (&[u64; EIGHT], i64) {
    let bit = BITS[usize::from(position % 64)];
    (&eight.0[usize::from(position / 64)], bit.cast_signed())
}

/// Written with the instructions themselves, as the compiler gathers the words of several positions
/// where it is left to it, which takes four times as long.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,popcnt,bmi1,bmi2")]
fn count_avx512(eight: &Eight, positions: &[u16]) -> [u64; EIGHT] {
    let one = _mm512_set1_epi64(1);
    let mut counts = [_mm512_setzero_si512(); 2];
    let (pairs, rest) = positions.as_chunks::<2>();
    for pair in pairs {
        for (count, position) in counts.iter_mut().zip(pair) {
            let (words, bit) = at(eight, *position);
            // SAFETY: there are eight words.
            let words = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
            let is_set = _mm512_test_epi64_mask(words, _mm512_set1_epi64(bit));
            *count = _mm512_mask_add_epi64(*count, is_set, *count, one);
        }
    }
    let mut sums = [0; EIGHT];
    // SAFETY: there is room for eight words.
    unsafe {
        _mm512_storeu_si512(sums.as_mut_ptr().cast(), _mm512_add_epi64(counts[0], counts[1]));
    }
    eight.add_listed(rest, &mut sums);
    sums
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn count_avx2(eight: &Eight, positions: &[u16]) -> [u64; EIGHT] {
    let mut counts = [_mm256_setzero_si256(); 2];
    for position in positions {
        let (words, bit) = at(eight, *position);
        let bit = _mm256_set1_epi64x(bit);
        for (count, words) in counts.iter_mut().zip(words.as_chunks::<4>().0) {
            // SAFETY: there are four words.
            let words = unsafe { _mm256_loadu_si256(words.as_ptr().cast()) };
            // All bits of what is equal are set: it is -1.
            let is_set = _mm256_cmpeq_epi64(_mm256_and_si256(words, bit), bit);
            *count = _mm256_sub_epi64(*count, is_set);
        }
    }
    let mut sums = [0; EIGHT];
    for (sums, counts) in sums.as_chunks_mut::<4>().0.iter_mut().zip(counts) {
        // SAFETY: there is room for four words.
        unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), counts) };
    }
    sums
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::kernel::{force, set_all, zeroed};

    #[test]
    fn positions_are_counted_in_each_of_eight_sets() {
        let mut random = rand_pcg::Pcg64::seed_from_u64(5);
        let mut draw = |count: usize| {
            let mut list: Vec<u16> = (0..count).map(|_| random.random()).collect();
            list.sort_unstable();
            list.dedup();
            list
        };
        let lists: Vec<_> = [0, 1, 63, 4_000, 30_000, 9, 70_000, 500].map(&mut draw).into();
        let asked: Vec<_> = [0, 1, 2, 77, 3_000, 65_000].map(&mut draw).into();
        for level in Level::ALL.into_iter().filter(|level| force(*level)) {
            let mut eight = Eight::new();
            eight.put_list(3, &[1, 5, 70]);
            let bits: [_; EIGHT] = std::array::from_fn(|set| {
                let mut bits = zeroed();
                set_all(&mut bits, &lists[set]);
                bits
            });
            eight.fill(std::array::from_fn(|set| (set % 2 == 1).then(|| &*bits[set])));
            for (set, list) in lists.iter().enumerate().filter(|(set, _)| set % 2 == 0) {
                eight.put_list(set, list);
            }
            for asked in &asked {
                let is_in = |list: &Vec<u16>, of: &u16| list.binary_search(of).is_ok();
                let count = |list| asked.iter().filter(|of| is_in(list, of)).count() as u64;
                let expected: Vec<u64> = lists.iter().map(count).collect();
                assert_eq!(eight.count_listed(asked), *expected, "{}", level.name());
            }
            eight.fill([None; EIGHT]);
            assert_eq!(eight.count_listed(&asked[5]), [0; 8]);
        }
    }
}
