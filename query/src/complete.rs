//! What could come next.

use std::ops::Range;

use crate::catalog::Catalog;

/// A word or name that may stand at the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// The text to insert, quoted where it must be.
    pub text: String,
    /// Bytes of the typed text that it replaces: the beginning of the same word.
    pub replaces: Range<usize>,
    /// What it is.
    pub kind: CompletionKind,
}

/// What a completion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// A word of the language.
    Keyword,
    /// A name of the store.
    Name,
}

/// The keywords and names that may stand at byte `cursor` of `text` and begin as the word there.
#[must_use]
pub fn complete(_text: &str, _cursor: usize, _catalog: &dyn Catalog) -> Vec<Completion> {
    unimplemented!()
}
