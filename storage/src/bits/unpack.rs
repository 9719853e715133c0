//! The loops over many packed values, one copy for each level of instructions.

#![expect(clippy::cast_possible_truncation, reason = "lanes, bytes and the bits of a page are few")]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, __m512i, _mm_loadu_si128, _mm256_and_si256, _mm256_loadu_si256, _mm256_set_m128i,
    _mm256_set1_epi32, _mm256_shuffle_epi8, _mm256_srlv_epi32, _mm256_storeu_si256,
    _mm512_add_epi32, _mm512_and_si512, _mm512_castsi512_si128, _mm512_cmpneq_epu32_mask,
    _mm512_cvtepu8_epi32, _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_mask_storeu_epi32,
    _mm512_maskz_compress_epi8, _mm512_maskz_compress_epi32, _mm512_maskz_loadu_epi8,
    _mm512_mullo_epi32, _mm512_permutexvar_epi8, _mm512_set1_epi32, _mm512_setr_epi32,
    _mm512_srli_epi32, _mm512_srlv_epi32, _mm512_storeu_si512, _mm512_sub_epi32,
};

#[cfg(target_arch = "x86_64")]
use crate::level::{Level, level};

/// The widest value that [`unpack`] takes: with the bits before it in its byte, it is within 32.
pub(super) const NARROW_MAX: u32 = 25;

/// Numbers, and bytes, that a register of AVX-512 holds.
const LANES: usize = 16;
#[cfg(target_arch = "x86_64")]
const BYTES: usize = 64;

/// Values of a width, the first at bit `shift` of `data`, below 8. What `data` lacks is 0.
#[inline]
pub(super) fn unpack(data: &[u8], shift: usize, width: u32, out: &mut [u32]) {
    let shift = shift as u32;
    debug_assert!(shift < 8 && width <= NARROW_MAX, "bit {shift}, width {width}");
    #[cfg(target_arch = "x86_64")]
    match level() {
        Level::Portable => {}
        // SAFETY: a level in use is one whose instructions this machine has.
        Level::Avx2 => return unsafe { unpack_avx2(data, shift, width, out) },
        // SAFETY: a level in use is one whose instructions this machine has.
        Level::Avx512 => return unsafe { unpack_avx512(data, shift, width, out) },
    }
    unpack_plain(data, shift, width, 0, out);
}

/// The values from number `from` on.
fn unpack_plain(data: &[u8], shift: u32, width: u32, from: usize, out: &mut [u32]) {
    let mask = (1 << width) - 1;
    for (number, value) in (from..).zip(out) {
        let bit = number * width as usize + shift as usize;
        let rest = data.get(bit / 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(word) => u32::from_le_bytes(*word),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)),
        };
        *value = word >> (bit % 8) & mask;
    }
}

/// For each of some lanes of 32 bits the byte in which its value begins, and the bit there.
#[cfg(target_arch = "x86_64")]
fn places<const N: usize>(shift: u32, width: u32) -> ([[u8; 4]; N], [u32; N]) {
    let (mut bytes, mut bits) = ([[0; 4]; N], [0; N]);
    for (lane, (bytes, bits)) in (0_u32..).zip(bytes.iter_mut().zip(&mut bits)) {
        let bit = shift + lane * width;
        *bytes = std::array::from_fn(|byte| (bit / 8) as u8 + byte as u8);
        *bits = bit % 8;
    }
    (bytes, bits)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn unpack_avx2(data: &[u8], shift: u32, width: u32, out: &mut [u32]) {
    // Eight values begin at every `width` bytes; four of them are within 16 bytes.
    let second = shift + 4 * width;
    let (low, low_bits) = places::<4>(shift, width);
    let (high, high_bits) = places::<4>(second % 8, width);
    let (bytes, bits) = ([low, high], [low_bits, high_bits]);
    // SAFETY: both arrays have 32 bytes.
    let (bytes, bits) = unsafe {
        let load = |from: *const u8| _mm256_loadu_si256(from.cast::<__m256i>());
        (load(bytes.as_ptr().cast()), load(bits.as_ptr().cast()))
    };
    let mask = _mm256_set1_epi32((1 << width) - 1);
    let second = second as usize / 8;
    let mut done = 0;
    for (group, values) in out.chunks_exact_mut(8).enumerate() {
        let at = group * width as usize;
        let Some(data) = data.get(at..at + second + 16) else { break };
        // SAFETY: 16 bytes from `second` on are the end of `data`, and as many from 0 on are there;
        // `values` has 32 bytes.
        unsafe {
            let low = _mm_loadu_si128(data.as_ptr().cast());
            let high = _mm_loadu_si128(data.as_ptr().add(second).cast());
            let found = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), bytes);
            let found = _mm256_and_si256(_mm256_srlv_epi32(found, bits), mask);
            _mm256_storeu_si256(values.as_mut_ptr().cast(), found);
        }
        done += 8;
    }
    unpack_plain(data, shift, width, done, &mut out[done..]);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt,bmi1,bmi2")]
