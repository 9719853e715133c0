//! Text to tokens.

use crate::ast::Span;
use crate::error::{ErrorCode, QueryError, char_width};
use crate::limits::STATEMENT_BYTES_MAX;

/// A token and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word: keyword or name, as written.
    Word(String),
    /// `"name"`.
    Quoted(String),
    /// `'text'`.
    Text(String),
    /// Digits, perhaps with a point.
    Number(String),
    /// `$n`.
    Parameter(usize),
    Symbol(Symbol),
    /// The end of the text.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    Open,
    Close,
    Comma,
    Point,
    Semicolon,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Minus,
}

impl Symbol {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
            Self::Point => ".",
            Self::Semicolon => ";",
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Minus => "-",
        }
    }
}

/// What the text at some place is: used to lex, and to split and complete unfinished text.
pub(crate) enum Piece {
    Space,
    Comment(Ending),
    /// Quoted by this character.
    Quote(char, Ending),
    Other,
}

/// Whether a piece that needs a closing mark has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Closed,
    Open,
}

/// The piece that starts at byte `at`, and the byte after it. `at` is before the end.
pub(crate) fn piece(text: &str, at: usize) -> (Piece, usize) {
    let rest = text.get(at..).unwrap_or_default();
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return (Piece::Other, text.len()) };
    if first.is_whitespace() || first == '\u{feff}' {
        return (Piece::Space, at + first.len_utf8());
    }
    if rest.starts_with("--") {
        let end = rest.find('\n').map_or(text.len(), |line| at + line);
        return (Piece::Comment(Ending::Closed), end);
    }
    if rest.starts_with("/*") {
        let (end, ending) = comment_end(rest);
        return (Piece::Comment(ending), at + end);
    }
    if first == '\'' || first == '"' {
        let (end, ending) = quote_end(rest, first);
        return (Piece::Quote(first, ending), at + end);
    }
    (Piece::Other, at + first.len_utf8())
}

/// Comments nest.
fn comment_end(rest: &str) -> (usize, Ending) {
    let bytes = rest.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = bytes.get(at..at + 2) {
        match pair {
            b"/*" => {
                depth += 1;
                at += 2;
            }
            b"*/" => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return (at, Ending::Closed);
                }
            }
            _ => at += 1,
        }
    }
    (rest.len(), Ending::Open)
}

fn quote_end(rest: &str, quote: char) -> (usize, Ending) {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                _ => return (at + 1, Ending::Closed),
            }
        }
    }
    (rest.len(), Ending::Open)
}

/// Every token of a text, then [`TokenKind::End`]; where a part cannot be read, the end stands at
/// it, and what is wrong with it comes too: a parser may find something wrong before.
pub(crate) fn lex(text: &str) -> Result<(Vec<Token>, Option<QueryError>), QueryError> {
    if text.len() > STATEMENT_BYTES_MAX {
        let message =
            format!("the statement has {} bytes; the limit is {STATEMENT_BYTES_MAX}", text.len());
        return Err(QueryError::new(ErrorCode::TooLong, 0..0, message));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        match token(text, at) {
            Ok((token, end)) => {
                tokens.extend(token);
                at = end;
            }
            Err(fault) => {
                tokens.push(Token { kind: TokenKind::End, span: fault.span.clone() });
                return Ok((tokens, Some(fault)));
            }
        }
    }
    tokens.push(Token { kind: TokenKind::End, span: text.len()..text.len() });
    Ok((tokens, None))
}

/// The token that starts at a byte, none for space and comments, and the byte after it.
fn token(text: &str, at: usize) -> Result<(Option<Token>, usize), QueryError> {
    let (piece, end) = piece(text, at);
    match piece {
        Piece::Space | Piece::Comment(Ending::Closed) => Ok((None, end)),
        Piece::Comment(Ending::Open) => {
            Err(unclosed(at, "this comment is not closed", "end it with */"))
        }
        Piece::Quote(_, Ending::Open) => {
            Err(unclosed(at, "this quote is not closed", "a quote inside is written twice"))
        }
        Piece::Quote(quote, Ending::Closed) => Ok((Some(quoted(text, at..end, quote)?), end)),
        Piece::Other => {
            let token = plain(text, at)?;
            let end = token.span.end;
            Ok((Some(token), end))
        }
    }
}

fn unclosed(at: usize, message: &str, hint: &str) -> QueryError {
    QueryError::new(ErrorCode::Syntax, at..at + 1, message).hint(hint)
}

