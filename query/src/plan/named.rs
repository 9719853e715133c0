//! Measures that a brand is watched by, each of several counts or sums.

use serde::{Deserialize, Serialize};

use super::set::{RowFilter, Spend, Window};
use crate::date::Date;

/// A measure by name: `FAST brand`, `DEEPENING brand`, `RESERVOIR brand`, `PENETRATION brand` or
/// `GROW brand`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Whose consumers.
    pub brand: String,
    /// Which measure.
    pub kind: NamedKind,
}

/// Which measure by name. [`crate::expansion`] says what each is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamedKind {
    /// Fertility, advancing, superiority, thriving.
    Fast {
        /// Days of the period that ends with the as-of day; at least 1.
        days: u32,
    },
    /// How many of A, I and P got nearer to the brand.
    Deepening {
        /// Days of the period that ends with the as-of day; at least 1.
        days: u32,
    },
    /// (A + I) / (P + L).
    Reservoir,
    /// The brand's buyers among the buyers of all brands.
    Penetration {
        /// When they bought.
        window: Window,
        /// What they bought.
        rows: RowFilter,
    },
    /// The change of revenue by penetration, range, frequency and price.
    Grow(Grow),
}

/// `GROW brand window [AGAINST BETWEEN a AND b] filters`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grow {
    /// The period asked about: `LastDays` or `Between`.
    pub period: Window,
    /// The period it is compared with; as many days just before it when absent.
    pub against: Option<(Date, Date)>,
    /// Which rows, of buys and of refunds alike.
    pub rows: RowFilter,
}

/// What is counted of a consumer's purchases that are not void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Figure {
    /// Different days with a purchase.
    PurchaseDays,
    /// Different categories bought; purchases without one are a category of their own.
    Categories,
    /// Different (category, day) pairs.
    CategoryDays,
}

impl Figure {
    /// Every figure.
    pub const ALL: [Self; 3] = [Self::PurchaseDays, Self::Categories, Self::CategoryDays];

    /// As `SUM brand.word` writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PurchaseDays => "purchase_days",
            Self::Categories => "categories",
            Self::CategoryDays => "category_days",
        }
    }
}

/// A figure of purchases in a window.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Purchases {
    /// What is counted.
    pub figure: Figure,
    /// Which purchases.
    pub of: Spend,
}
