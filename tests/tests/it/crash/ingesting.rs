//! kill -9 while a program ingests batches from several threads, loads in bulk, checkpoints, merges
//! and backs up.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use throng::{CreateOptions, Database};

use super::ledger::{Ledger, kill, rounds};
use crate::oracle::dice::Dice;

/// Of every 200 kills.
const SHARE: u32 = 65;

#[test]
fn a_killed_program_keeps_every_acknowledged_batch() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("store");
    drop(Database::create(&data, &CreateOptions::default()).unwrap());
    let (mut ledger, mut dice) = (Ledger::default(), Dice::new(78));
    let rounds = rounds(SHARE);
    for round in 0..rounds {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ingest-forever"))
            .arg(&data)
            .arg(round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let reader = thread::spawn(|| {
            // A line that the kill cut short says nothing.
            let numbers = lines.map_while(Result::ok).map(|line| line.parse::<u32>());
            numbers.map_while(Result::ok).collect::<BTreeSet<u32>>()
        });
        thread::sleep(Duration::from_millis(u64::try_from(dice.number(0..=220)).unwrap()));
        kill(child);
        ledger.check(&data, round, &reader.join().unwrap());
        ledger.check_backup(&data.with_extension("backup"), round);
    }
    let (safe, more) = (ledger.acknowledged, ledger.unacknowledged_kept);
    println!("{rounds} kills: {safe} batches acknowledged, {more} kept before they could be");
    assert!(safe > 100, "only {safe} batches were acknowledged: nothing was tried");
}