fn unpack_avx512(data: &[u8], shift: u32, width: u32, out: &mut [u32]) {
    // As `places`: in each lane the byte in which its value begins and the three after it, and the
    // bit there.
    let each = |value: u32| _mm512_set1_epi32(value.cast_signed());
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let bit = _mm512_add_epi32(_mm512_mullo_epi32(lanes, each(width)), each(shift));
    let bits = _mm512_and_si512(bit, each(7));
    let first = _mm512_mullo_epi32(_mm512_srli_epi32::<3>(bit), each(0x0101_0101));
    let bytes = _mm512_add_epi32(first, each(0x0302_0100));
    let mask = each((1 << width) - 1);
    // Sixteen values begin at every `2 * width` bytes and are within 64. Of most groups all are
    // there: masks are made for the others alone, as making them takes longer than the values.
    let step = 2 * width as usize;
    let readable = (data.len() + step).saturating_sub(BYTES).checked_div(step);
    let whole = (out.len() / LANES).min(readable.unwrap_or(0));
    for (group, values) in out.chunks_exact_mut(LANES).take(whole).enumerate() {
        // SAFETY: 64 bytes are there from `group * step` on, as `group` is below `readable`, and
        // sixteen values.
        unsafe {
            let found = _mm512_loadu_si512(data.as_ptr().add(group * step).cast());
            let found = _mm512_permutexvar_epi8(bytes, found);
            let found = _mm512_and_si512(_mm512_srlv_epi32(found, bits), mask);
            _mm512_storeu_si512(values.as_mut_ptr().cast(), found);
        }
    }
    for (group, values) in out.chunks_mut(LANES).enumerate().skip(whole) {
        let data = data.get(group * step..).unwrap_or_default();
        let there = u64::MAX.checked_shr(64 - data.len().min(BYTES) as u32).unwrap_or(0);
        let wanted = u16::MAX >> (LANES - values.len());
        // SAFETY: only bytes that `data` has are loaded, and values that there are stored.
        unsafe {
            let found = _mm512_maskz_loadu_epi8(there, data.as_ptr().cast());
            let found = _mm512_permutexvar_epi8(bytes, found);
            let found = _mm512_and_si512(_mm512_srlv_epi32(found, bits), mask);
            _mm512_mask_storeu_epi32(values.as_mut_ptr().cast(), wanted, found);
        }
    }
}

/// A part of a list in unary.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unary<'a> {
    /// The list from a word on.
    pub(super) data: &'a [u8],
    /// Bits of these that are of the part, but for the first, which are below 64.
    pub(super) bits: usize,
    pub(super) skip: usize,
    /// How many bits are before the word, less how many that are set are before the part; it may be
    /// below 0, which goes round.
    pub(super) zeros: u32,
}

/// Appends the steps of a part of a list in unary: for each bit that is set, how many before it are
/// not. How many were set, none when they are more than `most`.
pub(super) fn steps(part: Unary<'_>, most: usize, out: &mut Vec<u32>) -> Option<usize> {
    // Four registers of numbers may be written behind the last.
    out.reserve(most.min(part.bits) + 4 * LANES);
    #[cfg(target_arch = "x86_64")]
    match level() {
        Level::Portable => {}
        // SAFETY: a level in use is one whose instructions this machine has.
        Level::Avx2 => return unsafe { steps_avx2(part, most, out) },
        // SAFETY: a level in use is one whose instructions this machine has.
        Level::Avx512 => return unsafe { steps_avx512(part, most, out) },
    }
    steps_plain(part, most, out)
}

