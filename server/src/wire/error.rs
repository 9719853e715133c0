//! Everything that a client can be told as an error, with its SQLSTATE, place and hint.

use std::io;

use pgwire::error::ErrorInfo;
use throng::DatabaseError;
use throng::import::{LoadError, OptionError, Reason, Reject};

use super::copy_statement::CopyStatementError;
use super::parameter::ParameterError;
use super::session::SessionError;

/// Why a message of a client was answered with an error.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the COPYs under way have more than {limit} bytes of rows")]
    CopiesTooLarge { limit: usize },
    #[error(transparent)]
    CopyStatement(#[from] CopyStatementError),
    #[error("{given} format codes were given for {wanted} values")]
    Formats { given: usize, wanted: usize },
    #[error("the answer is larger than a message of the protocol may be")]
    TooLarge,
    #[error("a prepared statement holds one statement, not several")]
    SeveralStatements,
    #[error("COPY has to be the last statement of its message")]
    CopyNotLast,
    #[error("there is no prepared statement \"{name}\"")]
    UnknownStatement { name: String },
    #[error("there is no portal \"{name}\"")]
    UnknownPortal { name: String },
    #[error("prepared statement \"{name}\" exists")]
    DuplicateStatement { name: String },
    #[error("portal \"{name}\" exists")]
    DuplicatePortal { name: String },
    #[error("a connection keeps at most {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
    #[error("the answer's columns have changed since the statement was prepared")]
    ColumnsChanged,
    #[error("the transaction failed: statements are ignored until its end")]
    TransactionFailed,
    #[error("the transaction is read-only")]
    ReadOnly,
    #[error("the statement is not valid UTF-8")]
    Encoding,
    #[error("this message has no place here: {what}")]
    Unexpected { what: &'static str },
    #[error("COPY was ended by the client: {reason}")]
    CopyFailed { reason: String },
    #[error("the statement was cancelled by its user")]
    Cancelled,
    #[error("the statement took longer than statement_timeout")]
    Timeout,
    #[error("the server is ending")]
    Ending,
    #[error("the statement met an internal error; nothing of it was kept")]
    Panicked,
}

/// Where a statement stands in the text that the client sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'t> {
    pub(super) whole: &'t str,
    /// The statement's first byte.
    pub(super) base: usize,
}

impl WireError {
    pub(super) fn sqlstate(&self) -> &'static str {
        match self {
            Self::Database(error) => error.sqlstate(),
            Self::Session(error) => error.sqlstate(),
            Self::Parameter(error) => error.sqlstate(),
            Self::Load(error) => load_state(error),
            Self::CopiesTooLarge { .. } => "53200",
            Self::CopyStatement(error) => error.sqlstate(),
            Self::Formats { .. } | Self::Unexpected { .. } => "08P01",
            Self::TooLarge | Self::TooMany { .. } => "54000",
            Self::SeveralStatements | Self::CopyNotLast => "42601",
            Self::UnknownStatement { .. } => "26000",
            Self::UnknownPortal { .. } => "34000",
            Self::DuplicateStatement { .. } => "42P05",
            Self::DuplicatePortal { .. } => "42P03",
            Self::ColumnsChanged => "0A000",
            Self::TransactionFailed => "25P02",
            Self::ReadOnly => "25006",
            Self::Encoding => "22021",
            Self::CopyFailed { .. } | Self::Cancelled | Self::Timeout => "57014",
            Self::Ending => "57P01",
            Self::Panicked => "XX000",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Database(DatabaseError::Query { source, .. }) => query_hint(source),
            Self::Database(error) => error.hint(),
            Self::Session(error) => error.hint(),
            Self::Parameter(error) => error.hint(),
            Self::Load(error) => load_hint(error),
            Self::CopyStatement(error) => error.hint(),
            Self::TransactionFailed => Some("end it with ROLLBACK".to_owned()),
            Self::ColumnsChanged => Some("prepare the statement again".to_owned()),
            Self::Encoding => Some("set client_encoding, or the terminal, to UTF-8".to_owned()),
            _ => None,
        }
    }

    /// The byte of the statement that is at fault.
    fn position(&self) -> Option<usize> {
        match self {
            Self::Database(DatabaseError::Query { source, .. }) => Some(source.span.start),
            Self::Session(error) => error.position(),
            Self::CopyStatement(error) => Some(error.position()),
            _ => None,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Database(DatabaseError::Query { source, .. }) => source.message.clone(),
            _ => self.to_string(),
        }
    }

    /// The error as clients are told it.
    pub(super) fn info(&self, place: Option<Place<'_>>) -> Box<ErrorInfo> {
        let mut info = error_info("ERROR", self.sqlstate(), self.message());
        info.hint = self.hint();
        info.position =
            place.zip(self.position()).map(|(place, at)| character_position(place, at).to_string());
        if let Self::Database(DatabaseError::Query { source, .. }) = self {
            info.detail = source.expectation();
        }
        if let Self::Load(LoadError::Rejected { first, .. }) = self {
            info.where_context = Some(row_context(first));
            info.column = (!first.column.is_empty()).then(|| first.column.to_string());
        }
        info
    }
}

