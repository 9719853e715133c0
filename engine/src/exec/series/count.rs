//! How many of some numbers have each bit.

/// By bit, how many numbers have it.
pub type BitCounts = [u64; 64];

/// Places of the binary counters: enough for all consumers of a chunk.
const PLACES: usize = 18;

/// Adds three numbers bit by bit: sums and carries.
#[inline]
fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let either = a ^ b;
    (either ^ c, a & b | either & c)
}

/// Counters of all bits side by side: place `p` has bit `p` of each.
#[derive(Debug, Default)]
struct Counters([u64; PLACES]);

impl Counters {
    /// Adds `2^place` to the counters of some bits.
    #[inline]
    fn carry(&mut self, place: usize, mut bits: u64) {
        for sum in &mut self.0[place..] {
            if bits == 0 {
                return;
            }
            (*sum, bits) = (*sum ^ bits, *sum & bits);
        }
    }
}

/// Adds to `counts` how many of some numbers, at most 2^17, have each bit.
///
/// Eight numbers are added at a time before anything is carried on: Warren, Hacker's Delight,
/// 2nd edition, section 5-1 (Harley and Seal's method), kept for each bit apart.
pub fn count_bits(numbers: impl Iterator<Item = u64>, counts: &mut BitCounts) {
    let mut counters = Counters::default();
    let mut numbers = numbers.fuse();
    loop {
        let mut eight = [0; 8];
        let mut any = false;
        for (place, number) in eight.iter_mut().zip(&mut numbers) {
            *place = number;
            any = true;
        }
        if !any {
            break;
        }
        let [ones, twos, fours, ..] = counters.0;
        let [a, b, c, d, e, f, g, h] = eight;
        let (ones, twos_a) = add(ones, a, b);
        let (ones, twos_b) = add(ones, c, d);
        let (twos, fours_a) = add(twos, twos_a, twos_b);
        let (ones, twos_a) = add(ones, e, f);
        let (ones, twos_b) = add(ones, g, h);
        let (twos, fours_b) = add(twos, twos_a, twos_b);
        let (fours, eights) = add(fours, fours_a, fours_b);
        counters.0[..3].copy_from_slice(&[ones, twos, fours]);
        counters.carry(3, eights);
    }
    for (place, bits) in counters.0.iter().enumerate() {
        let mut bits = *bits;
        while bits != 0 {
            counts[bits.trailing_zeros() as usize] += 1 << place;
            bits &= bits - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn it_counts_as_bit_by_bit() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(3);
        for length in [0, 1, 7, 8, 9, 64, 1000, 65_536] {
            let numbers: Vec<u64> = (0..length).map(|_| rng.random::<u64>()).collect();
            let mut counts = [5; 64];
            count_bits(numbers.iter().copied(), &mut counts);
            for (bit, count) in counts.iter().enumerate() {
                let expected = numbers.iter().filter(|number| *number >> bit & 1 == 1).count();
                assert_eq!(*count, 5 + expected as u64);
            }
        }
        let mut counts = [0; 64];
        count_bits((0..1 << 16).map(|_| u64::MAX), &mut counts);
        assert_eq!(counts, [1 << 16; 64]);
    }
}
