//! What can go wrong, one enum per family of operations.

use throng_query::QueryError;
use throng_query::date::Date;
use throng_query::plan::NameKind;
use throng_storage::error::CorruptError;
use throng_storage::names::NameError;
use throng_storage::store::{BackupError, OpenError, RepairError, WriteError};

use crate::currency::CurrencyError;
use crate::ingest::{IngestError, Problem};
use crate::time::ZoneError;

/// Why a bound statement gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The asker ended it.
    #[error("the statement was cancelled")]
    Cancelled,
    /// Its time was up.
    #[error("the statement took longer than it may")]
    Deadline,
    /// It was to be brief, and cannot be: see [`Length`](crate::Length).
    #[error("the statement would take longer than a brief one")]
    TakesLonger,
    /// It needs more working memory than it may take.
    #[error(
        "the statement needs {} of working memory, the last of it for {of}, and may take {}",
        Bytes(*needed),
        Bytes(*limit)
    )]
    Memory {
        /// What it may take, in bytes.
        limit: usize,
        /// What it would hold together with what it asked for, in bytes.
        needed: usize,
        /// What it asked for more for.
        of: MemoryUse,
    },
    /// The answer would have too many rows or sets.
    #[error("the statement asks for more {what} than the limit of {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// Bytes of a file cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// A plan names something that this store does not have.
    #[error("{} `{name}` does not exist", kind_word(*kind))]
    Unknown {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// A plan compares an attribute with a value of another type.
    #[error("attribute `{name}` has another type than its plan says")]
    AttributeType {
        /// The attribute.
        name: String,
    },
    /// An identity that no event and no attribute ever named.
    #[error("consumer `{identity}` is not known")]
    UnknownConsumer {
        /// The identity asked for.
        identity: String,
    },
    /// Nobody has an identity that was to be forgotten.
    #[error("nobody has the identity `{identity}`, so it cannot be forgotten")]
    UnknownIdentity {
        /// The identity.
        identity: String,
    },
    /// A backup asked for by somebody who may not have files written.
    #[error("no backups are taken from here: they write files where the store is")]
    BackupsRefused,
    /// A backup asked for outside of the directory that backups go to.
    #[error("`{dir}` is not a path below the directory that backups go to")]
    BackupPlace {
        /// The directory asked for.
        dir: String,
    },
    /// A sum that does not fit its type.
    #[error("a sum is too large to be told exactly")]
    Overflow,
    /// A value that hangs on stages from before the first event.
    #[error("this hangs on the stages of {needed}, which is before the first event ({first})")]
    ShortHistory {
        /// The day whose stages are needed.
        needed: Date,
        /// The first day with an event.
        first: Date,
    },
    /// A value asked of a store without events.
    #[error("the store has no events, so nothing tells what is asked")]
    NoEvents,
    /// A series with too few dates.
    #[error("a series of {dates} dates is too short for a forecast: it takes {needed}")]
    ShortSeries {
        /// How many there are.
        dates: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A forecast that reaches no date, or further than the series does back.
    #[error("a series of {known} dates cannot be continued by {dates}")]
    ForecastLength {
        /// Dates to come.
        dates: usize,
        /// Dates of the series.
        known: usize,
    },
    /// A series that goes on where there is no data yet.
    #[error("the series ends on {last}, and the newest event is of {newest}")]
    SeriesBeyondData {
        /// Its last date.
        last: Date,
        /// The newest day with an event.
        newest: Date,
    },
    /// A set without anybody, compared with another.
    #[error("nobody is in {set} as of {day}, so there is nothing to compare")]
    EmptySet {
        /// As the statement calls it.
        set: String,
        /// The day.
        day: Date,
    },
    /// Nobody was in a stage whose value is needed.
    #[error("a consumer in stage {stage} has no value as of {day}: nobody of a horizon ago tells")]
    NoValue {
        /// The stage.
        stage: &'static str,
        /// The day as of which the value is needed.
        day: Date,
    },
    /// A defect: a worker panicked. Only this statement is lost.
    #[error("a worker stopped unexpectedly; this is a defect of Throng")]
    Panicked,
    /// A plan of another version.
    #[error("a plan of version {found} cannot be run; this is version {expected}")]
    PlanVersion {
        /// The plan's.
        found: u32,
        /// Ours.
        expected: u32,
    },
}

/// What a statement takes working memory for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryUse {
    /// The sets of one chunk, of each worker.
    Sets,
    /// Rows that a worker reads at once, and what it counts of them.
    Rows,
    /// The days of each consumer of a chunk, and the rows they are of.
    Days,
    /// The numbers of each group.
    Groups,
    /// The numbers of each region or pair of an overlap.
    Overlap,
    /// The values that a TOP or BANDS ranks by.
    Ranking,
    /// The members of a set that is kept.
    Members,
    /// The rows of the answer.
    Answer,
}