/// The place of a bad row, as PostgreSQL tells it.
fn row_context(reject: &Reject) -> String {
    if reject.column.is_empty() {
        return format!("COPY events, line {}", reject.line);
    }
    let Reject { line, column, value, .. } = reject;
    format!("COPY events, line {line}, column {column}: \"{value}\"")
}

fn load_state(error: &LoadError) -> &'static str {
    match error {
        LoadError::Option(OptionError::Column(_)) | LoadError::MissingColumn { .. } => "42703",
        LoadError::Option(OptionError::Twice { .. }) => "42701",
        LoadError::Option(_) => "42601",
        LoadError::Rejected { first, .. } => match first.reason {
            Reason::Utf8 { .. } => "22021",
            Reason::Behaviour { .. } => "42704",
            Reason::Missing => "23502",
            Reason::Time | Reason::TimeFormat { .. } | Reason::TimeMixed { .. } => "22007",
            Reason::TooEarly | Reason::TooLate => "22008",
            Reason::Number | Reason::Count | Reason::Decimals { .. } => "22P02",
            Reason::Large | Reason::Negative | Reason::NegativeRefund => "22003",
            _ => "22P04",
        },
        LoadError::RowTooLong { .. } | LoadError::CopyTooLarge { .. } => "54000",
        LoadError::Write(_) => "58030",
        _ => "22P04",
    }
}

fn load_hint(error: &LoadError) -> Option<String> {
    match error {
        LoadError::Rejected { first, .. } => match first.reason {
            Reason::Behaviour { suggestion: None } => {
                Some("CREATE BEHAVIOUR makes one that the store does not know".to_owned())
            }
            _ => Some("nothing of this COPY was kept".to_owned()),
        },
        _ => None,
    }
}

/// An error or notice with the severity in both its fields.
pub(super) fn error_info(severity: &str, code: &str, message: String) -> Box<ErrorInfo> {
    let mut info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message);
    info.severity_nonlocalized = Some(severity.to_owned());
    Box::new(info)
}

/// The place as the protocol counts: in characters, from 1.
fn character_position(place: Place<'_>, at: usize) -> usize {
    let byte = (place.base + at).min(place.whole.len());
    place.whole.char_indices().take_while(|(start, _)| *start < byte).count() + 1
}

fn query_hint(error: &throng::query::QueryError) -> Option<String> {
    let suggestion = error.suggestion.as_ref().map(|name| format!("did you mean `{name}`?"));
    match (suggestion, &error.hint) {
        (Some(suggestion), Some(hint)) => Some(format!("{suggestion} {hint}")),
        (suggestion, hint) => suggestion.or_else(|| hint.clone()),
    }
}

/// Why a message was not answered as asked: the client is told, or the connection is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum Problem {
    #[error(transparent)]
    Wire(WireError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<E: Into<WireError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Wire(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, WireError};
    use crate::wire::session::SessionError;

    #[test]
    fn places_are_told_in_characters_of_the_whole_text() {
        let whole = "SHOW 雅; SELECT 诗";
        let base = whole.find("SELECT").unwrap();
        let error = WireError::Session(SessionError::Select { at: 7 });
        let info = error.info(Some(Place { whole, base }));
        assert_eq!(info.position.as_deref(), Some("16"));
        assert_eq!(info.code, "0A000");
        assert_eq!(error.info(None).position, None);
        let past_the_end = WireError::Session(SessionError::Select { at: 700 });
        let info = past_the_end.info(Some(Place { whole, base }));
        assert_eq!(info.position.as_deref(), Some("17"));
    }
}
