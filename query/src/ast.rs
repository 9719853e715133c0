//! The syntax tree: what was written, with its place, before any name is looked up.

use std::ops::Range;

use crate::plan::{
    About, AttributeType, BackupFiles, BackupVerify, Comparison, Direction, ExplainFormat,
    ExplainMode, Figure, IfExists, IfMissing, NameKind, RankedBy, StepUnit,
};

/// Bytes of the source.
pub(crate) type Span = Range<usize>;

/// What a statement does to a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it asks.
    Reads,
    /// It makes, removes or erases something.
    Changes,
}

/// A parsed statement. It can be described and bound any number of times.
#[derive(Debug, Clone, PartialEq)]
pub struct Ast {
    pub(crate) source: String,
    pub(crate) statement: Statement,
    /// The highest `$n`.
    pub(crate) parameters: usize,
}

impl Ast {
    /// The highest `$n` of the statement.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters
    }

    /// Whether it changes the store that it is asked of.
    #[must_use]
    pub fn effect(&self) -> Effect {
        match self.statement {
            Statement::Create { .. }
            | Statement::AlterModel { .. }
            | Statement::Drop { .. }
            | Statement::Forget { .. }
            | Statement::DeleteEvents { .. } => Effect::Changes,
            Statement::Query(_)
            | Statement::Explain { .. }
            | Statement::Consumer { .. }
            | Statement::Match { .. }
            | Statement::Backup { .. }
            | Statement::Show(_) => Effect::Reads,
        }
    }

    /// The text it was parsed from; the spans of errors refer to it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

/// A parsed set: the definition of an audience.
#[derive(Debug, Clone, PartialEq)]
pub struct SetAst {
    pub(crate) set: Set,
}

/// A parsed list of stage rules: the definition of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelAst {
    pub(crate) stages: Vec<StageRule>,
}

/// A parsed partition of one's own.
#[derive(Debug, Clone, PartialEq)]
pub struct DivisionAst {
    pub(crate) division: Division,
}

/// A name as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub text: String,
    pub span: Span,
}

