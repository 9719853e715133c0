//! The repeatable sample: which consumers `SAMPLE p PERCENT SEED n` takes.
//!
//! A consumer with store-local id `c` is in the sample when
//! `mix(c + (seed + 1) * 0x9E3779B97F4A7C15) >> 32 < per_million * 2^32 / 1_000_000`, all modulo
//! 2^64, where `mix` is the finaliser of SplitMix64 (Steele, Lea, Flood, "Fast splittable
//! pseudorandom number generators", OOPSLA 2014).

/// Whether consumer `id` is in the sample.
#[must_use]
pub fn contains(id: u32, per_million: u32, seed: u64) -> bool {
    let salt = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let hash = mix(u64::from(id).wrapping_add(salt));
    (hash >> 32) * 1_000_000 < u64::from(per_million) << 32
}

/// A number that hangs on every bit of another, as if by chance: the finaliser of SplitMix64.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_sample_has_its_size_is_nested_and_depends_on_the_seed() {
        let size = |p| (0..100_000).filter(|&c| contains(c, p, 7)).count();
        assert_eq!((size(0), size(1_000_000)), (0, 100_000));
        assert!((9_500..10_500).contains(&size(100_000)), "{}", size(100_000));
        assert!((0..100_000).all(|c| !contains(c, 100_000, 7) || contains(c, 200_000, 7)));
        let both = (0..100_000).filter(|&c| contains(c, 100_000, 7) && contains(c, 100_000, 8));
        assert!((800..1_200).contains(&both.count()));
    }
}
