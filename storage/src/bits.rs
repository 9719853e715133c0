//! Numbers in few bits: packed at a fixed width, and ascending lists as low and high bits.
//!
//! Everything is little-endian: bit `i` of a stream is bit `i % 8` of byte `i / 8`.

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

/// How an ascending list (equal neighbours allowed) of `count` values, the last at most `span`,
/// is cut: `low_bits` of each value packed, the rest in unary.
///
/// Elias, "Efficient storage and retrieval by content and address of static files", 1974;
/// Fano, "On the number of bits required to implement an associative memory", 1971.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ascending {
    pub(crate) count: usize,
    pub(crate) span: u32,
    pub(crate) low_bits: u32,
}

impl Ascending {
    /// The smallest cut of a list.
    pub(crate) fn best(count: usize, span: u32) -> Self {
        let gap = u64::from(span) / count.max(1) as u64;
        let first = gap.max(1).ilog2();
        let cut = |low_bits| Self { count, span, low_bits };
        let (short, long) = (cut(first), cut(first + 1));
        if long.low_bits < 32 && long.len() < short.len() { long } else { short }
    }

    /// Bits of the unary part.
    fn high_bits(self) -> usize {
        self.count + (self.span >> self.low_bits) as usize
    }

    /// Bytes of both parts.
    pub(crate) fn len(self) -> usize {
        packed_len(self.count, self.low_bits) + self.high_bits().div_ceil(8)
    }

    /// Appends the list.
    pub(crate) fn write(self, values: &[u32], out: &mut Vec<u8>) {
        debug_assert_eq!(values.len(), self.count);
        let mask = (1_u32 << self.low_bits) - 1;
        pack(values.iter().map(|v| u64::from(v & mask)), self.low_bits, out);
        let start = out.len();
        out.resize(start + self.high_bits().div_ceil(8), 0);
        let high = &mut out[start..];
        for (i, value) in values.iter().enumerate() {
            let bit = (value >> self.low_bits) as usize + i;
            high[bit / 8] |= 1 << (bit % 8);
        }
    }

    /// Replaces what `out` held with the list, each value mapped. None when the bytes are no such
    /// list.
    #[inline]
    pub(crate) fn read<T: Copy>(
        self,
        data: &[u8],
        out: &mut Vec<T>,
        map: impl Fn(u32) -> T,
    ) -> Option<()> {
        if self.low_bits >= 32 {
            return None;
        }
        out.clear();
        let low = Packed::new(data, self.count, self.low_bits)?;
        let high_at = packed_len(self.count, self.low_bits);
        let bits = self.high_bits();
        let words = bits.div_ceil(64);
        let high = data.get(high_at..high_at.checked_add(bits.div_ceil(8))?.checked_add(SLACK)?)?;
        let mask = low.mask();
        out.reserve(self.count);
        let cells = out.as_mut_ptr();
        let mut i = 0;
        for number in 0..words {
            let mut word = word_at(high, number);
            if bits < number * 64 + 64 {
                word &= u64::MAX >> (64 - bits % 64);
            }
            if word.count_ones() as usize > self.count - i {
                return None;
            }
            // Every earlier bit that is set is a value, every other one a step up.
            let base = number * 64;
            while word != 0 {
                let steps = base + word.trailing_zeros() as usize - i;
                // SAFETY: no more bits are set in all words so far than `count` (checked for each
                // word), so `i < count`.
                let bits = unsafe { low.load(i, mask) };
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "steps <= span >> low_bits, and low is of low_bits < 32 bits"
                )]
                let value = ((steps as u32) << self.low_bits) | bits as u32;
                // SAFETY: `i < count`, and room for `count` values was reserved.
                unsafe { cells.add(i).write(map(value)) };
                word &= word - 1;
                i += 1;
            }
        }
        if i != self.count {
            return None;
        }
        // SAFETY: the first `count` values were written just above.
        unsafe { out.set_len(self.count) };
        Some(())
    }
}

/// The 64 bits of a word; zeros past the end.
#[inline]
fn word_at(bytes: &[u8], number: usize) -> u64 {
    let rest = bytes.get(number * 8..).unwrap_or_default();
    match rest.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::{Ascending, Packed, SLACK, pack, packed_len, width_of};

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
            }
        }
        assert_eq!(width_of(0), 0);
        assert_eq!(width_of(1 << 55), 56);
        assert_eq!(width_of(1 << 56), 64);
    }

    #[test]
    fn ascending_lists_round_trip_in_little_more_than_their_entropy() {
        let mut random = Pcg64::seed_from_u64(2);
        for span in [0, 1, 7, 300, 65_535, 1 << 20, u32::MAX] {
            for count in [1_usize, 2, 3, 64, 65, 1000] {
                let mut values: Vec<u32> =
                    (0..count).map(|_| random.random_range(0..=span)).collect();
                values.sort_unstable();
                let list = Ascending::best(count, span);
                let mut bytes = Vec::new();
                list.write(&values, &mut bytes);
                assert_eq!(bytes.len(), list.len());
                let gap = (f64::from(span) / count as f64).max(1.0);
                assert!(list.len() as f64 * 8.0 <= count as f64 * (gap.log2() + 2.1) + 17.0);
                bytes.extend([0xff; SLACK]);
                let mut read = Vec::new();
                list.read(&bytes, &mut read, |value| value).unwrap();
                assert_eq!(read, values);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_list_are_refused() {
        let list = Ascending { count: 3, span: 8, low_bits: 0 };
        let mut out = Vec::new();
        assert!(list.read(&[0; 16], &mut out, |v| v).is_none(), "too few bits");
        assert!(list.read(&[0xff; 16], &mut out, |v| v).is_none(), "too many bits");
        assert!(list.read(&[7; 4], &mut out, |v| v).is_none(), "too short");
        let wide = Ascending { count: 1, span: 0, low_bits: 32 };
        assert!(wide.read(&[0; 32], &mut out, |v| v).is_none());
    }
}
