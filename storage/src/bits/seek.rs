//! Finding a place in a list in unary without reading the list.

use super::unpack::words;
#[cfg(target_arch = "x86_64")]
use crate::level::{Level, level};

/// Bytes whose bits are counted at once: a cache line.
const BLOCK: usize = 64;

/// The bit after as many zeros from a bit on, of the first `bits` bits of `data`; none when there
/// are fewer.
pub(super) fn after_zeros(data: &[u8], bits: usize, from: usize, zeros: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if level() != Level::Portable {
        // SAFETY: a level in use is one whose instructions this machine has; all but the portable
        // one have these.
        return unsafe { after_zeros_counting(data, bits, from, zeros) };
    }
    after_zeros_plain((data, bits), from, zeros, nth_plain)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt,bmi1,bmi2")]
fn after_zeros_counting(data: &[u8], bits: usize, from: usize, zeros: usize) -> Option<usize> {
    use std::arch::x86_64::_pdep_u64;
    let nth = |word: u64, before: u32| _pdep_u64(1 << before, word).trailing_zeros();
    after_zeros_plain((data, bits), from, zeros, nth)
}

/// The place of the bit of a word that is set and has so many set before it.
fn nth_plain(word: u64, before: u32) -> u32 {
    let mut rest = word;
    for _ in 0..before {
        rest &= rest - 1;
    }
    rest.trailing_zeros()
}

#[inline(always)]
fn after_zeros_plain(
    (data, bits): (&[u8], usize),
    from: usize,
    zeros: usize,
    nth: impl Fn(u64, u32) -> u32,
) -> Option<usize> {
    if zeros == 0 {
        return (from <= bits).then_some(from);
    }
    // From the beginning of a word on, whose own zeros before come to the others.
    let start = from / 64 * 64;
    let data = data.get(start / 8..).unwrap_or_default();
    let bits = bits.checked_sub(start)?;
    let (_, word) = words(data, bits).next()?;
    let mut left = zeros + (!word & ((1 << (from % 64)) - 1)).count_ones() as usize;
    // Several words at a time, as long as the last of the zeros is behind them.
    let mut passed = 0;
    let whole = data.get(..bits / 8).unwrap_or_default();
    for block in whole.chunks_exact(BLOCK) {
        let words = block.chunks_exact(8).filter_map(|word| word.first_chunk());
        let set: u32 = words.map(|word| u64::from_le_bytes(*word).count_ones()).sum();
        let clear = BLOCK * 8 - set as usize;
        if left <= clear {
            break;
        }
        left -= clear;
        passed += BLOCK;
    }
    let rest = data.get(passed..).unwrap_or_default();
    let after = after_zeros_by_words((rest, bits - passed * 8), left, nth)?;
    Some(start + passed * 8 + after)
}

/// The same of fewer, at least one, word by word.
#[inline(always)]
fn after_zeros_by_words(
    (data, bits): (&[u8], usize),
    zeros: usize,
    nth: impl Fn(u64, u32) -> u32,
) -> Option<usize> {
    let mut left = zeros as u64;
    for (base, word) in words(data, bits) {
        let clear = word.count_zeros();
        if left > u64::from(clear) {
            left -= u64::from(clear);
            continue;
        }
        // The last of them is in this word, so that no more are left than it has bits.
        let before = u32::try_from(left - 1).unwrap_or(u32::MAX);
        let after = base as usize + nth(!word, before) as usize + 1;
        return (after <= bits).then_some(after);
    }
    None
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    use super::super::unpack::tests::random_bits;
    use super::*;
    use crate::level;

    #[test]
    fn every_level_finds_the_bit_after_so_many_zeros() {
        let mut random = Pcg64::seed_from_u64(14);
        for bits in [0_usize, 1, 63, 64, 65, 200, 1000] {
            for density in [0, 1, 4, 8] {
                let (set, mut data) = random_bits(bits, density, &mut random);
                // What follows does not count.
                data.extend([0x55; 9]);
                let zeros: Vec<usize> = (0..bits).filter(|bit| !set[*bit]).collect();
                for level in Level::ALL {
                    if level::force(level) {
                        for from in [0, 1, 63, 64, 70, 999].into_iter().filter(|at| *at <= bits) {
                            assert_eq!(after_zeros(&data, bits, from, 0), Some(from));
                            let zeros = zeros.iter().filter(|bit| **bit >= from);
                            let count = zeros.clone().count();
                            for (number, bit) in zeros.enumerate() {
                                let found = after_zeros(&data, bits, from, number + 1);
                                assert_eq!(found, Some(bit + 1), "{}", level.name());
                            }
                            assert_eq!(after_zeros(&data, bits, from, count + 1), None);
                        }
                    }
                }
            }
        }
    }
}
