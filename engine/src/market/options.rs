//! What kind of market to make.

use throng_query::date::Date;

/// The size and seed of a market. The same options make the same market, on any number of threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketOptions {
    /// How many consumers, at least 1.
    pub consumers: u32,
    /// How many brands, at least 1 and at most [`MarketOptions::BRANDS_MAX`].
    pub brands: u32,
    /// How many events: exactly so many are made.
    pub events: u64,
    /// How many days, at least 1.
    pub days: u32,
    /// The seed.
    pub seed: u64,
    /// The first day.
    pub start: Date,
}

impl MarketOptions {
    /// More brands than this would run out of invented names.
    pub const BRANDS_MAX: u32 = 20_000;
    /// A store accepts events from 1970-01-01 to this day, 2149-06-05.
    pub const LAST_DAY: Date = Date(65_534);

    /// The last day.
    #[must_use]
    pub fn end(&self) -> Date {
        let days = i32::try_from(self.days).unwrap_or(i32::MAX);
        self.start.plus_days(days.saturating_sub(1))
    }

    pub(crate) fn check(&self) -> Result<(), MarketError> {
        if self.consumers == 0 || self.consumers == u32::MAX {
            return Err(MarketError::Consumers { consumers: self.consumers });
        }
        if !(1..=Self::BRANDS_MAX).contains(&self.brands) {
            return Err(MarketError::Brands { brands: self.brands });
        }
        if self.days == 0 || self.start < Date(0) || self.end() > Self::LAST_DAY {
            return Err(MarketError::Days { start: self.start, days: self.days });
        }
        Ok(())
    }
}

impl Default for MarketOptions {
    /// A season around the festival of 2017: 200,000 consumers, 50 brands, 6 million events.
    fn default() -> Self {
        Self {
            consumers: 200_000,
            brands: 50,
            events: 6_000_000,
            days: 120,
            seed: 1,
            // 2017-08-15.
            start: Date(17_393),
        }
    }
}

/// Why a market cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    /// None, or too many.
    #[error("a market has 1 to 4,294,967,294 consumers, not {consumers}")]
    Consumers {
        /// As asked.
        consumers: u32,
    },
    /// None, or too many.
    #[error("a market has 1 to {} brands, not {brands}", MarketOptions::BRANDS_MAX)]
    Brands {
        /// As asked.
        brands: u32,
    },
    /// None of a stationary market, or too many.
    #[error(
        "a stationary market has 1 to {} periods, not {periods}",
        super::Stationary::PERIODS_MAX
    )]
    Periods {
        /// As asked.
        periods: u32,
    },
    /// None, or days that a store does not accept.
    #[error("{days} days from {start} do not lie between 1970-01-01 and 2149-06-05")]
    Days {
        /// The first day asked for.
        start: Date,
        /// As asked.
        days: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::{Date, MarketError, MarketOptions};

    #[test]
    fn the_default_season_surrounds_the_festival() {
        let options = MarketOptions::default();
        assert_eq!(options.start.to_string(), "2017-08-15");
        assert_eq!(options.end().to_string(), "2017-12-12");
        assert_eq!(options.check(), Ok(()));
    }

    #[test]
    fn impossible_markets_are_refused() {
        let fine = MarketOptions::default();
        let consumers = MarketOptions { consumers: 0, ..fine.clone() };
        assert_eq!(consumers.check(), Err(MarketError::Consumers { consumers: 0 }));
        let brands = MarketOptions { brands: 20_001, ..fine.clone() };
        assert_eq!(brands.check(), Err(MarketError::Brands { brands: 20_001 }));
        let early = MarketOptions { start: Date(-1), ..fine.clone() };
        assert!(matches!(early.check(), Err(MarketError::Days { .. })));
        let late = MarketOptions { start: Date(65_534), days: 2, ..fine };
        assert!(matches!(late.check(), Err(MarketError::Days { .. })));
    }
}
