//! What is measured, as flags of the command.

use std::path::PathBuf;

use clap::Args;

/// Sizes and places of a measurement of capacity.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Events of each store; k, M and G stand for thousands, millions and milliards.
    #[arg(long, value_delimiter = ',', default_value = "10M,100M,1G", value_parser = number)]
    pub sizes: Vec<u64>,
    /// Events for each consumer.
    #[arg(long, default_value_t = 10)]
    pub events_per_consumer: u64,
    /// Brands, of heavy-tailed sizes.
    #[arg(long, default_value_t = 1_000)]
    pub brands: u32,
    /// Days that the events are spread over.
    #[arg(long, default_value_t = 730)]
    pub days: u32,
    /// Where stores and the state of the measurement are kept.
    #[arg(long, default_value = "target/capacity")]
    pub dir: PathBuf,
    /// Where `capacity.md` and `capacity.svg` are written.
    #[arg(long, default_value = "docs")]
    pub out: PathBuf,
    /// Memory that one bulk load may take before it spills, in MiB.
    #[arg(long, default_value_t = 2_304)]
    pub memory: usize,
    /// Keeps stores that were measured.
    #[arg(long)]
    pub keep: bool,
}

/// A number with a unit, as `200k`.
pub(crate) fn number(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'k')) => (&text[..at], 1_000),
        Some((at, 'M')) => (&text[..at], 1_000_000),
        Some((at, 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1),
    };
    let number: u64 = digits.parse().map_err(|error| format!("`{text}`: {error}"))?;
    let number = number.checked_mul(unit).filter(|number| (1..=4_000_000_000).contains(number));
    number.ok_or_else(|| format!("`{text}` is not within 1 and 4G"))
}

/// A number as it is written for people.
pub(crate) fn short(number: u64) -> String {
    for (unit, name) in [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] {
        if number >= unit && number.is_multiple_of(unit / 10) {
            let (whole, tenth) = (number / unit, number % unit * 10 / unit);
            return if tenth == 0 {
                format!("{whole} {name}")
            } else {
                format!("{whole}.{tenth} {name}")
            };
        }
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::{number, short};

    #[test]
    fn numbers_have_units() {
        assert_eq!(number("200k"), Ok(200_000));
        assert_eq!(number("1G"), Ok(1_000_000_000));
        assert_eq!(number("17"), Ok(17));
        assert!(number("M").is_err() && number("0").is_err() && number("5G").is_err());
        assert_eq!(short(1_500_000), "1.5 M");
        assert_eq!(short(1_000_000_000), "1 G");
        assert_eq!(short(1_234), "1234");
    }
}
