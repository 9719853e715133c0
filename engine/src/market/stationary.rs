//! A stationary market: one brand, as many new consumers every 15 days, no season, and everyone a
//! Markov chain of planted rates. What `FLOW`, `ASSET` and `BACKTEST` find in it is known before.
#![expect(clippy::cast_possible_truncation, reason = "amounts and counts of a market are small")]

use throng_query::date::Date;

use super::draw::{Draw, Purpose};
use super::options::MarketError;
use crate::ingest::{Event, EventBatch, When};

/// Where a consumer of a stationary market is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Stage A of `aipl`.
    Aware = 0,
    /// Stage I.
    Interested = 1,
    /// Stage P: bought once.
    Bought = 2,
    /// Stage L: bought on two days or more.
    Loyal = 3,
    /// Gone for good: stage `none`.
    Gone = 4,
}

impl State {
    const ALL: [Self; 5] = [Self::Aware, Self::Interested, Self::Bought, Self::Loyal, Self::Gone];
}

/// What grows, from a period on, by a factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Growth {
    /// Nothing: the market is stationary.
    Nothing,
    /// The amount of every purchase.
    Price {
        /// The first period, from 0.
        from: u32,
        /// By how much.
        factor: f64,
    },
    /// The consumers who come.
    Arrivals {
        /// The first period, from 0.
        from: u32,
        /// By how much.
        factor: f64,
    },
}

/// A stationary market. The same fields make the same market.
#[derive(Debug, Clone, PartialEq)]
pub struct Stationary {
    /// New consumers in each period.
    pub arrivals: u32,
    /// Periods of [`Stationary::PERIOD_DAYS`], 1 to [`Stationary::PERIODS_MAX`].
    pub periods: u32,
    /// The seed.
    pub seed: u64,
    /// The first day.
    pub start: Date,
    /// What grows.
    pub growth: Growth,
}

impl Stationary {
    /// The brand's name.
    pub const BRAND: &'static str = "steady";
    /// Days of a period: the window of A and I, so that the stage on a period's last day is what
    /// happened in it.
    pub const PERIOD_DAYS: u32 = 15;
    /// More would let first purchases leave the 365 days of L.
    pub const PERIODS_MAX: u32 = 24;
    /// The chance to go from a state (row) to a state within a period: A, I, P, L, gone.
    pub const TRANSITIONS: [[f64; 5]; 5] = [
        [0.50, 0.20, 0.06, 0.00, 0.24],
        [0.15, 0.45, 0.15, 0.00, 0.25],
        [0.00, 0.00, 0.90, 0.10, 0.00],
        [0.00, 0.00, 0.00, 1.00, 0.00],
        [0.00, 0.00, 0.00, 0.00, 1.00],
    ];
    /// The mean amount in minor units of a first purchase, of a second, and of a later one. Amounts
    /// are uniform from half to one and a half of it.
    pub const AMOUNTS: [i64; 3] = [10_000, 12_000, 15_000];
    /// The chance that somebody loyal buys in a period.
    pub const LOYAL_BUYS: f64 = 0.5;

    /// The mean net revenue of a period, by the state at its beginning, in minor units.
    #[must_use]
    pub fn rewards() -> [f64; 5] {
        let [first, second, later] = Self::AMOUNTS.map(|amount| amount as f64);
        let to = |from: State, to: State| Self::TRANSITIONS[from as usize][to as usize];
        [
            to(State::Aware, State::Bought) * first,
            to(State::Interested, State::Bought) * first,
            to(State::Bought, State::Loyal) * second,
            Self::LOYAL_BUYS * later,
            0.0,
        ]
    }

    /// The last day of a period.
    #[must_use]
    pub fn end_of(&self, period: u32) -> Date {
        let days = (period + 1) * Self::PERIOD_DAYS;
        self.start.plus_days(days.cast_signed() - 1)
    }

