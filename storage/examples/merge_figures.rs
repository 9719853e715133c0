//! Figures of merging: events per second, bytes before and after, how often events are written.
//!
//! `cargo run --release -p throng-storage --example merge_figures [events] [loads]`

#![expect(clippy::unwrap_used, reason = "an example that measures may stop at any error")]

use std::ops::ControlFlow;
use std::time::Instant;

use throng_storage::dictionary::KeyColumn;
use throng_storage::names::NameTable;
use throng_storage::rows::EventColumns;
use throng_storage::store::{BulkOptions, Compacted, KeyTable, Settings, Store};

const CONSUMERS: u32 = 2_000_000;
const BRANDS: u32 = 1_000;
const DAYS: u32 = 730;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u32>().unwrap());
    let events = arguments.next().unwrap_or(20_000_000);
    let loads = arguments.next().unwrap_or(4);
    let dir = tempfile::tempdir().unwrap();
    let settings =
        Settings { time_zone: "Asia/Shanghai".into(), currency: "CNY".into(), exponent: 2 };
    let store = Store::create(&dir.path().join("store"), &settings).unwrap();
    (0..BRANDS).for_each(|i| drop(store.names().intern(NameTable::Brand, &format!("brand{i}"))));
    (0..8).for_each(|i| drop(store.names().intern(NameTable::Behaviour, &format!("did{i}"))));
    let mut state = 1;
    for number in 0..loads {
        load(&store, events / loads, number, &mut state);
    }
    told(&store, "loaded");
    let start = Instant::now();
    let (mut calls, mut peak) = (0_u64, 0);
    let progress = &mut |_| {
        calls += 1;
        if calls.is_multiple_of(1_000) {
            peak = peak.max(memory().unwrap_or(0));
        }
        ControlFlow::Continue(())
    };
    let merged = store.compact_all(progress).unwrap().0;
    let seconds = start.elapsed().as_secs_f64();
    let Compacted { jobs, rows, segments_in, segments_out, bytes_in, bytes_out } = merged;
    println!("{jobs} merges of {segments_in} segments into {segments_out}");
    println!("{} events/s", (rows as f64 / seconds).round());
    println!("{rows} events written again, {bytes_in} bytes into {bytes_out}");
    told(&store, "merged");
    println!("memory beside mapped files: {peak} KiB at most");
}

fn told(store: &Store, word: &str) {
    let snapshot = store.snapshot();
    let bytes: u64 = snapshot.segments().iter().map(|segment| segment.bytes()).sum();
    let rows: u64 = snapshot.segments().iter().map(|segment| segment.rows()).sum();
    let per_event = bytes as f64 / rows as f64;
    println!("{word}: {} segments, {per_event:.3} bytes per event", snapshot.segments().len());
}

/// KiB of memory that are not mapped files, where the system tells them.
fn memory() -> Option<u64> {
    let bytes = throng_storage::io::read("/proc/self/status".as_ref()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let line = text.lines().find(|line| line.starts_with("RssAnon"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn load(store: &Store, events: u32, number: u32, state: &mut u64) {
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 2 << 30 }).unwrap();
    if number == 0 {
        let keys: KeyColumn = (0..CONSUMERS).map(|i| format!("u{i}").into_bytes()).fold(
            KeyColumn::default(),
            |mut keys, key| {
                keys.push(&key);
                keys
            },
        );
        bulk.intern(KeyTable::Consumer, &keys, &mut Vec::new()).unwrap();
    }
    let mut next = |limit: u32| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u32::try_from(((*state >> 32) * u64::from(limit)) >> 32).unwrap()
    };
    for from in (0..events).step_by(1 << 16) {
        let mut batch = EventColumns::default();
        for _ in 0..(events - from).min(1 << 16) {
            let behaviour = u16::try_from(next(8) + 1).unwrap();
            batch.consumer.push(next(CONSUMERS));
            batch.brand.push(next(BRANDS) * next(BRANDS) / BRANDS + 1);
            batch.behaviour.push(behaviour);
            batch.day.push(17_000 + i32::try_from(next(DAYS)).unwrap());
            batch.second.push(next(86_400));
            batch.amount.push(if behaviour == 8 { i64::from(next(50_000)) } else { 0 });
        }
        bulk.push(batch).unwrap();
    }
    bulk.commit(&mut |_, _| {}).unwrap();
}
