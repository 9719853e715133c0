//! What the states of a Markov chain are worth.
//!
//! V = sum over t < K of (1 + d)^-t P^t R, where P are the transitions of one period, R what a
//! state earns in one period, d the discount and K the number of periods: Pfeifer and Carraway,
//! Modeling customer relationships as Markov chains, J. of Interactive Marketing 14(2), 2000.

/// How far ahead is looked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Periods {
    /// Whole periods.
    pub whole: u32,
    /// The part of one more, from 0 to 1: it earns that part of its reward.
    pub part: f64,
}

/// The value of each state.
pub fn value<const N: usize>(
    transitions: &[[f64; N]; N],
    reward: &[f64; N],
    discount: f64,
    periods: Periods,
) -> [f64; N] {
    // Horner's rule, from the last period to the first.
    let mut value = reward.map(|reward| reward * periods.part);
    for _ in 0..periods.whole {
        let mut earlier = *reward;
        for (earlier, row) in earlier.iter_mut().zip(transitions) {
            let later: f64 = row.iter().zip(&value).map(|(p, value)| p * value).sum();
            *earlier += later / (1.0 + discount);
        }
        value = earlier;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSITIONS: [[f64; 5]; 5] = [
        [0.50, 0.08, 0.01, 0.00, 0.41],
        [0.10, 0.50, 0.06, 0.00, 0.34],
        [0.00, 0.04, 0.80, 0.06, 0.10],
        [0.00, 0.01, 0.09, 0.85, 0.05],
        [0.00, 0.00, 0.00, 0.00, 1.00],
    ];
    const REWARD: [f64; 5] = [0.5, 4.0, 18.0, 60.0, 0.0];

    fn near(found: [f64; 5], expected: [f64; 5]) {
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 5e-5, "{found} {expected}");
        }
    }

    #[test]
    fn the_toy_has_its_known_values() {
        let after = |whole| value(&TRANSITIONS, &REWARD, 0.01, Periods { whole, part: 0.0 });
        near(after(12), [7.5804, 26.5072, 165.5747, 388.0106, 0.0]);
        // Nothing is left to earn after so many periods: the infinite sum.
        near(after(5_000), [11.7946, 38.6676, 241.6834, 517.1137, 0.0]);
        assert_eq!(after(0), [0.0; 5]);
        assert_eq!(after(1), REWARD);
    }

    #[test]
    fn a_part_of_a_period_earns_its_part() {
        let one = value(&TRANSITIONS, &REWARD, 0.0, Periods { whole: 1, part: 0.0 });
        let two = value(&TRANSITIONS, &REWARD, 0.0, Periods { whole: 2, part: 0.0 });
        let between = value(&TRANSITIONS, &REWARD, 0.0, Periods { whole: 1, part: 0.25 });
        for ((one, two), between) in one.into_iter().zip(two).zip(between) {
            assert!((one + (two - one) * 0.25 - between).abs() < 1e-12);
        }
    }
}
