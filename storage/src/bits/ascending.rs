//! Ascending lists as low and high bits.

use std::ops::{Range, RangeInclusive};

use super::SLACK;
use super::packed::{BLOCK, Packed, pack, packed_len};
use super::seek::after_zeros;
use super::unpack::{Unary, combine, steps};

/// Bytes by which the unary part of evenly spread values is seldom longer than on average.
const NEAR: usize = 64;

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

/// How far a list was read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ListPlace {
    /// Of the unary part.
    bit: usize,
    /// Values before it.
    taken: usize,
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
        self.low_len() + self.high_bits().div_ceil(8)
    }

    /// Where finding a value reads if all values are equally far apart: a byte of the packed part,
    /// and bytes of the unary part.
    pub(crate) fn about(self, value: u32) -> (usize, Range<usize>) {
        let place = u64::from(value) * self.count as u64 / (u64::from(self.span) + 1);
        let place = usize::try_from(place).unwrap_or(0);
        let unary = place + (value >> self.low_bits.min(31)) as usize;
        let low = packed_len(place, self.low_bits);
        (low, self.low_len()..(self.low_len() + unary / 8 + NEAR).min(self.len()))
    }

    /// Bytes of the packed part, which is the first.
    pub(crate) fn low_len(self) -> usize {
        packed_len(self.count, self.low_bits)
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

    /// Its parts in some bytes, which go on past it: that in unary first.
    fn parts(self, data: &[u8]) -> Option<(&[u8], Packed<'_>)> {
        if self.low_bits >= 32 {
            return None;
        }
        let low = Packed::new(data, self.count, self.low_bits)?;
        let high_at = self.low_len();
        let end = high_at.checked_add(self.high_bits().div_ceil(8))?.checked_add(SLACK)?;
        Some((data.get(high_at..end)?, low))
    }

    /// Replaces what `out` held with the list, `base` added to each value. None when the bytes are
    /// no such list.
    pub(crate) fn read(self, data: &[u8], base: u32, out: &mut Vec<u32>) -> Option<()> {
        out.clear();
        let last = self.span;
        self.read_on(data, base, 0..=last, &mut ListPlace::default(), out)?;
        // Of those with the last high part a low part may bring one over the span.
        let last = self.span >> self.low_bits;
        let mut ends = out.iter().rev().map(|value| value.wrapping_sub(base));
        let wrong = ends.find(|value| value >> self.low_bits != last || *value > self.span);
        (out.len() == self.count && wrong.is_none_or(|value| value <= self.span)).then_some(())
    }

    /// Appends the values of a range, `base` added to each, of a list that was read up to a place;
    /// the range begins there or later. None when the bytes are no such list, which is found out
    /// where its end is read.
    pub(crate) fn read_on(
        self,
        data: &[u8],
        base: u32,
        range: RangeInclusive<u32>,
        at: &mut ListPlace,
        out: &mut Vec<u32>,
    ) -> Option<()> {
        let (first, last) = (*range.start(), (*range.end()).min(self.span));
        let (high, low) = self.parts(data)?;
        if first > last {
            return Some(());
        }
        let bits = self.high_bits();
        let after = |at: &ListPlace, step: usize| {
            let zeros = step.saturating_sub(at.bit.checked_sub(at.taken)?);
            after_zeros(high, bits, at.bit, zeros)
        };
        let (first_step, last_step) = (first >> self.low_bits, last >> self.low_bits);
        let bit = after(at, first_step as usize)?;
        if bit > at.bit {
            *at = ListPlace { bit, taken: bit.checked_sub(first_step as usize)? };
        }
        let is_end = last_step == self.span >> self.low_bits;
        let end = if is_end { bits } else { after(at, last_step as usize + 1)? };
        let (word, from, taken) = (at.bit / 64 * 64, out.len(), at.taken);
        #[expect(clippy::cast_possible_truncation, reason = "a list has few bits; it may go round")]
        let zeros = (word as u32).wrapping_sub(taken as u32);
        let data = high.get(word / 8..).unwrap_or_default();
        let part = Unary { data, bits: end.checked_sub(word)?, skip: at.bit - word, zeros };
        let own = steps(part, self.count.checked_sub(taken)?, out)?;
        if is_end && taken + own != self.count {
            return None;
        }
        *at = ListPlace { bit: end, taken: taken + own };
        let values = out.get_mut(from..)?;
        if low.is_narrow() {
            let mut blocks = values.chunks_mut(BLOCK);
            low.each_block(taken..taken + own, |lows| {
                combine(blocks.next().unwrap_or_default(), lows, self.low_bits, base);
            });
        } else {
            for (value, low) in values.iter_mut().zip(low.iter(taken, own)) {
                let [low, _] = halves(low);
                *value = base.wrapping_add(*value << self.low_bits | low);
            }
        }
        // Of those with the last high part a low part may bring one behind the range.
        let own_value = |value: u32| value.wrapping_sub(base);
        while let Some(value) = out.get(from..)?.last().map(|value| own_value(*value))
            && value > last
        {
            if is_end && last == self.span {
                return None;
            }
            out.pop();
            at.taken -= 1;
            at.bit = (value >> self.low_bits) as usize + at.taken;
        }
        // And of those with the first high part one before it.
        let early = out.get(from..)?.iter().take_while(|value| own_value(**value) < first).count();
        if early > 0 {
            out.drain(from..from + early);
        }
        Some(())
    }

    /// Where a value is in the list, where it is; without equal neighbours there is one place.
    /// None when the bytes are too few for the list.
    pub(crate) fn find(self, data: &[u8], value: u32) -> Option<Option<usize>> {
        let (high, low) = self.parts(data)?;
        let bits = self.high_bits();
        if value > self.span {
            return Some(None);
        }
        // Values with the same high part are the ones between two zeros.
        let step = value >> self.low_bits;
        let wanted = u64::from(value & ((1 << self.low_bits) - 1));
        let Some(begin) = after_zeros(high, bits, 0, step as usize) else { return Some(None) };
        let ones = (begin..bits)
            .take_while(|bit| high.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1));
        for bit in ones {
            let place = bit - step as usize;
            let found = low.get(place);
            if found >= wanted {
                return Some((found == wanted && place < self.count).then_some(place));
            }
        }
        Some(None)
    }
}

