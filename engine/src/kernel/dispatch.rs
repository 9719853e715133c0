//! One copy of each loop per level of instructions, and the choice between them at run time.

use std::sync::atomic::{AtomicU8, Ordering};

use throng_storage::container::{CHUNK_SIZE, ChunkBits};

use super::plain;

/// Instructions that the loops are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every machine of the architecture has.
    Portable = 1,
    /// AVX2, POPCNT, BMI1 and BMI2.
    Avx2 = 2,
    /// AVX-512 F, BW, VL and VPOPCNTDQ, and those of [`Level::Avx2`].
    Avx512 = 3,
}

impl Level {
    /// Every level, the lowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Whether this machine has its instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("popcnt")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("bmi2")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vpopcntdq")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }
}

/// The level in use; 0 before it was chosen.
// Invariant 1: holds 0 or the number of a level whose instructions this machine has.
static CHOSEN: AtomicU8 = AtomicU8::new(0);

/// The level in use: the highest that this machine has, unless another was forced.
#[must_use]
pub fn level() -> Level {
    let chosen = CHOSEN.load(Ordering::Relaxed);
    let known = Level::ALL.into_iter().find(|level| *level as u8 == chosen);
    known.unwrap_or_else(|| {
        let best = Level::ALL.into_iter().rfind(|level| level.is_available());
        let best = best.unwrap_or(Level::Portable);
        CHOSEN.store(best as u8, Ordering::Relaxed);
        best
    })
}

/// Uses a level from now on, in all threads; for tests and measurements. False, and nothing
/// changes, when this machine does not have it.
pub fn force(level: Level) -> bool {
    let available = level.is_available();
    if available {
        CHOSEN.store(level as u8, Ordering::Relaxed);
    }
    available
}

/// Makes the copies of a loop and the function that chooses one.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub fn $name($($argument: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn avx2($($argument: $kind),*) $(-> $result)? {
                    plain::$name($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq")]
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn avx512($($argument: $kind),*) $(-> $result)? {
                    plain::$name($($argument),*)
                }
                match level() {
                    Level::Portable => {}
                    // SAFETY: by invariant 1 of `CHOSEN` the machine has these instructions.
                    Level::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: by invariant 1 of `CHOSEN` the machine has these instructions.
                    Level::Avx512 => return unsafe { avx512($($argument),*) },
                }
            }
            plain::$name($($argument),*)
        }
    };
}

dispatched! {
    /// `target &= other`.
    and(target: &mut ChunkBits, other: &ChunkBits)
}
dispatched! {
    /// `target |= other`.
    or(target: &mut ChunkBits, other: &ChunkBits)
}
dispatched! {
    /// `target &= !other`.
    and_not(target: &mut ChunkBits, other: &ChunkBits)
}
dispatched! {
    /// How many positions are set.
    count(bits: &ChunkBits) -> u32
}
dispatched! {
    /// How many positions are set in both.
    count_and(left: &ChunkBits, right: &ChunkBits) -> u32
}
dispatched! {
    /// Sets every position whose value is at most `max`.
    or_at_most(target: &mut ChunkBits, values: &[u16; CHUNK_SIZE], max: u16)
}

dispatched! {
    /// Of every position the sets it is in, as the bits of a byte; 8 positions to a word, the first
    /// in its lowest byte.
    codes(sets: &[&ChunkBits; 8], codes: &mut [u64; CHUNK_SIZE / 8])
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use throng_storage::container::CHUNK_WORDS;

    use super::*;

    type Bits = Box<ChunkBits>;

    /// Every loop on one pair of bitsets.
    fn results(x: &ChunkBits, y: &ChunkBits, values: &[u16; CHUNK_SIZE]) -> (Vec<Bits>, [u32; 2]) {
        let changed = |change: fn(&mut ChunkBits, &ChunkBits)| {
            let mut target = Box::new(*x);
            change(&mut target, y);
            target
        };
        let mut limited = Box::new(*x);
        or_at_most(&mut limited, values, 30_000);
        (vec![changed(and), changed(or), changed(and_not), limited], [count(x), count_and(x, y)])
    }

    #[test]
    fn codes_say_who_is_in_which_set() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(8);
        let mut draw = || Box::new([0; CHUNK_WORDS].map(|_: u64| rng.random::<u64>()));
        let sets: Vec<Bits> = (0..8).map(|_| draw()).collect();
        let mut expected = vec![0_u8; CHUNK_SIZE];
        for (bit, set) in sets.iter().enumerate() {
            for (position, code) in expected.iter_mut().enumerate() {
                *code |= u8::from(set[position / 64] >> (position % 64) & 1 == 1) << bit;
            }
        }
        for level in Level::ALL {
            if force(level) {
                let mut found = Box::new([0; CHUNK_SIZE / 8]);
                codes(&std::array::from_fn(|bit| &*sets[bit]), &mut found);
                let found: Vec<u8> = found.iter().flat_map(|word| word.to_le_bytes()).collect();
                assert!(found == expected, "{}", level.name());
            }
        }
    }

    #[test]
    fn every_level_gives_what_the_naive_loops_give() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(7);
        let mut draw = || Box::new([0; CHUNK_WORDS].map(|_: u64| rng.random::<u64>()));
        let (x, y) = (draw(), draw());
        let mut values = Box::new([0_u16; CHUNK_SIZE]);
        values.iter_mut().for_each(|value| *value = rng.random());
        let zip = |merge: fn(u64, u64) -> u64| -> Bits {
            let mut words = Box::new([0; CHUNK_WORDS]);
            (0..CHUNK_WORDS).for_each(|i| words[i] = merge(x[i], y[i]));
            words
        };
        let mut limited = x.clone();
        for (i, value) in values.iter().enumerate() {
            limited[i / 64] |= u64::from(*value <= 30_000) << (i % 64);
        }
        let sets = vec![zip(|a, b| a & b), zip(|a, b| a | b), zip(|a, b| a & !b), limited];
        let ones = |words: &ChunkBits| words.iter().map(|word| word.count_ones()).sum::<u32>();
        let expected = (sets, [ones(&x), ones(&zip(|a, b| a & b))]);
        for level in Level::ALL {
            if force(level) {
                assert_eq!(results(&x, &y, &values), expected, "{}", level.name());
            }
        }
    }
}
