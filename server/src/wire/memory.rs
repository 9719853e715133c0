//! Amounts of memory as PostgreSQL's settings write them.

/// The units, the largest first, with how many times two they are multiplied by themselves.
const UNITS: [(&str, u32); 4] = [("GB", 30), ("MB", 20), ("kB", 10), ("B", 0)];

/// Bytes of a text: a number of kilobytes, or a number with a unit.
pub(crate) fn parse(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: usize = number.parse().ok()?;
    let unit = if unit.trim().is_empty() { "kB" } else { unit.trim() };
    let (_, shift) = UNITS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.checked_mul(1 << shift)
}

/// The text of so many bytes, in the largest unit that says it exactly.
pub(crate) fn text(bytes: usize) -> String {
    let fits = |(_, shift): &(&str, u32)| bytes != 0 && bytes.is_multiple_of(1 << shift);
    let (unit, shift) = UNITS.into_iter().find(fits).unwrap_or(("B", 0));
    format!("{}{unit}", bytes >> shift)
}

#[cfg(test)]
mod tests {
    use super::{parse, text};

    #[test]
    fn amounts_are_read_and_written() {
        assert_eq!(parse("512"), Some(512 << 10));
        assert_eq!(parse(" 64 MB "), Some(64 << 20));
        assert_eq!(parse("3gb"), Some(3 << 30));
        assert_eq!(parse("17B"), Some(17));
        for wrong in ["", "MB", "-1", "1.5GB", "1TBs", "99999999999999999999", "9999999999999GB"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        for (bytes, expected) in [(0, "0B"), (17, "17B"), (3 << 30, "3GB"), (1 << 19, "512kB")] {
            assert_eq!(text(bytes), expected);
            assert_eq!(parse(expected), Some(bytes));
        }
    }
}