    /// The events of all who come in each period, period by period.
    ///
    /// # Errors
    /// When there are no periods or too many, or days that a store does not accept.
    pub fn batches(&self) -> Result<impl Iterator<Item = EventBatch> + '_, MarketError> {
        let (start, days) = (self.start, self.periods.saturating_mul(Self::PERIOD_DAYS));
        if !(1..=Self::PERIODS_MAX).contains(&self.periods) {
            return Err(MarketError::Periods { periods: self.periods });
        }
        if start < Date(0) || start.plus_days(days.cast_signed()) > super::MarketOptions::LAST_DAY {
            return Err(MarketError::Days { start, days });
        }
        Ok((0..self.periods).map(|period| self.arriving(period)))
    }

    fn arriving(&self, first: u32) -> EventBatch {
        let mut draw = Draw::new(self.seed, Purpose::Visits, u64::from(first));
        let arrivals = match self.growth {
            Growth::Arrivals { from, factor } if first >= from => {
                (f64::from(self.arrivals) * factor).round() as u32
            }
            _ => self.arrivals,
        };
        let mut batch = EventBatch::new();
        for number in 0..arrivals {
            let consumer = format!("s{first:02}-{number:07}");
            let mut state = State::Aware;
            for period in first..self.periods {
                let before = state;
                if period > first {
                    state = step(state, &mut draw);
                }
                self.live(&consumer, period, (before, state), &mut batch, &mut draw);
            }
        }
        batch
    }

    /// What somebody does in a period who goes from one state to another.
    fn live(
        &self,
        consumer: &str,
        period: u32,
        (before, now): (State, State),
        batch: &mut EventBatch,
        draw: &mut Draw,
    ) {
        let mut does = |behaviour: &str, amount: i64, draw: &mut Draw| {
            let day = period * Self::PERIOD_DAYS + draw.below(Self::PERIOD_DAYS);
            let at = When::Local {
                day: self.start.plus_days(day.cast_signed()),
                second: draw.below(86_400),
            };
            let category = (behaviour == "buy").then_some("goods");
            batch.push(&Event {
                category,
                amount,
                ..Event::new(consumer, Self::BRAND, behaviour, at)
            });
        };
        match (before, now) {
            (_, State::Gone) => {}
            (_, State::Aware) => {
                for _ in 0..=draw.geometric(0.6) {
                    let seen = ["exposure", "click", "content"][draw.below(3) as usize];
                    does(seen, 0, draw);
                }
            }
            (_, State::Interested) => {
                does("exposure", 0, draw);
                does(["search", "cart", "favorite"][draw.below(3) as usize], 0, draw);
            }
            (State::Bought, State::Bought) => {
                if draw.chance(0.3) {
                    does("exposure", 0, draw);
                }
            }
            (_, State::Bought) => does("buy", self.amount(0, period, draw), draw),
            (State::Bought, State::Loyal) => does("buy", self.amount(1, period, draw), draw),
            (_, State::Loyal) => {
                if draw.chance(Self::LOYAL_BUYS) {
                    does("buy", self.amount(2, period, draw), draw);
                }
            }
        }
    }

    fn amount(&self, purchase: usize, period: u32, draw: &mut Draw) -> i64 {
        let factor = match self.growth {
            Growth::Price { from, factor } if period >= from => factor,
            _ => 1.0,
        };
        (Self::AMOUNTS[purchase] as f64 * (0.5 + draw.unit()) * factor).round() as i64
    }
}

fn step(state: State, draw: &mut Draw) -> State {
    let mut lot = draw.unit();
    for (next, chance) in State::ALL.into_iter().zip(Stationary::TRANSITIONS[state as usize]) {
        lot -= chance;
        if lot < 0.0 {
            return next;
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_planted_chain_are_chances() {
        for row in Stationary::TRANSITIONS {
            assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{row:?}");
        }
    }

    #[test]
    fn impossible_markets_are_refused_and_equal_ones_are_equal() {
        let start = Date(17_167);
        let growth = Growth::Nothing;
        let market = Stationary { arrivals: 50, periods: 4, seed: 1, start, growth };
        let lengths = |market: &Stationary| -> Vec<usize> {
            market.batches().unwrap().map(|batch| batch.len()).collect()
        };
        assert_eq!(lengths(&market), lengths(&market.clone()));
        assert_eq!(lengths(&market).len(), 4);
        for periods in [0, 25] {
            let error = Stationary { periods, ..market.clone() }.batches().err();
            assert_eq!(error, Some(MarketError::Periods { periods }));
        }
        let late = Stationary { start: Date(65_534), ..market }.batches().err();
        assert!(matches!(late, Some(MarketError::Days { .. })));
    }
}
