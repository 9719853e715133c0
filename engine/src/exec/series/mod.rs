//! Counting consumers on many days at once.
//!
//! A statement about every day of a quarter asks the same of each day, with other windows. Instead
//! of making each day's sets, a series finds for each consumer the days on which they are in each
//! leaf, as the bits of a number: a row adds the days whose windows it is in. Intersections, unions
//! and differences of all days are then one operation per consumer.

mod days;
mod money;
mod patterns;
mod plan;
mod run;
mod tally;
mod wide;

pub use plan::{DAYS_MAX, SeriesPlan};
pub use run::{Later, MONEY_NODES_MAX, SeriesMoney, series};