impl MemoryUse {
    /// What asks for less.
    fn way_out(self) -> &'static str {
        match self {
            Self::Sets | Self::Days => "ask for fewer sets or days at once",
            Self::Rows => "ask for shorter windows or fewer brands at once",
            Self::Groups => "ask for fewer partitions, groups or days",
            Self::Overlap => "ask for fewer sets",
            Self::Ranking => "rank by a value that fewer consumers differ in, or fewer consumers",
            Self::Members => "keep a smaller set",
            Self::Answer => "ask for fewer groups or days",
        }
    }
}

impl std::fmt::Display for MemoryUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sets => "sets of a chunk",
            Self::Rows => "rows read at once",
            Self::Days => "days of the consumers of a chunk",
            Self::Groups => "numbers of groups",
            Self::Overlap => "numbers of an overlap",
            Self::Ranking => "values to rank by",
            Self::Members => "members of a set",
            Self::Answer => "rows of the answer",
        })
    }
}

/// A size as messages tell it.
struct Bytes(usize);

impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            bytes @ 0..10_240 => write!(f, "{bytes} bytes"),
            bytes @ 10_240..10_485_760 => write!(f, "{} kB", bytes.div_ceil(1 << 10)),
            bytes => write!(f, "{} MB", bytes.div_ceil(1 << 20)),
        }
    }
}

/// Why a definition was not made, changed or removed.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The name is taken.
    #[error("{} `{name}` exists", kind_word(*kind))]
    Exists {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// There is no such thing.
    #[error("{} `{name}` does not exist", kind_word(*kind))]
    Missing {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// It belongs to every store.
    #[error("{} `{name}` is built in", kind_word(*kind))]
    BuiltIn {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// Something else needs it.
    #[error("{} `{name}` is in use by {user}", kind_word(*kind))]
    InUse {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
        /// Who needs it.
        user: User,
    },
    /// An audience that would need itself.
    #[error("the audience would depend on itself: {}", path.join(" -> "))]
    Cycle {
        /// The audiences on the way, the first repeated at the end.
        path: Vec<String>,
    },
    /// The attribute has values of another type.
    #[error("attribute `{name}` has another type; drop it first")]
    AttributeType {
        /// The attribute.
        name: String,
    },
    /// The stored bytes are not a definition of this version.
    #[error("the stored definition of {} `{name}` cannot be read", kind_word(*kind))]
    Unreadable {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// A name that cannot be kept.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Bytes of the store that cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
}

/// What needs a thing that was to be dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// A definition.
    Definition {
        /// What kind of thing.
        kind: NameKind,
        /// Its name.
        name: String,
    },
    /// Events.
    Events,
}

impl std::fmt::Display for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Definition { kind, name } => write!(f, "{} `{name}`", kind_word(*kind)),
            Self::Events => f.write_str("events"),
        }
    }
}

/// How messages call a kind of thing.
#[must_use]
pub fn kind_word(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Audience => "audience",
        NameKind::Brand => "brand",
        NameKind::Behaviour => "behaviour",
        NameKind::Attribute => "attribute",
        NameKind::Model => "model",
        NameKind::Touchpoint => "touchpoint",
        NameKind::Category => "category",
        NameKind::Partition => "partition",
        NameKind::State => "state",
    }
}

/// What can go wrong with a database.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// It could not be opened or made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The time zone is not known.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// The currency is not known.
    #[error(transparent)]
    Currency(#[from] CurrencyError),
    /// The text is not a statement that can be run here.
    #[error("{source}")]
    Query {
        /// What is wrong, and where in the text.
        source: Box<QueryError>,
        /// The text.
        text: String,
    },
    /// The statement gave no answer.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The definition was refused.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The events were refused.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// Nothing was stored.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store was not copied.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The store was not repaired.
    #[error(transparent)]
    Repair(#[from] RepairError),
    /// A definition asked of a moment that does not change.
    #[error("a snapshot only answers questions; definitions are made through the database")]
    ReadOnly,
}

impl DatabaseError {
    pub(crate) fn query(source: QueryError, text: &str) -> Self {
        Self::Query { source: Box::new(source), text: text.to_owned() }
    }

    /// The five characters that PostgreSQL's clients know this family by.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Open(_) => "58030",
            Self::Zone(_) | Self::Currency(_) => "22023",
            Self::Query { source, .. } => source.sqlstate(),
            Self::Execute(error) => error.sqlstate(),
            Self::Definition(error) => error.sqlstate(),
            Self::Ingest(error) => error.sqlstate(),
            Self::Backup(error) => backup_state(error),
            Self::Write(_) | Self::Repair(_) => "58030",
            Self::ReadOnly => "25006",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Query { source, .. } => source.hint.clone(),
            Self::Execute(error) => error.hint(),
            Self::Definition(error) => error.hint(),
            _ => None,
        }
    }

    /// The message with its place in the statement, over several lines where that helps.
    #[must_use]
    pub fn render(&self) -> String {
        if let Self::Query { source, text } = self {
            return source.render(text);
        }
        let mut out = format!("error[{}]: {self}", self.sqlstate());
        if let Some(hint) = self.hint() {
            out.push_str("\n  = hint: ");
            out.push_str(&hint);
        }
        out
    }
}

