//! Decimal numbers, exactly: no float is on the way from a file to money.

use super::error::Reason;
use super::options::Rounding;

/// Digits that are read; with more a number is too large.
const DIGITS_MAX: u32 = 36;
/// The furthest an exponent may move the point.
const EXPONENT_MAX: i32 = 40;

/// `unscaled / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) unscaled: i128,
    pub(super) scale: u32,
}

impl Number {
    /// Reads `[+-]digits[.digits][e[+-]digits]`.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Reason> {
        let (negative, digits) = match text.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, text),
        };
        let mut value: i128 = 0;
        let (mut seen, mut significant, mut scale) = (false, 0_u32, 0_u32);
        let mut point = false;
        let mut exponent = 0;
        for (i, &byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    scale += u32::from(point);
                    if byte != b'0' || significant > 0 {
                        significant += 1;
                    }
                    if significant > DIGITS_MAX || scale > 2 * DIGITS_MAX {
                        return Err(Reason::Large);
                    }
                    value = value * 10 + i128::from(byte - b'0');
                }
                b'.' if !point => point = true,
                b'e' | b'E' if seen => {
                    exponent = read_exponent(digits.get(i + 1..).unwrap_or(&[]))?;
                    break;
                }
                _ => return Err(Reason::Number),
            }
        }
        if !seen {
            return Err(Reason::Number);
        }
        let unscaled = if negative { -value } else { value };
        Self { unscaled, scale }.shifted(exponent)
    }

    /// Moves the point to the right.
    fn shifted(mut self, by: i32) -> Result<Self, Reason> {
        if by < 0 {
            self.scale += by.unsigned_abs();
            return Ok(self);
        }
        let by = by.unsigned_abs();
        if by <= self.scale {
            self.scale -= by;
            return Ok(self);
        }
        let power = 10_i128.checked_pow(by - self.scale).ok_or(Reason::Large)?;
        self.unscaled = self.unscaled.checked_mul(power).ok_or(Reason::Large)?;
        self.scale = 0;
        Ok(self)
    }

    pub(super) fn times(self, other: Self) -> Result<Self, Reason> {
        let unscaled = self.unscaled.checked_mul(other.unscaled).ok_or(Reason::Large)?;
        Ok(Self { unscaled, scale: self.scale + other.scale })
    }

    /// The digits after the point that are not trailing zeros.
    pub(super) fn decimals(mut self) -> u32 {
        while self.scale > 0 && self.unscaled % 10 == 0 {
            self.unscaled /= 10;
            self.scale -= 1;
        }
        self.scale
    }

    /// The number times `10^digits`, which must be whole unless it may be rounded.
    pub(super) fn units(self, digits: u32, rounding: Rounding) -> Result<i64, Reason> {
        let large = |_| Reason::Large;
        if self.scale <= digits {
            let power = 10_i128.checked_pow(digits - self.scale).ok_or(Reason::Large)?;
            let units = self.unscaled.checked_mul(power).ok_or(Reason::Large)?;
            return i64::try_from(units).map_err(large);
        }
        let Some(power) = 10_i128.checked_pow(self.scale - digits) else {
            // The number is far below one unit.
            return match rounding {
                Rounding::HalfUp => Ok(0),
                Rounding::Refuse if self.unscaled == 0 => Ok(0),
                Rounding::Refuse => {
                    Err(Reason::Decimals { found: self.decimals(), exponent: digits })
                }
            };
        };
        let (whole, rest) = (self.unscaled / power, self.unscaled % power);
        if rest == 0 {
            return i64::try_from(whole).map_err(large);
        }
        if rounding == Rounding::Refuse {
            return Err(Reason::Decimals { found: self.decimals(), exponent: digits });
        }
        let up = rest.unsigned_abs() * 2 >= power.unsigned_abs();
        i64::try_from(whole + i128::from(up) * rest.signum()).map_err(large)
    }
}

fn read_exponent(text: &[u8]) -> Result<i32, Reason> {
    let exponent: i32 = std::str::from_utf8(text)
        .ok()
        .filter(|text| !text.is_empty())
        .and_then(|text| text.parse().ok())
        .ok_or(Reason::Number)?;
    if exponent.abs() > EXPONENT_MAX { Err(Reason::Large) } else { Ok(exponent) }
}

