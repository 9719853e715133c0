//! The language as data: statements and their answers in `tests/cases`, in process and over TCP.
//!
//! A file begins with what its store is made of: `events FILE`, `attributes FILE`, `run
//! STATEMENT`. Each case is `== title`, the statement, then `--` and the answer (a line of column
//! names, a line per row), or `-- error SQLSTATE`, `at` with the words at fault, and what the error
//! must say.
//! `THRONG_UPDATE=1` writes the answers that are given into the files: read the difference.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use postgres::{Client, NoTls, SimpleQueryMessage};
use throng::{Database, DatabaseError, Value};
use throng_server::wire::ServeOptions;

use crate::command::run;

/// Ends the title of a case that the wire protocol answers in a way of its own.
const IN_PROCESS: &str = "[in process]";

struct Case {
    title: String,
    statement: String,
    expected: Expected,
}

#[derive(Clone, PartialEq, Debug)]
enum Expected {
    Answer(Vec<String>),
    Error { state: String, at: Option<String>, says: Vec<String> },
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "case"))
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    files
}

fn parse(text: &str) -> (Vec<String>, Vec<Case>) {
    let mut blocks = text.split("\n== ");
    let preamble = blocks.next().unwrap().lines();
    let preamble = preamble.filter(|line| !line.is_empty() && !line.starts_with('#'));
    (preamble.map(str::to_owned).collect(), blocks.map(parse_case).collect())
}

fn parse_case(block: &str) -> Case {
    let (title, rest) = block.split_once('\n').unwrap();
    let mark = rest.find("\n--\n").or_else(|| rest.find("\n-- error "));
    let mark = mark.unwrap_or_else(|| panic!("{title}: no `--`"));
    let (statement, expected) = (&rest[..mark], &rest[mark + 1..]);
    let mut lines = expected.trim_end().lines();
    let first = lines.next().unwrap();
    let expected = match first.strip_prefix("-- error ") {
        None => Expected::Answer(lines.map(str::to_owned).collect()),
        Some(state) => {
            let (at, says): (Vec<&str>, Vec<&str>) = lines.partition(|l| l.starts_with("at "));
            let at = at.first().map(|line| line[3..].to_owned());
            let says = says.into_iter().map(str::to_owned).collect();
            Expected::Error { state: state.to_owned(), at, says }
        }
    };
    Case { title: title.to_owned(), statement: statement.to_owned(), expected }
}

/// A store made of a file's preamble, through the command line.
fn build(data: &Path, preamble: &[String]) {
    for line in preamble {
        let (word, rest) = line.split_once(' ').unwrap();
        let file = folder().join("data").join(rest);
        match word {
            "events" | "attributes" => run(data, &["load", word, file.to_str().unwrap()]).good(),
            "run" => run(data, &["query", rest]).good(),
            other => panic!("`{other}` in {line}"),
        };
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        other => other.to_string(),
    }
}

fn in_process(db: &Database, case: &Case) -> Expected {
    match db.query(&case.statement) {
        Ok(answer) => {
            let names: Vec<&str> = answer.columns.iter().map(|column| &*column.name).collect();
            let rows =
                answer.rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join(" | "));
            Expected::Answer([names.join(" | ")].into_iter().chain(rows).collect())
        }
        Err(error) => {
            let at = match &error {
                DatabaseError::Query { source, text } => {
                    text.get(source.span.clone()).filter(|at| !at.is_empty()).map(str::to_owned)
                }
                _ => None,
            };
            let says = vec![error.render()];
            Expected::Error { state: error.sqlstate().to_owned(), at, says }
        }
    }
}

fn over_tcp(client: &mut Client, case: &Case) -> Expected {
    match client.simple_query(&case.statement) {
        Ok(messages) => {
            let mut lines = Vec::new();
            for message in &messages {
                match message {
                    SimpleQueryMessage::RowDescription(columns) => {
                        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
                        lines.push(names.join(" | "));
                    }
                    SimpleQueryMessage::Row(row) => {
                        let cells = (0..row.len()).map(|i| row.get(i).unwrap_or("null"));
                        lines.push(cells.collect::<Vec<_>>().join(" | "));
                    }
                    _ => {}
                }
            }
            Expected::Answer(lines)
        }
        Err(error) => {
            let error = error.as_db_error().unwrap_or_else(|| panic!("{}: {error}", case.title));
            let at = match error.position() {
                Some(postgres::error::ErrorPosition::Original(place)) => {
                    let skip = usize::try_from(*place).unwrap() - 1;
                    Some(case.statement.chars().skip(skip).collect::<String>())
                }
                _ => None,
            };
            let parts = [Some(error.message()), error.detail(), error.hint()];
            let says = vec![parts.into_iter().flatten().collect::<Vec<_>>().join("\n")];
            Expected::Error { state: error.code().code().to_owned(), at, says }
        }
    }
}

