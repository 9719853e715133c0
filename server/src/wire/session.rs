//! What drivers send that is not Throng's language: settings, transactions, a few SELECTs.

use throng::{Answer, Column, ColumnType, Value};

use super::select::{Environment, SelectItem, select};
use super::settings::{Settings, is_setting};
use super::tokens::{Token, Tokens};

/// A statement about the session.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum SessionStatement {
    /// SET and RESET of one setting; without a value its default.
    Set { name: String, value: Option<String>, scope: Scope },
    /// RESET ALL.
    ResetAll,
    /// SHOW of one of the settings.
    Show(String),
    /// SHOW ALL.
    ShowAll,
    /// BEGIN, START TRANSACTION.
    Begin(Option<Access>),
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT.
    Rollback,
    /// SAVEPOINT.
    Savepoint,
    /// RELEASE SAVEPOINT.
    Release,
    /// ROLLBACK TO SAVEPOINT.
    RollbackTo,
    /// SET TRANSACTION.
    SetTransaction(Option<Access>),
    /// DISCARD ALL.
    DiscardAll,
    /// DISCARD of something that is not kept here.
    Discard(&'static str),
    /// DEALLOCATE; without a name, of all.
    Deallocate(Option<String>),
    /// CLOSE; without a name, of all.
    Close(Option<String>),
    /// UNLISTEN: nobody can listen.
    Unlisten,
    /// SELECT of constants and of what drivers ask about the session.
    Select(Vec<SelectItem>),
}

/// How long a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    Session,
    Transaction,
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    ReadOnly,
    ReadWrite,
}