/// Money in minor units: the common shapes by hand, the others by [`Number`].
pub(super) fn minor_units(text: &[u8], digits: u32, rounding: Rounding) -> Result<i64, Reason> {
    // 15 digits and the exponent's few stay below 2^63.
    if text.len() <= 15 && digits <= 3 {
        let mut value: i64 = 0;
        let mut after: Option<u32> = None;
        let mut plain = text.first().is_some_and(u8::is_ascii_digit);
        for &byte in text {
            if byte.is_ascii_digit() {
                value = value * 10 + i64::from(byte - b'0');
                after = after.map(|n| n + 1);
            } else if byte == b'.' && after.is_none() {
                after = Some(0);
            } else {
                plain = false;
                break;
            }
        }
        let after = after.unwrap_or(0);
        if plain && after <= digits {
            return Ok(value * [1, 10, 100, 1000][(digits - after) as usize]);
        }
    }
    Number::parse(text)?.units(digits, rounding)
}

/// A count: a whole number, `6` or `6.0`; negative ones too.
pub(super) fn whole(text: &[u8]) -> Result<i64, Reason> {
    if !text.is_empty() && text.len() <= 9 && text.iter().all(u8::is_ascii_digit) {
        return Ok(text.iter().fold(0, |value, &byte| value * 10 + i64::from(byte - b'0')));
    }
    Number::parse(text)?.units(0, Rounding::Refuse).map_err(|_| Reason::Count)
}

#[cfg(test)]
mod tests {
    use super::{Number, Reason, Rounding, minor_units, whole};

    #[test]
    fn amounts_are_exact_and_the_fast_path_agrees_with_the_slow_one() {
        let good = [
            ("12.50", 1250),
            ("12.5", 1250),
            ("12", 1200),
            ("0.01", 1),
            (".5", 50),
            ("5.", 500),
            ("-3.20", -320),
            ("+3.2", 320),
            ("1.500", 150),
            ("1e3", 100_000),
            ("1.5e-1", 15),
            ("92233720368547758.07", i64::MAX),
            ("000000000000000000000000000000000000000000001", 100),
        ];
        for (text, expected) in good {
            assert_eq!(minor_units(text.as_bytes(), 2, Rounding::Refuse), Ok(expected), "{text}");
            let slow = Number::parse(text.as_bytes()).unwrap().units(2, Rounding::Refuse);
            assert_eq!(slow, Ok(expected), "{text}");
        }
        assert_eq!(
            minor_units(b"1.234", 2, Rounding::Refuse),
            Err(Reason::Decimals { found: 3, exponent: 2 })
        );
        assert_eq!(minor_units(b"92233720368547758.08", 2, Rounding::Refuse), Err(Reason::Large));
        for text in ["", "-", ".", "1.2.3", "1,5", "x", "1e", "0x10", "NaN", "inf", "--1", "1 2"] {
            assert_eq!(
                minor_units(text.as_bytes(), 2, Rounding::Refuse),
                Err(Reason::Number),
                "{text}"
            );
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_halves_away_from_zero() {
        for (text, expected) in
            [("1.005", 101), ("-1.005", -101), ("1.004999", 100), ("0.0049", 0), ("1e-39", 0)]
        {
            assert_eq!(minor_units(text.as_bytes(), 2, Rounding::HalfUp), Ok(expected), "{text}");
        }
    }

    #[test]
    fn every_small_amount_round_trips() {
        for cents in 0..20_000_i64 {
            let text = format!("{}.{:02}", cents / 100, cents % 100);
            assert_eq!(minor_units(text.as_bytes(), 2, Rounding::Refuse), Ok(cents));
        }
    }

    #[test]
    fn counts_are_whole() {
        assert_eq!(whole(b"6"), Ok(6));
        assert_eq!(whole(b"6.0"), Ok(6));
        assert_eq!(whole(b"-2"), Ok(-2));
        assert_eq!(whole(b"6.5"), Err(Reason::Count));
        assert_eq!(whole(b"six"), Err(Reason::Number));
    }
}
