//! What a caller may choose: settings of a new store, bounds of a statement, parameters.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

pub use throng_query::Effect;
use throng_query::plan::Column;

/// What is fixed when a store is created.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    /// IANA time zone; `Asia/Shanghai` by default.
    pub time_zone: String,
    /// ISO 4217 currency; `CNY` by default. The minor unit follows from it.
    pub currency: String,
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self { time_zone: "Asia/Shanghai".to_owned(), currency: "CNY".to_owned() }
    }
}

/// A value for a statement's `$1`, `$2`, ...
pub use throng_query::ParameterValue as Parameter;
/// The type a parameter is wanted in.
pub use throng_query::plan::ColumnType as ParameterType;

/// A statement that was parsed and bound, with what it needs and gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The type of `$1`, `$2`, ...
    pub parameters: Vec<ParameterType>,
    /// The columns of its answer.
    pub columns: Vec<Column>,
    /// Whether it changes the store.
    pub effect: Effect,
}

/// Bytes of working memory of one statement when nothing else is said.
pub const MEMORY_DEFAULT: usize = 1 << 30;
/// Workers of one statement, at most.
pub const WORKERS_MAX: usize = 256;

/// Bounds on one statement.
#[derive(Debug, Clone, Default)]
pub struct ExecuteOptions {
    /// Set it from any thread to end the statement.
    pub cancel: Arc<Cancel>,
    /// End the statement at this moment.
    pub deadline: Option<Instant>,
    /// Bytes of working memory; [`MEMORY_DEFAULT`] when absent.
    pub memory: Option<usize>,
    /// Worker threads; all cores when absent.
    pub threads: Option<usize>,
    /// How sets are counted; whatever is best when nothing else is said.
    pub method: Method,
    /// Whether sets that were asked for before may be used again.
    pub memo: UseMemo,
    /// The time now, in seconds since 1970-01-01 UTC: it stands in the record of an erasure.
    pub now: Option<i64>,
    /// Where BACKUP TO may make its directory.
    pub backups: BackupPlaces,
    /// Clients connected to the server that runs the statement, if one does: SHOW SERVER tells.
    pub connections: Option<usize>,
    /// How much it may do before it says that it would take longer.
    pub length: Length,
    /// Called by every worker before each piece of its work; for tests.
    pub probe: Probe,
}

/// How much a statement may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// Whatever it needs.
    #[default]
    Any,
    /// What takes some hundred microseconds at most when its pages are in memory: numbers that the
    /// memo has, counts that read a few thousand rows, and questions about one consumer at a few
    /// brands. Everything else ends with
    /// [`ExecuteError::TakesLonger`](crate::ExecuteError::TakesLonger) before it has changed
    /// anything. For a thread on which others wait, such as one that serves many clients.
    Brief,
}

/// Where a statement may make backups. Whoever asks from elsewhere has the process write files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BackupPlaces {
    /// Wherever the process may: the asker is the program itself, or its user.
    #[default]
    Anywhere,
    /// In one directory, by relative paths that do not lead out of it.
    Below(PathBuf),
    /// Nowhere.
    Nowhere,
}

impl ExecuteOptions {
    /// Workers the statement has when there is enough to do.
    #[must_use]
    pub fn workers(&self) -> usize {
        let cores = throng_storage::cores();
        self.threads.unwrap_or(cores).clamp(1, WORKERS_MAX)
    }
}

/// What a test does in the middle of a statement: wait, count, or panic as a defect would.
#[derive(Clone, Default)]
pub struct Probe(Option<Arc<dyn Fn() + Send + Sync>>);

impl Probe {
    /// Calls this.
    #[must_use]
    pub fn new(call: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(call)))
    }

    pub(crate) fn call(&self) {
        if let Some(call) = &self.0 {
            call();
        }
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Probe(set)" } else { "Probe(none)" })
    }
}

/// How a statement's sets are counted. Its answer does not depend on it: for tests and
/// measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Row by row where few consumers of a chunk have rows, else as sets.
    #[default]
    Best,
    /// Always as sets.
    Sets,
    /// As the best, but what pays where there are many rows is done with few as well: a leaf that
    /// has all who are counted is read first and everybody in it is looked up, and consumers with
    /// one row are counted without being marked.
    Eager,
}

/// Whether a statement uses the memo: the sets that statements before it asked for, as long as what
/// they were read from is the same. Its answer does not depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UseMemo {
    /// It takes sets from the memo, and what it asks for a second time goes there.
    #[default]
    Yes,
    /// It takes only sets from there, no numbers of whole passes: for tests and measurements.
    Sets,
    /// Everything is read from the store: for measurements.
    No,
}

/// A switch that ends a statement.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Ends the statement within some milliseconds.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
