//! What can go wrong, one enum per family of operations.

use throng_query::plan::NameKind;
use throng_storage::error::CorruptError;
use throng_storage::store::{OpenError, WriteError};

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
    /// It needs more working memory than it may take.
    #[error("the statement needs more than {limit} bytes of memory")]
    Memory {
        /// What it may take.
        limit: usize,
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
    /// A sum that does not fit its type.
    #[error("a sum is too large to be told exactly")]
    Overflow,
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
    Name(#[from] throng_storage::names::NameError),
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
    /// The statement gave no answer.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The definition was refused.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// Nothing was stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}
