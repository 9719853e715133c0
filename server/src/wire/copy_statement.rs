//! `COPY events (...) FROM STDIN`: what is loaded, and how it is written.

use super::tokens::{Token, Tokens};

/// A COPY that can be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopyStatement {
    /// The columns in their order.
    pub(super) columns: Vec<String>,
    pub(super) layout: Layout,
    pub(super) header: Header,
    pub(super) delimiter: Option<char>,
    /// Makes a retry of the same COPY change nothing.
    pub(super) token: Option<String>,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// PostgreSQL's text format: tabs, and backslashes before what they would end.
    Text,
    Csv,
}

/// Whether the first row names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    No,
    Yes,
}

/// Why a COPY was not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CopyStatementError {
    #[error("this COPY cannot be read")]
    Syntax { at: usize, expected: &'static str },
    #[error("COPY {what} is not supported")]
    Unsupported { at: usize, what: &'static str, hint: &'static str },
    #[error("COPY loads events; there is nothing called \"{name}\" to copy into")]
    Target { at: usize, name: String },
    #[error("option \"{name}\" of COPY is not known")]
    Option { at: usize, name: String },
    #[error("COPY needs the list of the columns that its rows have")]
    Columns { at: usize },
    #[error("COPY takes no other NULL than '{wanted}' in this format")]
    Null { at: usize, wanted: &'static str },
    #[error("column \"{name}\" is listed twice")]
    Twice { at: usize, name: String },
}

impl CopyStatementError {
    pub(super) fn sqlstate(&self) -> &'static str {
        match self {
            Self::Syntax { .. } | Self::Option { .. } | Self::Columns { .. } => "42601",
            Self::Unsupported { .. } | Self::Null { .. } => "0A000",
            Self::Target { .. } => "42P01",
            Self::Twice { .. } => "42701",
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax { expected, .. } => Some(format!("expected {expected}")),
            Self::Unsupported { hint, .. } => Some((*hint).to_owned()),
            Self::Target { .. } | Self::Columns { .. } => {
                Some("COPY events (consumer, brand, behaviour, time) FROM STDIN".to_owned())
            }
            Self::Option { .. } => {
                Some("FORMAT, HEADER, DELIMITER, NULL, ENCODING and TOKEN are".to_owned())
            }
            Self::Twice { .. } | Self::Null { .. } => None,
        }
    }

    pub(super) fn position(&self) -> usize {
        match self {
            Self::Syntax { at, .. }
            | Self::Unsupported { at, .. }
            | Self::Target { at, .. }
            | Self::Option { at, .. }
            | Self::Columns { at }
            | Self::Null { at, .. }
            | Self::Twice { at, .. } => *at,
        }
    }
}

/// The COPY when the statement is one.
pub(super) fn parse(text: &str) -> Option<Result<CopyStatement, CopyStatementError>> {
    let mut tokens = Tokens::new(text);
    tokens.take_word("COPY").then(|| copy(&mut tokens))
}

fn syntax(tokens: &Tokens<'_>, expected: &'static str) -> CopyStatementError {
    CopyStatementError::Syntax { at: tokens.place(), expected }
}

fn copy(tokens: &mut Tokens<'_>) -> Result<CopyStatement, CopyStatementError> {
    target(tokens)?;
    let mut statement = CopyStatement {
        columns: columns(tokens)?,
        layout: Layout::Text,
        header: Header::No,
        delimiter: None,
        token: None,
    };
    let after_columns = tokens.place();
    let mut null = None;
    let at = tokens.place();
    if tokens.take_word("TO") {
        let hint = "ask with COUNT, SUM or OVERLAP; psql's \\g writes an answer to a file";
        return Err(CopyStatementError::Unsupported { at, what: "TO", hint });
    }
    if !tokens.take_word("FROM") {
        return Err(syntax(tokens, "FROM STDIN"));
    }
    let at = tokens.place();
    if !tokens.take_word("STDIN") {
        let hint = "send the rows through the connection: COPY ... FROM STDIN, psql's \\copy";
        return Err(CopyStatementError::Unsupported { at, what: "from the server's files", hint });
    }
    tokens.take_word("WITH");
    if tokens.take_symbol('(') {
        while !tokens.take_symbol(')') {
            option(tokens, &mut statement, &mut null)?;
            if !tokens.take_symbol(',') && tokens.peek() != Some(Token::Symbol(')')) {
                return Err(syntax(tokens, ", or )"));
            }
        }
    } else {
        while !tokens.at_end() {
            old_option(tokens, &mut statement, &mut null)?;
        }
    }
    if !tokens.at_end() {
        return Err(syntax(tokens, "the end of the statement"));
    }
    if statement.columns.is_empty() {
        return Err(CopyStatementError::Columns { at: after_columns });
    }
    check_null(null, statement.layout)?;
    Ok(statement)
}

/// A NULL option and its place.
type Null = Option<(usize, String)>;