fn backup_state(error: &BackupError) -> &'static str {
    match error {
        BackupError::Live { .. }
        | BackupError::Other { .. }
        | BackupError::NotEmpty { .. }
        | BackupError::Changed { .. }
        | BackupError::Inside { .. } => "55000",
        BackupError::Stopped => "57014",
        BackupError::Damaged(_) | BackupError::Copied(_) | BackupError::Corrupt(_) => "XX001",
        error if error.is_full() => "53100",
        _ => "58030",
    }
}

impl ExecuteError {
    /// As [`DatabaseError::sqlstate`].
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Cancelled | Self::Deadline | Self::TakesLonger => "57014",
            Self::Memory { .. } => "53200",
            Self::TooMany { .. } => "54000",
            Self::Corrupt(_) => "XX001",
            Self::Unknown { .. } => "42704",
            Self::AttributeType { .. } => "42804",
            Self::UnknownConsumer { .. } => "02000",
            Self::UnknownIdentity { .. } => "42704",
            Self::BackupsRefused | Self::BackupPlace { .. } => "42501",
            Self::Overflow => "22003",
            Self::ShortHistory { .. }
            | Self::NoEvents
            | Self::NoValue { .. }
            | Self::ShortSeries { .. }
            | Self::ForecastLength { .. }
            | Self::EmptySet { .. }
            | Self::SeriesBeyondData { .. } => "22023",
            Self::Panicked => "XX000",
            Self::PlanVersion { .. } => "0A000",
        }
    }

    /// As [`DatabaseError::hint`].
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownConsumer { .. } => {
                "an identity is `namespace:value`, as it was loaded; `id:` may be left out"
            }
            Self::UnknownIdentity { .. } => {
                "nothing was changed; say FORGET CONSUMER IF EXISTS to leave unknown ones out"
            }
            Self::BackupsRefused => {
                "let the server take them below a directory: throng serve --backup-root DIR"
            }
            Self::BackupPlace { .. } => "name it relatively, without `..`: BACKUP TO 'nightly'",
            Self::ShortHistory { .. } => "ask for a shorter HORIZON or a later day",
            Self::ShortSeries { .. } => "begin EVERY earlier, or take smaller steps",
            Self::ForecastLength { .. } => {
                "FORECAST at least one step of EVERY, and no more dates than the series has"
            }
            Self::SeriesBeyondData { .. } => {
                "end EVERY where the data ends: FORECAST goes on there"
            }
            Self::NoValue { .. } => "ask for another HORIZON or later days",
            Self::Memory { of, .. } => {
                let what = of.way_out();
                return Some(format!(
                    "{what}, or allow more: SET statement_memory, `serve --statement-memory`, or \
                     `ExecuteOptions::memory` in a program"
                ));
            }
            Self::Corrupt(_) => "the rest of the store can still be read; restore this file",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl DefinitionError {
    /// As [`DatabaseError::sqlstate`].
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Exists { .. } => "42710",
            Self::Missing { .. } => "42704",
            Self::BuiltIn { .. } => "42939",
            Self::InUse { .. } => "2BP01",
            Self::Cycle { .. } => "42P17",
            Self::AttributeType { .. } => "42804",
            Self::Unreadable { .. } => "XX001",
            Self::Name(NameError::Length(_)) => "42622",
            Self::Name(NameError::Full(_)) => "54000",
            Self::Name(NameError::Restore { .. }) | Self::Corrupt(_) => "XX001",
        }
    }

    /// As [`DatabaseError::hint`].
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Exists { .. } => {
                "say CREATE OR REPLACE to replace it, or IF NOT EXISTS to keep it"
            }
            Self::InUse { user: User::Definition { .. }, .. } => "drop or replace its user first",
            Self::BuiltIn { .. } => "take another name",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

impl IngestError {
    /// As [`DatabaseError::sqlstate`].
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::Event { problem: Problem::Day | Problem::Second { .. }, .. } => "22008",
            Self::Event { problem: Problem::UnknownBehaviour { .. }, .. } => "42704",
            Self::Event { .. } => "22023",
            Self::Name(_) => "54000",
            Self::Write(_) => "58030",
        }
    }
}
