//! What is wrong with a statement, and where.

use std::fmt;
use std::ops::Range;

/// The family of an error. Each has a SQLSTATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The text is not a statement of the language.
    Syntax,
    /// A name that the store does not know.
    UndefinedObject,
    /// A column that the answer does not have.
    UndefinedColumn,
    /// `$n` without a value.
    UndefinedParameter,
    /// `$n` whose type does not follow from the statement, or follows twice and differently.
    IndeterminateParameter,
    /// More values than the statement has parameters.
    ParameterCount,
    /// A value of the wrong type.
    TypeMismatch,
    /// Text that is not a calendar day.
    BadDate,
    /// Text that does not read as the type wanted.
    BadText,
    /// A number outside what its place can hold.
    OutOfRange,
    /// A value that makes no sense in its place, such as 0 days.
    BadValue,
    /// A null where a value is needed.
    NullValue,
    /// A thing of this name exists already.
    DuplicateObject,
    /// Two columns or sets of one answer share a name.
    DuplicateLabel,
    /// A definition that cannot hold, such as one that refers to itself.
    BadDefinition,
    /// Well said, but not something Throng does.
    NotSupported,
    /// The statement nests too deep or has too many terms.
    TooComplex,
    /// The statement, or a list in it, is too long.
    TooLong,
}

impl ErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::Syntax,
        Self::UndefinedObject,
        Self::UndefinedColumn,
        Self::UndefinedParameter,
        Self::IndeterminateParameter,
        Self::ParameterCount,
        Self::TypeMismatch,
        Self::BadDate,
        Self::BadText,
        Self::OutOfRange,
        Self::BadValue,
        Self::NullValue,
        Self::DuplicateObject,
        Self::DuplicateLabel,
        Self::BadDefinition,
        Self::NotSupported,
        Self::TooComplex,
        Self::TooLong,
    ];

    /// The five characters that PostgreSQL's clients know this family by.
    #[must_use]
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::Syntax => "42601",
            Self::UndefinedObject => "42704",
            Self::UndefinedColumn => "42703",
            Self::UndefinedParameter => "42P02",
            Self::IndeterminateParameter => "42P18",
            Self::ParameterCount => "08P01",
            Self::TypeMismatch => "42804",
            Self::BadDate => "22007",
            Self::BadText => "22P02",
            Self::OutOfRange => "22003",
            Self::BadValue => "22023",
            Self::NullValue => "22004",
            Self::DuplicateObject => "42710",
            Self::DuplicateLabel => "42712",
            Self::BadDefinition => "42P17",
            Self::NotSupported => "0A000",
            Self::TooComplex => "54001",
            Self::TooLong => "54000",
        }
    }
}

/// What is wrong with a statement, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// The family of the error.
    pub code: ErrorCode,
    /// Bytes of the source that are at fault; empty at the end of the text.
    pub span: Range<usize>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What could stand at the span instead; empty when that is not the point.
    pub expected: Vec<String>,
    /// The name or word that was probably meant.
    pub suggestion: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How many expectations an error spells out before it stops.
const EXPECTED_SHOWN_MAX: usize = 12;

impl QueryError {
    pub(crate) fn new(code: ErrorCode, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            code,
            span,
            message: message.into(),
            expected: Vec::new(),
            suggestion: None,
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// The same five characters as [`ErrorCode::sqlstate`].
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        self.code.sqlstate()
    }

    /// `expected a, b or c`, or nothing.
    #[must_use]
    pub fn expectation(&self) -> Option<String> {
        let shown = self.expected.len().min(EXPECTED_SHOWN_MAX);
        let (last, first) = self.expected.get(..shown)?.split_last()?;
        let more = if self.expected.len() > shown { ", ..." } else { "" };
        if first.is_empty() {
            return Some(format!("expected {last}{more}"));
        }
        let joint = if more.is_empty() { " or " } else { ", " };
        Some(format!("expected {}{joint}{last}{more}", first.join(", ")))
    }

    /// The error with its place in the source:
    ///
    /// ```text
    /// error[42704]: no behaviour is called `favourite`
    ///  --> 1:23
    ///   | COUNT WHERE estee DID favourite
    ///   |                       ^^^^^^^^^ did you mean `favorite`?
    /// ```
    #[must_use]
    pub fn render(&self, source: &str) -> String {
        let place = Place::find(source, &self.span);
        let mut out = format!("error[{}]: {}\n", self.sqlstate(), self.message);
        out.push_str(&format!(" --> {}:{}\n", place.line, place.column));
        out.push_str(&format!("  | {}\n", place.text));
        let marks = format!("{}{}", " ".repeat(place.indent), "^".repeat(place.width));
        let note = match &self.suggestion {
            Some(name) => format!(" did you mean `{name}`?"),
            None => String::new(),
        };
        out.push_str(&format!("  | {marks}{note}"));
        if let Some(expectation) = self.expectation() {
            out.push_str(&format!("\n  = {expectation}"));
        }
        if let Some(hint) = &self.hint {
            out.push_str(&format!("\n  = hint: {hint}"));
        }
        out
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(expectation) = self.expectation() {
            write!(f, ": {expectation}")?;
        }
        if let Some(name) = &self.suggestion {
            write!(f, "; did you mean `{name}`?")?;
        }
        Ok(())
    }
}

impl std::error::Error for QueryError {}

/// Letters of a client's text that a message repeats.
const SHOWN_MAX: usize = 60;

/// A client's text as far as a message repeats it.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Where a span is shown.
struct Place {
    line: usize,
    column: usize,
    text: String,
    indent: usize,
    width: usize,
}

/// Columns of source shown around a mark; longer lines are cut.
const LINE_SHOWN_MAX: usize = 160;

impl Place {
    fn find(source: &str, span: &Range<usize>) -> Self {
        let start = floor_boundary(source, span.start);
        let end = floor_boundary(source, span.end.max(start));
        let before = source.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = source.get(line_start..).unwrap_or_default();
        let text = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let line_end = line_start + text.len();
        let prefix = source.get(line_start..start.min(line_end)).unwrap_or_default();
        let marked = source.get(start.min(line_end)..end.min(line_end)).unwrap_or_default();
        let mut place = Self {
            line,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            text: text.replace('\t', " "),
            indent: width(prefix),
            width: width(marked).clamp(1, LINE_SHOWN_MAX),
        };
        place.shorten();
        place
    }

    /// Cuts a long line around the mark.
    fn shorten(&mut self) {
        if width(&self.text) <= LINE_SHOWN_MAX {
            return;
        }
        let from = self.indent.saturating_sub(LINE_SHOWN_MAX / 2);
        let mut at = 0;
        let mut kept = String::new();
        let mut cut = 0;
        for c in self.text.chars() {
            if at < from {
                cut = at + char_width(c);
            } else if at < from + LINE_SHOWN_MAX {
                kept.push(c);
            }
            at += char_width(c);
        }
        self.indent = self.indent.saturating_sub(cut);
        self.width = self.width.min(LINE_SHOWN_MAX.saturating_sub(self.indent).max(1));
        if cut > 0 {
            kept.insert_str(0, "...");
            self.indent += 3;
        }
        self.text = kept;
    }
}

fn floor_boundary(source: &str, at: usize) -> usize {
    let mut at = at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Terminal columns of a character, roughly: East Asian wide and full-width forms and emoji take
/// two, combining marks none.
pub(crate) fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036F | 0x200B..=0x200F | 0xFE00..=0xFE0F | 0xFEFF => 0,
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}
