//! Which numbers are between two.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    _mm256_add_epi32, _mm256_maskz_compress_epi32, _mm256_set1_epi32, _mm256_setr_epi32,
    _mm256_storeu_si256, _mm512_cmple_epu64_mask, _mm512_loadu_si512, _mm512_set1_epi64,
    _mm512_sub_epi64, _mm512_xor_si512,
};

use super::{Level, level};

/// Numbers that a register of AVX-512 holds, as 64 bits each.
const LANES: usize = 8;

/// Numbers from one to another, or all others.
#[derive(Debug, Clone, Copy)]
pub struct Between {
    /// The bits of a number that are turned before it is compared: none, or all.
    flip: i64,
    first: i64,
    /// How many more there are.
    span: u64,
    others: bool,
}

impl Between {
    /// Those from `first` to `last`, or with `others` those that are not.
    #[must_use]
    pub fn new(first: i64, last: i64, others: bool) -> Self {
        Self { flip: 0, first, span: last.wrapping_sub(first).cast_unsigned(), others }
    }

    /// Those whose negatives these are. The least number stands for itself.
    #[must_use]
    pub fn of_negatives(self) -> Self {
        // -x - first is !x - (first - 1).
        let (flip, first) = (!self.flip, self.first.wrapping_sub(1));
        Self { flip, first, ..self }
    }

    /// Whether a number is one of them.
    #[inline]
    #[must_use]
    pub fn has(self, number: i64) -> bool {
        let after = (number ^ self.flip).wrapping_sub(self.first).cast_unsigned();
        (after <= self.span) != self.others
    }
}

/// The places of those of some numbers that are wanted.
pub fn between(numbers: &[i64], wanted: Between, places: &mut Vec<u32>) {
    places.clear();
    // A register of numbers may be written behind the last.
    places.reserve(numbers.len() + LANES);
    #[cfg(target_arch = "x86_64")]
    if level() == Level::Avx512 {
        // SAFETY: a level in use is one whose instructions this machine has, and there is room.
        return unsafe { between_avx512(numbers, wanted, places) };
    }
    between_plain(numbers, 0, wanted, places);
}

/// The same of numbers from a place on, appended.
fn between_plain(numbers: &[i64], from: usize, wanted: Between, places: &mut Vec<u32>) {
    let rest = numbers.get(from..).unwrap_or_default();
    let first = u32::try_from(from).unwrap_or(u32::MAX);
    let mut found = places.len();
    places.resize(found + rest.len(), 0);
    for (place, number) in (first..).zip(rest) {
        // Written before it is known whether it stays, so that no branch has to be guessed.
        places[found] = place;
        found += usize::from(wanted.has(*number));
    }
    places.truncate(found);
}

/// # Safety
/// `places`, which is empty, has room for as many as there are numbers, and [`LANES`] more.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,popcnt,bmi1,bmi2")]
unsafe fn between_avx512(numbers: &[i64], wanted: Between, places: &mut Vec<u32>) {
    let to = places.as_mut_ptr();
    let (flip, first) = (_mm512_set1_epi64(wanted.flip), _mm512_set1_epi64(wanted.first));
    let span = _mm512_set1_epi64(wanted.span.cast_signed());
    let others = if wanted.others { u8::MAX } else { 0 };
    let mut own = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let mut found = 0;
    let groups = numbers.chunks_exact(LANES);
    let passed = numbers.len() - groups.remainder().len();
    for group in groups {
        // SAFETY: there are so many numbers. Fewer were found than were passed, so that there is
        // room for a register by what the caller has seen to.
        unsafe {
            let group = _mm512_loadu_si512(group.as_ptr().cast());
            let after = _mm512_sub_epi64(_mm512_xor_si512(group, flip), first);
            let stay = _mm512_cmple_epu64_mask(after, span) ^ others;
            _mm256_storeu_si256(to.add(found).cast(), _mm256_maskz_compress_epi32(stay, own));
            found += stay.count_ones() as usize;
        }
        own = _mm256_add_epi32(own, _mm256_set1_epi32(8));
    }
    // SAFETY: so many were written just above.
    unsafe { places.set_len(found) };
    between_plain(numbers, passed, wanted, places);
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;
    use crate::kernel::force;

    #[test]
    fn numbers_between_two_are_found_at_every_level() {
        let mut rng = Pcg64::seed_from_u64(8);
        let ends = [i64::MIN, i64::MIN + 1, -7, 0, 5, 900, i64::MAX - 1, i64::MAX];
        for rows in [0, 1, 7, 8, 9, 100] {
            let numbers: Vec<i64> = (0..rows)
                .map(|_| match rng.random_range(0..3) {
                    0 => ends[rng.random_range(0..ends.len())],
                    1 => rng.random_range(-10..1_000),
                    _ => rng.random(),
                })
                .collect();
            for (first, last) in ends.iter().flat_map(|a| ends.map(|b| (*a, b))) {
                if first > last {
                    continue;
                }
                for others in [false, true] {
                    let wanted = Between::new(first, last, others);
                    let expected = |sign: fn(i64) -> i64| -> Vec<u32> {
                        let is_in = |number: &i64| (first..=last).contains(&sign(*number));
                        let places = (0..).zip(&numbers);
                        places.filter(|(_, of)| is_in(of) != others).map(|(at, _)| at).collect()
                    };
                    let mut places = vec![3];
                    for level in Level::ALL.into_iter().filter(|level| force(*level)) {
                        between(&numbers, wanted, &mut places);
                        assert_eq!(places, expected(|number| number), "{}", level.name());
                        between(&numbers, wanted.of_negatives(), &mut places);
                        assert_eq!(places, expected(i64::wrapping_neg), "{}", level.name());
                    }
                }
            }
        }
    }
}
