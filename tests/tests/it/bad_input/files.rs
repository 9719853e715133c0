//! Files that cannot be loaded.

use std::fs;
use std::time::Instant;

use super::trial::{GOOD, Trial};
use crate::command::{query, run, run_with_input};
use crate::oracle::dice::Dice;

const HEADER: &str = "consumer,brand,behaviour,time,amount\n";

fn with_row(row: &str) -> Vec<u8> {
    format!("{HEADER}u8,estee,view,2017-11-12,\n{row}\nu9,estee,view,2017-11-12,\n").into_bytes()
}

#[test]
fn an_empty_file() {
    let trial = Trial::new();
    trial.refuses(&trial.file("empty.csv", b""), &["empty.csv", "empty"]);
}

#[test]
fn a_file_that_is_not_there() {
    let trial = Trial::new();
    trial.refuses(&trial.dir.path().join("nowhere.csv"), &["nowhere.csv", "no such file"]);
}

#[test]
fn a_directory() {
    let trial = Trial::new();
    let path = trial.dir.path().join("folder.csv");
    fs::create_dir(&path).unwrap();
    trial.refuses(&path, &["folder.csv", "directory"]);
}

#[test]
fn a_binary_file() {
    let trial = Trial::new();
    let mut dice = Dice::new(3);
    let bytes: Vec<u8> = (0..50_000).map(|_| u8::try_from(dice.number(0..=255)).unwrap()).collect();
    trial.refuses(&trial.file("photo.csv", &bytes), &["photo.csv"]);
    // An executable: it has zero bytes and long lines.
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    trial.refuses(&trial.file("program.csv", &program[..2_000_000]), &["program.csv"]);
    // The beginnings of compressed files, and nothing behind.
    trial.refuses(&trial.file("cut.csv.gz", &[0x1f, 0x8b, 8, 0, 1, 2]), &["cut.csv.gz"]);
    trial.refuses(&trial.file("cut.parquet", b"PAR1 and no more"), &["cut.parquet"]);
}

#[test]
fn a_header_without_rows() {
    let trial = Trial::new();
    trial.refuses(&trial.file("header.csv", HEADER.as_bytes()), &["header.csv", "no row"]);
}

#[test]
fn a_header_without_a_needed_column() {
    let trial = Trial::new();
    let file = trial.file("columns.csv", b"user,brand,behaviour,time\nu1,estee,view,2017-11-11\n");
    // The column that looks like it is named.
    trial.refuses(&file, &["consumer", "--map consumer=", "user"]);
}

#[test]
fn a_line_of_a_hundred_megabytes() {
    let trial = Trial::new();
    let mut bytes = HEADER.as_bytes().to_vec();
    bytes.extend(b"u8,estee,view,2017-11-12,\n");
    bytes.resize(bytes.len() + 100_000_000, b'x');
    bytes.extend(b"\nu9,estee,view,2017-11-12,\n");
    let path = trial.file("long.csv", &bytes);
    drop(bytes);
    let started = Instant::now();
    trial.refuses(&path, &["long.csv", "3"]);
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    let mut quoted = format!("{HEADER}u8,estee,view,2017-11-12,\n\"").into_bytes();
    quoted.resize(quoted.len() + 100_000_000, b'\n');
    trial.refuses(&trial.file("open quote.csv", &quoted), &["open quote.csv", "3"]);
}

#[test]
fn bytes_that_are_no_text() {
    let trial = Trial::new();
    let mut row = with_row("BAD,estee,view,2017-11-12,");
    let at = row.windows(3).position(|window| window == b"BAD").unwrap();
    row[at] = 0xff;
    trial.refuses(&trial.file("latin1.csv", &row), &["latin1.csv", "3", "utf-8"]);
}

#[test]
fn times_outside_the_calendar_of_the_store() {
    let trial = Trial::new();
    for time in ["1800-01-01", "9999-12-31", "1969-12-31 23:59:59", "2149-06-06"] {
        let file = trial.file("time.csv", &with_row(&format!("u8,estee,view,{time},")));
        let limit = if time < "2000" { "1970-01-01" } else { "2149-06-05" };
        trial.refuses(&file, &["3", "time", time, limit]);
    }
    for time in ["2017-02-29", "yesterday", "2017-11-11 25:00:00", "2017-13-01"] {
        let file = trial.file("time.csv", &with_row(&format!("u8,estee,view,{time},")));
        trial.refuses(&file, &["3", "time", time]);
    }
    let edges = with_row("u8,estee,view,1970-01-01 00:00:00,");
    let edges = [edges, b"u8,estee,view,2149-06-05 23:59:59,\n".to_vec()].concat();
    let file = trial.file("edges.csv", &edges);
    run(&trial.data, &["load", "events", file.to_str().unwrap()]).good();
    assert_eq!(query(&trial.data, "COUNT WHERE estee DID view ON '1970-01-01'"), [["1"]]);
}

