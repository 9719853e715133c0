//! Which rows are of consumers whose bits are set.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm512_add_epi32, _mm512_and_si512, _mm512_cmplt_epu32_mask, _mm512_loadu_si512,
    _mm512_mask_i32gather_epi32, _mm512_mask_test_epi32_mask, _mm512_maskz_compress_epi32,
    _mm512_set1_epi32, _mm512_setr_epi32, _mm512_setzero_si512, _mm512_sllv_epi32,
    _mm512_srli_epi32, _mm512_storeu_si512,
};

use super::{Level, level};

/// Numbers that a register of AVX-512 holds.
const LANES: usize = 16;

/// The places of those consumers whose bits are set; none of those that have no bit.
pub fn pick(words: &[u64], consumers: &[u32], places: &mut Vec<u32>) {
    places.clear();
    // A register of numbers may be written behind the last.
    places.reserve(consumers.len() + LANES);
    #[cfg(target_arch = "x86_64")]
    if level() == Level::Avx512
        && let Some(halves) = words.len().checked_mul(2).and_then(|n| i32::try_from(n).ok())
    {
        // SAFETY: a level in use is one whose instructions this machine has, and there is room.
        return unsafe { pick_avx512((words, halves), consumers, places) };
    }
    pick_plain(words, consumers, 0, places);
}

/// The same of consumers from a place on, appended.
fn pick_plain(words: &[u64], consumers: &[u32], from: usize, places: &mut Vec<u32>) {
    let rest = consumers.get(from..).unwrap_or_default();
    let first = u32::try_from(from).unwrap_or(u32::MAX);
    let mut picked = places.len();
    places.resize(picked + rest.len(), 0);
    for (place, consumer) in (first..).zip(rest) {
        let Some(word) = words.get((consumer >> 6) as usize) else { continue };
        // Written before it is known whether it stays, so that no branch has to be guessed.
        places[picked] = place;
        picked += usize::from(word >> (consumer & 63) & 1 == 1);
    }
    places.truncate(picked);
}

/// # Safety
/// The number is that of the halves of all words, and `places`, which is empty, has room for all
/// consumers and [`LANES`] numbers more.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,popcnt,bmi1,bmi2")]
unsafe fn pick_avx512((words, halves): (&[u64], i32), consumers: &[u32], places: &mut Vec<u32>) {
    let first = words.as_ptr().cast::<i32>();
    let to = places.as_mut_ptr();
    let (one, low) = (_mm512_set1_epi32(1), _mm512_set1_epi32(31));
    let (zero, end) = (_mm512_setzero_si512(), _mm512_set1_epi32(halves));
    let mut own = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let mut picked = 0;
    let groups = consumers.chunks_exact(LANES);
    let passed = consumers.len() - groups.remainder().len();
    for group in groups {
        // SAFETY: there are so many numbers, and only halves of words that are inside are loaded;
        // x86 stores the lower half first. Fewer were picked than were passed, so that there is
        // room for a register by what the caller has seen to.
        unsafe {
            let group = _mm512_loadu_si512(group.as_ptr().cast());
            let half = _mm512_srli_epi32::<5>(group);
            let inside = _mm512_cmplt_epu32_mask(half, end);
            let half = _mm512_mask_i32gather_epi32::<4>(zero, inside, half, first);
            let bit = _mm512_sllv_epi32(one, _mm512_and_si512(group, low));
            let set = _mm512_mask_test_epi32_mask(inside, half, bit);
            _mm512_storeu_si512(to.add(picked).cast(), _mm512_maskz_compress_epi32(set, own));
            picked += set.count_ones() as usize;
        }
        own = _mm512_add_epi32(own, _mm512_set1_epi32(16));
    }
    // SAFETY: so many were written just above.
    unsafe { places.set_len(picked) };
    pick_plain(words, consumers, passed, places);
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;
    use crate::kernel::{force, rank_all, ranks_of, see};

    #[test]
    fn those_seen_again_are_picked_and_numbered() {
        let mut rng = Pcg64::seed_from_u64(5);
        for (words, rows) in [(1, 3), (4, 90), (16, 500), (40, 4_000)] {
            let end = words * 64;
            let lists: Vec<Vec<u32>> =
                (0..3).map(|_| (0..rows).map(|_| rng.random_range(0..end)).collect()).collect();
            let mut times = vec![0; end as usize];
            lists.iter().flatten().for_each(|consumer| times[*consumer as usize] += 1);
            let again: Vec<u32> = (0..end).filter(|at| times[*at as usize] > 1).collect();
            for level in Level::ALL.into_iter().filter(|level| force(*level)) {
                let [mut seen, mut several] = [0; 2].map(|_: u64| vec![0; words as usize]);
                let (mut places, mut found) = (Vec::new(), Vec::new());
                for list in &lists {
                    assert!(see((&mut seen, &mut several), list, &mut places));
                }
                let mut ranks = vec![0; words as usize];
                assert_eq!(rank_all(&several, &mut ranks) as usize, again.len());
                for list in &lists {
                    pick(&several, list, &mut places);
                    ranks_of((&several, &ranks), list, &places, &mut found);
                    let named: Vec<_> = places.iter().map(|at| list[*at as usize]).collect();
                    let expected: Vec<_> =
                        list.iter().copied().filter(|of| again.contains(of)).collect();
                    assert_eq!(named, expected, "{}", level.name());
                    let numbered = found.iter().map(|rank| again[*rank as usize]);
                    assert!(numbered.eq(expected), "{}", level.name());
                }
            }
        }
    }

    #[test]
    fn consumers_without_a_bit_are_refused() {
        for level in Level::ALL.into_iter().filter(|level| force(*level)) {
            let (mut seen, mut again) = ([0; 3], [u64::MAX; 3]);
            let (consumers, mut places) = ([5, 192, 191, u32::MAX], Vec::new());
            assert!(!see((&mut seen, &mut again), &consumers, &mut places));
            assert_eq!(seen, [0; 3]);
            pick(&again, &consumers, &mut places);
            assert_eq!(places, [0, 2], "{}", level.name());
        }
    }
}
