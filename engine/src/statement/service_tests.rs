//! Limits of statements, what SHOW SERVER says, and explanations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::{
    Cancel, CreateOptions, Database, DatabaseError, Date, Event, EventBatch, ExecuteError,
    ExecuteOptions, MemoryUse, Method, Probe, UseMemo, Value, When,
};

/// A store of 300,000 consumers in 5 chunks, who bought and viewed at two brands.
fn store() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::create(&dir.path().join("store"), &CreateOptions::default()).unwrap();
    for part in 0..3 {
        let mut batch = EventBatch::new();
        for number in part * 100_000..(part + 1) * 100_000 {
            let consumer = format!("id:{number}");
            let brand = if number % 3 == 0 { "one" } else { "two" };
            let behaviour = if number % 2 == 0 { "buy" } else { "view" };
            let day = When::day(Date(17_000 + number % 200));
            batch.push(&Event::new(&consumer, brand, behaviour, day));
        }
        database.ingest(&batch, None).unwrap();
    }
    (dir, database)
}

fn fails(done: Result<crate::Answer, DatabaseError>) -> ExecuteError {
    match done {
        Err(DatabaseError::Execute(error)) => error,
        other => panic!("{other:?}"),
    }
}

const TREND: &str = "COUNT BY one.stage, two.stage EVERY 1 DAY FROM '2016-07-20' TO '2017-01-30'";

