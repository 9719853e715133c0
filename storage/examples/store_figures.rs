//! Figures of the store: keys interned per second and their bytes, opening, acknowledging.
//!
//! `cargo run --release -p throng-storage --example store_figures [keys] [events]`

#![expect(clippy::unwrap_used, reason = "an example that measures may stop at any error")]

use std::path::Path;
use std::time::Instant;

use throng_storage::dictionary::KeyColumn;
use throng_storage::io;
use throng_storage::names::NameTable;
use throng_storage::rows::EventColumns;
use throng_storage::store::{BulkOptions, Definition, KeyTable, Settings, Store};

const BATCH: u32 = 65_536;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u32>().unwrap());
    let keys = arguments.next().unwrap_or(10_000_000);
    let events = arguments.next().unwrap_or(20_000_000);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let settings =
        Settings { time_zone: "Asia/Shanghai".into(), currency: "CNY".into(), exponent: 2 };
    let store = Store::create(&path, &settings).unwrap();
    (0..1000).for_each(|i| drop(store.names().intern(NameTable::Brand, &format!("brand{i}"))));
    (0..8).for_each(|i| drop(store.names().intern(NameTable::Behaviour, &format!("did{i}"))));
    load(&store, keys, events);
    let bytes: u64 = sizes(&store, "dict-consumer").sum();
    let per_key = bytes as f64 / f64::from(keys) - 17.0;
    println!("dictionary on disk: {per_key:.2} bytes per key beside its 17");
    let bytes: u64 = sizes(&store, "seg-").sum();
    println!("segments: {:.2} bytes per event", bytes as f64 / f64::from(events));
    hits(&store, keys);
    drop(store);
    open(&path);
    acknowledge(&path, keys);
}

/// Seconds of processor time of this thread, where the system tells them; else of the clock. On
/// a machine that does other work, only the former say something.
fn now(clock: Instant) -> f64 {
    let told = io::read(Path::new("/proc/thread-self/schedstat")).ok();
    let text = told.and_then(|bytes| String::from_utf8(bytes).ok());
    let nanoseconds = text.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| clock.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

fn sizes(store: &Store, prefix: &'static str) -> impl Iterator<Item = u64> {
    let files = store.snapshot().files();
    files.into_iter().filter(move |file| file.0.starts_with(prefix)).map(|file| file.1)
}

/// A key of 17 bytes, random to look at.
fn key(number: u32) -> [u8; 17] {
    let mixed = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let mut key = *b"u................";
    for (place, nibble) in key[1..].iter_mut().zip(0..) {
        *place = b"0123456789abcdef"[((mixed >> (4 * nibble)) & 15) as usize];
    }
    key
}

fn column(from: u32, to: u32) -> KeyColumn {
    let mut column = KeyColumn::default();
    (from..to).for_each(|number| column.push(&key(number)));
    column
}

fn load(store: &Store, keys: u32, events: u32) {
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 2 << 30 }).unwrap();
    let mut ids = Vec::new();
    let clock = Instant::now();
    let (mut interning, mut slowest) = (0.0, 0.0_f64);
    for from in (0..keys).step_by(BATCH as usize) {
        let column = column(from, (from + BATCH).min(keys));
        ids.clear();
        let start = now(clock);
        bulk.intern(KeyTable::Consumer, &column, &mut ids).unwrap();
        let seconds = now(clock) - start;
        interning += seconds;
        slowest = slowest.max(seconds);
    }
    let rate = f64::from(keys) / interning / 1e6;
    println!("new keys: {rate:.2} M/s, slowest batch {:.0} ms", slowest * 1e3);
    let start = now(clock);
    let mut state = 1_u64;
    for from in (0..events).step_by(1 << 16) {
        let rows = (events - from).min(1 << 16);
        let mut next = |limit: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            u32::try_from(((state >> 32) * u64::from(limit)) >> 32).unwrap()
        };
        let mut batch = EventColumns::default();
        for _ in 0..rows {
            batch.consumer.push(next(keys));
            batch.brand.push(next(1000) * next(1000) / 1000 + 1);
            batch.behaviour.push(u16::try_from(next(8) + 1).unwrap());
            batch.day.push(17_000 + i32::try_from(next(730)).unwrap());
            batch.second.push(next(86_400));
        }
        bulk.push(batch).unwrap();
    }
    println!("pushed {events} events in {:.2} s", now(clock) - start);
    let start = Instant::now();
    bulk.commit(&mut |_, _| {}).unwrap();
    println!("committed in {:.2} s", start.elapsed().as_secs_f64());
}

