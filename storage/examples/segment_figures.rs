//! Bytes per event, time to build and time to read of one 64-day segment of the reference events
//! (design §9): `cargo run --release -p throng-storage --example segment_figures -- 5000000`.
//! Consumers are scaled with the rows. A second argument `seconds` adds times within the day,
//! `store` makes all segments of 730 days instead.

#![expect(clippy::cast_possible_truncation, reason = "random fractions are scaled to small ranges")]

use std::path::Path;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use roaring::RoaringBitmap;
use throng_storage::container::Container;
use throng_storage::rows::EventColumns;
use throng_storage::segment::{BuildOptions, ColumnSet, RowBuffer, Segment, build};

/// Cumulative shares of the reference behaviours; the seventh is a purchase.
const BEHAVIOURS: [f64; 8] = [0.45, 0.60, 0.82, 0.86, 0.89, 0.94, 0.99, 1.0];
const BUY: u16 = 7;

fn reference(rows: usize, seconds: bool, seed: u64) -> EventColumns {
    let mut random = Pcg64::seed_from_u64(seed);
    let mut events = EventColumns::default();
    // 100 M rows of 20 M consumers over 730 days put 8.77 M rows into 64 days.
    let consumers = 20e6 * rows as f64 / 8_767_123.0;
    for _ in 0..rows {
        let u: f64 = random.random();
        events.brand.push((1000.0 * u.powi(3)) as u32 + 1);
        let u: f64 = random.random();
        events.consumer.push((consumers * u.powf(1.5)) as u32);
        let u: f64 = random.random();
        let behaviour = BEHAVIOURS.partition_point(|&share| share <= u) as u16 + 1;
        events.behaviour.push(behaviour);
        events.day.push(17_088 + random.random_range(0..64));
        let paid = 1000 + random.random_range(0..50_000);
        events.amount.push(if behaviour == BUY { paid } else { 0 });
        if seconds {
            events.second.push(random.random_range(0..86_400));
        }
    }
    events
}

/// Processor time of this thread where the system tells it, so that a busy machine counts less.
struct Watch {
    wall: Instant,
    processor: Option<u64>,
}

impl Watch {
    fn start() -> Self {
        Self { wall: Instant::now(), processor: processor_ns() }
    }

    fn elapsed(&self) -> Duration {
        match (self.processor, processor_ns()) {
            (Some(from), Some(to)) => Duration::from_nanos(to - from),
            _ => self.wall.elapsed(),
        }
    }
}

fn processor_ns() -> Option<u64> {
    let text = throng_storage::io::read(Path::new("/proc/thread-self/schedstat")).ok()?;
    std::str::from_utf8(&text).ok()?.split(' ').next()?.parse().ok()
}

/// Segments of all the blocks of 730 days, each knowing who was seen before.
fn all_blocks(rows: usize) -> Result<(), Box<dyn std::error::Error>> {
    let (mut bytes, mut presence, mut events_total) = (0, 0, 0);
    let mut seen = RoaringBitmap::new();
    for block in 0..12 {
        // The last block has 26 of its 64 days.
        let rows_here = if block < 11 { rows } else { rows * 26 / 64 };
        let mut events = reference(rows, false, block);
        for column in [&mut events.consumer, &mut events.brand] {
            column.truncate(rows_here);
        }
        events.behaviour.truncate(rows_here);
        events.day.truncate(rows_here);
        events.amount.truncate(rows_here);
        let built = build(&events, &BuildOptions { file_id: block, seen: &seen })?;
        let segment = Segment::from_bytes(built, "block".into())?;
        bytes += segment.bytes();
        presence += segment.presence().map_or(0, |lane| lane.bytes());
        events_total += segment.rows();
        seen.extend(events.consumer.iter().copied());
    }
    let per_event = |bytes: u64| bytes as f64 / events_total as f64;
    println!("{events_total} events, {} consumers", seen.len());
    println!("all          {:8.3} B/event", per_event(bytes));
    println!("  presence   {:8.3} B/event", per_event(presence));
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let rows: usize = arguments.next().map_or(Ok(100_000), |text| text.parse())?;
    let mode = arguments.next();
    if mode.as_deref() == Some("store") {
        return all_blocks(rows);
    }
    let seconds = mode.as_deref() == Some("seconds");
    let events = reference(rows, seconds, 17);
    let per_row = |bytes: u64| bytes as f64 / rows as f64;
    let seen = RoaringBitmap::new();
    let start = Watch::start();
    let bytes = build(&events, &BuildOptions { file_id: 1, seen: &seen })?;
    let took = start.elapsed();
    println!("build        {:8.1} ns/row", took.as_nanos() as f64 / rows as f64);

    let start = Watch::start();
    let segment = Segment::from_bytes(bytes, "reference".into())?;
    println!("open         {:8.1} us", start.elapsed().as_nanos() as f64 / 1e3);
    let lanes: u64 = segment.lanes().map(|lane| lane.bytes()).sum();
    let presence = segment.presence().map_or(0, |lane| lane.bytes());
    println!("lanes        {:8} of {} rows", segment.lanes().count(), segment.rows());
    println!("all          {:8.3} B/event", per_row(segment.bytes()));
    println!("  rows       {:8.3} B/event", per_row(lanes));
    println!("  directory  {:8.3} B/event", per_row(segment.directory_bytes()));
    println!("  presence   {:8.3} B/event (nobody seen before)", per_row(presence));
    segment.verify()?;

    for (name, columns) in [("consumers", None), ("days", Some(ColumnSet::DAY))] {
        for (brand, repeat) in [(1, 20), (300, 500), (1000, 1000)] {
            let (mut chunks, mut members, mut sum) = (0_u64, 0_u64, 0_u64);
            let mut buffer = RowBuffer::default();
            let start = Watch::start();
            let lanes = || segment.lanes().filter(|lane| lane.brand() == brand);
            for lane in (0..repeat).flat_map(|_| lanes()) {
                let mut cursor = lane.cursor();
                for number in 0..segment.chunk_end() {
                    let Some(chunk) = cursor.chunk(number)? else { continue };
                    chunks += 1;
                    members += u64::from(chunk.cardinality());
                    if let Container::Array(positions) = chunk.consumers() {
                        sum += u64::from(positions.first().copied().unwrap_or(0));
                    }
                    if let Some(columns) = columns {
                        chunk.decode(columns, &mut buffer)?;
                        sum += buffer.day.len() as u64;
                    }
                }
            }
            let took = start.elapsed().as_nanos() as f64;
            let (per_chunk, per_consumer) = (took / chunks as f64, took / members as f64);
            println!(
                "read {name:9} brand {brand:4} {per_chunk:8.1} ns/chunk {per_consumer:6.2} \
                 ns/consumer ({members} consumers, {sum})"
            );
        }
    }
    let start = Watch::start();
    let all = segment.read_all()?;
    println!("read_all     {:8.1} ns/row", start.elapsed().as_nanos() as f64 / all.len() as f64);
    Ok(())
}
