//! Statements as data: what each means, in canonical text, and what it answers; or its error.
//!
//! A case is a line `> statement` (more lines of it begin with `>` too) and the lines that must
//! come out. `THRONG_BLESS=1` writes the files anew; read the difference before keeping it.

use throng_query::plan::{Column, ColumnType, ExplainFormat, ExplainMode, Statement};
use throng_query::{ParameterValue, QueryError, bind, create_text, describe, parse, query_text};

use crate::catalog::Names;

const FILES: &[(&str, &str)] = &[
    ("sets.txt", include_str!("cases/sets.txt")),
    ("queries.txt", include_str!("cases/queries.txt")),
    ("statements.txt", include_str!("cases/statements.txt")),
    ("syntax_errors.txt", include_str!("cases/syntax_errors.txt")),
    ("binding_errors.txt", include_str!("cases/binding_errors.txt")),
];

#[test]
fn every_statement_means_what_its_case_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (file, text) in FILES {
        let mut fresh = String::new();
        for case in cases(text) {
            count += case.statement.is_some() as usize;
            let answer = match &case.statement {
                Some(statement) => outcome(statement),
                None => case.expected.clone(),
            };
            if answer != case.expected {
                wrong.push(format!("{file}:\n{}--- now:\n{answer}\n", case.text()));
            }
            fresh.push_str(&case.source);
            fresh.push_str(&answer);
            fresh.push('\n');
        }
        bless(file, &fresh);
    }
    assert!(wrong.is_empty(), "{} cases differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 150, "only {count} cases were found");
}

fn bless(file: &str, fresh: &str) {
    if std::env::var_os("THRONG_BLESS").is_none() {
        return;
    }
    let path = format!("{}/tests/language/cases/{file}", env!("CARGO_MANIFEST_DIR"));
    #[expect(clippy::disallowed_methods, reason = "a developer asked to rewrite a test's data")]
    std::fs::write(path, fresh.trim_end().to_owned() + "\n").unwrap();
}

struct Case {
    /// The lines of the statement with their marks, or a comment.
    source: String,
    statement: Option<String>,
    expected: String,
}

impl Case {
    fn text(&self) -> String {
        format!("{}{}", self.source, self.expected)
    }
}

/// Blocks of lines, separated by empty lines.
fn cases(text: &str) -> Vec<Case> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty());
    let case = |block: &str| {
        let mut source = String::new();
        let mut statement: Vec<&str> = Vec::new();
        let mut expected = String::new();
        for line in block.trim_matches('\n').lines() {
            match line.strip_prefix("> ") {
                Some(part) => {
                    source.push_str(&format!("{line}\n"));
                    statement.push(part);
                }
                None => expected.push_str(&format!("{line}\n")),
            }
        }
        let statement = (!statement.is_empty()).then(|| statement.join("\n"));
        Case { source, statement, expected }
    };
    blocks.map(case).collect()
}

fn outcome(statement: &str) -> String {
    match meaning(statement) {
        Ok(text) => text,
        Err(error) => format!("{}\n", error.render(statement)),
    }
}

fn meaning(statement: &str) -> Result<String, QueryError> {
    let ast = parse(statement)?;
    let description = describe(&ast, &Names)?;
    let mut out = String::new();
    if description.parameters.is_empty() {
        let plan = bind(&ast, &Names, &[])?;
        assert_eq!(plan.columns, description.columns, "{statement}");
        out.push_str(&format!("{}\n", canonical(&plan.statement)));
    } else {
        let nothing: &[ParameterValue] = &[];
        let error = bind(&ast, &Names, nothing).unwrap_err();
        assert_eq!(error.sqlstate(), "42P02", "{statement}");
        let types: Vec<&str> = description.parameters.iter().map(|kind| word(*kind)).collect();
        out.push_str(&format!("  $ {}\n", types.join(", ")));
    }
    if !description.columns.is_empty() {
        out.push_str(&format!("  : {}\n", columns_text(&description.columns)));
    }
    Ok(out)
}

fn canonical(statement: &Statement) -> String {
    match statement {
        Statement::Query(query) => query_text(query, &Names),
        Statement::Explain { mode, format, query } => {
            let analyze = if *mode == ExplainMode::Analyze { "ANALYZE " } else { "" };
            let query = query_text(query, &Names);
            match format {
                ExplainFormat::Text => format!("EXPLAIN {analyze}{query}"),
                ExplainFormat::Json if *mode == ExplainMode::Analyze => {
                    format!("EXPLAIN (ANALYZE, FORMAT JSON) {query}")
                }
                ExplainFormat::Json => format!("EXPLAIN (FORMAT JSON) {query}"),
            }
        }
        Statement::Create(create) => create_text(create, &Names),
        other => format!("{other:?}"),
    }
}

fn columns_text(columns: &[Column]) -> String {
    let texts = columns.iter().map(|column| format!("{} {}", column.name, word(column.kind)));
    texts.collect::<Vec<_>>().join(", ")
}

fn word(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Integer => "integer",
        ColumnType::Numeric { scale: 0 } => "numeric(0)",
        ColumnType::Numeric { scale: 2 } => "numeric(2)",
        ColumnType::Numeric { .. } => "numeric",
        ColumnType::Double => "double",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
    }
}
