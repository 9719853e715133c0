//! A seeded market: consumers, brands, campaigns and a shopping festival, as events.
//!
//! What is planted in it (rates, lifts, correlations) is written down in `docs/market.md`; the
//! constants are public so that a test can recover what was planted.

mod brands;
mod calendar;
mod draw;
mod funnel;
mod generate;
#[cfg(test)]
mod generate_tests;
mod load;
#[cfg(test)]
mod load_tests;
mod options;
mod people;
mod reference;
mod stationary;
mod text;

pub use brands::{Brand, Campaign, Sector};
pub use calendar::{Calendar, Festival};
pub use funnel::{Rates, Touchpoint};
pub use generate::{Market, MarketBlock};
pub use load::{MarketLoadError, MarketProgress};
pub use options::{MarketError, MarketOptions};
pub use people::{AgeBand, Gender, People, Person, SpendingPower};
pub use reference::{
    REFERENCE_BRANDS, REFERENCE_CONSUMERS, REFERENCE_DAYS, REFERENCE_KEY_BYTES, REFERENCE_START,
    ReferenceEvents, ReferenceSets, reference_events, reference_key, reference_sets,
};
pub use stationary::{Growth, State as StationaryState, Stationary};
pub use text::{ATTRIBUTE_HEADER, EVENT_HEADER, FileFormat};
