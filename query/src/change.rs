//! What statements that change a store say: about what exists or does not, and whom and what they
//! erase.

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// What DROP and FORGET do about what does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfMissing {
    /// Fail.
    Error,
    /// Do nothing (`IF EXISTS`).
    Ignore,
}

/// What CREATE does about a name that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfExists {
    /// Fail.
    Error,
    /// Replace it (`OR REPLACE`).
    Replace,
    /// Keep it (`IF NOT EXISTS`).
    Keep,
}

/// `FORGET CONSUMER [IF EXISTS] 'ns:id', ...`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// The identities, in the order written.
    pub identities: Vec<String>,
    /// What to do about an identity that nobody has.
    pub missing: IfMissing,
}

/// `DELETE EVENTS OF brand BETWEEN a AND b [DID (x, y)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteEvents {
    /// Whose events.
    pub brand: String,
    /// Which behaviours; all when empty.
    pub behaviours: Vec<String>,
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}
