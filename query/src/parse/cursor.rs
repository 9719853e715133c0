//! The place in the tokens, and what could have stood there.

use crate::ast::{Name, Span};
use crate::error::{ErrorCode, QueryError, shown};
use crate::keywords::{is_keyword, is_reserved};
use crate::lexer::{Symbol, Token, TokenKind, lex};
use crate::limits::{LIST_LENGTH_MAX, NAME_BYTES_MAX, NESTING_DEPTH_MAX, TERMS_MAX};
use crate::plan::NameKind;
use crate::suggest::closest;

/// Something that could stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expect {
    Word(&'static str),
    Symbol(Symbol),
    Name(NameKind),
    /// A name that does not exist yet.
    NewName,
    /// An attribute of this brand.
    BrandAttribute(String),
    /// A stage of this model.
    Stage(String),
    /// A group of this partition.
    Group(String),
    /// Anything else, in words.
    Other(&'static str),
}

impl Expect {
    fn describe(&self) -> String {
        match self {
            Self::Word(word) => (*word).to_owned(),
            Self::Symbol(symbol) => format!("`{}`", symbol.text()),
            Self::Name(NameKind::Audience) => "an audience".to_owned(),
            Self::Name(NameKind::Brand) => "a brand".to_owned(),
            Self::Name(NameKind::Behaviour) => "a behaviour".to_owned(),
            Self::Name(NameKind::Attribute) | Self::BrandAttribute(_) => "an attribute".to_owned(),
            Self::Name(NameKind::Model) => "a model".to_owned(),
            Self::Name(NameKind::Touchpoint) => "a touchpoint in single quotes".to_owned(),
            Self::Name(NameKind::Category) => "a category in single quotes".to_owned(),
            Self::Name(NameKind::Partition) => "a partition".to_owned(),
            Self::Name(NameKind::State) => "a state".to_owned(),
            Self::Group(_) => "a group".to_owned(),
            Self::NewName => "a name".to_owned(),
            Self::Stage(_) => "a stage".to_owned(),
            Self::Other(text) => (*text).to_owned(),
        }
    }
}

/// Whether `DID` and `IS` may begin a term: only in a model's rules, where the brand is the one
/// whose stage is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Named,
    Asked,
}

/// A recursive-descent parser. Every attempt to read something that is not there is noted, so that
/// an error, or a completion, knows what could have been.
pub(crate) struct Parser {
    pub(super) subject: Subject,
    tokens: Vec<Token>,
    /// Invariant: always the index of a token; the last token is [`TokenKind::End`].
    at: usize,
    expected: Vec<Expect>,
    /// What the lexer could not read, at the last token.
    fault: Option<QueryError>,
    depth: usize,
    terms: usize,
    parameters: usize,
}

impl Parser {
    pub(super) fn new(source: &str, subject: Subject) -> Result<Self, QueryError> {
        let (tokens, fault) = lex(source)?;
        let (at, depth, terms, parameters) = (0, 0, 0, 0);
        let expected = Vec::new();
        Ok(Self { subject, tokens, at, expected, fault, depth, terms, parameters })
    }

    /// The highest `$n` so far.
    pub(super) fn parameters(&self) -> usize {
        self.parameters
    }

    /// What could stand at the end; nothing when the parser stopped before.
    pub(super) fn into_expectations(self) -> Vec<Expect> {
        let at_end = *self.kind() == TokenKind::End && self.fault.is_none();
        if at_end { self.expected } else { Vec::new() }
    }

    pub(super) fn kind(&self) -> &TokenKind {
        self.kind_after(0)
    }

    /// The kind of the token `n` places ahead.
    pub(super) fn kind_after(&self, n: usize) -> &TokenKind {
        self.tokens.get(self.at + n).map_or(&TokenKind::End, |token| &token.kind)
    }

    /// The place of the current token.
    pub(super) fn span(&self) -> Span {
        self.tokens.get(self.at).map_or(0..0, |token| token.span.clone())
    }

    /// From `start` to the end of the token before the current one.
    pub(super) fn since(&self, start: usize) -> Span {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        start..before.map_or(start, |token| token.span.end.max(start))
    }

    pub(super) fn advance(&mut self) {
        if let TokenKind::Parameter(number) = *self.kind() {
            self.parameters = self.parameters.max(number);
        }
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        self.expected.clear();
    }