#[test]
fn a_statement_ends_soon_after_its_cancellation_or_deadline() {
    let (_dir, database) = store();
    // Each piece of work takes some milliseconds more, so that all of it takes seconds.
    let slow = || Probe::new(|| std::thread::sleep(Duration::from_millis(5)));
    for method in [Method::Best, Method::Sets] {
        for after in [0, 20, 45, 90] {
            let cancel = Arc::new(Cancel::default());
            let options = ExecuteOptions {
                cancel: Arc::clone(&cancel),
                probe: slow(),
                method,
                threads: Some(1),
                ..ExecuteOptions::default()
            };
            let (done, late) = std::thread::scope(|scope| {
                let waiting = scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(after));
                    cancel.cancel();
                    Instant::now()
                });
                let done = database.execute(TREND, &[], &options);
                let returned = Instant::now();
                (done, returned.saturating_duration_since(waiting.join().unwrap()))
            });
            // Only what was done before it was cancelled may have an answer.
            if let Err(error) = done {
                assert!(matches!(fails(Err(error)), ExecuteError::Cancelled));
            }
            assert!(late < Duration::from_secs(2), "{late:?} after {after} ms, {method:?}");
        }
        let until = Instant::now() + Duration::from_millis(15);
        let options = ExecuteOptions {
            deadline: Some(until),
            probe: slow(),
            method,
            threads: Some(1),
            ..Default::default()
        };
        let error = fails(database.execute(TREND, &[], &options));
        assert!(matches!(error, ExecuteError::Deadline), "{error}");
        assert!(until.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn memory_beyond_the_limit_is_refused_by_name_and_what_is_enough_is_taken() {
    let (_dir, database) = store();
    let within = |statement: &str, memory: usize| {
        let options = ExecuteOptions {
            memory: Some(memory),
            method: Method::Sets,
            threads: Some(2),
            ..ExecuteOptions::default()
        };
        database.execute(statement, &[], &options)
    };
    let error = fails(within("COUNT WHERE one DID buy", 1 << 20));
    let ExecuteError::Memory { limit, needed, of } = error else { panic!("{error}") };
    assert_eq!((limit, of), (1 << 20, MemoryUse::Sets));
    // What it says is needed is more than it had, and about as much as is enough.
    assert!(needed > limit);
    assert!(within("COUNT WHERE one DID buy", needed * 3).is_ok());
    let text = fails(within(TREND, 1 << 20)).to_string();
    assert!(text.contains("1024 kB"), "{text}");
    assert!(text.contains("for sets of a chunk"), "{text}");
    let hint = fails(within(TREND, 1 << 20)).hint().unwrap();
    assert!(hint.contains("SET statement_memory"), "{hint}");
    // A group for each day of a consumer's purchases: the numbers of groups are what is too much.
    let groups = "PROFILE BY BRANDS OF ANY BRAND DID (buy, view), one.stage, two.stage";
    assert!(within(groups, 64 << 20).is_ok());
    let frozen = "CREATE FROZEN AUDIENCE most AS NOT SAMPLE 1 PERCENT";
    let ExecuteError::Memory { needed, .. } = fails(within(frozen, 1 << 20)) else { panic!() };
    // The sets of the worker fit, and the members that are kept do not.
    let error = fails(within(frozen, needed + 16_384));
    assert!(matches!(error, ExecuteError::Memory { of: MemoryUse::Members, .. }), "{error}");
    within(frozen, 64 << 20).unwrap();
}

#[test]
fn what_is_counted_is_given_back_between_statements() {
    let (_dir, database) = store();
    let options = ExecuteOptions { memory: Some(64 << 20), ..ExecuteOptions::default() };
    let first = database.execute(TREND, &[], &options).unwrap();
    for _ in 0..5 {
        assert_eq!(database.execute(TREND, &[], &options).unwrap().rows, first.rows);
    }
}

#[test]
fn a_panic_of_a_worker_is_an_error_of_its_statement() {
    let (_dir, database) = store();
    let expected = database.query("COUNT BY one.stage").unwrap();
    for threads in [1, 2, 4] {
        for at in [0, 1, 3] {
            let calls = AtomicUsize::new(0);
            let probe = Probe::new(move || {
                assert_ne!(calls.fetch_add(1, Ordering::Relaxed), at, "on purpose");
            });
            let options = ExecuteOptions {
                probe,
                method: Method::Sets,
                threads: Some(threads),
                memo: UseMemo::No,
                ..ExecuteOptions::default()
            };
            let error = fails(database.execute("COUNT BY one.stage", &[], &options));
            assert!(matches!(error, ExecuteError::Panicked), "{error}");
            assert_eq!(database.query("COUNT BY one.stage").unwrap().rows, expected.rows);
        }
    }
}

fn properties(database: &Database, options: &ExecuteOptions) -> Vec<(String, Option<String>)> {
    let answer = database.execute("SHOW SERVER", &[], options).unwrap();
    let text = |value: &Value| match value {
        Value::Null => None,
        value => Some(value.to_string()),
    };
    let pair = |row: &Vec<Value>| (row[0].to_string(), text(&row[1]));
    answer.rows.iter().map(pair).collect()
}

#[test]
fn show_server_tells_what_answers() {
    let (dir, database) = store();
    let options = ExecuteOptions {
        now: Some(1_510_479_000),
        connections: Some(7),
        threads: Some(3),
        memory: Some(123_456),
        ..ExecuteOptions::default()
    };
    let told = properties(&database, &options);
    let of = |name: &str| {
        let found = told.iter().find(|(property, _)| property == name);
        found.unwrap_or_else(|| panic!("{name}")).1.clone()
    };
    let is = |name: &str, value: &str| assert_eq!(of(name).as_deref(), Some(value), "{name}");
    is("version", env!("CARGO_PKG_VERSION"));
    is("store", &dir.path().join("store").display().to_string());
    is("workers", "3");
    is("statement_memory", "123456");
    is("statements_running", "1");
    is("connections", "7");
    is("background_merging", "25 % of a core");
    is("events", "300000");
    is("consumers", "300000");
    is("brands", "2");
    is("segments", &database.view().unwrap().snapshot().segments().len().to_string());
    is("kernels", crate::kernel::level().name());
    assert!(of("open_since").unwrap().starts_with("2017-11-12T0"));
    assert!(of("kernels_available").unwrap().starts_with("portable"));
    let told = properties(&database, &ExecuteOptions::default());
    let null =
        |name: &str| told.iter().any(|(property, value)| property == name && value.is_none());
    assert!(null("open_since") && null("connections"), "what nobody knows is null");
}

#[test]
fn statements_that_run_are_counted() {
    let (_dir, database) = store();
    let database = Arc::new(database);
    let seen = Arc::new(AtomicUsize::new(0));
    let (inner, most) = (Arc::clone(&database), Arc::clone(&seen));
    let probe = Probe::new(move || {
        let told = properties(&inner, &ExecuteOptions::default());
        let running = told.iter().find(|(name, _)| name == "statements_running").unwrap();
        most.fetch_max(running.1.as_ref().unwrap().parse().unwrap(), Ordering::Relaxed);
    });
    let options = ExecuteOptions { probe, ..ExecuteOptions::default() };
    database.execute("COUNT BY one.stage", &[], &options).unwrap();
    assert!(seen.load(Ordering::Relaxed) >= 2, "the COUNT and the SHOW within it");
    let told = properties(&database, &ExecuteOptions::default());
    assert!(told.contains(&("statements_running".to_owned(), Some("1".to_owned()))));
}

fn explained(database: &Database, statement: &str, method: Method) -> Json {
    let options = ExecuteOptions { method, memo: UseMemo::No, ..ExecuteOptions::default() };
    let answer = database.execute(statement, &[], &options).unwrap();
    assert_eq!((answer.rows.len(), answer.columns.len()), (1, 1), "{statement}");
    serde_json::from_str(&answer.rows[0][0].to_string()).unwrap()
}

#[test]
fn an_explanation_as_json_is_one_document() {
    let (_dir, database) = store();
    let query = "COUNT WHERE one DID buy AND NOT two DID view";
    let plan = explained(&database, &format!("EXPLAIN (FORMAT JSON) {query}"), Method::Best);
    assert_eq!(plan["analyzed"], false);
    assert!(plan.get("elapsed_ms").is_none());
    assert_eq!(plan["passes"][0]["sets"][0]["text"], "first without second");
    let statement = format!("EXPLAIN (ANALYZE, FORMAT JSON) {query}");
    let ran = explained(&database, &statement, Method::Sets);
    assert_eq!((&ran["analyzed"], &ran["store_chunks"]), (&true.into(), &5.into()));
    assert!(ran["machine_bytes_per_second"].as_f64().unwrap() > 1e7);
    assert!(ran["memory_bytes"].as_u64().unwrap() > 0);
    let pass = &ran["passes"][0];
    assert_eq!(
        (&pass["way"], &pass["chunks"], &pass["days"]),
        (&"sets".into(), &5.into(), &1.into())
    );
    assert!(pass["bandwidth_share"].as_f64().unwrap() > 0.0);
    // What the nodes read is what the pass read, and every chunk was computed or skipped.
    fn each(node: &Json, visit: &mut dyn FnMut(&Json)) {
        visit(node);
        node["of"].as_array().into_iter().flatten().for_each(|child| each(child, visit));
    }
    let (mut bytes, mut nodes, mut leaves) = (0, 0, 0);
    for set in pass["sets"].as_array().unwrap() {
        each(set, &mut |node| {
            if node.get("again").is_some() {
                return;
            }
            nodes += 1;
            leaves +=
                usize::from(node["rows"].as_u64().unwrap() + node["bytes"].as_u64().unwrap() > 0);
            bytes += node["bytes"].as_u64().unwrap();
            let seen = node["chunks"].as_u64().unwrap() + node["chunks_skipped"].as_u64().unwrap();
            assert_eq!(seen, 5, "{node}");
            assert!(node["chunks_occupied"].as_u64() <= node["chunks"].as_u64());
            assert!(node["time_ms"].as_f64().unwrap() >= 0.0);
        });
    }
    assert_eq!(Some(bytes), pass["bytes"].as_u64());
    assert!(bytes > 0 && nodes >= 3 && leaves >= 2, "{ran}");
    let rows = explained(&database, &statement, Method::Best);
    assert_eq!(rows["passes"][0]["way"], "rows");
    assert_eq!(rows["passes"][0]["sets"][0].get("time_ms"), None);
    let trend = format!("EXPLAIN (ANALYZE, FORMAT JSON) {TREND}");
    let trend = explained(&database, &trend, Method::Best);
    let days: u64 =
        trend["passes"].as_array().unwrap().iter().map(|pass| pass["days"].as_u64().unwrap()).sum();
    assert_eq!(days, 195);
}

#[test]
fn containers_are_counted_by_kind() {
    let (_dir, database) = store();
    database.query("CREATE FROZEN AUDIENCE some AS SAMPLE 1 PERCENT").unwrap();
    database.query("CREATE FROZEN AUDIENCE most AS NOT SAMPLE 30 PERCENT").unwrap();
    let statement = "EXPLAIN (ANALYZE, FORMAT JSON) COUNT WHERE AUDIENCE some AND AUDIENCE most";
    let ran = explained(&database, statement, Method::Sets);
    let text = ran.to_string();
    assert!(text.contains("\"arrays\":5") && text.contains("\"bitsets\":5"), "{text}");
    let statement = statement.replace("FORMAT JSON", "FORMAT TEXT");
    let options = ExecuteOptions { memo: UseMemo::No, ..ExecuteOptions::default() };
    let answer = database.execute(&statement, &[], &options).unwrap();
    let lines: Vec<_> = answer.rows.iter().map(|row| row[0].to_string()).collect();
    assert!(lines[0].contains("% of the machine's read bandwidth"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains(", 5 arrays")), "{lines:#?}");
    assert!(lines.last().unwrap().contains("this machine reads"), "{lines:#?}");
    // Asked again it needs nothing from the store, and says so.
    database.query(&statement).unwrap();
    let answer = database.query(&statement).unwrap();
    let first = answer.rows[0][0].to_string();
    assert!(first.contains("0 chunks") && first.contains("from the memo"), "{first}");
}

fn lines_with(database: &Database, statement: &str, memo: UseMemo) -> Vec<String> {
    let options = ExecuteOptions { memo, ..ExecuteOptions::default() };
    let answer = database.execute(statement, &[], &options).unwrap();
    answer.rows.iter().map(|row| row[0].to_string()).collect()
}

#[test]
fn what_is_asked_again_is_made_once_and_what_is_too_large_is_not_tried_again() {
    let (_dir, database) = store();
    let mut batch = EventBatch::new();
    for number in (0..300_000).step_by(50) {
        let day = When::day(Date(17_100));
        batch.push(&Event::new(&format!("id:{number}"), "three", "buy", day));
    }
    database.ingest(&batch, None).unwrap();
    let ask = || lines_with(&database, "EXPLAIN ANALYZE COUNT BY three.stage", UseMemo::Sets);
    assert!(ask()[0].contains("row by row"));
    // Now its sets are made, each chunk once, and kept.
    let second = ask();
    assert!(!second[0].contains("row by row"), "{second:#?}");
    let (mut told, chunks) = (0, database.view().unwrap().chunk_end());
    for line in second.iter().filter(|line| line.contains(" chunks,")).skip(1) {
        let seen = line.split('[').nth(1).unwrap().split(' ').nth(2).unwrap();
        assert!(seen.parse::<u32>().unwrap() <= chunks, "{second:#?}");
        told += 1;
    }
    assert!(told > 2, "{second:#?}");
    assert!(ask()[0].contains("from the memo"));
    // The 6,000 who bought do not fit a quarter of this.
    database.memo().set_limit(0);
    database.memo().set_limit(32_000);
    for round in 0..4 {
        let by_rows = ask()[0].contains("row by row");
        assert_eq!(by_rows, round != 1, "{round}");
        assert!(database.memo().usage().bytes <= 32_000);
    }
}