fn quoted(text: &str, span: Span, quote: char) -> Result<Token, QueryError> {
    let inner = text.get(span.start + 1..span.end - 1).unwrap_or_default();
    let doubled: String = [quote, quote].iter().collect();
    let value = inner.replace(&doubled, &quote.to_string());
    if value.contains('\0') {
        return Err(QueryError::new(ErrorCode::Syntax, span, "a zero byte cannot be written"));
    }
    if quote == '\'' {
        return Ok(Token { kind: TokenKind::Text(value), span });
    }
    if value.is_empty() {
        return Err(QueryError::new(ErrorCode::Syntax, span, "a name cannot be empty"));
    }
    Ok(Token { kind: TokenKind::Quoted(value), span })
}

/// Whether a name may start so without quotes.
pub(crate) fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether a name may go on so without quotes.
pub(crate) fn continues_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A word, number, parameter or symbol.
fn plain(text: &str, at: usize) -> Result<Token, QueryError> {
    let rest = text.get(at..).unwrap_or_default();
    let first = rest.chars().next().unwrap_or('\0');
    if starts_word(first) {
        let end = at + run(rest, continues_word);
        let word = text.get(at..end).unwrap_or_default().to_owned();
        return Ok(Token { kind: TokenKind::Word(word), span: at..end });
    }
    if first.is_ascii_digit() {
        return number(text, at);
    }
    if first == '$' {
        return parameter(text, at);
    }
    let two = rest.get(..2).unwrap_or_default();
    let (symbol, length) = match (two, first) {
        ("<>" | "!=", _) => (Symbol::NotEqual, 2),
        ("<=", _) => (Symbol::LessOrEqual, 2),
        (">=", _) => (Symbol::GreaterOrEqual, 2),
        (_, '<') => (Symbol::Less, 1),
        (_, '>') => (Symbol::Greater, 1),
        (_, '=') => (Symbol::Equal, 1),
        (_, '(') => (Symbol::Open, 1),
        (_, ')') => (Symbol::Close, 1),
        (_, ',') => (Symbol::Comma, 1),
        (_, '.') => (Symbol::Point, 1),
        (_, ';') => (Symbol::Semicolon, 1),
        (_, '-') => (Symbol::Minus, 1),
        _ => return Err(stray(at, first)),
    };
    Ok(Token { kind: TokenKind::Symbol(symbol), span: at..at + length })
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn number(text: &str, at: usize) -> Result<Token, QueryError> {
    let rest = text.get(at..).unwrap_or_default();
    let mut length = run(rest, |c| c.is_ascii_digit());
    let fraction = rest.get(length..).and_then(|rest| rest.strip_prefix('.'));
    let digits = fraction.map_or(0, |fraction| run(fraction, |c| c.is_ascii_digit()));
    if digits > 0 {
        length += 1 + digits;
    }
    let tail = run(rest.get(length..).unwrap_or_default(), continues_word);
    if tail > 0 {
        let span = at..at + length + tail;
        let error = QueryError::new(ErrorCode::Syntax, span, "this number runs into letters");
        return Err(error.hint("write a space after a number, and quotes around a name"));
    }
    let written = rest.get(..length).unwrap_or_default().to_owned();
    Ok(Token { kind: TokenKind::Number(written), span: at..at + length })
}

fn parameter(text: &str, at: usize) -> Result<Token, QueryError> {
    let rest = text.get(at + 1..).unwrap_or_default();
    let length = run(rest, continues_word);
    let span = at..at + 1 + length;
    let number = rest.get(..length).and_then(|digits| digits.parse::<usize>().ok());
    match number {
        Some(number) if (1..=crate::limits::PARAMETERS_MAX).contains(&number) => {
            Ok(Token { kind: TokenKind::Parameter(number), span })
        }
        _ => {
            let message = "a parameter is `$` and a number from 1";
            let hint = format!("the highest is ${}", crate::limits::PARAMETERS_MAX);
            Err(QueryError::new(ErrorCode::Syntax, span, message).hint(hint))
        }
    }
}

/// A character that starts no token.
fn stray(at: usize, c: char) -> QueryError {
    let hint = match c {
        '?' | ':' => "parameters are written $1, $2, ...",
        '\\' | '`' | '[' | ']' | '“' | '”' | '‘' | '’' | '「' | '」' => {
            "texts are written 'so' and names \"so\", with straight quotes"
        }
        '（' | '）' | '，' | '；' | '。' | '＝' | '、' | '＜' | '＞' | '．' => {
            "this is a full-width mark; write its half-width twin"
        }
        '+' | '*' | '/' | '%' | '|' | '&' | '^' => {
            "there is no arithmetic; sets are combined by AND, OR and NOT"
        }
        _ => "names with other characters than letters, digits and _ are written \"so\"",
    };
    let invisible = c.is_control() || char_width(c) == 0;
    let shown = if invisible { c.escape_default().to_string() } else { c.to_string() };
    let message = format!("`{shown}` has no meaning here");
    QueryError::new(ErrorCode::Syntax, at..at + c.len_utf8(), message).hint(hint)
}
