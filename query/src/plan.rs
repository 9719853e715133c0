//! The typed plan: what a statement means after its names are bound.
//!
//! A plan holds names, never store-local ids, so that one plan can be shipped to every shard of a
//! store. It is serialisable and carries [`PLAN_VERSION`]. Parameters are already replaced by
//! values.

mod named;
mod query;
mod set;
mod valuation;
mod within;

use serde::{Deserialize, Serialize};

pub use crate::change::{
    Backup, BackupFiles, BackupVerify, DeleteEvents, Forget, IfExists, IfMissing,
};
use crate::date::Date;

pub use named::{Figure, Grow, Named, NamedKind, Purchases};
pub use query::{
    About, AttributeRef, AttributeType, Dates, Direction, Measure, Operand, OrderKey, OverlapShape,
    Partition, Query, StepUnit,
};
pub use set::{
    AtLeast, AttributeTest, AttributeValue, BrandRef, Comparison, Did, RankedBy, RowFilter, Set,
    Spend, State, TargetCategories, Top, Window,
};
pub use valuation::{Flow, Ledger, Method, Valuation};

/// The version of the plan's serialised form. A reader refuses any other.
pub const PLAN_VERSION: u32 = 7;

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
    /// COUNT, SUM, OVERLAP, PROFILE or a measure of one brand.
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
    /// `ALTER MODEL name AS STAGE s WHEN rule, ...`: new rules for a model, as its next version.
    AlterModel {
        /// The model with its new rules.
        model: Model,
        /// What to do when it does not exist.
        missing: IfMissing,
    },
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
    /// A copy of the store to make.
    Backup(Backup),
    /// A list of what the store knows.
    Show(Show),
    /// `EXPLAIN [ANALYZE] statement`; the statement is always a [`Statement::Query`].
    Explain {
        /// Whether it also runs.
        mode: ExplainMode,
        /// How it is written.
        format: ExplainFormat,
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

/// How an explanation is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExplainFormat {
    /// Lines for people, one a row.
    Text,
    /// One document in one row.
    Json,
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
    /// A partition of one's own.
    Partition,
    /// A state between behaviours.
    State,
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
    /// `CREATE STATE name FROM behaviour, ... UNTIL behaviour, ...`.
    State {
        /// The state.
        state: State,
        /// What to do when it exists.
        exists: IfExists,
    },
    /// `CREATE PARTITION name AS GROUP g WHEN rule, ... REST r`.
    Partition {
        /// The partition.
        partition: Division,
        /// What to do when it exists.
        exists: IfExists,
    },
}

/// A partition of one's own: the first group whose rule holds wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Division {
    /// Its name.
    pub name: String,
    /// The groups, in the order tested.
    pub rules: Vec<StageRule>,
    /// The group of whoever matches no rule.
    pub rest: String,
    /// The text after AS, as written.
    pub text: String,
}

impl Division {
    /// The names of its groups, the rest last.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        let names = self.rules.iter().map(|rule| rule.stage.clone());
        names.chain([self.rest.clone()]).collect()
    }
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
    /// The versions of a model: when each came, and its rules.
    Versions {
        /// Its name; it may have been dropped.
        model: String,
    },
    /// What the store holds: events, consumers, days, files, bytes.
    Store,
    /// What the store's bytes are for, and what is due to be merged.
    Storage,
    /// What answers: the program, what it runs on and what it does now.
    Server,
    /// The named limits.
    Limits,
    /// The measures by name: what each is made of, and where it comes from.
    Measures,
    /// What was taken out of the store: consumers and events.
    Erasures,
}
