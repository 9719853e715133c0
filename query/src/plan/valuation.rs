//! The measures of one brand's consumers: how they moved, and what they are worth.

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// `FLOW brand FROM d1 TO d2 [USING model]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Whose stages.
    pub brand: String,
    /// By the events in these categories alone; by all when empty.
    pub categories: Vec<String>,
    /// Of which model.
    pub model: String,
    /// Where consumers come from: their stage on this day.
    pub from: Date,
    /// Where they got to: their stage on this day, not before the first.
    pub to: Date,
}

/// What a brand's consumers are worth: `ASSET` and `BACKTEST`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Valuation {
    /// Whose consumers.
    pub brand: String,
    /// By the events in these categories alone, and what they spend there; by all when empty.
    pub categories: Vec<String>,
    /// Days of net revenue looked ahead; at least 1.
    pub horizon_days: u32,
    /// How.
    pub method: Method,
}

/// How consumers are valued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Method {
    /// By what those brought who were in the same stage one horizon ago.
    Cohort,
    /// By a chain of the stages, from how consumers moved and what they brought of late.
    Markov,
}

/// `LEDGER brand FROM d1 TO d2`: the change of the asset, by cohort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Whose consumers.
    pub brand: String,
    /// By the events in these categories alone, and what they spend there; by all when empty.
    pub categories: Vec<String>,
    /// Days of net revenue looked ahead; at least 1.
    pub horizon_days: u32,
    /// The opening day.
    pub from: Date,
    /// The closing day, not before the first.
    pub to: Date,
}
