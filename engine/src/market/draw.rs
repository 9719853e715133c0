//! Random numbers: one stream per (seed, purpose, index), so that any part can be made alone.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "draws are scaled into ranges far below the limits of their types"
)]

use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};

/// What a stream is for. Streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    Brands = 1,
    People = 2,
    Visits = 3,
    Filler = 4,
    Events = 5,
    Set = 6,
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Draw(Pcg64Mcg);

/// A step of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes all bits.
pub(crate) const fn mix(z: u64) -> u64 {
    throng_query::sample::mix(z.wrapping_add(0x9E37_79B9_7F4A_7C15))
}

impl Draw {
    pub(crate) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        // Both halves depend on everything: states that share their low half make streams alike.
        let low = mix(mix(mix(seed) ^ purpose as u64) ^ mix(index));
        let mut state = [0; 16];
        state[..8].copy_from_slice(&low.to_le_bytes());
        state[8..].copy_from_slice(&mix(low).to_le_bytes());
        Self(Pcg64Mcg::from_seed(state))
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in 0..n.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits() as u32) * u64::from(n)) >> 32) as u32
    }

    /// True this often.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal (Box and Muller 1958, one of the pair).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Log-normal with median 1.
    pub(crate) fn log_normal(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal()).exp()
    }

    /// Poisson: by Knuth's product for small means, by a rounded normal for large ones.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 30.0 {
            let value = (mean + mean.sqrt() * self.normal()).round();
            return if value <= 0.0 { 0 } else { value as u32 };
        }
        let limit = (-mean).exp();
        let (mut product, mut count) = (self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// How many failures before a success.
    pub(crate) fn geometric(&mut self, success: f64) -> u32 {
        let value = (1.0 - self.unit()).ln() / (1.0 - success).ln();
        value.min(1e6) as u32
    }
}

/// Walker's alias table (Vose 1991): a weighted draw in constant time.
#[derive(Debug, Clone)]
pub(crate) struct Alias {
    cells: Vec<(f32, u32)>,
}

impl Alias {
    /// Weights: at least one, none negative, not all zero.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let n = weights.len();
        let mut scaled: Vec<f64> = weights.iter().map(|w| w * n as f64 / total).collect();
        let mut cells: Vec<(f32, u32)> = (0..n).map(|i| (1.0, i as u32)).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..n).partition(|&i| scaled[i] < 1.0);
        while let (Some(low), Some(&high)) = (small.pop(), large.last()) {
            cells[low] = (scaled[low] as f32, high as u32);
            scaled[high] -= 1.0 - scaled[low];
            if scaled[high] < 1.0 {
                large.pop();
                small.push(high);
            }
        }
        Self { cells }
    }

    pub(crate) fn draw(&self, draw: &mut Draw) -> usize {
        let bits = draw.bits();
        let cell = ((bits >> 32) * self.cells.len() as u64) >> 32;
        let (keep, other) = self.cells[cell as usize];
        let unit = (bits as u32 >> 8) as f32 * (1.0 / (1_u32 << 24) as f32);
        if unit < keep { cell as usize } else { other as usize }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alias, Draw, Purpose};

    #[test]
    fn streams_repeat_and_differ() {
        let take = |seed, purpose, index| Draw::new(seed, purpose, index).bits();
        assert_eq!(take(7, Purpose::People, 3), take(7, Purpose::People, 3));
        let mut seen = std::collections::HashSet::new();
        for seed in 0..20 {
            for index in 0..20 {
                assert!(seen.insert(take(seed, Purpose::People, index)));
                assert!(seen.insert(take(seed, Purpose::Visits, index)));
            }
        }
    }

    #[test]
    fn means_are_as_asked() {
        let mut draw = Draw::new(1, Purpose::Events, 0);
        let n = 200_000;
        for mean in [0.3, 4.0, 50.0] {
            let total: f64 = (0..n).map(|_| f64::from(draw.poisson(mean))).sum();
            assert!((total / f64::from(n) - mean).abs() < mean * 0.02, "poisson {mean}");
        }
        let total: f64 = (0..n).map(|_| f64::from(draw.geometric(0.25))).sum();
        assert!((total / f64::from(n) - 3.0).abs() < 0.06);
        let total: f64 = (0..n).map(|_| draw.normal().powi(2)).sum();
        assert!((total / f64::from(n) - 1.0).abs() < 0.02);
    }

    #[test]
    fn a_weighted_draw_has_its_weights() {
        let weights = [5.0, 0.0, 1.0, 3.0, 1.0];
        let alias = Alias::new(&weights);
        let mut draw = Draw::new(2, Purpose::Events, 0);
        let mut counts = [0_u32; 5];
        for _ in 0..100_000 {
            counts[alias.draw(&mut draw)] += 1;
        }
        for (count, weight) in counts.iter().zip(weights) {
            assert!((f64::from(*count) - weight * 10_000.0).abs() < 600.0, "{counts:?}");
        }
        assert_eq!(counts[1], 0);
    }
}