/// The low and the high 32 bits.
fn halves(value: u64) -> [u32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    [value as u32, (value >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::super::SLACK;
    use super::*;
    use crate::level::{self, Level};

    #[test]
    fn lists_are_read_range_by_range() {
        let mut random = Pcg64::seed_from_u64(8);
        for span in [0, 9, 700, 65_535, 1 << 22, u32::MAX] {
            for count in [1_usize, 3, 64, 500, 3000] {
                let mut values: Vec<u32> =
                    (0..count).map(|_| random.random_range(0..=span)).collect();
                values.sort_unstable();
                let list = Ascending::best(count, span);
                let mut bytes = Vec::new();
                list.write(&values, &mut bytes);
                bytes.extend([0xff; SLACK]);
                let base = u32::MAX - span;
                for (level, width) in Level::ALL.into_iter().zip([span / 3, span / 90, span]) {
                    if !level::force(level) {
                        continue;
                    }
                    let (mut at, mut read) = (ListPlace::default(), vec![7]);
                    let mut expected = vec![7];
                    let mut first = random.random_range(0..=width);
                    loop {
                        // What is read last may end behind the list.
                        let last = first.saturating_add(random.random_range(0..=width));
                        list.read_on(&bytes, base, first..=last, &mut at, &mut read).unwrap();
                        let own = values.iter().filter(|value| (first..=last).contains(value));
                        expected.extend(own.map(|value| base + value));
                        assert_eq!(read, expected, "{} {span} {count}", level.name());
                        let after = last.checked_add(random.random_range(1..=width.max(1)));
                        match after.filter(|after| *after <= span) {
                            Some(after) => first = after,
                            None => break,
                        }
                    }
                }
                // A list with one value less than there should be.
                let more = Ascending { count: count + 1, ..list };
                let mut read = Vec::new();
                let all = more.read_on(&bytes, 0, 0..=span, &mut ListPlace::default(), &mut read);
                assert!(all.is_none() || read != values, "{span} {count}");
            }
        }
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
                for level in Level::ALL {
                    if level::force(level) {
                        list.read(&bytes, 0, &mut read).unwrap();
                        assert_eq!(read, values, "{}", level.name());
                        list.read(&bytes, 7, &mut read).unwrap();
                        let more = values.iter().map(|value| value.wrapping_add(7));
                        assert!(read.iter().copied().eq(more), "{}", level.name());
                    }
                }
            }
        }
    }

    #[test]
    fn values_are_found_where_they_are_and_no_others() {
        let mut random = Pcg64::seed_from_u64(3);
        for span in [0, 1, 7, 300, 65_535, 1 << 20, u32::MAX] {
            for count in [1_usize, 2, 3, 64, 65, 1000] {
                let mut values: Vec<u32> =
                    (0..count).map(|_| random.random_range(0..=span)).collect();
                values.sort_unstable();
                values.dedup();
                let list = Ascending::best(values.len(), span);
                let mut bytes = Vec::new();
                list.write(&values, &mut bytes);
                bytes.extend([0xff; SLACK]);
                let near = values.iter().flat_map(|v| [*v, v.wrapping_add(1), v.wrapping_sub(1)]);
                let mut any: Vec<u32> = near.collect();
                any.extend(
                    (0..count).map(|_| random.random::<u32>() >> random.random_range(0..32)),
                );
                for value in any {
                    let place = values.binary_search(&value).ok();
                    assert_eq!(list.find(&bytes, value), Some(place), "{value} of {span}");
                }
                assert!(list.find(&bytes[..list.len() / 2], 0).is_none(), "too short");
            }
        }
    }

    #[test]
    fn bytes_that_are_no_list_are_refused() {
        let list = Ascending { count: 3, span: 8, low_bits: 0 };
        let mut out = Vec::new();
        for level in Level::ALL {
            if !level::force(level) {
                continue;
            }
            assert!(list.read(&[0; 16], 0, &mut out).is_none(), "too few bits");
            assert!(list.read(&[0xff; 16], 0, &mut out).is_none(), "too many bits");
            assert!(list.read(&[7; 4], 0, &mut out).is_none(), "too short");
            let wide = Ascending { count: 1, span: 0, low_bits: 32 };
            assert!(wide.read(&[0; 32], 0, &mut out).is_none());
        }
    }
}
