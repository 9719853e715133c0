//! Ingests batches from several threads until it is killed, and prints those it was told are safe.
//! Meanwhile it writes checkpoints, merges everything, and backs up beside the store. Every fifth
//! batch is a bulk load.
//!
//! Arguments: the store's directory and the number of the round. Batch `k` of a round has
//! [`throng_tests::batch_size`] buys of 1.00 by as many consumers of the item `r<round> b<k>`.

use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use std::{env, thread};

use throng::import::{EventOptions, EventSource, load_events};
use throng::storage::store::BackupOptions;
use throng::{Database, Date, Event, EventBatch, When};
use throng_tests::{STREAM_BRAND, batch_item, batch_size};

const WRITERS: u32 = 3;
const CHECKPOINT_PAUSE: Duration = Duration::from_millis(25);
const COMPACTION_PAUSE: Duration = Duration::from_millis(40);
const BACKUP_PAUSE: Duration = Duration::from_millis(55);
const LOAD_EVERY: u32 = 5;

fn main() {
    let mut arguments = env::args().skip(1);
    let data = arguments.next().expect("the store's directory");
    let round: u32 = arguments.next().expect("a round").parse().expect("a number");
    let db = Database::open(Path::new(&data)).expect("the store opens");
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let db = &db;
            scope.spawn(move || {
                for batch in (writer..).step_by(WRITERS as usize) {
                    if batch % LOAD_EVERY == LOAD_EVERY - 1 {
                        load(db, round, batch);
                    } else {
                        ingest(db, round, batch);
                    }
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "{batch}").expect("the reader is there");
                    out.flush().expect("the reader is there");
                }
            });
        }
        scope.spawn(|| {
            loop {
                thread::sleep(CHECKPOINT_PAUSE);
                db.store().checkpoint().expect("a checkpoint succeeds");
            }
        });
        scope.spawn(|| {
            loop {
                thread::sleep(COMPACTION_PAUSE);
                let merged = db.compact(&mut |_| ControlFlow::Continue(()));
                let _ = merged.expect("a merge succeeds");
            }
        });
        scope.spawn(|| {
            let target = Path::new(&data).with_extension("backup");
            loop {
                thread::sleep(BACKUP_PAUSE);
                let made = db.backup(&target, BackupOptions::default(), &mut |_, _| {});
                made.expect("a backup succeeds");
            }
        });
    });
}

fn load(db: &Database, round: u32, number: u32) {
    let item = batch_item(round, number);
    let mut csv = "consumer,brand,behaviour,time,item,amount\n".to_owned();
    for consumer in 0..batch_size(number) {
        let row = format!("c{consumer},{STREAM_BRAND},buy,2016-07-02 10:00:00,{item},1.00\n");
        csv.push_str(&row);
    }
    let reader = Box::new(Cursor::new(csv.into_bytes()));
    let source = EventSource::Stream { name: "a load".to_owned(), reader };
    load_events(db, source, &EventOptions::default(), &mut |_| {}).expect("a load is kept");
}

fn ingest(db: &Database, round: u32, number: u32) {
    let item = batch_item(round, number);
    let at = When::day(Date(17_000 + i32::try_from(number % 50).expect("small")));
    let consumers: Vec<String> = (0..batch_size(number)).map(|i| format!("c{i}")).collect();
    let mut batch = EventBatch::new();
    for consumer in &consumers {
        let event = Event::new(consumer, STREAM_BRAND, "buy", at);
        batch.push(&Event { item: Some(&item), amount: 100, ..event });
    }
    let _ = db.ingest(&batch, None).expect("a batch is kept");
}