#[test]
fn an_amount_with_three_decimals() {
    let trial = Trial::new();
    let file = trial.file("amount.csv", &with_row("u8,estee,buy,2017-11-12,19.995"));
    trial.refuses(&file, &["3", "amount", "19.995"]);
    for amount in ["-5.00", "1e30", "12,50", "99999999999999999999.00", "NaN"] {
        let file =
            trial.file("amount.csv", &with_row(&format!("u8,estee,buy,2017-11-12,{amount}")));
        trial.refuses(&file, &["3"]);
    }
    // Three decimals of which the last is nothing are two.
    let file = trial.file("zero.csv", &with_row("u8,estee,buy,2017-11-12,19.990"));
    run(&trial.data, &["load", "events", file.to_str().unwrap()]).good();
    assert_eq!(query(&trial.data, "SUM estee.spend"), [["119.99"]]);
}

#[test]
fn a_behaviour_that_is_not_known() {
    let trial = Trial::new();
    let file = trial.file("behaviour.csv", &with_row("u8,estee,favourite,2017-11-12,"));
    trial.refuses(&file, &["3", "favourite", "did you mean", "favorite"]);
    let file = trial.file("behaviour.csv", &with_row("u8,estee,unboxing,2017-11-12,"));
    trial.refuses(&file, &["3", "unboxing", "--new-behaviours"]);
    let load = ["load", "events", file.to_str().unwrap(), "--new-behaviours"];
    run(&trial.data, &load).good();
    assert_eq!(query(&trial.data, "COUNT WHERE estee DID unboxing"), [["1"]]);
}

#[test]
fn rows_that_are_too_short_or_too_long() {
    let trial = Trial::new();
    trial.refuses(&trial.file("short.csv", &with_row("u8,estee,view")), &["3"]);
    let long = with_row("u8,estee,view,2017-11-12,1.00,more,and more");
    trial.refuses(&trial.file("long.csv", &long), &["3"]);
}

#[test]
fn bad_rows_are_counted_listed_and_allowed_on_request() {
    let trial = Trial::new();
    let rows =
        [with_row("u8,estee,buy,1800-01-01,1.00"), b"u7,estee,buy,2017-11-12,1.001\n".to_vec()];
    let file = trial.file("mixed.csv", &rows.concat());
    trial.refuses_with(&file, &["--max-rejects", "1"], &["2"]);
    let rejects = trial.dir.path().join("mixed.rejects.csv");
    let options = ["load", "events", file.to_str().unwrap(), "--max-rejects", "2"];
    let reject_file = ["--rejects", rejects.to_str().unwrap()];
    run(&trial.data, &[&options[..], &reject_file[..]].concat()).good();
    assert_eq!(query(&trial.data, "COUNT WHERE estee DID view"), [["3"]]);
    let listed = fs::read_to_string(&rejects).unwrap();
    assert!(listed.lines().count() == 3 && listed.contains("1800-01-01"), "{listed}");
}

#[test]
fn a_stream_is_refused_as_a_file_is() {
    let trial = Trial::new();
    let bad = with_row("u8,estee,buy,2017-11-12,1.001");
    run_with_input(&trial.data, &["load", "events", "-"], &bad).bad(&["3", "amount"]);
    run_with_input(&trial.data, &["load", "events", "-"], b"").bad(&["empty"]);
    trial.nothing_lost();
    run_with_input(&trial.data, &["load", "events", "-"], GOOD.as_bytes()).good();
    assert_eq!(query(&trial.data, "SUM ANY BRAND.spend"), [["239.80"]]);
}

#[test]
fn a_trial_run_keeps_nothing() {
    let trial = Trial::new();
    let file = trial.file("new.csv", &with_row("u7,zara,buy,2017-11-12,5.00"));
    let ended = run(&trial.data, &["load", "events", file.to_str().unwrap(), "--dry-run"]).good();
    assert!(ended.out.contains("consumer"), "{}", ended.out);
    trial.nothing_lost();
    // Not even a store is made by one.
    let nowhere = trial.dir.path().join("no store");
    run(&nowhere, &["load", "events", file.to_str().unwrap(), "--dry-run"]).good();
    assert!(!nowhere.exists());
}

#[test]
fn a_file_with_its_token_is_loaded_once() {
    let trial = Trial::new();
    let file = trial.file("again.csv", &with_row("u7,zara,buy,2017-11-12,5.00"));
    let load = ["load", "events", file.to_str().unwrap(), "--token", "day 12"];
    run(&trial.data, &load).good();
    let ended = run(&trial.data, &load).good();
    assert!(ended.out.contains("applied before"), "{}{}", ended.out, ended.err);
    assert_eq!(query(&trial.data, "SUM zara.spend"), [["5.00"]]);
}
