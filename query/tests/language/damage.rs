//! Damaged statements and random bytes: an error with a place, never a panic.

use throng_query::plan::Statement;
use throng_query::{
    QueryError, bind, bind_model, bind_set, complete, describe, is_complete, parse, query_text,
    split_statements,
};

use crate::catalog::Names;
use crate::random::Random;

const SEEDS: &[&str] = &[
    include_str!("cases/sets.txt"),
    include_str!("cases/queries.txt"),
    include_str!("cases/statements.txt"),
];

const SCRAPS: &[&str] = &[
    "'",
    "\"",
    "(",
    ")",
    ",",
    ".",
    ";",
    "--",
    "/*",
    "*/",
    "$1",
    "$",
    "-",
    "0",
    "99999999999999999999",
    "1.5",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "AS OF",
    "'2017-11-11'",
    "'2017-02-30'",
    "BY",
    "DID",
    "SPENT",
    "IS",
    "ANY",
    "ANY BRAND",
    "STAGE",
    "stage",
    "estee",
    "雅诗兰黛",
    "\u{0}",
    "\u{feff}",
    "e\u{301}",
    "🦀",
    "\\",
    "=",
    "<>",
    "!=",
    "<",
    "WHERE",
    "EVERY 1 DAY FROM",
    "TO",
    "LIMIT",
    "ORDER BY 1",
    "AUDIENCE",
    "SAMPLE",
    "ALL",
    "TRUE",
    "UNKNOWN",
    "REGIONS",
    "ON",
    "TIMES",
    "\n",
];

fn statements() -> Vec<String> {
    let lines = SEEDS.iter().flat_map(|file| file.lines());
    lines.filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect()
}

fn check_error(error: &QueryError, text: &str) {
    assert!(error.span.start <= error.span.end, "{text:?}: {error:?}");
    assert!(error.span.end <= text.len(), "{text:?}: {error:?}");
    assert!(text.is_char_boundary(error.span.start), "{text:?}: {error:?}");
    assert!(text.is_char_boundary(error.span.end), "{text:?}: {error:?}");
    assert!(error.message.len() < 1_000, "{error:?}");
    assert!(!error.message.is_empty() && !error.message.ends_with('.'), "{error:?}");
    let shown = error.render(text);
    assert!(shown.starts_with(&format!("error[{}]: ", error.sqlstate())), "{shown}");
    assert!(shown.contains('^'), "{shown}");
}

/// Everything a text can go through.
fn endure(text: &str, random: &mut Random) {
    let ranges = split_statements(text);
    assert!(ranges.iter().all(|range| text.get(range.clone()).is_some()));
    let finished = is_complete(text);
    assert!(!finished || ranges.is_empty() || text.contains(';'), "{text:?}");
    if random.one_in(8) {
        for found in complete(text, random.below(text.len() + 2), &Names) {
            assert!(text.get(found.replaces).is_some(), "{text:?}");
        }
    }
    for error in [bind_set(text, &Names).err(), bind_model("m", text, &Names).err()] {
        error.iter().for_each(|error| check_error(error, text));
    }
    let ast = match parse(text) {
        Ok(ast) => ast,
        Err(error) => return check_error(&error, text),
    };
    let description = describe(&ast, &Names);
    if let Err(error) = &description {
        check_error(error, text);
    }
    match bind(&ast, &Names, &[]) {
        Ok(plan) => {
            assert_eq!(plan.columns, description.unwrap().columns, "{text:?}");
            if let Statement::Query(query) = plan.statement {
                let again = query_text(&query, &Names);
                let plan = bind(&parse(&again).unwrap(), &Names, &[]).unwrap();
                assert_eq!(plan.statement, Statement::Query(query), "{text:?}\n{again:?}");
            }
        }
        Err(error) => check_error(&error, text),
    }
}

fn boundary(text: &str, random: &mut Random) -> usize {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn damaged(text: &str, random: &mut Random) -> String {
    let (a, b) = (boundary(text, random), boundary(text, random));
    let (from, to) = (a.min(b), a.max(b));
    match random.below(5) {
        0 => format!("{}{}", &text[..from], &text[to..]),
        1 => text[..from].to_owned(),
        2 => format!("{}{}{}", &text[..to], &text[from..to], &text[to..]),
        3 => format!("{}{}{}", &text[..from], random.pick(SCRAPS), &text[from..]),
        _ => format!("{} {} {}", &text[..from], random.pick(SCRAPS), &text[to..]),
    }
}

#[test]
fn damaged_statements_are_errors_with_a_place() {
    let statements = statements();
    assert!(statements.len() > 80);
    let mut random = Random(4);
    for round in 0..8_000 {
        let mut text = statements[round % statements.len()].clone();
        for _ in 0..=random.below(4) {
            text = damaged(&text, &mut random);
        }
        endure(&text, &mut random);
    }
}

#[test]
fn every_beginning_of_a_statement_is_an_error_with_a_place() {
    let mut random = Random(5);
    for text in statements() {
        for (at, _) in text.char_indices() {
            endure(&text[..at], &mut random);
        }
    }
}

#[test]
fn random_bytes_and_random_scraps_are_errors_with_a_place() {
    let mut random = Random(6);
    for _ in 0..4_000 {
        let length = random.below(60);
        let bytes: Vec<u8> = (0..length).map(|_| random.bits().to_be_bytes()[0]).collect();
        endure(&String::from_utf8_lossy(&bytes), &mut random);
        let scraps: Vec<&str> = (0..random.below(30)).map(|_| *random.pick(SCRAPS)).collect();
        endure(&scraps.join(" "), &mut random);
    }
}
