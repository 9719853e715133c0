//! kill -9 of the server while clients COPY.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use postgres::{Client, NoTls};
use throng::{CreateOptions, Database};
use throng_tests::{STREAM_BRAND, batch_item, batch_size};

use super::ledger::{Ledger, kill, rounds};
use crate::command::throng;
use crate::oracle::dice::Dice;

/// Of every 200 kills.
const SHARE: u32 = 65;
const CLIENTS: u32 = 2;

/// A server and its port.
fn serve(data: &Path) -> (Child, u16) {
    let mut command = throng(data);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let address = line.split_once("127.0.0.1:").unwrap_or_else(|| panic!("no port in: {line}")).1;
    let digits: String = address.chars().take_while(char::is_ascii_digit).collect();
    (child, digits.parse().unwrap())
}

/// Copies batch after batch until the server is gone, and notes what it acknowledged.
fn copy(port: u16, round: u32, first: u32, acknowledged: &Mutex<BTreeSet<u32>>) {
    let settings = format!("host=127.0.0.1 port={port} user=throng dbname=throng");
    let Ok(mut client) = Client::connect(&settings, NoTls) else { return };
    for batch in (first..).step_by(CLIENTS as usize) {
        if copy_batch(&mut client, round, batch).is_err() {
            return;
        }
        acknowledged.lock().unwrap().insert(batch);
    }
}

fn copy_batch(
    client: &mut Client,
    round: u32,
    batch: u32,
) -> Result<(), Box<dyn std::error::Error>> {
    let copy = "COPY events (consumer, brand, behaviour, time, item, amount) FROM STDIN \
                WITH (FORMAT csv)";
    let mut writer = client.copy_in(copy)?;
    let item = batch_item(round, batch);
    for consumer in 0..batch_size(batch) {
        writeln!(writer, "c{consumer},{STREAM_BRAND},buy,2016-07-01 12:00:00,{item},1.00")?;
    }
    let copied = writer.finish()?;
    assert_eq!(copied, u64::from(batch_size(batch)));
    Ok(())
}

#[test]
fn a_killed_server_keeps_every_acknowledged_copy() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("store");
    drop(Database::create(&data, &CreateOptions::default()).unwrap());
    let (mut ledger, mut dice) = (Ledger::default(), Dice::new(79));
    let rounds = rounds(SHARE);
    for round in 0..rounds {
        let (child, port) = serve(&data);
        let acknowledged = Mutex::default();
        thread::scope(|scope| {
            for first in 0..CLIENTS {
                let acknowledged = &acknowledged;
                scope.spawn(move || copy(port, round, first, acknowledged));
            }
            thread::sleep(Duration::from_millis(u64::try_from(dice.number(0..=200)).unwrap()));
            kill(child);
        });
        ledger.check(&data, round, &acknowledged.into_inner().unwrap());
    }
    let (safe, more) = (ledger.acknowledged, ledger.unacknowledged_kept);
    println!("{rounds} kills: {safe} COPYs acknowledged, {more} kept before they could be");
    assert!(safe > 100, "only {safe} COPYs were acknowledged: nothing was tried");
}