    /// Notes what could stand here.
    pub(super) fn wants(&mut self, expect: Expect) {
        if !self.expected.contains(&expect) {
            self.expected.push(expect);
        }
    }

    /// Whether the token `n` places ahead is this keyword.
    pub(super) fn is_word_after(&self, n: usize, word: &str) -> bool {
        matches!(self.kind_after(n), TokenKind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Whether the token `n` places ahead is this symbol.
    pub(super) fn is_symbol_after(&self, n: usize, symbol: Symbol) -> bool {
        *self.kind_after(n) == TokenKind::Symbol(symbol)
    }

    /// Takes a keyword if it is here.
    pub(super) fn word(&mut self, word: &'static str) -> bool {
        let found = self.is_word_after(0, word);
        if found {
            self.advance();
        } else {
            self.wants(Expect::Word(word));
        }
        found
    }

    /// Takes one of several spellings of a keyword, such as DAY and DAYS.
    pub(super) fn any_word(&mut self, words: &[&'static str]) -> bool {
        words.iter().any(|word| self.word(word))
    }

    /// Takes two keywords, such as `AS OF`, if the first is here; then the second must follow.
    pub(super) fn phrase(&mut self, both: &'static str) -> Result<bool, QueryError> {
        let (first, second) = both.split_once(' ').unwrap_or((both, ""));
        if !self.is_word_after(0, first) {
            self.wants(Expect::Word(both));
            return Ok(false);
        }
        self.advance();
        self.require_word(second)?;
        Ok(true)
    }

    /// Takes a symbol if it is here.
    pub(super) fn symbol(&mut self, symbol: Symbol) -> bool {
        let found = self.is_symbol_after(0, symbol);
        if found {
            self.advance();
        } else {
            self.wants(Expect::Symbol(symbol));
        }
        found
    }

    pub(super) fn require_word(&mut self, word: &'static str) -> Result<(), QueryError> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Requires one of several spellings of a keyword.
    pub(super) fn require_any(&mut self, words: &[&'static str]) -> Result<(), QueryError> {
        if self.any_word(words) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn require_symbol(&mut self, symbol: Symbol) -> Result<(), QueryError> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Requires the end of the statement.
    pub(super) fn end(&mut self) -> Result<(), QueryError> {
        let mut ended = false;
        while self.symbol(Symbol::Semicolon) {
            ended = true;
        }
        if *self.kind() == TokenKind::End {
            return self.fault.clone().map_or(Ok(()), Err);
        }
        if !ended {
            return Err(self.unexpected());
        }
        let message = "only one statement can be run at a time";
        Err(QueryError::new(ErrorCode::Syntax, self.span(), message))
    }

    /// A name: a word that is not reserved, or anything in double quotes.
    pub(super) fn name(&mut self, expect: Expect) -> Result<Name, QueryError> {
        let text = match self.kind() {
            TokenKind::Quoted(text) => text.clone(),
            TokenKind::Word(word) if !is_reserved(word) => word.clone(),
            _ => {
                let error = self.not_a_name();
                self.wants(expect);
                return Err(error(self.unexpected()));
            }
        };
        let span = self.span();
        if text.len() > NAME_BYTES_MAX {
            let message =
                format!("this name has {} bytes; the limit is {NAME_BYTES_MAX}", text.len());
            return Err(QueryError::new(ErrorCode::TooLong, span, message));
        }
        self.advance();
        Ok(Name { text, span })
    }

    /// The hint for what stands where a name should.
    fn not_a_name(&self) -> impl FnOnce(QueryError) -> QueryError + use<> {
        let hint = match self.kind() {
            TokenKind::Text(text) => Some(format!("a name is written \"{}\"", shown(text))),
            TokenKind::Word(word) => {
                Some(format!("`{word}` is a word of the language; as a name write \"{word}\""))
            }
            _ => None,
        };
        move |error| match hint {
            Some(hint) if error.suggestion.is_none() => error.hint(hint),
            _ => error,
        }
    }

    /// Items between commas.
    pub(super) fn comma_list<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        self.comma_list_while(item, |_| true)
    }

    /// Items between commas, as long as what follows a comma belongs to the list.
    pub(super) fn comma_list_while<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, QueryError>,
        belongs: impl Fn(&Self) -> bool,
    ) -> Result<Vec<T>, QueryError> {
        let start = self.span().start;
        let mut items = vec![item(self)?];
        loop {
            if self.is_symbol_after(0, Symbol::Comma) && !belongs(self) {
                return Ok(items);
            }
            if !self.symbol(Symbol::Comma) {
                return Ok(items);
            }
            items.push(item(self)?);
            if items.len() > LIST_LENGTH_MAX {
                let message = format!("this list is longer than {LIST_LENGTH_MAX}");
                return Err(QueryError::new(ErrorCode::TooLong, self.since(start), message));
            }
        }
    }

    /// Items between commas, in parentheses.
    pub(super) fn paren_list<T>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<T, QueryError>,
    ) -> Result<Vec<T>, QueryError> {
        self.require_symbol(Symbol::Open)?;
        let items = self.comma_list(item)?;
        self.require_symbol(Symbol::Close)?;
        Ok(items)
    }

    /// One level deeper: parentheses and NOT.
    pub(super) fn enter(&mut self) -> Result<(), QueryError> {
        self.depth += 1;
        if self.depth <= NESTING_DEPTH_MAX {
            return Ok(());
        }
        let message = format!("this nests deeper than {NESTING_DEPTH_MAX} levels");
        Err(QueryError::new(ErrorCode::TooComplex, self.span(), message))
    }

    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// One more term.
    pub(super) fn count_term(&mut self) -> Result<(), QueryError> {
        self.terms += 1;
        if self.terms <= TERMS_MAX {
            return Ok(());
        }
        let message = format!("the statement has more than {TERMS_MAX} terms");
        let error = QueryError::new(ErrorCode::TooComplex, self.span(), message);
        Err(error.hint("many values of one thing are one term: IN (...)"))
    }

    /// The current token does not fit: names what could.
    pub(super) fn unexpected(&self) -> QueryError {
        if let (TokenKind::End, Some(fault)) = (self.kind(), &self.fault) {
            return fault.clone();
        }
        let (message, found) = match self.kind() {
            TokenKind::End => ("the statement ends too early".to_owned(), None),
            TokenKind::Word(word) => (format!("`{}` does not fit here", shown(word)), Some(word)),
            TokenKind::Quoted(name) => (format!("\"{}\" does not fit here", shown(name)), None),
            TokenKind::Text(text) => (format!("'{}' does not fit here", shown(text)), None),
            TokenKind::Number(text) => (format!("{} does not fit here", shown(text)), None),
            TokenKind::Parameter(number) => (format!("${number} does not fit here"), None),
            TokenKind::Symbol(symbol) => (format!("`{}` does not fit here", symbol.text()), None),
        };
        let mut error = QueryError::new(ErrorCode::Syntax, self.span(), message);
        error.expected = self.expected.iter().map(Expect::describe).collect();
        error.expected.dedup();
        if *self.kind() == TokenKind::Symbol(Symbol::Minus) {
            error.hint = Some("a name with `-` is written \"so\", and a date 'so'".to_owned());
        }
        let words = self.expected.iter().filter_map(|expect| match expect {
            Expect::Word(word) => Some(*word),
            _ => None,
        });
        error.suggestion = found.and_then(|found| closest(found, words));
        error
    }

    /// Whether the current word is the name that begins a term, though it is a keyword too: what
    /// follows can only follow a name.
    pub(super) fn is_leading_name(&self) -> bool {
        let TokenKind::Word(word) = self.kind() else { return false };
        if !is_keyword(word) {
            return true;
        }
        match self.kind_after(1) {
            TokenKind::Symbol(
                Symbol::Point
                | Symbol::Equal
                | Symbol::NotEqual
                | Symbol::Less
                | Symbol::LessOrEqual
                | Symbol::Greater
                | Symbol::GreaterOrEqual,
            ) => !is_reserved(word),
            TokenKind::Word(next) if begins_term(word) => {
                let follows = ["DID", "SPENT", "IS", "IN", "NOT", "BETWEEN"];
                follows.iter().any(|known| known.eq_ignore_ascii_case(next))
            }
            _ => !is_reserved(word) && !begins_term(word),
        }
    }
}

/// Whether a keyword that is not reserved begins a term of its own.
fn begins_term(word: &str) -> bool {
    ["ALL", "AUDIENCE", "PARTITION", "SAMPLE", "TOP"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(word))
}