/// The words of a stream of bits, each with the number of its first bit; 0 past the end.
#[inline(always)]
pub(super) fn words(data: &[u8], bits: usize) -> impl Iterator<Item = (u32, u64)> {
    (0..bits.div_ceil(64)).map(move |number| {
        let rest = data.get(number * 8..).unwrap_or_default();
        let word = match rest.first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        let over = (number * 64 + 64).saturating_sub(bits);
        (number as u32 * 64, word & u64::MAX >> over)
    })
}

#[inline(always)]
fn steps_plain(part: Unary<'_>, most: usize, out: &mut Vec<u32>) -> Option<usize> {
    let before = out.len();
    let to = out.spare_capacity_mut();
    let mut found = 0;
    let mut kept = u64::MAX << part.skip;
    for (base, word) in words(part.data, part.bits) {
        let mut word = word & std::mem::replace(&mut kept, u64::MAX);
        if word.count_ones() as usize > most - found {
            return None;
        }
        while word != 0 {
            let step = (base + word.trailing_zeros()).wrapping_sub(found as u32);
            to[found].write(step.wrapping_add(part.zeros));
            word &= word - 1;
            found += 1;
        }
    }
    // SAFETY: so many numbers were written just above.
    unsafe { out.set_len(before + found) };
    Some(found)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
fn steps_avx2(part: Unary<'_>, most: usize, out: &mut Vec<u32>) -> Option<usize> {
    steps_plain(part, most, out)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,popcnt,bmi1,bmi2")]
fn steps_avx512(part: Unary<'_>, most: usize, out: &mut Vec<u32>) -> Option<usize> {
    let (bytes, numbers) = numbers();
    let before = out.len();
    // What is written is at most as many bits as the part has, or `most`.
    let most = most.min(out.capacity().saturating_sub(before + 4 * LANES));
    // SAFETY: it is the end of the list.
    let to = unsafe { out.as_mut_ptr().add(before) };
    let mut found = 0;
    let mut kept = u64::MAX << part.skip;
    for (base, word) in words(part.data, part.bits) {
        let word = word & std::mem::replace(&mut kept, u64::MAX);
        let set = word.count_ones() as usize;
        if set > most - found {
            return None;
        }
        // The places of the bits that are set, together, as bytes. How many are not set before one
        // is its place less its rank.
        let places = _mm512_maskz_compress_epi8(word, bytes);
        let first = base.wrapping_add(part.zeros).wrapping_sub(found as u32);
        let less = |more: u32| {
            let first = first.wrapping_sub(more);
            _mm512_sub_epi32(_mm512_set1_epi32(first.cast_signed()), numbers)
        };
        // SAFETY: no more bits are set so far than `most`, which was looked at for each word, and
        // there is room for so many and four registers more.
        unsafe {
            let to = to.add(found).cast::<__m512i>();
            let first = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(places));
            _mm512_storeu_si512(to, _mm512_add_epi32(first, less(0)));
            let second = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<1>(places));
            _mm512_storeu_si512(to.add(1), _mm512_add_epi32(second, less(16)));
            let third = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<2>(places));
            _mm512_storeu_si512(to.add(2), _mm512_add_epi32(third, less(32)));
            if set > 48 {
                let last = _mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32::<3>(places));
                _mm512_storeu_si512(to.add(3), _mm512_add_epi32(last, less(48)));
            }
        }
        found += set;
    }
    // SAFETY: so many numbers were written just above.
    unsafe { out.set_len(before + found) };
    Some(found)
}

/// The numbers from 0 on, as bytes and as 32 bits each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn numbers() -> (__m512i, __m512i) {
    let bytes: [u8; BYTES] = std::array::from_fn(|lane| lane as u8);
    let numbers: [u32; LANES] = std::array::from_fn(|lane| lane as u32);
    // SAFETY: both arrays have 64 bytes.
    unsafe {
        let load = |from: *const u8| _mm512_loadu_si512(from.cast::<__m512i>());
        (load(bytes.as_ptr()), load(numbers.as_ptr().cast()))
    }
}

