//! The SELECTs that drivers and pools send: constants, and functions about the session.

use throng::{Column, ColumnType, Value};

use super::session::{SessionError, SessionStatement};
use super::settings::Settings;
use super::tokens::{Token, Tokens};

/// One column of a SELECT.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SelectItem {
    name: String,
    source: Source,
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Constant(Value),
    Function(&'static Function),
    CurrentSetting(String),
}

/// What the functions tell about.
#[derive(Debug)]
pub(super) struct Environment<'s> {
    pub(super) settings: &'s Settings,
    pub(super) database: &'s str,
    pub(super) user: &'s str,
    pub(super) process: i32,
}

struct Function {
    name: &'static str,
    kind: ColumnType,
    value: fn(&Environment<'_>) -> Value,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const fn function(
    name: &'static str,
    kind: ColumnType,
    value: fn(&Environment<'_>) -> Value,
) -> Function {
    Function { name, kind, value }
}

static FUNCTIONS: &[Function] = &[
    function("current_catalog", ColumnType::Text, database),
    function("current_database", ColumnType::Text, database),
    function("current_role", ColumnType::Text, user),
    function("current_schema", ColumnType::Text, |_| Value::Text("public".to_owned())),
    function("current_user", ColumnType::Text, user),
    function("pg_advisory_unlock_all", ColumnType::Text, |_| Value::Text(String::new())),
    function("pg_backend_pid", ColumnType::Integer, |environment| {
        Value::Integer(i64::from(environment.process))
    }),
    function("pg_is_in_recovery", ColumnType::Boolean, |_| Value::Boolean(false)),
    function("session_user", ColumnType::Text, user),
    function("user", ColumnType::Text, user),
    function("version", ColumnType::Text, |_| {
        let version = env!("CARGO_PKG_VERSION");
        Value::Text(format!("PostgreSQL 15.0 (Throng {version}), protocol only"))
    }),
];

/// Functions that SQL writes without parentheses.
const WITHOUT_PARENTHESES: [&str; 5] =
    ["current_catalog", "current_role", "current_schema", "current_user", "session_user"];

fn database(environment: &Environment<'_>) -> Value {
    Value::Text(environment.database.to_owned())
}

fn user(environment: &Environment<'_>) -> Value {
    Value::Text(environment.user.to_owned())
}

/// Parses what follows SELECT.
pub(super) fn select(tokens: &mut Tokens<'_>) -> Result<SessionStatement, SessionError> {
    let mut items = Vec::new();
    loop {
        let at = tokens.place();
        items.push(item(tokens).ok_or(SessionError::Select { at })?);
        if !tokens.take_symbol(',') {
            break;
        }
    }
    if tokens.at_end() {
        return Ok(SessionStatement::Select(items));
    }
    Err(SessionError::Select { at: tokens.place() })
}

fn item(tokens: &mut Tokens<'_>) -> Option<SelectItem> {
    let mut item = match tokens.peek()? {
        Token::Text(text) => {
            tokens.next();
            constant(Value::Text(text))
        }
        Token::Word(word) if word.starts_with(|c: char| c.is_ascii_digit()) => {
            tokens.next();
            constant(Value::Integer(word.parse().ok()?))
        }
        Token::Word(_) | Token::Name(_) => named(tokens)?,
        Token::Symbol('-') => {
            tokens.next();
            let Some(Token::Word(word)) = tokens.next() else { return None };
            constant(Value::Integer(-word.parse::<i64>().ok()?))
        }
        Token::Symbol(_) => return None,
    };
    if tokens.take_word("AS") {
        item.name = tokens.take_name()?;
    }
    Some(item)
}

fn constant(value: Value) -> SelectItem {
    SelectItem { name: "?column?".to_owned(), source: Source::Constant(value) }
}

fn named(tokens: &mut Tokens<'_>) -> Option<SelectItem> {
    let mut name = tokens.take_name()?;
    match name.as_str() {
        "true" => return Some(constant(Value::Boolean(true))),
        "false" => return Some(constant(Value::Boolean(false))),
        "null" => return Some(constant(Value::Null)),
        _ => {}
    }
    if name == "pg_catalog" && tokens.take_symbol('.') {
        name = tokens.take_name()?;
    }
    if !tokens.take_symbol('(') {
        let bare = WITHOUT_PARENTHESES.contains(&name.as_str()) || name == "user";
        return if bare { call(name) } else { None };
    }
    if name == "current_setting" {
        let setting = tokens.take_text()?;
        if tokens.take_symbol(',') {
            tokens.take_name()?;
        }
        let source = Source::CurrentSetting(setting);
        return tokens.take_symbol(')').then_some(SelectItem { name, source });
    }
    tokens.take_symbol(')').then(|| call(name)).flatten()
}

fn call(name: String) -> Option<SelectItem> {
    let function = FUNCTIONS.iter().find(|function| function.name == name)?;
    Some(SelectItem { name, source: Source::Function(function) })
}

impl SelectItem {
    pub(super) fn column(&self) -> Column {
        let kind = match &self.source {
            Source::Constant(Value::Integer(_)) => ColumnType::Integer,
            Source::Constant(Value::Boolean(_)) => ColumnType::Boolean,
            Source::Constant(_) | Source::CurrentSetting(_) => ColumnType::Text,
            Source::Function(function) => function.kind,
        };
        Column { name: self.name.clone(), kind }
    }

    pub(super) fn value(&self, environment: &Environment<'_>) -> Result<Value, SessionError> {
        match &self.source {
            Source::Constant(value) => Ok(value.clone()),
            Source::Function(function) => Ok((function.value)(environment)),
            Source::CurrentSetting(name) => match environment.settings.get(name) {
                Some((_, value)) => Ok(Value::Text(value.to_owned())),
                None => Err(SessionError::UnknownSetting { name: name.clone() }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Environment;
    use crate::wire::session::{SessionStatement, parse};
    use crate::wire::settings::Settings;
    use throng::Value;

    fn row(text: &str) -> Vec<(String, Value)> {
        let settings = Settings::new("UTC", "ann", 1 << 30);
        let environment =
            Environment { settings: &settings, database: "shop", user: "ann", process: 7 };
        let statement = parse(text).unwrap().unwrap();
        assert!(matches!(statement, SessionStatement::Select(_)));
        let answer = statement.answer(&environment).unwrap();
        let names = answer.columns.into_iter().map(|column| column.name);
        names.zip(answer.rows.into_iter().next().unwrap()).collect()
    }

    #[test]
    fn constants_and_functions_are_answered() {
        let text = |text: &str| Value::Text(text.to_owned());
        assert_eq!(row("SELECT 1"), [("?column?".to_owned(), Value::Integer(1))]);
        assert_eq!(row("select -2 as n;"), [("n".to_owned(), Value::Integer(-2))]);
        assert_eq!(
            row("SELECT current_schema(), pg_catalog.current_database() AS d, current_user"),
            [
                ("current_schema".to_owned(), text("public")),
                ("d".to_owned(), text("shop")),
                ("current_user".to_owned(), text("ann")),
            ]
        );
        assert_eq!(
            row("SELECT pg_backend_pid()"),
            [("pg_backend_pid".to_owned(), Value::Integer(7))]
        );
        assert_eq!(
            row("SELECT current_setting('TimeZone', true)"),
            [("current_setting".to_owned(), text("UTC"))]
        );
        let version = &row("SELECT pg_catalog.version()")[0].1;
        assert!(version.to_string().starts_with("PostgreSQL 15"));
    }

    #[test]
    fn other_selects_are_refused_with_a_way_out() {
        for text in [
            "SELECT * FROM events",
            "SELECT count(*)",
            "SELECT 1 FROM x",
            "SELECT pg_sleep(1)",
            "SELECT $1",
            "SELECT version",
            "SELECT",
        ] {
            let error = parse(text).unwrap().unwrap_err();
            assert_eq!(error.sqlstate(), "0A000", "{text}");
            assert!(error.hint().unwrap().contains("docs/language.md"), "{text}");
        }
    }
}
