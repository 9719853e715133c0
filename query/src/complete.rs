//! What could come next.

use std::ops::Range;

use crate::bind::attribute_names;
use crate::builtin::NO_STAGE;
use crate::catalog::Catalog;
use crate::lexer::{Ending, Piece, continues_word, piece};
use crate::parse::{Expect, expectations};
use crate::plan::NameKind;
use crate::text::{quote_name, quote_text};

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
/// What stands after the cursor is not looked at.
#[must_use]
pub fn complete(text: &str, cursor: usize, catalog: &dyn Catalog) -> Vec<Completion> {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let Some(place) = Typed::find(text.get(..cursor).unwrap_or_default()) else {
        return Vec::new();
    };
    let replaces = place.word_start..cursor;
    let mut found = Vec::new();
    for expect in expectations(place.before) {
        for (text, kind) in candidates(&expect, &place, catalog) {
            found.push(Completion { text, replaces: replaces.clone(), kind });
        }
    }
    found.sort_by(|a, b| (a.kind as u8, &a.text).cmp(&(b.kind as u8, &b.text)));
    found.dedup();
    found
}

/// The unfinished word before the cursor, and the statement before that word.
struct Typed<'a> {
    before: &'a str,
    word_start: usize,
    /// The beginning of the word, in lower case, without its quote.
    prefix: String,
    /// The quote that is open, if any.
    quote: Option<char>,
}

impl<'a> Typed<'a> {
    /// Nothing when the cursor is in a comment.
    fn find(text: &'a str) -> Option<Self> {
        let mut statement_start = 0;
        let mut word_start = text.len();
        let mut quote = None;
        let mut at = 0;
        while at < text.len() {
            let (piece, end) = piece(text, at);
            match piece {
                Piece::Comment(_) if end == text.len() && !text.ends_with('\n') => return None,
                Piece::Quote(mark, Ending::Open) => {
                    quote = Some(mark);
                    word_start = at;
                }
                Piece::Other => {
                    let c = text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or(' ');
                    if c == ';' {
                        statement_start = end;
                    }
                    word_start = match (continues_word(c), word_start < at) {
                        (true, true) => word_start,
                        (true, false) => at,
                        (false, _) => text.len(),
                    };
                }
                _ => word_start = text.len(),
            }
            at = end;
        }
        let prefix = text.get(word_start + usize::from(quote.is_some())..).unwrap_or_default();
        Some(Self {
            before: text.get(statement_start..word_start).unwrap_or_default(),
            word_start,
            prefix: prefix.to_lowercase(),
            quote,
        })
    }

    fn fits(&self, name: &str) -> bool {
        name.to_lowercase().starts_with(&self.prefix)
    }
}

fn candidates(
    expect: &Expect,
    place: &Typed<'_>,
    catalog: &dyn Catalog,
) -> Vec<(String, CompletionKind)> {
    let names = match expect {
        Expect::Word(word) => {
            let shown = place.quote.is_none() && place.fits(word);
            return shown
                .then(|| ((*word).to_owned(), CompletionKind::Keyword))
                .into_iter()
                .collect();
        }
        Expect::Name(NameKind::Attribute) => attribute_names(catalog, None),
        Expect::Name(kind) => catalog.names(*kind),
        Expect::BrandAttribute(brand) => attribute_names(catalog, Some(brand)),
        Expect::Stage(model) => {
            let mut stages = catalog.stages(model).unwrap_or_default();
            stages.push(NO_STAGE.to_owned());
            stages
        }
        Expect::Group(partition) => catalog.groups(partition).unwrap_or_default(),
        Expect::Symbol(_) | Expect::NewName | Expect::Other(_) => return Vec::new(),
    };
    let is_text = matches!(expect, Expect::Name(NameKind::Touchpoint | NameKind::Category));
    let fits = match place.quote {
        Some('\'') => is_text,
        Some(_) => !is_text,
        None => true,
    };
    if !fits {
        return Vec::new();
    }
    let text = |name: &String| {
        let plain = if is_text { quote_text(name) } else { quote_name(name) };
        match place.quote {
            Some('"') => format!("\"{}\"", name.replace('"', "\"\"")),
            _ => plain,
        }
    };
    let fitting = names.iter().filter(|name| place.fits(name));
    fitting.map(|name| (text(name), CompletionKind::Name)).collect()
}
