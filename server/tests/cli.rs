//! The command line from outside: what it prints, where, and how it ends.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn throng(data: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_throng"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const MARKET: [&str; 9] =
    ["generate", "--consumers", "3000", "--events", "40k", "--brands", "12", "--seed", "5"];

/// A store with a small market.
fn market() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let made = throng(&dir.path().join("store"), &MARKET, "");
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stderr).starts_with("40,000 events of 3,000 consumers at 12 brands"));
    dir
}

#[test]
fn a_question_is_answered_in_every_format() {
    let dir = market();
    let store = dir.path().join("store");
    let statement = "COUNT BY Aurelle.stage AS OF '2017-11-12'";
    let ask = |format: &str| throng(&store, &["query", statement, "--format", format], "");

    let csv = ask("csv");
    assert!(csv.status.success());
    let lines: Vec<&str> = text(&csv.stdout).lines().collect();
    assert!(lines[0].ends_with(",count"), "{lines:?}");
    let counts = |line: &&str| line.split(',').nth(1).unwrap().parse::<i64>().unwrap();
    assert_eq!(lines[1..].iter().map(counts).sum::<i64>(), 3000);
    let rows = lines.len() - 1;
    let told = format!("note: model `aipl` version 1 (built in)\n{rows} rows, ");
    assert!(text(&csv.stderr).starts_with(&told), "{}", text(&csv.stderr));

    let json: Value = serde_json::from_slice(&ask("json").stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), rows);
    assert_eq!(json[0]["count"], counts(&lines[1]));
    assert_eq!(text(&ask("markdown").stdout).lines().count(), rows + 2);
    let table = ask("table");
    assert_eq!(text(&table.stdout).lines().count(), rows + 2);
    assert!(!text(&table.stdout).contains('\u{1b}'));
}

#[test]
fn scripts_run_until_their_first_error() {
    let dir = market();
    let store = dir.path().join("store");
    let script = "format csv\nCREATE AUDIENCE warm AS Aurelle.stage IN (A, I);\n\
        COUNT WHERE AUDIENCE warm; -- done\nCOUNT WHERE nobody.stage = L;\nSHOW BRANDS;";
    let run = throng(&store, &["shell"], script);
    assert_eq!(run.status.code(), Some(1));
    let lines: Vec<&str> = text(&run.stdout).lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0], "count");
    assert!(lines[1].parse::<u32>().unwrap() > 0);
    assert!(text(&run.stderr).contains("nobody"), "{}", text(&run.stderr));

    let both = throng(&store, &["query", "-", "-q", "--format", "csv"], "COUNT; COUNT BY gender");
    assert!(both.status.success());
    assert_eq!(text(&both.stderr), "");
    assert!(text(&both.stdout).starts_with("count\n3000\n\ngender,count\n"));
}

#[test]
fn the_same_market_is_loaded_once() {
    let dir = market();
    let again = throng(&dir.path().join("store"), &MARKET, "");
    assert!(again.status.success());
    assert!(text(&again.stderr).contains("nothing changed"), "{}", text(&again.stderr));
    let count = throng(&dir.path().join("store"), &["query", "COUNT", "-f", "csv"], "");
    assert_eq!(text(&count.stdout), "count\n3000\n");
}

#[test]
fn mistakes_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let missing = throng(&store, &["query", "COUNT"], "");
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("hint: "), "{}", text(&missing.stderr));
    assert!(!store.exists(), "a question makes no store");
    assert_eq!(throng(&store, &["query"], "").status.code(), Some(2));
    assert_eq!(throng(&store, &["conquer"], "").status.code(), Some(2));
    let days = throng(&store, &["generate", "--days", "0"], "");
    assert_eq!(days.status.code(), Some(2));
    assert!(text(&days.stderr).contains("0 days"), "{}", text(&days.stderr));

    let made = throng(&store, &MARKET, "");
    assert!(made.status.success());
    let wrong = throng(&store, &["query", "COUNT WHERE Aurelle DID favourite"], "");
    assert_eq!(wrong.status.code(), Some(1));
    let told = text(&wrong.stderr);
    assert!(told.contains("^^^^^^^^^") && told.contains("`favorite`"), "{told}");
    assert_eq!(text(&wrong.stdout), "");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let dir = market();
    let mut child = Command::new(env!("CARGO_BIN_EXE_throng"))
        .arg("--data")
        .arg(dir.path().join("store"))
        .args(["query", "COUNT BY age, gender, city_tier, registered", "--format", "csv", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn the_demo_shows_every_chapter_without_colours_in_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let arguments = ["demo", "--events", "60000", "--consumers", "4000"];
    let demo = throng(&store, &arguments, "");
    assert!(demo.status.success(), "{}", text(&demo.stderr));
    let shown = text(&demo.stdout);
    assert!(!shown.contains('\u{1b}'));
    assert_eq!(shown.matches("━━ ").count(), 6, "{shown}");
    for part in ["EXPLAIN ANALYZE", "REGIONS", "█", "●", "total", "psql", "shell"] {
        assert!(shown.contains(part), "{part} is missing in {shown}");
    }
    let again = throng(&store, &arguments, "");
    assert!(text(&again.stdout).contains("from an earlier run"));
}

#[test]
fn a_store_is_merged_and_its_bytes_are_told() {
    let dir = market();
    let store = dir.path().join("store");
    let statement = "COUNT BY Aurelle.stage AS OF '2017-11-12'";
    let before = throng(&store, &["query", statement, "--format", "csv"], "").stdout;
    let merged = throng(&store, &["compact"], "");
    assert!(merged.status.success(), "{}", text(&merged.stderr));
    assert!(merged.stdout.is_empty());
    let told = text(&merged.stderr);
    assert!(told.starts_with("Merged ") && told.ends_with(" events/s.\n"), "{told}");
    let again = throng(&store, &["compact"], "");
    assert_eq!(text(&again.stderr), "Nothing to merge: the store is compact.\n");
    let after = throng(&store, &["query", statement, "--format", "csv"], "").stdout;
    assert_eq!(before, after);
    let stats = throng(&store, &["stats", "--format", "csv"], "");
    assert!(stats.status.success(), "{}", text(&stats.stderr));
    let lines: Vec<&str> = text(&stats.stdout).lines().collect();
    assert_eq!(lines[0], "section,name,count,events,bytes,bytes_per_event");
    let has = |start: &str| lines.iter().any(|line| line.starts_with(start));
    for start in ["segments,1 day,", "segments,all,", "behaviours,view,", "columns,day packed,"] {
        assert!(has(start), "{start}: {lines:?}");
    }
    assert!(has("compaction,due,0,0,0,"), "{lines:?}");
    let absent = throng(&dir.path().join("nothing"), &["compact"], "");
    assert_eq!(absent.status.code(), Some(1));
}

#[test]
fn kernels_are_chosen_and_unknown_ones_refused() {
    let dir = market();
    let store = dir.path().join("store");
    let ask = |kernels: &str| {
        throng(&store, &["--kernels", kernels, "query", "SHOW SERVER", "-f", "csv"], "")
    };
    let told = ask("portable");
    assert!(told.status.success(), "{}", text(&told.stderr));
    let lines: Vec<&str> = text(&told.stdout).lines().collect();
    assert_eq!(lines[0], "property,value");
    assert!(lines.contains(&"kernels,portable"), "{lines:?}");
    assert!(lines.contains(&"connections,"), "nobody is connected: {lines:?}");
    let refused = ask("neon");
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("`neon`"), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("it has portable"), "{}", text(&refused.stderr));
}