/// Absent values are written in one way in each layout.
fn check_null(null: Null, layout: Layout) -> Result<(), CopyStatementError> {
    let wanted = match layout {
        Layout::Csv => "",
        Layout::Text => "\\N",
    };
    match null {
        Some((at, text)) if text != wanted => Err(CopyStatementError::Null { at, wanted }),
        _ => Ok(()),
    }
}

fn target(tokens: &mut Tokens<'_>) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    if tokens.take_symbol('(') {
        let hint = "COPY loads events; ask with the statement itself";
        return Err(CopyStatementError::Unsupported { at, what: "of a query", hint });
    }
    let mut name = tokens.take_name().ok_or_else(|| syntax(tokens, "events"))?;
    // SQL tools write the schema before it.
    if name == "public" && tokens.take_symbol('.') {
        name = tokens.take_name().ok_or_else(|| syntax(tokens, "events"))?;
    }
    if name == "events" { Ok(()) } else { Err(CopyStatementError::Target { at, name }) }
}

fn columns(tokens: &mut Tokens<'_>) -> Result<Vec<String>, CopyStatementError> {
    let mut columns = Vec::new();
    if !tokens.take_symbol('(') {
        return Ok(columns);
    }
    loop {
        let at = tokens.place();
        let name = tokens.take_name().ok_or_else(|| syntax(tokens, "a column"))?;
        if columns.contains(&name) {
            return Err(CopyStatementError::Twice { at, name });
        }
        columns.push(name);
        if tokens.take_symbol(')') {
            return Ok(columns);
        }
        if !tokens.take_symbol(',') {
            return Err(syntax(tokens, ", or )"));
        }
    }
}

/// One option of the list in parentheses.
fn option(
    tokens: &mut Tokens<'_>,
    statement: &mut CopyStatement,
    null: &mut Null,
) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    let name = tokens.take_name().ok_or_else(|| syntax(tokens, "an option"))?;
    match name.as_str() {
        "format" => format(tokens, statement),
        "header" => {
            statement.header = header(tokens)?;
            Ok(())
        }
        "delimiter" => delimiter(tokens, statement),
        "null" => {
            *null = Some((tokens.place(), text(tokens)?));
            Ok(())
        }
        "token" => {
            statement.token = Some(text(tokens)?);
            Ok(())
        }
        "encoding" => encoding(tokens),
        "quote" | "escape" => quote(tokens),
        _ => Err(CopyStatementError::Option { at, name }),
    }
}

/// One option as PostgreSQL 8 wrote them, without parentheses.
fn old_option(
    tokens: &mut Tokens<'_>,
    statement: &mut CopyStatement,
    null: &mut Null,
) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    if tokens.take_word("CSV") {
        statement.layout = Layout::Csv;
        return Ok(());
    }
    if tokens.take_word("HEADER") {
        statement.header = Header::Yes;
        return Ok(());
    }
    if tokens.take_word("BINARY") {
        return Err(binary(at));
    }
    let name = tokens.take_name().ok_or_else(|| syntax(tokens, "an option"))?;
    tokens.take_word("AS");
    match name.as_str() {
        "delimiter" => delimiter(tokens, statement),
        "null" => {
            *null = Some((tokens.place(), text(tokens)?));
            Ok(())
        }
        "quote" | "escape" => quote(tokens),
        "encoding" => encoding(tokens),
        _ => Err(CopyStatementError::Option { at, name }),
    }
}

fn text(tokens: &mut Tokens<'_>) -> Result<String, CopyStatementError> {
    // E'\t' is how SQL writes a tab; the language has no backslashes, COPY's options do.
    let escaped = tokens.take_word("E");
    let text = tokens.take_text().ok_or_else(|| syntax(tokens, "a 'string'"))?;
    Ok(if escaped { text.replace("\\t", "\t").replace("\\\\", "\\") } else { text })
}

fn format(
    tokens: &mut Tokens<'_>,
    statement: &mut CopyStatement,
) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    let name = match tokens.take_text() {
        Some(text) => text.to_lowercase(),
        None => tokens.take_name().ok_or_else(|| syntax(tokens, "csv or text"))?,
    };
    statement.layout = match name.as_str() {
        "csv" => Layout::Csv,
        "text" => Layout::Text,
        "binary" => return Err(binary(at)),
        _ => return Err(CopyStatementError::Syntax { at, expected: "csv or text" }),
    };
    Ok(())
}

fn binary(at: usize) -> CopyStatementError {
    let hint = "use FORMAT csv or FORMAT text";
    CopyStatementError::Unsupported { at, what: "in binary format", hint }
}

