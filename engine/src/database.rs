//! The database: what an embedding program holds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use throng_storage::store::Store;

use crate::answer::{Answer, Column};
use crate::error::DatabaseError;

/// An open store that answers statements. Threads share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Database {
    store: Store,
}

/// What is fixed when a store is created.
#[derive(Debug, Clone)]
pub struct CreateOptions {
    /// IANA time zone; `Asia/Shanghai` by default.
    pub time_zone: String,
    /// ISO 4217 currency; `CNY` by default. The minor unit follows from it.
    pub currency: String,
}

/// A value for a statement's `$1`, `$2`, ...
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    /// Text; also taken, when it reads as one, where a date, number or boolean is wanted.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A decimal or other number as text.
    Numeric(String),
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(throng_query::date::Date),
}

/// The type a parameter is wanted in.
pub use throng_query::plan::ColumnType as ParameterType;

/// A statement that was parsed and bound, with what it needs and gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The type of `$1`, `$2`, ...
    pub parameters: Vec<ParameterType>,
    /// The columns of its answer.
    pub columns: Vec<Column>,
}

/// Bounds on one statement.
#[derive(Debug, Clone, Default)]
pub struct ExecuteOptions {
    /// Set it from any thread to end the statement.
    pub cancel: Arc<Cancel>,
    /// End the statement at this moment.
    pub deadline: Option<Instant>,
    /// Bytes of working memory; the default limit when absent.
    pub memory: Option<usize>,
    /// Worker threads; all cores when absent.
    pub threads: Option<usize>,
}

/// A switch that ends a statement.
#[derive(Debug, Default)]
pub struct Cancel(AtomicBool);

impl Cancel {
    /// Ends the statement at its next chunk.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Default for CreateOptions {
    fn default() -> Self {
        Self { time_zone: "Asia/Shanghai".to_owned(), currency: "CNY".to_owned() }
    }
}

impl Database {
    /// Makes a store in a directory that does not exist or is empty.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn create(_path: &Path, _options: &CreateOptions) -> Result<Self, DatabaseError> {
        unimplemented!()
    }

    /// Opens a store.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn open(_path: &Path) -> Result<Self, DatabaseError> {
        unimplemented!()
    }

    /// Runs one statement. An error of parsing or binding can be rendered against `text`.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn query(&self, text: &str) -> Result<Answer, DatabaseError> {
        self.execute(text, &[], &ExecuteOptions::default())
    }

    /// Parses and binds one statement without running it.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn prepare(&self, _text: &str) -> Result<Prepared, DatabaseError> {
        unimplemented!()
    }

    /// Runs one statement with parameters and bounds.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn execute(
        &self,
        _text: &str,
        _parameters: &[Parameter],
        _options: &ExecuteOptions,
    ) -> Result<Answer, DatabaseError> {
        unimplemented!()
    }

    /// The store below, for loading.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
