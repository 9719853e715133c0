//! Finding a place in a list in unary without reading the list.

use super::unpack::words;
#[cfg(target_arch = "x86_64")]
use crate::level::{Level, level};

/// Bytes whose bits are counted at once: a cache line.
const BLOCK: usize = 64;

/// The bit after as many zeros, of the first `bits` bits of `data`; none when there are fewer.
pub(super) fn after_zeros(data: &[u8], bits: usize, zeros: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if level() != Level::Portable {
        // SAFETY: a level in use is one whose instructions this machine has; all but the portable
        // one have these.
        return unsafe { after_zeros_counting(data, bits, zeros) };
    }
    after_zeros_plain(data, bits, zeros)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt,bmi1,bmi2")]
fn after_zeros_counting(data: &[u8], bits: usize, zeros: usize) -> Option<usize> {
    after_zeros_plain(data, bits, zeros)
}

#[inline(always)]
fn after_zeros_plain(data: &[u8], bits: usize, zeros: usize) -> Option<usize> {
    let mut left = zeros;
    if left == 0 {
        return Some(0);
    }
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
    after_zeros_by_words(rest, bits - passed * 8, left).map(|after| passed * 8 + after)
}

/// The same of fewer, word by word.
#[inline(always)]
fn after_zeros_by_words(data: &[u8], bits: usize, zeros: usize) -> Option<usize> {
    let mut left = zeros;
    for (base, word) in words(data, bits) {
        let clear = word.count_zeros() as usize;
        if left > clear {
            left -= clear;
            continue;
        }
        // The last of them is in this word.
        let mut rest = !word;
        for _ in 1..left {
            rest &= rest - 1;
        }
        let after = base as usize + rest.trailing_zeros() as usize + 1;
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
                        assert_eq!(after_zeros(&data, bits, 0), Some(0));
                        for (number, bit) in zeros.iter().enumerate() {
                            let found = after_zeros(&data, bits, number + 1);
                            assert_eq!(found, Some(bit + 1), "{}", level.name());
                        }
                        assert_eq!(after_zeros(&data, bits, zeros.len() + 1), None);
                    }
                }
            }
        }
    }
}
