//! Which instructions loops over many numbers use: chosen when the program runs.

use std::sync::atomic::{AtomicU8, Ordering};

/// Instructions that the loops are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every machine of the architecture has.
    Portable = 1,
    /// AVX2, POPCNT, BMI1 and BMI2.
    Avx2 = 2,
    /// AVX-512 F, BW, VL, VBMI and VPOPCNTDQ, and those of [`Level::Avx2`].
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
                    && is_x86_feature_detected!("avx512vbmi")
                    && is_x86_feature_detected!("avx512vbmi2")
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
#[inline]
pub fn level() -> Level {
    match CHOSEN.load(Ordering::Relaxed) {
        1 => Level::Portable,
        2 => Level::Avx2,
        3 => Level::Avx512,
        _ => choose(),
    }
}

#[cold]
fn choose() -> Level {
    let best = Level::ALL.into_iter().rfind(|level| level.is_available());
    let best = best.unwrap_or(Level::Portable);
    CHOSEN.store(best as u8, Ordering::Relaxed);
    best
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