/// The places of the values whose high half is not that of the value before, the first among them.
/// Replaces what `out` held.
pub(crate) fn beginnings(values: &[u32], out: &mut Vec<u32>) {
    out.clear();
    // A register of numbers may be written behind the last.
    out.reserve(values.len() + LANES);
    #[cfg(target_arch = "x86_64")]
    if level() == Level::Avx512 {
        // SAFETY: a level in use is one whose instructions this machine has.
        return unsafe { beginnings_avx512(values, out) };
    }
    beginnings_plain(values, 0, out);
}

/// Appends those from a place on.
fn beginnings_plain(values: &[u32], from: usize, out: &mut Vec<u32>) {
    let rest = values.get(from..).unwrap_or_default();
    let before = from.checked_sub(1).and_then(|before| values.get(before));
    let mut before = before.map(|value| value >> 16);
    let mut found = out.len();
    out.resize(found + rest.len(), 0);
    for (place, value) in (from as u32..).zip(rest) {
        let high = Some(value >> 16);
        // Written before it is known whether it is one, so that no branch has to be guessed.
        out[found] = place;
        found += usize::from(high != before);
        before = high;
    }
    out.truncate(found);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt,bmi1,bmi2")]
fn beginnings_avx512(values: &[u32], out: &mut Vec<u32>) {
    let Some((_, rest)) = values.split_first() else { return };
    out.push(0);
    let whole = rest.len() - rest.len() % LANES;
    let (_, numbers) = numbers();
    let to = out.as_mut_ptr();
    let mut found = 1;
    for (group, after) in rest[..whole].chunks_exact(LANES).enumerate() {
        let first = group * LANES + 1;
        let places = _mm512_add_epi32(numbers, _mm512_set1_epi32(first as i32));
        // SAFETY: as many values are before these, from one before the first on; there is room for
        // as many numbers as there are values, and a register more.
        unsafe {
            let high = |from: *const u32| _mm512_srli_epi32::<16>(_mm512_loadu_si512(from.cast()));
            let (before, after) = (high(values.as_ptr().add(first - 1)), high(after.as_ptr()));
            let new = _mm512_cmpneq_epu32_mask(before, after);
            _mm512_storeu_si512(to.add(found).cast(), _mm512_maskz_compress_epi32(new, places));
            found += new.count_ones() as usize;
        }
    }
    // SAFETY: so many numbers were written just above.
    unsafe { out.set_len(found) };
    beginnings_plain(values, whole + 1, out);
}

/// Makes the copies of a loop for each level of instructions and the function that chooses one.
macro_rules! leveled {
    ($(#[$doc:meta])* $name:ident = $plain:ident($($argument:ident: $kind:ty),*)) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $kind),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn avx2($($argument: $kind),*) {
                    $plain($($argument),*);
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,popcnt,bmi1,bmi2")]
                fn avx512($($argument: $kind),*) {
                    $plain($($argument),*);
                }
                match level() {
                    Level::Portable => {}
                    // SAFETY: a level in use is one whose instructions this machine has.
                    Level::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: a level in use is one whose instructions this machine has.
                    Level::Avx512 => return unsafe { avx512($($argument),*) },
                }
            }
            $plain($($argument),*);
        }
    };
}

leveled!(
    /// Puts steps and low bits together: `base + (step << low_bits | low)`.
    combine = combine_plain(steps: &mut [u32], lows: &[u32], low_bits: u32, base: u32)
);
leveled!(
    /// Appends numbers, a base taken from each.
    lessen = lessen_plain(numbers: &[u32], base: u32, out: &mut Vec<u32>)
);
leveled!(
    /// Appends numbers that a base was taken from.
    widen = widen_plain(numbers: &[u32], base: i64, out: &mut Vec<i64>)
);

#[inline(always)]
fn combine_plain(steps: &mut [u32], lows: &[u32], low_bits: u32, base: u32) {
    for (value, low) in steps.iter_mut().zip(lows) {
        *value = base.wrapping_add(*value << low_bits | low);
    }
}

#[inline(always)]
fn lessen_plain(numbers: &[u32], base: u32, out: &mut Vec<u32>) {
    out.extend(numbers.iter().map(|number| number.wrapping_sub(base)));
}

#[inline(always)]
fn widen_plain(numbers: &[u32], base: i64, out: &mut Vec<i64>) {
    out.extend(numbers.iter().map(|number| base.wrapping_add(i64::from(*number))));
}

