//! What a query asks for: its measure and clauses.

use serde::{Deserialize, Serialize};

use super::named::{Named, Purchases};
use super::set::{Did, Set, Spend};
use super::valuation::{Flow, Ledger, Valuation};
use crate::date::Date;

/// A question about sets of consumers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What is measured.
    pub measure: Measure,
    /// Only these consumers; everybody when absent.
    pub filter: Option<Set>,
    /// The same measure for these consumers too, in a column of its own (COUNT), or as the base
    /// (PROFILE; the whole universe when absent).
    pub versus: Option<Set>,
    /// One row per combination; none means one row.
    pub partitions: Vec<Partition>,
    /// As of which day or days.
    pub dates: Dates,
    /// Days after the last date for which a series is continued.
    pub forecast_days: Option<u32>,
    /// The order of rows: then by the partitions' own order.
    pub order: Vec<OrderKey>,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Measure {
    /// How many consumers.
    Count,
    /// `SUM brand.spend window`: net money, minor units (buy less refund), exact.
    Spend(Spend),
    /// `SUM attribute`: the sum of a numeric attribute over consumers where it is known.
    AttributeSum {
        /// The attribute.
        attribute: AttributeRef,
        /// Digits after the point.
        scale: u8,
    },
    /// The intersections of sets.
    Overlap {
        /// The sets, two or more.
        operands: Vec<Operand>,
        /// Pairs or regions.
        shape: OverlapShape,
    },
    /// Shares, TGI and z of each attribute value: partitions are taken one by one, not crossed.
    Profile,
    /// `PROFILE a AGAINST b`: the profile of one set with another as its base. WHERE restricts
    /// both, and neither may be empty.
    Compare {
        /// Who is described.
        set: Box<Operand>,
        /// The base.
        base: Box<Operand>,
    },
    /// Who moved between the stages of a model.
    Flow(Flow),
    /// What consumers are worth.
    Asset(Valuation),
    /// How that changed, and by what.
    Ledger(Ledger),
    /// What was expected against what came.
    Backtest(Valuation),
    /// `SUM brand.purchase_days window` and its like.
    Purchases(Purchases),
    /// FAST, DEEPENING, RESERVOIR, PENETRATION, GROW.
    Named(Named),
}

/// One set of an overlap or a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operand {
    /// How the answer calls it: the brand's or audience's name, or the set as written.
    pub label: String,
    /// Its members. A bare brand is its stages A, I, P and L of `aipl`.
    pub set: Set,
}

/// The rows of an overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OverlapShape {
    /// One row per pair: left, right, left_count, right_count, both, jaccard, lift.
    Pairs,
    /// One row per non-empty exclusive region: region, sets, count.
    Regions,
}

/// As of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dates {
    /// One day; the newest day with data when absent.
    AsOf(Option<Date>),
    /// `EVERY n DAYS|WEEKS|MONTHS FROM a TO b`: a first column `as_of`, and the rows of each date.
    Every {
        /// How many units between dates, at least 1.
        step: u32,
        /// The unit.
        unit: StepUnit,
        /// First date.
        from: Date,
        /// No date is later than this.
        to: Date,
    },
}

/// The unit of EVERY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepUnit {
    /// One day.
    Day,
    /// Seven days.
    Week,
    /// One calendar month, counted from the first date; a day that does not exist becomes the
    /// month's last.
    Month,
}

/// One key of ORDER BY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    /// Index into [`super::Plan::columns`].
    pub column: usize,
    /// Which way. Nulls come last either way.
    pub direction: Direction,
}

/// Which way rows are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// A family of disjoint sets that covers the universe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Partition {
    /// The stages of a model, and `none`.
    Stage {
        /// Whose stages.
        brand: String,
        /// Of which model.
        model: String,
        /// By the events in these categories alone; by all when empty.
        categories: Vec<String>,
        /// As of this day instead of the statement's.
        as_of: Option<Date>,
    },
    /// The values of an attribute, and null for unknown.
    Attribute(AttributeRef),
    /// Boolean: in the audience or not.
    Audience(String),
    /// What consumers did it to: PROFILE only, since a consumer may be in several groups.
    About {
        /// Which part of the events.
        what: About,
        /// Which events; how often plays no part.
        of: Did,
        /// Only so many groups: those of the highest TGI.
        top: Option<u64>,
    },
    /// The groups of a partition of one's own.
    Own {
        /// Its name.
        name: String,
        /// As of this day instead of the statement's.
        as_of: Option<Date>,
    },
}

/// A part of events that profiles are made by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum About {
    /// The category.
    Category,
    /// The item.
    Item,
    /// The touchpoint.
    Touchpoint,
    /// The brand.
    Brand,
}

impl About {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Category, Self::Item, Self::Touchpoint, Self::Brand];

    /// As an answer calls it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Item => "item",
            Self::Touchpoint => "touchpoint",
            Self::Brand => "brand",
        }
    }

    /// As BY calls it.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Category => "CATEGORIES",
            Self::Item => "ITEMS",
            Self::Touchpoint => "TOUCHPOINTS",
            Self::Brand => "BRANDS",
        }
    }
}

/// An attribute by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AttributeRef {
    /// The brand, for an attribute of consumers at one brand.
    pub brand: Option<String>,
    /// The attribute's name.
    pub name: String,
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AttributeType {
    /// One of a moderate number of texts. Only equality.
    Text,
    /// A signed integer.
    Integer,
    /// A decimal number kept as an integer of its last digit.
    Decimal {
        /// Digits after the point, at most 9.
        scale: u8,
    },
    /// True or false. Only equality.
    Boolean,
    /// A calendar day, kept as days since 1970-01-01.
    Date,
}
