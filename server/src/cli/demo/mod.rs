//! `throng demo`: a festival's market, made and shown.

mod chart;
mod run;
mod tour;

pub use run::Args;
pub(super) use run::run;