#[cfg(test)]
pub(super) mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;
    use crate::level::Level;

    /// Bits, so many of eight set, and their stream.
    pub(in crate::bits) fn random_bits(
        bits: usize,
        density: u32,
        random: &mut Pcg64,
    ) -> (Vec<bool>, Vec<u8>) {
        let set: Vec<bool> = (0..bits).map(|_| random.random_range(0..8) < density).collect();
        let mut data = vec![0_u8; bits.div_ceil(8)];
        for (bit, set) in set.iter().enumerate() {
            data[bit / 8] |= u8::from(*set) << (bit % 8);
        }
        (set, data)
    }

    #[test]
    fn every_level_unpacks_what_the_naive_loop_does() {
        let mut random = Pcg64::seed_from_u64(11);
        for width in 0..=NARROW_MAX {
            for count in [0_usize, 1, 7, 8, 15, 16, 17, 31, 33, 100] {
                let length = (count * width as usize + 7).div_ceil(8);
                let data: Vec<u8> = (0..length).map(|_| random.random()).collect();
                for shift in 0..8 {
                    let bits: Vec<u32> = data
                        .iter()
                        .flat_map(|b| (0..8).map(move |i| u32::from(b >> i & 1)))
                        .collect();
                    let expected: Vec<u32> = (0..count)
                        .map(|number| {
                            let at = number * width as usize + shift;
                            (0..width as usize).map(|i| bits[at + i] << i).sum()
                        })
                        .collect();
                    for level in Level::ALL {
                        if crate::level::force(level) {
                            let mut found = vec![u32::MAX; count];
                            unpack(&data, shift, width, &mut found);
                            assert_eq!(found, expected, "{} {width} {shift}", level.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_level_finds_the_same_beginnings() {
        let mut random = Pcg64::seed_from_u64(13);
        for count in [0, 1, 2, 16, 17, 18, 33, 200] {
            for step in [1, 5_000, 40_000, 200_000] {
                let mut at = 70_000_u32;
                let values: Vec<u32> = std::iter::repeat_with(|| {
                    at += random.random_range(0..step);
                    at
                })
                .take(count)
                .collect();
                let new = |at: &usize| *at == 0 || values[*at] >> 16 != values[*at - 1] >> 16;
                let expected: Vec<u32> = (0..count).filter(new).map(|at| at as u32).collect();
                for level in Level::ALL {
                    if crate::level::force(level) {
                        let mut found = vec![9];
                        beginnings(&values, &mut found);
                        assert_eq!(found, expected, "{}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn every_level_finds_the_same_steps() {
        let mut random = Pcg64::seed_from_u64(12);
        for bits in [0_usize, 1, 15, 16, 63, 64, 65, 100, 1000] {
            for density in [1, 4, 8] {
                let (set, mut data) = random_bits(bits, density, &mut random);
                // What follows does not count.
                data.push(0xff);
                let mut expected = Vec::new();
                for (bit, _) in set.iter().enumerate().filter(|(_, set)| **set) {
                    expected.push((bit - expected.len()) as u32);
                }
                for level in Level::ALL {
                    if crate::level::force(level) {
                        let (mut found, count) = (vec![9], expected.len());
                        let all = Unary { data: &data, bits, skip: 0, zeros: 0 };
                        assert_eq!(steps(all, count, &mut found), Some(count));
                        assert_eq!(found[1..], expected, "{}", level.name());
                        let fewer = count.checked_sub(1);
                        assert!(fewer.is_none_or(|few| steps(all, few, &mut found).is_none()));
                        // In parts, each from any bit on.
                        found.clear();
                        let mut from = 0;
                        while from < bits {
                            let (word, taken) = (from / 64 * 64, found.len());
                            let end = (from + random.random_range(1..150)).min(bits);
                            let part = Unary {
                                data: &data[word / 8..],
                                bits: end - word,
                                skip: from - word,
                                zeros: (word as u32).wrapping_sub(taken as u32),
                            };
                            let own = steps(part, count - taken, &mut found).unwrap();
                            assert_eq!(own, found.len() - taken);
                            from = end;
                        }
                        assert_eq!(found, expected, "{}", level.name());
                    }
                }
            }
        }
    }
}
