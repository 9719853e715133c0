//! PostgreSQL's binary form of `numeric`: digits in base 10,000 with a weight and a scale.

use bytes::{BufMut, BytesMut};
use throng::Decimal;

/// Decimal digits in one binary digit.
const GROUP: usize = 4;
/// Groups before or after the point that a parameter may have; an `i128` has fewer.
const GROUPS_MAX: i32 = 16;
const NEGATIVE: u16 = 0x4000;

/// Bytes that are not a finite number of reasonable size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a binary numeric that can be used here")]
pub(super) struct NumericError;

/// Appends the binary form.
pub(super) fn encode(value: Decimal, out: &mut BytesMut) {
    let scale = usize::from(value.scale);
    let digits = format!("{:0>width$}", value.unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let lead = (GROUP - whole.len() % GROUP) % GROUP;
    let trail = (GROUP - scale % GROUP) % GROUP;
    let padded = format!("{}{whole}{fraction}{}", "0".repeat(lead), "0".repeat(trail));
    let groups: Vec<i16> = padded
        .as_bytes()
        .chunks(GROUP)
        .map(|group| group.iter().fold(0, |sum, digit| sum * 10 + i16::from(digit - b'0')))
        .collect();
    let whole_groups = (lead + whole.len()) / GROUP;
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    let end = groups.iter().rposition(|group| *group != 0).map_or(zeros, |last| last + 1);
    let shown = groups.get(zeros..end).unwrap_or_default();
    let weight = if shown.is_empty() { 0 } else { small(whole_groups) - small(zeros) - 1 };
    out.put_i16(small(shown.len()));
    out.put_i16(weight);
    out.put_u16(if value.unscaled < 0 { NEGATIVE } else { 0 });
    out.put_i16(i16::from(value.scale));
    for group in shown {
        out.put_i16(*group);
    }
}

/// A decimal has at most 39 + 255 digits, so its counts fit.
fn small(count: usize) -> i16 {
    i16::try_from(count).unwrap_or(i16::MAX)
}

/// The number as text.
pub(super) fn decode(bytes: &[u8]) -> Result<String, NumericError> {
    let mut fields =
        bytes.chunks_exact(2).map(|pair| pair.iter().fold(0_u16, |n, b| n << 8 | u16::from(*b)));
    let mut field = || fields.next().ok_or(NumericError);
    let (count, weight, sign, scale) = (field()?, field()?, field()?, usize::from(field()?));
    let weight = i32::from(weight.cast_signed());
    let groups: Vec<u16> = fields.collect();
    let fits = groups.len() == usize::from(count)
        && bytes.len().is_multiple_of(2)
        && i32::from(count) <= 2 * GROUPS_MAX
        && (-GROUPS_MAX..GROUPS_MAX).contains(&weight)
        && scale <= 255
        && (sign == 0 || sign == NEGATIVE)
        && groups.iter().all(|group| *group < 10_000);
    if !fits {
        return Err(NumericError);
    }
    let group_at = |place: i32| {
        // `place` 0 is the units' group, -1 the first after the point.
        usize::try_from(weight - place).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0)
    };
    let mut text = String::new();
    for place in (0..=weight.max(0)).rev() {
        text.push_str(&format!("{:04}", group_at(place)));
    }
    let whole = text.trim_start_matches('0');
    let mut number = if whole.is_empty() { "0".to_owned() } else { whole.to_owned() };
    if scale > 0 {
        let places = i32::try_from(scale.div_ceil(GROUP)).unwrap_or(0);
        let fraction: String = (1..=places).map(|p| format!("{:04}", group_at(-p))).collect();
        number.push('.');
        number.push_str(fraction.get(..scale).unwrap_or(&fraction));
    }
    Ok(if sign == NEGATIVE { format!("-{number}") } else { number })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use bytes::BytesMut;
    use throng::Decimal;

    fn bytes(unscaled: i128, scale: u8) -> Vec<u8> {
        let mut out = BytesMut::new();
        encode(Decimal { unscaled, scale }, &mut out);
        out.to_vec()
    }

    #[test]
    fn known_bytes() {
        // As PostgreSQL 15's numeric_send gives them.
        assert_eq!(bytes(0, 0), [0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(bytes(0, 2), [0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(bytes(1, 0), [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(bytes(10_000, 0), [0, 1, 0, 1, 0, 0, 0, 0, 0, 1]);
        // 12345.67
        assert_eq!(bytes(1_234_567, 2), [0, 3, 0, 1, 0, 0, 0, 2, 0, 1, 0x09, 0x29, 0x1a, 0x2c]);
        // -0.05
        assert_eq!(bytes(-5, 2), [0, 1, 0xff, 0xff, 0x40, 0, 0, 2, 0x01, 0xf4]);
    }

    #[test]
    fn every_decimal_comes_back() {
        let mut state = 7_u128;
        for round in 0..20_000_u32 {
            state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(11);
            let unscaled = i128::try_from(state >> (1 + round % 127)).unwrap();
            let unscaled = if round % 2 == 0 { unscaled } else { -unscaled };
            let value = Decimal { unscaled, scale: u8::try_from(round % 20).unwrap() };
            assert_eq!(decode(&bytes(value.unscaled, value.scale)), Ok(value.to_string()));
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        assert!(decode(&[]).is_err());
        assert!(decode(&[0, 1, 0, 0, 0, 0, 0, 0]).is_err());
        assert!(decode(&[0, 0, 0, 0, 0xc0, 0, 0, 0]).is_err(), "NaN");
        assert!(decode(&[0, 1, 0x7f, 0xff, 0, 0, 0, 0, 0, 1]).is_err(), "too large");
        assert!(decode(&[0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10]).is_err(), "digit 10000");
    }
}
