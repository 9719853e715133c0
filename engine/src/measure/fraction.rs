//! Exact money: fractions of minor units, and how they become whole ones.

/// A quotient of integers whose denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    /// A quotient; none when the denominator is not positive.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        (denominator > 0).then_some(Self { numerator, denominator })
    }

    /// The whole number nearest to so many times this; none when it does not fit.
    pub fn times(self, factor: i128) -> Option<i128> {
        Some(nearest(self.numerator.checked_mul(factor)?, self.denominator))
    }
}

/// The whole number nearest to a quotient with a positive denominator; a half goes away from 0, so
/// that money given and money taken back round alike.
fn nearest(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let up = rest.abs() >= denominator - rest.abs();
    if up { whole + numerator.signum() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_away_from_zero() {
        let found: Vec<i128> = (-6..=6).map(|n| nearest(n, 4)).collect();
        assert_eq!(found, [-2, -1, -1, -1, -1, 0, 0, 0, 1, 1, 1, 1, 2]);
        assert_eq!(nearest(i128::MAX, 1), i128::MAX);
        assert_eq!(Fraction::new(1, 0), None);
        assert_eq!(Fraction::new(10, 3).unwrap().times(2), Some(7));
        assert_eq!(Fraction::new(i128::MAX, 3).unwrap().times(2), None);
    }
}