fn header(tokens: &mut Tokens<'_>) -> Result<Header, CopyStatementError> {
    let at = tokens.place();
    let word = match tokens.peek() {
        Some(Token::Symbol(',' | ')')) => return Ok(Header::Yes),
        Some(Token::Text(text)) => text,
        Some(Token::Word(word)) => word.to_owned(),
        _ => return Err(syntax(tokens, "true or false")),
    };
    tokens.next();
    match word.to_lowercase().as_str() {
        "true" | "on" | "1" => Ok(Header::Yes),
        "false" | "off" | "0" => Ok(Header::No),
        _ => Err(CopyStatementError::Syntax { at, expected: "true or false" }),
    }
}

fn delimiter(
    tokens: &mut Tokens<'_>,
    statement: &mut CopyStatement,
) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    let text = text(tokens)?;
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(delimiter), None) if delimiter.is_ascii() && !"\r\n\"\\".contains(delimiter) => {
            statement.delimiter = Some(delimiter);
            Ok(())
        }
        _ => Err(CopyStatementError::Syntax { at, expected: "one ASCII character" }),
    }
}

fn encoding(tokens: &mut Tokens<'_>) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    let name = text(tokens)?;
    if ["utf8", "utf-8", "unicode"].iter().any(|utf8| utf8.eq_ignore_ascii_case(&name)) {
        return Ok(());
    }
    let hint = "send UTF-8";
    Err(CopyStatementError::Unsupported { at, what: "in this encoding", hint })
}

fn quote(tokens: &mut Tokens<'_>) -> Result<(), CopyStatementError> {
    let at = tokens.place();
    if text(tokens)? == "\"" {
        return Ok(());
    }
    let hint = "quote fields with \", doubled within them";
    Err(CopyStatementError::Unsupported { at, what: "with another quote", hint })
}

#[cfg(test)]
mod tests {
    use super::{CopyStatement, Header, Layout, parse};

    fn plain() -> CopyStatement {
        CopyStatement {
            columns: vec!["consumer".to_owned(), "brand".to_owned()],
            layout: Layout::Text,
            header: Header::No,
            delimiter: None,
            token: None,
        }
    }

    #[test]
    fn the_ways_to_write_it() {
        let csv = CopyStatement { layout: Layout::Csv, header: Header::Yes, ..plain() };
        for (text, expected) in [
            ("COPY events (consumer, brand) FROM STDIN", plain()),
            ("copy public.events(Consumer,\"brand\")from stdin;", plain()),
            ("COPY  events(consumer,brand) FROM STDIN with (format csv, header)", csv.clone()),
            (
                "COPY events (consumer,brand) FROM STDIN WITH (HEADER true, FORMAT 'csv')",
                csv.clone(),
            ),
            ("COPY events (consumer, brand) FROM STDIN CSV HEADER", csv.clone()),
            (
                "COPY events (consumer,brand) FROM STDIN WITH DELIMITER AS E'\\t' NULL AS '\\N'",
                CopyStatement { delimiter: Some('\t'), ..plain() },
            ),
            (
                "COPY events (consumer,brand) FROM STDIN \
                 (FORMAT csv, DELIMITER '|', NULL '', QUOTE '\"', ENCODING 'UTF8', TOKEN 'day 5')",
                CopyStatement {
                    layout: Layout::Csv,
                    delimiter: Some('|'),
                    token: Some("day 5".to_owned()),
                    ..plain()
                },
            ),
        ] {
            assert_eq!(parse(text), Some(Ok(expected)), "{text}");
        }
        assert_eq!(parse("COUNT"), None);
    }

    #[test]
    fn what_is_wrong_says_where() {
        for (text, at, state) in [
            ("COPY", 4, "42601"),
            ("COPY people (a) FROM STDIN", 5, "42P01"),
            ("COPY events TO STDOUT", 12, "0A000"),
            ("COPY (COUNT) TO STDOUT", 5, "0A000"),
            ("COPY events (a) FROM '/etc/passwd'", 21, "0A000"),
            ("COPY events (a, a) FROM STDIN", 16, "42701"),
            ("COPY events (a b) FROM STDIN", 15, "42601"),
            ("COPY events FROM STDIN", 12, "42601"),
            ("COPY events (a) FROM STDIN (NULL 'NA', FORMAT csv)", 33, "0A000"),
            ("COPY events (a) FROM STDIN (FORMAT binary)", 35, "0A000"),
            ("COPY events (a) FROM STDIN (FORMAT xml)", 35, "42601"),
            ("COPY events (a) FROM STDIN (FREEZE)", 28, "42601"),
            ("COPY events (a) FROM STDIN (DELIMITER 'ab')", 38, "42601"),
            ("COPY events (a) FROM STDIN (ENCODING 'GBK')", 37, "0A000"),
            ("COPY events (a) FROM STDIN (FORMAT csv", 38, "42601"),
            ("COPY events (a) FROM STDIN (FORMAT csv) x", 40, "42601"),
        ] {
            let error = parse(text).unwrap().unwrap_err();
            assert_eq!((error.position(), error.sqlstate()), (at, state), "{text}: {error}");
        }
    }
}
