//! Leaves of a plan, a bit for each.

use std::hash::{Hash, Hasher};
use std::ops::BitOrAssign;

/// Words of the widest.
pub(super) const WORDS_MAX: usize = 4;

/// Some leaves: those that a row brings its consumer into, or that a consumer is in. The first bit
/// says that there is a row at all, the others are the leaves, in the order of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LeafBits<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> LeafBits<WORDS> {
    /// No row.
    pub(super) const NONE: Self = Self([0; WORDS]);
    /// A row that brings nobody into any leaf.
    pub(super) const ANY: Self = {
        let mut words = [0; WORDS];
        words[0] = 1;
        Self(words)
    };
    /// How many leaves there may be.
    pub(super) const LEAVES: usize = WORDS * 64 - 1;

    /// One leaf, and nothing of a row.
    pub(super) fn of(leaf: usize) -> Self {
        let mut words = [0; WORDS];
        words[(leaf + 1) / 64] = 1 << ((leaf + 1) % 64);
        Self(words)
    }

    /// The words, without the bit of a row.
    #[inline]
    fn leaves(self) -> [u64; WORDS] {
        let mut words = self.0;
        words[0] &= !1;
        words
    }

    /// The leaf, if there is one alone.
    #[inline]
    pub(super) fn single(self) -> Option<usize> {
        let mut single = None;
        for (first, word) in (0..).step_by(64).zip(self.leaves()) {
            if word == 0 {
                continue;
            }
            if single.is_some() || !word.is_power_of_two() {
                return None;
            }
            single = Some(first + word.trailing_zeros() as usize - 1);
        }
        single
    }

    /// Calls `visit` with each leaf, ascending.
    #[inline]
    pub(super) fn each(self, mut visit: impl FnMut(usize)) {
        for (first, word) in (0..).step_by(64).zip(self.leaves()) {
            let mut left = word;
            while left != 0 {
                visit(first + left.trailing_zeros() as usize - 1);
                left &= left - 1;
            }
        }
    }

    /// The leaves as one number, the place in a list of all combinations of few leaves.
    #[inline]
    pub(super) fn number(self) -> usize {
        usize::try_from(self.0[0] >> 1).unwrap_or(usize::MAX)
    }

    /// The leaves of such a number, and a row.
    pub(super) fn of_number(number: u64) -> Self {
        let mut words = Self::ANY.0;
        words[0] |= number << 1;
        Self(words)
    }

    /// A number below 2^`bits` that others hardly share. Fibonacci hashing: Knuth, The Art of
    /// Computer Programming, volume 3, section 6.4.
    #[inline]
    pub(super) fn spread(self, bits: u32) -> usize {
        let mix =
            |of: u64, word: &u64| (of.rotate_left(32) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        usize::try_from(self.0.iter().fold(0, mix) >> (64 - bits)).unwrap_or(0)
    }

    /// The same leaves in as many words as there may be.
    pub(super) fn widest(self) -> LeafBits<WORDS_MAX> {
        let mut words = [0; WORDS_MAX];
        words.iter_mut().zip(self.0).for_each(|(wide, word)| *wide = word);
        LeafBits(words)
    }
}

impl<const WORDS: usize> BitOrAssign for LeafBits<WORDS> {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

impl<const WORDS: usize> Hash for LeafBits<WORDS> {
    /// Word by word, without their number, which is the same for all.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.iter().for_each(|word| state.write_u64(*word));
    }
}

/// Bits as wide as the leaves of a census need.
pub(super) trait Mark<const WORDS: usize>:
    Copy + Eq + BitOrAssign + Into<LeafBits<WORDS>> + std::fmt::Debug
{
    /// No row.
    const NONE: Self;

    /// These bits, which fit.
    fn of(bits: LeafBits<WORDS>) -> Self;
}

impl<const WORDS: usize> Mark<WORDS> for LeafBits<WORDS> {
    const NONE: Self = Self::NONE;

    #[inline]
    fn of(bits: Self) -> Self {
        bits
    }
}

macro_rules! mark {
    ($($width:ty),*) => {$(
        impl From<$width> for LeafBits<1> {
            #[inline]
            fn from(bits: $width) -> Self {
                Self([bits.into()])
            }
        }

        impl Mark<1> for $width {
            const NONE: Self = 0;

            #[inline]
            #[expect(clippy::cast_possible_truncation, reason = "a plan's bits fit")]
            fn of(bits: LeafBits<1>) -> Self {
                bits.0[0] as Self
            }
        }
    )*};
}
mark!(u8, u16, u32);

#[cfg(test)]
mod tests {
    use super::{LeafBits, Mark};

    /// What bits say of some leaves, in so many words.
    fn says<const WORDS: usize>(leaves: &[usize]) {
        let mut bits = LeafBits::<WORDS>::ANY;
        leaves.iter().for_each(|leaf| bits |= LeafBits::of(*leaf));
        let mut found = Vec::new();
        bits.each(|leaf| found.push(leaf));
        assert_eq!(found, leaves, "{bits:?}");
        let single = if let [leaf] = leaves { Some(*leaf) } else { None };
        assert_eq!(bits.single(), single, "{bits:?}");
        found.clear();
        bits.widest().each(|leaf| found.push(leaf));
        assert_eq!(found, leaves, "{bits:?}");
    }

    #[test]
    fn leaves_are_told_apart_in_every_width() {
        for leaves in [&[][..], &[0], &[7], &[62], &[0, 62], &[5, 6, 7]] {
            says::<1>(leaves);
            says::<2>(leaves);
            says::<4>(leaves);
        }
        for leaves in [&[63][..], &[64], &[126], &[62, 63], &[0, 126], &[3, 70, 71, 126]] {
            says::<2>(leaves);
            says::<4>(leaves);
        }
        for leaves in [&[127][..], &[128], &[254], &[0, 63, 127, 191, 254]] {
            says::<4>(leaves);
        }
    }

    #[test]
    fn narrow_marks_are_the_same_bits() {
        let mut bits = LeafBits::ANY;
        bits |= LeafBits::of(6);
        assert_eq!(LeafBits::from(u8::of(bits)), bits);
        assert_eq!(LeafBits::of_number(1 << 6), bits);
        assert_eq!(bits.number(), 1 << 6);
        bits |= LeafBits::of(30);
        assert_eq!(LeafBits::from(u32::of(bits)), bits);
    }
}
