//! Sets of consumers.

use serde::{Deserialize, Serialize};

use super::query::AttributeRef;
use crate::date::Date;

/// A set of consumers. Every set is within the universe as of the statement's day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Set {
    /// The universe.
    All,
    /// Those in every one.
    And(Vec<Set>),
    /// Those in at least one.
    Or(Vec<Set>),
    /// The rest of the universe.
    Not(Box<Set>),
    /// Those in one of these stages.
    Stage {
        /// Whose stages: a named brand's, or, inside a model's rules, the subject's.
        brand: BrandRef,
        /// Of which model.
        model: String,
        /// The stages; `none` is allowed.
        stages: Vec<String>,
        /// By the events in these categories alone; by all when empty.
        categories: Vec<String>,
        /// As of this day instead of the statement's.
        as_of: Option<Date>,
    },
    /// Those who did something.
    Did(Did),
    /// Those whose net spend compares so.
    Spent {
        /// What is summed.
        spend: Spend,
        /// How it is compared. Who has no rows spent 0.
        comparison: Comparison,
        /// In minor units of the store's currency.
        amount: i64,
    },
    /// Those whose price compares so: what they paid for a piece on average. Who has no purchase
    /// has none, and is in none of these sets.
    Price {
        /// Of which purchases; one that is void does not count.
        of: Spend,
        /// How it is compared.
        comparison: Comparison,
        /// In minor units of the store's currency.
        amount: i64,
    },
    /// Those in a state: the last of its behaviours is one that begins it.
    State {
        /// At which brand.
        brand: BrandRef,
        /// Which state, by name: `member`, `follower`, or one of one's own.
        state: String,
    },
    /// Those whose attribute is so. Unknown is in none of the comparisons.
    Attribute {
        /// Which attribute.
        attribute: AttributeRef,
        /// The condition.
        test: AttributeTest,
    },
    /// The members of a saved audience.
    Audience(String),
    /// Those in one of these groups of a partition.
    Group {
        /// Its name.
        partition: String,
        /// The groups; the rest is one.
        groups: Vec<String>,
        /// As of this day instead of the statement's.
        as_of: Option<Date>,
    },
    /// Those at the top of a ranking.
    Top(Top),
    /// A repeatable sample: see [`crate::sample`].
    Sample {
        /// Parts per million, 0 to 1,000,000.
        per_million: u32,
        /// The seed.
        seed: u64,
    },
}

/// `TOP p PERCENT [OF (set)] BY brand.spend ...`: with n consumers ranked, those who have fewer
/// than n p / 100 others above them. Who is level is in together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Top {
    /// Parts per million, 0 to 1,000,000.
    pub per_million: u32,
    /// Who is ranked; whoever bought so when absent.
    pub among: Option<Box<Set>>,
    /// By what.
    pub by: RankedBy,
    /// Of which purchases.
    pub of: Spend,
}

/// What consumers are ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RankedBy {
    /// Net money; who has no row has 0.
    Spend,
    /// Different days with a purchase; 0 for none.
    Frequency,
    /// The day of the last purchase; who has none comes last.
    Recency,
    /// What was paid for a piece on average; who has no purchase comes last.
    Price,
}

/// Which brand's events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BrandRef {
    /// This brand.
    Named(String),
    /// The brand whose stage is asked: inside a model's rules only.
    Subject,
    /// All brands together (`ANY BRAND`).
    Any,
}

/// `brand DID behaviour ...`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Did {
    /// To which brand.
    pub brand: BrandRef,
    /// One of these behaviours; any behaviour when empty.
    pub behaviours: Vec<String>,
    /// How often, over all these behaviours together.
    pub at_least: AtLeast,
    /// When.
    pub window: Window,
    /// Which rows.
    pub rows: RowFilter,
}

/// How often is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AtLeast {
    /// The sum of the rows' counts is at least this; at least 1.
    Times(u32),
    /// On at least so many distinct days; at least 1.
    Days(u32),
}

/// Days of events, never later than the as-of day D.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Window {
    /// Every day up to D.
    Always,
    /// The n days that end with D; at least 1.
    LastDays(u32),
    /// Every day before the n days that end with D; at least 1.
    BeforeLastDays(u32),
    /// From a day to a day, both included; days after D are not seen.
    Between(Date, Date),
}

/// Which rows of a lane count. Conditions of different kinds must all hold; of one kind, any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct RowFilter {
    /// One of these touchpoints; any when empty.
    pub touchpoints: Vec<String>,
    /// One of these categories; any when empty.
    pub categories: Vec<String>,
    /// One of these items; any when empty. Unknown items match no row.
    pub items: Vec<String>,
    /// One of the subject brand's target categories (no rows when it has none).
    pub target_categories: TargetCategories,
}

/// Whether only rows in the subject brand's target categories count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum TargetCategories {
    /// No such condition.
    #[default]
    Ignored,
    /// Only those rows.
    Only,
}

/// Net money at a brand: `buy` amounts less `refund` amounts, each on its own day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Spend {
    /// At which brand.
    pub brand: BrandRef,
    /// When.
    pub window: Window,
    /// Which rows, of buys and of refunds alike.
    pub rows: RowFilter,
}

/// A state between behaviours: who did one of the first and none of the others since. At the same
/// second the first win.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Behaviours that begin it.
    pub from: Vec<String>,
    /// Behaviours that end it.
    pub until: Vec<String>,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A condition on an attribute. Who has no known value is in none but [`AttributeTest::Unknown`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AttributeTest {
    /// Compared with one value.
    Compare(Comparison, AttributeValue),
    /// One of these.
    In(Vec<AttributeValue>),
    /// Known, and none of these.
    NotIn(Vec<AttributeValue>),
    /// From the first to the second, both included.
    Between(AttributeValue, AttributeValue),
    /// No known value.
    Unknown,
    /// Some known value.
    Known,
}

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AttributeValue {
    /// Of a text attribute.
    Text(String),
    /// Of an integer, decimal (in units of its last digit) or date (days since 1970-01-01).
    Number(i64),
    /// Of a boolean attribute.
    Boolean(bool),
}