/// Why a statement about the session was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SessionError {
    #[error("unrecognized configuration parameter \"{name}\"")]
    UnknownSetting { name: String },
    #[error("parameter \"{name}\" cannot be changed")]
    FixedSetting { name: &'static str },
    #[error("invalid value for parameter \"{name}\": \"{value}\"")]
    BadSetting { name: &'static str, value: String, allowed: String },
    #[error("this {statement} cannot be read")]
    Malformed { statement: &'static str, at: usize, expected: &'static str },
    #[error("{statement} is not a statement of Throng")]
    Foreign { statement: &'static str, hint: &'static str },
    #[error("a connection keeps at most {limit} {what}")]
    TooMany { what: &'static str, limit: usize },
    #[error("DISCARD ALL cannot run inside a transaction")]
    InTransaction,
    #[error("this SELECT is not answered: Throng speaks its own language")]
    Select { at: usize },
}

impl SessionError {
    pub(super) fn sqlstate(&self) -> &'static str {
        match self {
            Self::UnknownSetting { .. } => "42704",
            Self::FixedSetting { .. } => "55P02",
            Self::BadSetting { .. } => "22023",
            Self::Malformed { .. } => "42601",
            Self::Foreign { .. } | Self::Select { .. } => "0A000",
            Self::InTransaction => "25001",
            Self::TooMany { .. } => "54000",
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownSetting { .. } => Some("SHOW ALL lists what there is".to_owned()),
            Self::FixedSetting { .. } | Self::InTransaction | Self::TooMany { .. } => None,
            Self::BadSetting { allowed, .. } => Some(format!("it may be: {allowed}")),
            Self::Malformed { expected, .. } => Some(format!("expected {expected}")),
            Self::Foreign { hint, .. } => Some((*hint).to_owned()),
            Self::Select { .. } => Some(
                "ask as in COUNT BY brand.stage; docs/language.md has every statement".to_owned(),
            ),
        }
    }

    /// Where in the statement, in bytes.
    pub(super) fn position(&self) -> Option<usize> {
        match self {
            Self::Malformed { at, .. } | Self::Select { at } => Some(*at),
            Self::Foreign { .. } => Some(0),
            _ => None,
        }
    }
}

type Parse = fn(&mut Tokens<'_>) -> Result<SessionStatement, SessionError>;

/// What a statement about the session begins with, and how it goes on.
const STATEMENTS: &[(&str, Parse)] = &[
    ("ABORT", rollback),
    ("BEGIN", begin),
    ("CLOSE", close),
    ("COMMIT", commit),
    ("DEALLOCATE", deallocate),
    ("DISCARD", discard),
    ("END", commit),
    ("RELEASE", release),
    ("RESET", reset),
    ("ROLLBACK", rollback),
    ("SAVEPOINT", savepoint),
    ("SELECT", select),
    ("SET", set),
    ("START", start),
    ("UNLISTEN", unlisten),
];

/// What SQL has and Throng has not, with what to do instead.
const FOREIGN: &[(&str, &str)] = &[
    ("INSERT", "send rows with COPY events (consumer, brand, behaviour, time) FROM STDIN"),
    ("UPDATE", "events are not changed; load what happened with COPY events ... FROM STDIN"),
    ("WITH", "ask as in COUNT BY brand.stage; docs/language.md has every statement"),
    ("VALUES", "ask as in COUNT BY brand.stage; docs/language.md has every statement"),
    ("PREPARE", "prepare through the driver: the protocol's Parse and Bind are answered"),
    ("EXECUTE", "prepare through the driver: the protocol's Parse and Bind are answered"),
    ("DECLARE", "use the driver's fetch size: a portal gives its rows in parts"),
    ("FETCH", "use the driver's fetch size: a portal gives its rows in parts"),
    ("LISTEN", "there are no notifications"),
    ("NOTIFY", "there are no notifications"),
    ("LOCK", "nothing needs to be locked: every statement sees one moment of the store"),
];

/// The statement when it is about the session, none when it is Throng's own.
pub(super) fn parse(text: &str) -> Option<Result<SessionStatement, SessionError>> {
    let mut tokens = Tokens::new(text);
    if let Some(shown) = show(tokens.clone()) {
        return Some(Ok(shown));
    }
    if let Some((_, parse)) = STATEMENTS.iter().find(|(word, _)| tokens.take_word(word)) {
        return Some(parse(&mut tokens));
    }
    let (statement, hint) = FOREIGN.iter().find(|(word, _)| tokens.take_word(word))?;
    Some(Err(SessionError::Foreign { statement, hint }))
}

/// SHOW of a setting; none for Throng's own SHOW.
fn show(mut tokens: Tokens<'_>) -> Option<SessionStatement> {
    if !tokens.take_word("SHOW") {
        return None;
    }
    for (words, name) in [
        (&["TRANSACTION", "ISOLATION", "LEVEL"][..], "transaction_isolation"),
        (&["SESSION", "AUTHORIZATION"][..], "session_authorization"),
        (&["TIME", "ZONE"][..], "TimeZone"),
    ] {
        if tokens.take_words(words) && tokens.at_end() {
            return Some(SessionStatement::Show(name.to_owned()));
        }
    }
    let name = setting_name(&mut tokens)?;
    if !tokens.at_end() {
        return None;
    }
    if name == "all" {
        return Some(SessionStatement::ShowAll);
    }
    let known = name.contains('.') || is_setting(&name);
    known.then_some(SessionStatement::Show(name))
}

fn setting_name(tokens: &mut Tokens<'_>) -> Option<String> {
    let mut name = tokens.take_name()?;
    while tokens.take_symbol('.') {
        name.push('.');
        name.push_str(&tokens.take_name()?);
    }
    Some(name)
}

fn ended(
    tokens: &Tokens<'_>,
    statement: &'static str,
    parsed: SessionStatement,
) -> Result<SessionStatement, SessionError> {
    if tokens.at_end() {
        return Ok(parsed);
    }
    Err(malformed(tokens, statement, "the end of the statement"))
}

fn malformed(tokens: &Tokens<'_>, statement: &'static str, expected: &'static str) -> SessionError {
    SessionError::Malformed { statement, at: tokens.place(), expected }
}

fn set(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    if tokens.take_words(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) {
        return Ok(match access(tokens)? {
            Some(access) => set_to(
                "default_transaction_read_only",
                if access == Access::ReadOnly { "on" } else { "off" },
            ),
            None => set_to("default_transaction_isolation", "read committed"),
        });
    }
    let scope = if tokens.take_word("LOCAL") { Scope::Transaction } else { Scope::Session };
    if tokens.take_word("TRANSACTION") {
        return access(tokens).map(SessionStatement::SetTransaction);
    }
    if scope == Scope::Session {
        tokens.take_word("SESSION");
    }
    let name = if tokens.take_words(&["TIME", "ZONE"]) {
        "TimeZone".to_owned()
    } else if tokens.take_word("NAMES") {
        "client_encoding".to_owned()
    } else {
        let name = setting_name(tokens).ok_or_else(|| malformed(tokens, "SET", "a setting"))?;
        if !tokens.take_symbol('=') && !tokens.take_word("TO") {
            return Err(malformed(tokens, "SET", "= or TO"));
        }
        name
    };
    let value = set_value(tokens)?;
    ended(tokens, "SET", SessionStatement::Set { name, value, scope })
}

fn set_to(name: &str, value: &str) -> SessionStatement {
    SessionStatement::Set {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        scope: Scope::Session,
    }
}

/// The values of a SET, joined as PostgreSQL keeps lists; none for DEFAULT.
fn set_value(tokens: &mut Tokens<'_>) -> Result<Option<String>, SessionError> {
    if tokens.take_word("DEFAULT") {
        return Ok(None);
    }
    let mut values = Vec::new();
    loop {
        let mut value = String::new();
        for sign in ['-', '+'] {
            if tokens.take_symbol(sign) {
                value.push(sign);
            }
        }
        match tokens.peek() {
            Some(Token::Word(word)) => value.push_str(word),
            Some(Token::Name(text) | Token::Text(text)) => value.push_str(&text),
            Some(Token::Symbol(_)) | None => return Err(malformed(tokens, "SET", "a value")),
        }
        tokens.next();
        if tokens.take_symbol('.')
            && let Some(Token::Word(fraction)) = tokens.next()
        {
            value.push('.');
            value.push_str(fraction);
        }
        values.push(value);
        if !tokens.take_symbol(',') {
            return Ok(Some(values.join(", ")));
        }
    }
}

fn reset(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    if tokens.take_word("ALL") {
        return ended(tokens, "RESET", SessionStatement::ResetAll);
    }
    let name = setting_name(tokens).ok_or_else(|| malformed(tokens, "RESET", "a setting"))?;
    ended(tokens, "RESET", SessionStatement::Set { name, value: None, scope: Scope::Session })
}

/// The modes of a transaction, to the end of the statement: what it may do, if they say so.
fn access(tokens: &mut Tokens<'_>) -> Result<Option<Access>, SessionError> {
    let mut access = None;
    while !tokens.at_end() {
        if tokens.take_words(&["READ", "ONLY"]) {
            access = Some(Access::ReadOnly);
        } else if tokens.take_words(&["READ", "WRITE"]) {
            access = Some(Access::ReadWrite);
        } else if !take_other_mode(tokens) {
            return Err(malformed(
                tokens,
                "transaction",
                "READ ONLY, READ WRITE or ISOLATION LEVEL",
            ));
        }
        tokens.take_symbol(',');
    }
    Ok(access)
}

/// Every statement sees one moment of the store, which satisfies every level.
fn take_other_mode(tokens: &mut Tokens<'_>) -> bool {
    let level = |tokens: &mut Tokens<'_>, words: &[&str]| {
        let mut ahead = tokens.clone();
        let found = ahead.take_words(&["ISOLATION", "LEVEL"]) && ahead.take_words(words);
        if found {
            *tokens = ahead;
        }
        found
    };
    level(tokens, &["READ", "COMMITTED"])
        || level(tokens, &["READ", "UNCOMMITTED"])
        || level(tokens, &["REPEATABLE", "READ"])
        || level(tokens, &["SERIALIZABLE"])
        || tokens.take_words(&["NOT", "DEFERRABLE"])
        || tokens.take_word("DEFERRABLE")
}

fn begin(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    let _ = tokens.take_word("WORK") || tokens.take_word("TRANSACTION");
    access(tokens).map(SessionStatement::Begin)
}

fn start(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    if !tokens.take_word("TRANSACTION") {
        return Err(malformed(tokens, "START", "TRANSACTION"));
    }
    access(tokens).map(SessionStatement::Begin)
}

fn commit(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    let _ = tokens.take_word("WORK") || tokens.take_word("TRANSACTION");
    ended(tokens, "COMMIT", SessionStatement::Commit)
}

fn rollback(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    let _ = tokens.take_word("WORK") || tokens.take_word("TRANSACTION");
    if !tokens.take_word("TO") {
        return ended(tokens, "ROLLBACK", SessionStatement::Rollback);
    }
    tokens.take_word("SAVEPOINT");
    tokens.take_name().ok_or_else(|| malformed(tokens, "ROLLBACK", "a savepoint"))?;
    ended(tokens, "ROLLBACK", SessionStatement::RollbackTo)
}

fn savepoint(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    tokens.take_name().ok_or_else(|| malformed(tokens, "SAVEPOINT", "a name"))?;
    ended(tokens, "SAVEPOINT", SessionStatement::Savepoint)
}

fn release(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    tokens.take_word("SAVEPOINT");
    tokens.take_name().ok_or_else(|| malformed(tokens, "RELEASE", "a savepoint"))?;
    ended(tokens, "RELEASE", SessionStatement::Release)
}

fn discard(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    if tokens.take_word("ALL") {
        return ended(tokens, "DISCARD", SessionStatement::DiscardAll);
    }
    for (word, tag) in [
        ("PLANS", "DISCARD PLANS"),
        ("SEQUENCES", "DISCARD SEQUENCES"),
        ("TEMPORARY", "DISCARD TEMP"),
        ("TEMP", "DISCARD TEMP"),
    ] {
        if tokens.take_word(word) {
            return ended(tokens, "DISCARD", SessionStatement::Discard(tag));
        }
    }
    Err(malformed(tokens, "DISCARD", "ALL, PLANS, SEQUENCES or TEMP"))
}

fn deallocate(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    tokens.take_word("PREPARE");
    if tokens.take_word("ALL") {
        return ended(tokens, "DEALLOCATE", SessionStatement::Deallocate(None));
    }
    let name = tokens.take_name().ok_or_else(|| malformed(tokens, "DEALLOCATE", "a name"))?;
    ended(tokens, "DEALLOCATE", SessionStatement::Deallocate(Some(name)))
}

fn close(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    if tokens.take_word("ALL") {
        return ended(tokens, "CLOSE", SessionStatement::Close(None));
    }
    let name = tokens.take_name().ok_or_else(|| malformed(tokens, "CLOSE", "a name"))?;
    ended(tokens, "CLOSE", SessionStatement::Close(Some(name)))
}

fn unlisten(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    if !tokens.take_symbol('*') && tokens.take_name().is_none() {
        return Err(malformed(tokens, "UNLISTEN", "* or a channel"));
    }
    ended(tokens, "UNLISTEN", SessionStatement::Unlisten)
}

impl SessionStatement {
    /// The columns of the answer; none for a statement without rows.
    pub(super) fn columns(&self, settings: &Settings) -> Vec<Column> {
        let text = |name: &str| Column { name: name.to_owned(), kind: ColumnType::Text };
        match self {
            Self::Show(name) => {
                vec![text(settings.get(name).map_or(name.as_str(), |(name, _)| name))]
            }
            Self::ShowAll => vec![text("name"), text("setting")],
            Self::Select(items) => items.iter().map(SelectItem::column).collect(),
            _ => Vec::new(),
        }
    }

    /// The rows, for the statements that have them.
    ///
    /// # Errors
    /// When a setting that is asked for does not exist.
    pub(super) fn answer(&self, environment: &Environment<'_>) -> Result<Answer, SessionError> {
        let settings = environment.settings;
        let text = |text: &str| Value::Text(text.to_owned());
        let rows = match self {
            Self::Show(name) => {
                let (_, value) = settings
                    .get(name)
                    .ok_or_else(|| SessionError::UnknownSetting { name: name.clone() })?;
                vec![vec![text(value)]]
            }
            Self::ShowAll => settings.all().map(|(n, v)| vec![text(n), text(v)]).collect(),
            Self::Select(items) => {
                vec![items.iter().map(|i| i.value(environment)).collect::<Result<_, _>>()?]
            }
            _ => Vec::new(),
        };
        Ok(Answer { columns: self.columns(settings), rows, ..Answer::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Scope, SessionError, SessionStatement, parse};

    fn set(name: &str, value: Option<&str>, scope: Scope) -> SessionStatement {
        SessionStatement::Set { name: name.to_owned(), value: value.map(str::to_owned), scope }
    }

    #[test]
    fn what_drivers_send_is_understood() {
        use SessionStatement as S;
        for (text, expected) in [
            ("set DateStyle='ISO'", set("datestyle", Some("ISO"), Scope::Session)),
            ("SET search_path TO a, \"B\"", set("search_path", Some("a, B"), Scope::Session)),
            ("SET LOCAL lock_timeout = 5;", set("lock_timeout", Some("5"), Scope::Transaction)),
            ("SET SESSION x.y = -1.5", set("x.y", Some("-1.5"), Scope::Session)),
            ("SET TIME ZONE 'UTC'", set("TimeZone", Some("UTC"), Scope::Session)),
            ("SET NAMES 'UTF8'", set("client_encoding", Some("UTF8"), Scope::Session)),
            ("SET extra_float_digits = 3", set("extra_float_digits", Some("3"), Scope::Session)),
            ("reset statement_timeout", set("statement_timeout", None, Scope::Session)),
            ("SET statement_timeout = DEFAULT", set("statement_timeout", None, Scope::Session)),
            ("RESET ALL", S::ResetAll),
            ("BEGIN", S::Begin(None)),
            ("BEGIN READ ONLY", S::Begin(Some(Access::ReadOnly))),
            (
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE, NOT DEFERRABLE",
                S::Begin(Some(Access::ReadWrite)),
            ),
            ("begin isolation level read committed;", S::Begin(None)),
            ("END", S::Commit),
            ("commit work", S::Commit),
            ("ROLLBACK", S::Rollback),
            ("ROLLBACK TO SAVEPOINT \"_pg3_1\"", S::RollbackTo),
            ("SAVEPOINT PGJDBC_AUTOSAVE", S::Savepoint),
            ("RELEASE \"_pg3_1\"", S::Release),
            ("DISCARD ALL", S::DiscardAll),
            ("DEALLOCATE ALL", S::Deallocate(None)),
            ("DEALLOCATE \"_pg3_0\"", S::Deallocate(Some("_pg3_0".to_owned()))),
            ("UNLISTEN *", S::Unlisten),
            ("CLOSE ALL", S::Close(None)),
            ("SHOW TRANSACTION ISOLATION LEVEL", S::Show("transaction_isolation".to_owned())),
            ("show Server_Version", S::Show("server_version".to_owned())),
            ("SHOW ALL", S::ShowAll),
            (
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
                set("default_transaction_read_only", Some("on"), Scope::Session),
            ),
            ("SET TRANSACTION READ WRITE", S::SetTransaction(Some(Access::ReadWrite))),
        ] {
            assert_eq!(parse(text), Some(Ok(expected)), "{text}");
        }
    }

    #[test]
    fn throngs_own_language_is_left_alone() {
        for text in [
            "COUNT",
            "SHOW BRANDS",
            "SHOW AUDIENCES",
            "SHOW SERVER",
            "EXPLAIN COUNT",
            "CREATE AUDIENCE a AS b.stage = L",
            "settle",
            "",
            "'SET'",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        for (text, at) in [
            ("SET x", 5),
            ("SET = 1", 4),
            ("SET x = ", 8),
            ("BEGIN LATER", 6),
            ("COMMIT AND", 7),
            ("DISCARD THINGS", 8),
            ("SELECT * FROM pg_class", 7),
        ] {
            let error = parse(text).unwrap().unwrap_err();
            assert_eq!(error.position(), Some(at), "{text}: {error}");
        }
        let error = parse("INSERT INTO events VALUES (1)").unwrap().unwrap_err();
        assert!(matches!(error, SessionError::Foreign { statement: "INSERT", .. }));
        assert!(error.hint().unwrap().contains("COPY"));
    }
}
