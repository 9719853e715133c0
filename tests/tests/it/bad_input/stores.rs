//! Stores that cannot be opened.

use std::fs;

use super::trial::Trial;
use crate::command::{query, run};
use throng::Database;

#[test]
fn a_second_process_on_the_same_store() {
    let trial = Trial::new();
    let held = Database::open(&trial.data).unwrap();
    run(&trial.data, &["query", "COUNT"]).bad(&["in use by process", "store"]);
    let good = trial.file("more.csv", b"consumer,brand,behaviour,time\nu1,estee,view,2017-11-11\n");
    run(&trial.data, &["load", "events", good.to_str().unwrap()]).bad(&["in use by process"]);
    drop(held);
    trial.nothing_lost();
}

#[test]
fn a_store_of_another_version() {
    let trial = Trial::new();
    let path = trial.data.join("STORE");
    let ours = fs::read(&path).unwrap();
    // Eight bytes say what it is, four say which version.
    let mut other = ours.clone();
    other[8] += 1;
    fs::write(&path, &other).unwrap();
    run(&trial.data, &["query", "COUNT"]).bad(&["version 2", "version 1"]);
    let good = trial.file("more.csv", b"consumer,brand,behaviour,time\nu1,estee,view,2017-11-11\n");
    run(&trial.data, &["load", "events", good.to_str().unwrap()]).bad(&["version 2"]);
    for wrong in [&b""[..], b"THRG", b"SQLite format 3\0 and more", &ours[..ours.len() - 1]] {
        fs::write(&path, wrong).unwrap();
        run(&trial.data, &["query", "COUNT"]).bad(&["STORE"]);
    }
    fs::write(&path, &ours).unwrap();
    trial.nothing_lost();
}

#[test]
fn a_store_with_a_changed_byte() {
    let trial = Trial::new();
    let files: Vec<_> = fs::read_dir(&trial.data).unwrap().map(|e| e.unwrap().path()).collect();
    let segment = files.iter().find(|path| path.extension().is_some_and(|e| e == "seg"));
    let segment = segment.unwrap_or_else(|| panic!("no segment in {files:?}"));
    let ours = fs::read(segment).unwrap();
    let mut refused = 0;
    for at in (0..ours.len()).step_by(ours.len().div_ceil(40)) {
        let mut changed = ours.clone();
        changed[at] ^= 0x10;
        fs::write(segment, &changed).unwrap();
        let ended = run(&trial.data, &["query", "SUM ANY BRAND.spend", "--format", "csv"]);
        if ended.code == Some(0) {
            // A byte that this question does not need may change; the answer may not.
            assert_eq!(ended.out, "sum\n119.90\n", "byte {at}");
        } else {
            // Before anything else a file says what it is, and then which version.
            ended.bad(&[match at {
                0..8 => "not a Throng segment",
                8..12 => "version",
                _ => "byte",
            }]);
            refused += 1;
        }
    }
    assert!(refused > 0, "no change was noticed");
    fs::write(segment, &ours).unwrap();
    trial.nothing_lost();
}

#[test]
fn no_store_at_all() {
    let trial = Trial::new();
    let nowhere = trial.dir.path().join("nowhere");
    run(&nowhere, &["query", "COUNT"]).bad(&["nowhere", "no throng store"]);
    assert!(!nowhere.exists());
    // A directory with something else in it is not taken over.
    let other = trial.dir.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "dear").unwrap();
    run(&other, &["create"]).bad(&["other", "not empty"]);
    let good = trial.file("more.csv", b"consumer,brand,behaviour,time\nu1,estee,view,2017-11-11\n");
    run(&other, &["load", "events", good.to_str().unwrap()]).bad(&["other"]);
    assert_eq!(fs::read_dir(&other).unwrap().count(), 1);
    fs::write(trial.dir.path().join("file"), "").unwrap();
    run(&trial.dir.path().join("file"), &["query", "COUNT"]).bad(&["file"]);
}

#[test]
fn a_store_that_exists_is_not_created_again() {
    let trial = Trial::new();
    run(&trial.data, &["create"]).bad(&["not empty"]);
    trial.nothing_lost();
}

#[test]
fn settings_that_do_not_exist() {
    let trial = Trial::new();
    let path = trial.dir.path().join("fresh");
    run(&path, &["create", "--time-zone", "Mars/Olympus"]).bad(&["Mars/Olympus"]);
    run(&path, &["create", "--currency", "XXL"]).bad(&["XXL"]);
    assert!(!path.exists());
    run(&path, &["create", "--time-zone", "Europe/Berlin", "--currency", "JPY"]).good();
    let file =
        trial.file("yen.csv", b"consumer,brand,behaviour,time,amount\nu,b,buy,2017-11-11,500\n");
    run(&path, &["load", "events", file.to_str().unwrap()]).good();
    assert_eq!(query(&path, "SUM b.spend"), [["500"]]);
}