fn hits(store: &Store, keys: u32) {
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 2 << 30 }).unwrap();
    for pass in ["first", "second"] {
        let mut ids = Vec::new();
        let clock = Instant::now();
        let mut seconds = 0.0;
        for batch in 0..keys / BATCH {
            // Far apart, as in a file that is not sorted by consumer.
            let column: KeyColumn = (0..BATCH)
                .map(|i| key((batch + i * (keys / BATCH)) % keys))
                .fold(KeyColumn::default(), |mut column, key| {
                    column.push(&key);
                    column
                });
            ids.clear();
            let start = now(clock);
            bulk.intern(KeyTable::Consumer, &column, &mut ids).unwrap();
            seconds += now(clock) - start;
        }
        let rate = f64::from(keys / BATCH * BATCH) / seconds / 1e6;
        println!("known keys, {pass} pass: {rate:.2} M/s");
    }
}

fn open(path: &Path) {
    for _ in 0..3 {
        let start = Instant::now();
        let store = Store::open(path).unwrap();
        let opened = start.elapsed();
        drop(store);
        println!(
            "opened in {:.2} ms, closed in {:.2} ms",
            opened.as_secs_f64() * 1e3,
            (start.elapsed() - opened).as_secs_f64() * 1e3
        );
    }
}

fn acknowledge(path: &Path, keys: u32) {
    let store = Store::open(path).unwrap();
    for (threads, rows) in [(1, 1), (1, 1_000), (4, 1), (4, 1_000), (16, 100)] {
        let start = Instant::now();
        let mut latencies: Vec<f64> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|thread| {
                    let store = &store;
                    scope.spawn(move || {
                        (0..200).map(|turn| batch(store, keys, thread, turn, rows)).collect()
                    })
                })
                .collect();
            threads.into_iter().flat_map(|t| -> Vec<f64> { t.join().unwrap() }).collect()
        });
        let seconds = start.elapsed().as_secs_f64();
        latencies.sort_by(f64::total_cmp);
        println!(
            "{threads} threads, batches of {rows}: median {:.2} ms, 99 % {:.2} ms, {:.0} batches/s",
            latencies[latencies.len() / 2] * 1e3,
            latencies[latencies.len() * 99 / 100] * 1e3,
            latencies.len() as f64 / seconds
        );
    }
    let mut latencies = Vec::new();
    for number in 0..50 {
        let start = Instant::now();
        let value = Some(vec![0; 100]);
        store.define(vec![Definition { kind: 1, name: number.to_string(), value }]).unwrap();
        latencies.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let first = latencies.remove(0);
    latencies.sort_by(f64::total_cmp);
    println!("a definition: first {first:.2} ms, median of the rest {:.2} ms", latencies[24]);
    let start = Instant::now();
    store.checkpoint().unwrap();
    println!("checkpoint: {:.0} ms", start.elapsed().as_secs_f64() * 1e3);
}

fn batch(store: &Store, keys: u32, thread: u32, turn: u32, rows: u32) -> f64 {
    let start = Instant::now();
    let mut writer = store.writer().unwrap();
    let first = (thread * 1_000_003 + turn * 7_919) % (keys - rows);
    let mut ids = Vec::new();
    writer.intern(KeyTable::Consumer, &column(first, first + rows), &mut ids).unwrap();
    let events = EventColumns {
        brand: vec![1; ids.len()],
        behaviour: vec![1; ids.len()],
        day: vec![17_800; ids.len()],
        consumer: ids,
        ..EventColumns::default()
    };
    writer.append(None, events).unwrap().wait().unwrap();
    start.elapsed().as_secs_f64()
}
