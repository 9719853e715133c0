//! Numbers packed at a fixed width.

use std::ops::Range;

use super::unpack::{NARROW_MAX, unpack};

/// The widest packed value but 64: an unaligned 64-bit load holds it wherever it starts.
pub(crate) const WIDTH_MAX: u32 = 56;
/// Bytes that must be readable after a stream.
pub(crate) const SLACK: usize = 8;

/// Bits that hold every value up to `max`, rounded up to 64 where loads would not reach.
pub(crate) fn width_of(max: u64) -> u32 {
    match 64 - max.leading_zeros() {
        width if width <= WIDTH_MAX => width,
        _ => 64,
    }
}

/// Bytes of `count` values of a width. `count` is below 2^33.
pub(crate) const fn packed_len(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

/// Appends values, each below `2^width`.
pub(crate) fn pack(values: impl Iterator<Item = u64>, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let (mut word, mut fill) = (0_u64, 0_u32);
    for value in values {
        word |= value << fill;
        if fill + width < 64 {
            fill += width;
            continue;
        }
        out.extend_from_slice(&word.to_le_bytes());
        word = if fill == 0 { 0 } else { value >> (64 - fill) };
        fill = fill + width - 64;
    }
    out.extend_from_slice(&word.to_le_bytes()[..fill.div_ceil(8) as usize]);
}

/// Values unpacked at a time.
pub(super) const BLOCK: usize = 256;
const FEW: usize = 32;

/// Values of a fixed width in place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packed<'a> {
    /// Invariant 1: holds the stream of `count` values and `SLACK` bytes more.
    data: &'a [u8],
    /// Invariant 2: at most `WIDTH_MAX`, or 64.
    width: u32,
    count: usize,
}

impl<'a> Packed<'a> {
    /// The stream that starts at `data`, which goes on past it.
    pub(crate) fn new(data: &'a [u8], count: usize, width: u32) -> Option<Self> {
        if width > WIDTH_MAX && width != 64 {
            return None;
        }
        let end = packed_len(count, width).checked_add(SLACK)?;
        Some(Self { data: data.get(..end)?, width, count })
    }

    fn mask(self) -> u64 {
        if self.width == 0 { 0 } else { u64::MAX >> (64 - self.width) }
    }

    /// # Safety
    /// `at` is below `count`.
    #[inline]
    unsafe fn load(self, at: usize, mask: u64) -> u64 {
        let bit = at * self.width as usize;
        debug_assert!(at < self.count && bit / 8 + 8 <= self.data.len());
        // SAFETY: `at < count` by the caller, so `bit / 8` is at most the stream's length, and by
        // invariant 1 eight more bytes are in `data`. Any bytes are a valid u64.
        let word = unsafe { self.data.as_ptr().add(bit / 8).cast::<u64>().read_unaligned() };
        u64::from_le(word) >> (bit % 8) & mask
    }

    /// The value at a position; 0 when there is none.
    pub(crate) fn get(self, at: usize) -> u64 {
        if at >= self.count {
            return 0;
        }
        // SAFETY: checked just above.
        unsafe { self.load(at, self.mask()) }
    }

    /// The sum of the values before a position.
    pub(crate) fn sum(self, end: usize) -> u64 {
        let mut sum = 0;
        if self.is_narrow() {
            // A block of values below 2^25 adds up to less than 2^33.
            self.each_block(0..end.min(self.count), |block| {
                sum += block.iter().map(|&value| u64::from(value)).sum::<u64>();
            });
        } else {
            sum = self.iter(0, end).fold(0, u64::saturating_add);
        }
        sum
    }

    /// Whether [`Self::unpack`] takes its values.
    pub(crate) fn is_narrow(self) -> bool {
        self.width <= NARROW_MAX
    }

    /// The values from a position on, as many as `out` takes or there are; how many. For narrow
    /// values only.
    #[inline]
    pub(crate) fn unpack(self, from: usize, out: &mut [u32]) -> usize {
        debug_assert!(self.is_narrow(), "values of {} bits", self.width);
        let count = out.len().min(self.count.saturating_sub(from));
        let bit = from * self.width as usize;
        let data = self.data.get(bit / 8..).unwrap_or_default();
        if let Some(out) = out.get_mut(..count) {
            unpack(data, bit % 8, self.width, out);
        }
        count
    }

    /// Calls `visit` with the values of some positions, as far as there are any, block by block.
    /// For narrow values only.
    #[inline]
    pub(crate) fn each_block(self, positions: Range<usize>, mut visit: impl FnMut(&[u32])) {
        if positions.len() <= FEW {
            // Clearing a block takes longer than unpacking a few values.
            let mut block = [0; FEW];
            let count = self.unpack(positions.start, &mut block[..positions.len()]);
            return visit(&block[..count]);
        }
        let mut block = [0; BLOCK];
        for from in positions.clone().step_by(BLOCK) {
            let length = BLOCK.min(positions.end - from);
            let count = self.unpack(from, &mut block[..length]);
            visit(&block[..count]);
        }
    }

    /// The values of `from..from + count`, kept within the stream.
    pub(crate) fn iter(self, from: usize, count: usize) -> impl ExactSizeIterator<Item = u64> {
        let from = from.min(self.count);
        let end = from.saturating_add(count).min(self.count);
        let mask = self.mask();
        (from..end).map(move |at| {
            // SAFETY: `at < end <= self.count`.
            unsafe { self.load(at, mask) }
        })
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::{Packed, SLACK, pack, packed_len, width_of};

    #[test]
    fn every_width_round_trips() {
        let mut random = Pcg64::seed_from_u64(1);
        for width in (0..=56).chain([64]) {
            let mask = if width == 0 { 0 } else { u64::MAX >> (64 - width) };
            for count in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
                let values: Vec<u64> = (0..count).map(|_| random.random::<u64>() & mask).collect();
                let mut bytes = Vec::new();
                pack(values.iter().copied(), width, &mut bytes);
                assert_eq!(bytes.len(), packed_len(count, width));
                assert!(Packed::new(&bytes, count, width).is_none(), "slack is demanded");
                bytes.extend([0xff; SLACK]);
                let packed = Packed::new(&bytes, count, width).unwrap();
                assert!(packed.iter(0, usize::MAX).eq(values.iter().copied()));
                assert!(packed.iter(3, 60).eq(values.iter().copied().skip(3).take(60)));
                assert!((0..count).all(|at| packed.get(at) == values[at]));
                for end in [0, 1, count / 2, count, count + 1] {
                    let sum = values.iter().take(end).fold(0, |sum: u64, v| sum.saturating_add(*v));
                    assert_eq!(packed.sum(end), sum);
                }
            }
        }
        assert_eq!(width_of(0), 0);
        assert_eq!(width_of(1 << 55), 56);
        assert_eq!(width_of(1 << 56), 64);
    }
}
