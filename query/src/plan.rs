//! The typed plan: what a statement means after its names are bound.
//!
//! A plan holds names, never store-local ids, so that one plan can be shipped to every shard of a
//! store. It is serialisable and carries [`PLAN_VERSION`]. Parameters are already replaced by
//! values.

use serde::{Deserialize, Serialize};

pub use crate::change::{DeleteEvents, Forget, IfExists, IfMissing};
use crate::date::Date;

/// The version of the plan's serialised form. A reader refuses any other.
pub const PLAN_VERSION: u32 = 1;

/// A bound statement with the columns of its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`] of the writer.
    pub version: u32,
    /// What to do.
    pub statement: Statement,
    /// The columns of the answer, known before it runs. Empty when there is no answer.
    pub columns: Vec<Column>,
}

/// One column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The name shown to the client.
    pub name: String,
    /// The type of every value in it; any value may also be null.
    pub kind: ColumnType,
}

/// The type of an answer's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ColumnType {
    /// UTF-8 text.
    Text,
    /// A signed 64-bit integer.
    Integer,
    /// A decimal number with this many digits after the point.
    Numeric {
        /// Digits after the point.
        scale: u8,
    },
    /// A 64-bit float.
    Double,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date,
}

/// A bound statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Statement {
    /// COUNT, SUM, OVERLAP or PROFILE.
    Query(Query),
    /// `CONSUMER 'ns:id' [FOR brand] [AS OF d]`.
    Consumer {
        /// The identity asked for, `namespace:value`.
        identity: String,
        /// Only this brand, or every brand the consumer has a relation with.
        brand: Option<String>,
        /// As of this day; the newest day with data when absent.
        as_of: Option<Date>,
    },
    /// `MATCH CONSUMER 'ns:id' AGAINST AUDIENCE a, b [AS OF d]`.
    Match {
        /// The identity asked for.
        identity: String,
        /// The audiences, in the order asked.
        audiences: Vec<String>,
        /// As of this day; the newest day with data when absent.
        as_of: Option<Date>,
    },
    /// A definition to add.
    Create(Create),
    /// A definition to remove.
    Drop {
        /// What kind of thing.
        kind: NameKind,
        /// Its name; for a brand's attribute, the attribute's name.
        name: String,
        /// The brand of a brand's attribute.
        brand: Option<String>,
        /// What to do when it does not exist.
        missing: IfMissing,
    },
    /// Consumers to forget.
    Forget(Forget),
    /// Events to delete.
    DeleteEvents(DeleteEvents),
    /// A list of what the store knows.
    Show(Show),
    /// `EXPLAIN [ANALYZE] statement`; the statement is always a [`Statement::Query`].
    Explain {
        /// Whether it also runs.
        mode: ExplainMode,
        /// The query explained.
        query: Query,
    },
}

/// EXPLAIN with or without running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainMode {
    /// Only the program.
    Program,
    /// The program, run, with what each step touched and how long it took.
    Analyze,
}

/// A kind of named thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum NameKind {
    /// A saved set.
    Audience,
    /// A brand.
    Brand,
    /// A behaviour.
    Behaviour,
    /// An attribute of consumers, or of consumers at a brand.
    Attribute,
    /// A stage model.
    Model,
    /// A touchpoint.
    Touchpoint,
    /// A category.
    Category,
}

/// A definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Create {
    /// `CREATE [FROZEN] AUDIENCE name AS set [AS OF d]`.
    Audience {
        /// Its name.
        name: String,
        /// Its members.
        set: Set,
        /// The text after AS, as written: kept as the definition.
        text: String,
        /// Live or frozen.
        kind: AudienceKind,
        /// What to do when it exists.
        exists: IfExists,
    },
    /// `CREATE BRAND name [TARGET CATEGORIES ('c', ...)]`.
    Brand {
        /// Its name.
        name: String,
        /// Categories whose active consumers are the brand's opportunity.
        target_categories: Vec<String>,
        /// What to do when it exists.
        exists: IfExists,
    },
    /// `CREATE BEHAVIOUR name`.
    Behaviour {
        /// Its name.
        name: String,
        /// What to do when it exists.
        exists: IfExists,
    },
    /// `CREATE ATTRIBUTE [brand.]name type`.
    Attribute {
        /// Whose attribute.
        attribute: AttributeRef,
        /// Its type.
        kind: AttributeType,
        /// What to do when it exists.
        exists: IfExists,
    },
    /// `CREATE MODEL name AS STAGE s WHEN rule, ...`.
    Model {
        /// The model.
        model: Model,
        /// What to do when it exists.
        exists: IfExists,
    },
}

/// Whether an audience follows the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AudienceKind {
    /// Evaluated anew for each question, as of that question's day.
    Live,
    /// Its members as of a day are kept for good.
    Frozen {
        /// The day; the newest day with data when absent.
        as_of: Option<Date>,
    },
}

/// A stage model: the first stage whose rule holds wins; who matches none is `none`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The stages, in the order tested.
    pub stages: Vec<StageRule>,
    /// The text after AS, as written.
    pub text: String,
}

/// One stage of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRule {
    /// The stage's name.
    pub stage: String,
    /// Who is in it, unless an earlier stage took them. Its brand is [`BrandRef::Subject`].
    pub rule: Set,
}

/// SHOW.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Show {
    /// All things of one kind.
    Names(NameKind),
    /// The statement that defines an audience, a brand or a model.
    Definition {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// What the store holds: events, consumers, days, files, bytes.
    Store,
    /// What the store's bytes are for, and what is due to be merged.
    Storage,
    /// The named limits.
    Limits,
    /// What was taken out of the store: consumers and events.
    Erasures,
}

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
}

/// One set of an overlap.
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
    /// Index into [`Plan::columns`].
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
        /// As of this day instead of the statement's.
        as_of: Option<Date>,
    },
    /// The values of an attribute, and null for unknown.
    Attribute(AttributeRef),
    /// Boolean: in the audience or not.
    Audience(String),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// A set of consumers. Every set is within the universe as of the statement's day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
        /// Whose stages.
        brand: String,
        /// Of which model.
        model: String,
        /// The stages; `none` is allowed.
        stages: Vec<String>,
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
    /// Those in a state: the last of its two behaviours is the entering one.
    State {
        /// At which brand.
        brand: BrandRef,
        /// Which state.
        state: State,
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
    /// A repeatable sample: see [`crate::sample`].
    Sample {
        /// Parts per million, 0 to 1,000,000.
        per_million: u32,
        /// The seed.
        seed: u64,
    },
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

/// A state between two behaviours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// From `join` until `leave`.
    Member,
    /// From `follow` until `unfollow`.
    Follower,
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