/// A literal or a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    pub kind: LiteralKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LiteralKind {
    /// `'text'`, or a bare name where a name may stand for text.
    Text(String),
    /// Digits with an optional sign and point.
    Number(String),
    Boolean(bool),
    /// `$n`, from 1.
    Parameter(usize),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Statement {
    Query(Query),
    Explain { mode: ExplainMode, format: ExplainFormat, query: Query },
    Consumer { identity: Literal, brand: Option<Literal>, as_of: Option<Literal> },
    Match { identity: Literal, audiences: Vec<Name>, as_of: Option<Literal> },
    Create { exists: IfExists, what: Create },
    AlterModel { name: Name, stages: Vec<StageRule>, text: Span, missing: IfMissing },
    Drop { kind: NameKind, brand: Option<Name>, name: Name, missing: IfMissing },
    Forget { identities: Vec<Literal>, missing: IfMissing },
    DeleteEvents { brand: Name, first: Literal, last: Literal, behaviours: Vec<Name> },
    Backup { dir: Literal, files: BackupFiles, verify: BackupVerify },
    Show(Show),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Create {
    Audience { name: Name, freeze: Freeze, set: Box<Set>, as_of: Option<Literal> },
    Brand { name: Name, target_categories: Vec<Literal> },
    Behaviour { name: Name },
    Attribute { attribute: AttributeName, kind: AttributeType },
    Model { name: Name, stages: Vec<StageRule>, text: Span },
    Partition { name: Name, division: Box<Division>, text: Span },
    State { name: Name, from: Vec<Name>, until: Vec<Name> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freeze {
    Live,
    Frozen,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StageRule {
    pub stage: Name,
    pub rule: Set,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Show {
    Names(NameKind),
    Definition { kind: NameKind, name: Name },
    Versions { model: Name },
    Store,
    Storage,
    Server,
    Limits,
    Measures,
    Erasures,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    /// The words of the measure.
    pub span: Span,
    pub measure: Measure,
    pub filter: Option<Set>,
    pub versus: Option<Set>,
    pub partitions: Vec<Partition>,
    pub as_of: Option<Literal>,
    pub every: Option<Every>,
    /// FORECAST n DAYS, and where it stands.
    pub forecast: Option<(Literal, Span)>,
    pub order: Vec<OrderKey>,
    pub limit: Option<Literal>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Measure {
    Count,
    Spend(Spend),
    AttributeSum(AttributeName),
    Overlap {
        operands: Vec<Operand>,
        regions: Regions,
    },
    Profile,
    /// `PROFILE a AGAINST b`.
    Compare {
        set: Operand,
        base: Operand,
    },
    OfBrand(BrandMeasure),
    Purchases(Purchases),
    Named(Named),
}

/// `brand.purchase_days window` and its like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Purchases {
    pub figure: Figure,
    pub of: Spend,
}

/// A measure by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub brand: Literal,
    pub kind: NamedKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NamedKind {
    Fast(Option<Literal>),
    Deepening(Option<Literal>),
    Reservoir,
    Penetration(Rows),
    Grow { rows: Rows, against: Option<(Literal, Literal)> },
}

/// A measure of one brand's consumers, with the clauses that only those have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BrandMeasure {
    pub kind: BrandMeasureKind,
    pub brand: Literal,
    pub categories: Vec<Literal>,
    /// FROM and TO.
    pub period: Option<(Literal, Literal)>,
    pub using: Option<Name>,
    pub horizon: Option<Literal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrandMeasureKind {
    Flow,
    Asset,
    Ledger,
    Backtest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regions {
    Pairs,
    Regions,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Operand {
    pub label: Option<Name>,
    pub members: Members,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Members {
    /// A bare brand: its consumer assets.
    Brand(Literal),
    Set(Box<Set>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Every {
    pub step: Literal,
    pub unit: StepUnit,
    pub from: Literal,
    pub to: Literal,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OrderKey {
    pub column: OrderColumn,
    pub direction: Direction,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum OrderColumn {
    Name(String),
    Position(String),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Partition {
    Stage { brand: Name, model: Option<Name>, categories: Vec<Literal>, as_of: Option<Literal> },
    Attribute(AttributeName),
    Audience(Name),
    Own { name: Name, as_of: Option<Literal> },
    About { what: About, of: Box<Did>, top: Option<Literal>, span: Span },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AttributeName {
    pub brand: Option<Name>,
    pub name: Name,
}

impl AttributeName {
    pub(crate) fn span(&self) -> Span {
        let start = self.brand.as_ref().map_or(self.name.span.start, |brand| brand.span.start);
        start..self.name.span.end
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Set {
    pub kind: SetKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SetKind {
    All,
    And(Vec<Set>),
    Or(Vec<Set>),
    Not(Box<Set>),
    Stage(StageTest),
    Moved(Moved),
    Did(Did),
    Spent { spend: Spend, test: SpentTest },
    Price { of: Spend, test: SpentTest },
    State { brand: Brand, state: Name, sign: Sign },
    Attribute { attribute: AttributeName, test: AttributeTest },
    Audience(Name),
    Group { partition: Name, as_of: Option<Literal>, sign: Sign, groups: Vec<Literal> },
    Top(Top),
    Sample { percent: Literal, seed: Option<Literal> },
}

/// `TOP p PERCENT [OF (set)] BY value`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Top {
    pub percent: Literal,
    pub ranking: Ranking,
}

/// Who is ranked, and by what.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ranking {
    pub among: Option<Box<Set>>,
    pub by: RankedBy,
    pub of: Spend,
}

/// A partition of one's own: rules or bands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Division {
    pub rules: Vec<StageRule>,
    pub bands: Option<Bands>,
    pub rest: Option<Name>,
}

/// `n BANDS [OF (set)] BY value`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bands {
    pub count: Literal,
    pub ranking: Ranking,
}

/// Whether a test is taken as it is or turned round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Plain,
    Negated,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StageTest {
    pub brand: Brand,
    pub model: Option<Name>,
    pub categories: Vec<Literal>,
    pub as_of: Option<Literal>,
    pub sign: Sign,
    pub stages: Vec<Literal>,
}

/// `brand.moved(I TO P, 'd1', 'd2') [(model)] [IN CATEGORY 'c', ...]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moved {
    pub brand: Name,
    pub model: Option<Name>,
    pub categories: Vec<Literal>,
    pub from: Vec<Literal>,
    pub to: Vec<Literal>,
    pub days: (Literal, Literal),
}

/// Whose events.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Brand {
    Named(Name),
    /// Left out: the brand a model is asked for.
    Subject(Span),
    /// `ANY BRAND`.
    Any(Span),
}

impl Brand {
    pub(crate) fn span(&self) -> &Span {
        match self {
            Self::Named(name) => &name.span,
            Self::Subject(span) | Self::Any(span) => span,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Did {
    pub brand: Brand,
    /// Empty for ANY.
    pub behaviours: Vec<Name>,
    pub at_least: Option<AtLeast>,
    pub rows: Rows,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AtLeast {
    Times(Literal),
    Once,
    Days(Literal),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spend {
    pub brand: Brand,
    pub rows: Rows,
}

/// Which rows count: a window and filters.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Rows {
    pub window: Option<Window>,
    pub touchpoints: Vec<Literal>,
    pub categories: Vec<Literal>,
    pub items: Vec<Literal>,
    /// Where IN TARGET CATEGORIES was written.
    pub target_categories: Option<Span>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Window {
    LastDays(Literal),
    BeforeLastDays(Literal),
    Between(Literal, Literal),
    On(Literal),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SpentTest {
    Compare(Comparison, Literal),
    Between(Literal, Literal),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AttributeTest {
    Compare { comparison: Comparison, at: Span, value: Literal },
    In(Vec<Literal>),
    NotIn(Vec<Literal>),
    Between { at: Span, low: Literal, high: Literal },
    Unknown,
    Known,
}
