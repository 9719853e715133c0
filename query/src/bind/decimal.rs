//! Decimal text as an integer of its last digit.

/// Why a text is not a decimal of some scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotDecimal {
    /// It is not a number.
    Syntax,
    /// It has more digits after the point than there is room for.
    TooFine,
    /// It does not fit 64 bits.
    OutOfRange,
}

/// More digits or a larger exponent than this fit no 64-bit number at any scale.
const DIGITS_MAX: usize = 1_000;

/// `text * 10^scale`, exactly: sign, digits, point, and an exponent as drivers write it.
pub(super) fn scaled(text: &str, scale: u8) -> Result<i64, NotDecimal> {
    let (negative, unsigned) = match text.trim().as_bytes() {
        [b'-', ..] => (true, text.trim().get(1..)),
        [b'+', ..] => (false, text.trim().get(1..)),
        _ => (false, Some(text.trim())),
    };
    let unsigned = unsigned.unwrap_or_default();
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => {
            let exponent = unsigned.get(at + 1..).unwrap_or_default();
            let exponent: i32 = exponent.parse().map_err(|_| NotDecimal::Syntax)?;
            (unsigned.get(..at).unwrap_or_default(), exponent)
        }
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotDecimal::Syntax);
    }
    if digits.iter().all(|digit| *digit == b'0') {
        return Ok(0);
    }
    if digits.len() > DIGITS_MAX || exponent.unsigned_abs() > 1_000 {
        return Err(NotDecimal::OutOfRange);
    }
    let places = i64::try_from(fraction.len()).map_err(|_| NotDecimal::OutOfRange)?;
    let shift = i64::from(exponent) - places + i64::from(scale);
    let magnitude = shifted(&digits, shift)?;
    let signed = if negative { -magnitude } else { magnitude };
    i64::try_from(signed).map_err(|_| NotDecimal::OutOfRange)
}

/// `digits * 10^shift`.
fn shifted(digits: &[u8], shift: i64) -> Result<i128, NotDecimal> {
    let cut = usize::try_from(-shift).unwrap_or(0).min(digits.len());
    let (kept, dropped) = digits.split_at(digits.len() - cut);
    let beyond = usize::try_from(-shift).unwrap_or(0) > digits.len();
    if dropped.iter().any(|digit| *digit != b'0') || (beyond && kept.iter().any(|d| *d != b'0')) {
        return Err(NotDecimal::TooFine);
    }
    let mut value: i128 = 0;
    let zeros = usize::try_from(shift).unwrap_or(0);
    for digit in kept.iter().copied().chain(std::iter::repeat_n(b'0', zeros)) {
        value = value * 10 + i128::from(digit - b'0');
        if value > i128::from(u64::MAX) {
            return Err(NotDecimal::OutOfRange);
        }
    }
    Ok(value)
}

/// An integer of a last digit as text: the reverse of [`scaled`], without trailing zeros.
pub(crate) fn unscaled_text(value: i64, scale: u8) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let digits = value.unsigned_abs();
    let Some(unit) = 10_u64.checked_pow(u32::from(scale)).filter(|unit| *unit > 1) else {
        return format!("{sign}{digits}");
    };
    let width = usize::from(scale);
    let text = format!("{sign}{}.{:0width$}", digits / unit, digits % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{NotDecimal, scaled, unscaled_text};

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        assert_eq!(scaled("500", 2), Ok(50_000));
        assert_eq!(scaled("-0.05", 2), Ok(-5));
        assert_eq!(scaled("1.500", 1), Ok(15));
        assert_eq!(scaled("1E+2", 2), Ok(10_000));
        assert_eq!(scaled("125e-1", 1), Ok(125));
        assert_eq!(scaled("0e999999999", 2), Ok(0));
        assert_eq!(scaled("1.005", 2), Err(NotDecimal::TooFine));
        assert_eq!(scaled("1e-9", 2), Err(NotDecimal::TooFine));
        assert_eq!(scaled("92233720368547758.07", 2), Ok(i64::MAX));
        assert_eq!(scaled("-92233720368547758.08", 2), Ok(i64::MIN));
        assert_eq!(scaled("92233720368547758.08", 2), Err(NotDecimal::OutOfRange));
        assert_eq!(scaled("1e900", 2), Err(NotDecimal::OutOfRange));
        for text in ["", "-", ".", "e5", "1e", "1.2.3", "0x1", "NaN", "Infinity", "١"] {
            assert_eq!(scaled(text, 2), Err(NotDecimal::Syntax), "{text}");
        }
    }

    #[test]
    fn what_is_printed_reads_the_same() {
        for value in [0, 1, -1, 10, 99, 100, -100, 12_345, i64::MAX, i64::MIN] {
            for scale in 0..=9 {
                assert_eq!(scaled(&unscaled_text(value, scale), scale), Ok(value));
            }
        }
        assert_eq!(unscaled_text(50_000, 2), "500");
        assert_eq!(unscaled_text(-5, 2), "-0.05");
    }
}