/// Whether what was found is as expected: an error may say more than it must, and over TCP the
/// place is where the words begin.
fn agrees(expected: &Expected, found: &Expected) -> bool {
    match (expected, found) {
        (Expected::Answer(expected), Expected::Answer(found)) => same_lines(expected, found),
        (
            Expected::Error { state, at, says },
            Expected::Error { state: found_state, at: found_at, says: found_says },
        ) => {
            let at_fits = at.as_ref().is_none_or(|at| {
                found_at.as_ref().is_some_and(|found| found.starts_with(at.as_str()))
            });
            let says_fit = says.iter().all(|part| found_says.iter().any(|f| f.contains(part)));
            state == found_state && at_fits && says_fit
        }
        _ => false,
    }
}

/// Numbers with many digits agree to twelve of them, and booleans are `t` over TCP.
fn same_lines(expected: &[String], found: &[String]) -> bool {
    let cell = |(a, b): (&str, &str)| {
        let truth = matches!((a, b), ("true", "t") | ("false", "f"));
        let near = || match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(x), Ok(y)) if a.contains('.') => (x - y).abs() <= 1e-12 * x.abs().max(1.0),
            _ => false,
        };
        a == b || truth || near()
    };
    let line = |(a, b): (&String, &String)| {
        let (a, b): (Vec<&str>, Vec<&str>) = (a.split(" | ").collect(), b.split(" | ").collect());
        a.len() == b.len() && a.into_iter().zip(b).all(cell)
    };
    expected.len() == found.len() && expected.iter().zip(found).all(line)
}

/// The file with the answers that were found in place of the expected ones.
fn updated(text: &str, cases: &[Case], found: &[Expected]) -> String {
    let mut out = text.split("\n== ").next().unwrap().to_owned();
    for (case, found) in cases.iter().zip(found) {
        let lines = match (&case.expected, found) {
            (Expected::Error { .. }, Expected::Error { .. }) if agrees(&case.expected, found) => {
                let start = text.find(&format!("\n== {}\n", case.title)).unwrap() + 1;
                let block = text[start..].split("\n== ").next().unwrap();
                out += &format!("\n{block}");
                continue;
            }
            (_, Expected::Answer(lines)) => format!("--\n{}", lines.join("\n")),
            (_, Expected::Error { state, at, says }) => {
                let at = at.as_ref().map_or(String::new(), |at| format!("\nat {at}"));
                format!("-- error {state}{at}\n{}", says.join("\n"))
            }
        };
        out += &format!("\n== {}\n{}\n{lines}\n", case.title, case.statement);
    }
    out
}

#[test]
fn the_language_answers_as_its_cases_say() {
    let mut problems = Vec::new();
    let mut count = 0;
    for path in files() {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (preamble, cases) = parse(&text);
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("store");
        build(&data, &preamble);
        let db = Arc::new(Database::open(&data).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server =
            throng_server::wire::start(Arc::clone(&db), listener, ServeOptions::default()).unwrap();
        let port = server.address().port();
        let settings = format!("host=127.0.0.1 port={port} user=throng dbname=throng");
        let mut client = Client::connect(&settings, NoTls).unwrap();
        let mut answers = Vec::new();
        for case in &cases {
            count += 1;
            let (local, remote) = (in_process(&db, case), over_tcp(&mut client, case));
            let everywhere = !case.title.ends_with(IN_PROCESS);
            for (way, found) in [("in process", &local), ("over TCP", &remote)] {
                let counts = everywhere || way == "in process";
                if counts && !agrees(&case.expected, found) {
                    let (title, expected) = (&case.title, &case.expected);
                    problems.push(format!(
                        "{file}: {title}, {way}\n  {}\n  expected {expected:?}\n  \
                         found    {found:?}",
                        case.statement
                    ));
                }
            }
            answers.push(local);
        }
        if std::env::var_os("THRONG_UPDATE").is_some() {
            fs::write(&path, updated(&text, &cases, &answers)).unwrap();
        }
    }
    assert!(problems.is_empty(), "{} of {count}\n{}", problems.len(), problems.join("\n"));
    println!("{count} cases, each in process and over TCP");
}
