//! kill -9 during `throng load events`.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use throng::Database;

use super::ledger::{count, kill, rounds, spend};
use crate::command::{run, throng};
use crate::oracle::dice::Dice;

/// Of every 200 kills.
const SHARE: u32 = 70;

/// Writes a file of buys of 1.00, each by a consumer of its own.
fn write_file(path: &Path, brand: &str, events: u32) {
    let mut csv = "consumer,brand,behaviour,time,amount\n".to_owned();
    for i in 0..events {
        writeln!(csv, "{brand}c{i},{brand},buy,2016-07-0{} 10:00:00,1.00", 1 + i % 9).unwrap();
    }
    fs::write(path, csv).unwrap();
}

#[test]
fn a_killed_load_leaves_all_of_its_file_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("store"), dir.path().join("events.csv"));
    let (name, mut dice) = (file.to_str().unwrap(), Dice::new(77));
    write_file(&file, "first", 15_000);
    let started = Instant::now();
    run(&data, &["load", "events", name]).good();
    let whole = started.elapsed();
    let mut kept = vec![("first".to_owned(), 15_000)];
    let (mut absent, mut unacknowledged) = (0, 0);
    let rounds = rounds(SHARE);
    for round in 0..rounds {
        let brand = format!("b{round}");
        let events = u32::try_from(dice.number(1..=20_000)).unwrap();
        write_file(&file, &brand, events);
        let token = format!("round {round}");
        let arguments = ["load", "events", name, "--token", &token];
        let mut child = throng(&data)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let delay = whole.mul_f64(f64::from(u32::try_from(dice.number(0..=1_200)).unwrap()) / 1e3);
        thread::sleep(delay);
        let acknowledged = child.try_wait().unwrap().is_some_and(|status| status.success());
        kill(child);
        let found = found(&data, &brand, events);
        assert!(found || !acknowledged, "{brand} was acknowledged and is gone");
        unacknowledged += u32::from(found && !acknowledged);
        absent += u32::from(!found);
        let mut is_kept = found;
        if dice.chance(50) {
            // The client tries again: with the same token it is kept once, whatever happened.
            run(&data, &arguments).good();
            is_kept = true;
        }
        if is_kept {
            kept.push((brand, events));
        }
        if round % 10 == 9 || round + 1 == rounds {
            check_all(&data, &kept);
        }
    }
    println!(
        "{rounds} kills within {:?}: {absent} loads absent, {unacknowledged} kept before they \
         could say so",
        whole.mul_f64(1.2)
    );
    assert!(absent > 0, "no kill came in time: nothing was tried");
    assert!(kept.len() > 1);
}

/// Whether a file is there, whole; fails when a part is.
fn found(data: &Path, brand: &str, events: u32) -> bool {
    let db = Database::open(data).unwrap_or_else(|error| panic!("{brand}: {error}"));
    let found = count(&db, &format!("COUNT WHERE {brand} DID buy"));
    assert!(found == 0 || found == i64::from(events), "{brand}: {found} of {events}");
    assert_eq!(spend(&db, brand), found * 100, "{brand}");
    found > 0
}

fn check_all(data: &Path, kept: &[(String, u32)]) {
    let db = Database::open(data).unwrap();
    for (brand, events) in kept {
        let found = count(&db, &format!("COUNT WHERE {brand} DID buy"));
        assert_eq!(found, i64::from(*events), "{brand}");
        assert_eq!(spend(&db, brand), found * 100, "{brand}");
    }
    let all: i64 = kept.iter().map(|(_, events)| i64::from(*events)).sum();
    assert_eq!(spend(&db, "ANY BRAND"), all * 100);
    let second = Duration::from_secs(1);
    let started = Instant::now();
    drop(db);
    assert!(started.elapsed() < second, "closing a store takes no time");
}
