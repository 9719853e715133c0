//! Makes the reference data of the comparisons and asks Throng's side of them. One JSON line per
//! result on standard output; `cargo xtask compare` reads them.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use throng::market::{REFERENCE_CONSUMERS, ReferenceEvents};
use throng::storage::io;
use throng::storage::rows::EventColumns;
use throng::{Background, CompactionOptions, Database, UseMemo, Value};
use throng_benches::{
    Outcome, Reference, StreamOptions, Times, attributes, beside, cancel, fair, growth, make_sets,
    median, point, sets, stream, valuation, write_sets,
};

/// Statements allocate and free some megabytes each, on several threads. The system's allocator
/// gives such pieces back to the kernel each time, which then interrupts the other cores.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throng-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let job = arguments.next().unwrap_or_default();
    let mut options = BTreeMap::new();
    while let (Some(name), Some(value)) = (arguments.next(), arguments.next()) {
        options.insert(name.trim_start_matches('-').to_owned(), value);
    }
    let text = |name: &str| options.get(name).cloned().ok_or(format!("--{name} is missing"));
    let path = |name: &str| text(name).map(PathBuf::from);
    let times = match options.get("times").map(String::as_str) {
        None | Some("days") => Times::Days,
        Some("seconds") => Times::Seconds,
        Some(other) => return Err(format!("--times {other}: it is days or seconds").into()),
    };
    let mut line = |document: &serde_json::Value| println!("{document}");
    let reference = || -> Result<Reference, Box<dyn Error>> {
        let people = text("people").ok().map_or(Ok(REFERENCE_CONSUMERS), |n| n.parse())?;
        Ok(Reference { events: text("events")?.parse()?, people, times })
    };
    let rounds = || -> Result<usize, Box<dyn Error>> {
        let rounds = text("rounds")?;
        Ok(rounds.parse().map_err(|_| format!("--rounds {rounds}: it is a number"))?)
    };
    match job.as_str() {
        "csv" => write_file(&path("out")?, reference()?, ReferenceEvents::CSV_HEADER, csv_bytes),
        "raw" => match times {
            Times::Days => write_file(&path("out")?, reference()?, "", raw_bytes),
            Times::Seconds => write_file(&path("out")?, reference()?, "", raw_bytes_with_seconds),
        },
        "store" => make_store(&path("data")?, reference()?),
        "beside" => beside(&path("data")?, text("events")?.parse()?),
        "cancel" => cancel(
            &path("data")?,
            text("rounds")?.parse()?,
            text("only").ok().as_deref(),
            &mut line,
        ),
        "fair" => {
            let memo = match options.get("memo").map(String::as_str) {
                None | Some("on") => UseMemo::Yes,
                Some("off") => UseMemo::No,
                Some(other) => return Err(format!("--memo {other}: it is on or off").into()),
            };
            fair(&path("data")?, Duration::from_secs(text("seconds")?.parse()?), memo, &mut line)
        }
        "point" => point(&path("data")?, rounds()?, text("only").ok().as_deref(), &mut line),
        "make-sets" => make_sets(&path("data")?, text("consumers")?.parse()?),
        "write-sets" => write_sets(&path("out")?, text("consumers")?.parse()?),
        "sets" => sets(&path("data")?, text("consumers")?.parse()?, rounds()?),
        "growth" => growth(&path("data")?, &text("over")?, rounds()?),
        "attributes" => attributes(&path("data")?),
        "valuation" => valuation(&path("data")?, rounds()?),
        "open" => open(&path("data")?),
        "stream" => {
            let core_percent =
                text("core-percent").ok().map_or(Ok(25), |percent| percent.parse())?;
            let background = if core_percent == 0 { Background::Off } else { Background::On };
            let options = StreamOptions {
                writers: text("writers")?.parse::<NonZeroU32>()?.get(),
                batch: text("batch")?.parse()?,
                rate: text("rate").ok().map(|rate| rate.parse()).transpose()?,
                time: Duration::from_secs(text("seconds")?.parse()?),
                compaction: CompactionOptions { background, core_percent },
            };
            stream_into(&path("data")?, options)
        }
        "ask" => ask(&path("data")?, &path("questions")?, rounds()?),
        other => Err(format!("`{other}` is no job that there is").into()),
    }
}

fn write_file(
    path: &Path,
    reference: Reference,
    header: &str,
    encode: fn(EventColumns) -> Vec<u8>,
) -> Outcome {
    let mut out = io::create(path)?;
    out.write_all(header.as_bytes())?;
    reference.for_each(encode, |bytes| out.write_all(&bytes))?;
    out.sync_all()?;
    Ok(())
}

fn csv_bytes(events: EventColumns) -> Vec<u8> {
    let mut out = String::with_capacity(events.len() * 70);
    ReferenceEvents::write_csv(&events, &mut out);
    out.into_bytes()
}

/// ClickHouse's RowBinary: brand u16, behaviour u8, day u16, consumer u32, amount u32.
fn raw_bytes(events: EventColumns) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.len() * 13);
    for row in 0..events.len() {
        out.extend_from_slice(&events.brand[row].to_le_bytes()[..2]);
        out.extend_from_slice(&events.behaviour[row].to_le_bytes()[..1]);
        out.extend_from_slice(&events.day[row].to_le_bytes()[..2]);
        out.extend_from_slice(&events.consumer[row].to_le_bytes());
        out.extend_from_slice(&events.amount[row].to_le_bytes()[..4]);
    }
    out
}

/// The same with the second within the day, u32, behind the day.
fn raw_bytes_with_seconds(events: EventColumns) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.len() * 17);
    for row in 0..events.len() {
        out.extend_from_slice(&events.brand[row].to_le_bytes()[..2]);
        out.extend_from_slice(&events.behaviour[row].to_le_bytes()[..1]);
        out.extend_from_slice(&events.day[row].to_le_bytes()[..2]);
        out.extend_from_slice(&events.second[row].to_le_bytes());
        out.extend_from_slice(&events.consumer[row].to_le_bytes());
        out.extend_from_slice(&events.amount[row].to_le_bytes()[..4]);
    }
    out
}

fn make_store(path: &Path, reference: Reference) -> Outcome {
    let start = Instant::now();
    let database = reference.store(path)?;
    let seconds = start.elapsed().as_secs_f64();
    let view = database.view()?;
    let bytes: u64 = view.snapshot().segments().iter().map(|segment| segment.bytes()).sum();
    println!("{{\"bytes\": {bytes}, \"seconds\": {seconds:.2}}}");
    Ok(())
}

fn stream_into(path: &Path, options: StreamOptions) -> Outcome {
    let done = stream(path, options)?;
    let max = done.milliseconds.last().copied().unwrap_or(0.0);
    println!(
        "{}",
        serde_json::json!({
            "events": done.events,
            "seconds": done.seconds,
            "events_per_second": done.events as f64 / done.seconds,
            "consumers": done.consumers,
            "p50_ms": done.per_mille(500),
            "p99_ms": done.per_mille(990),
            "p999_ms": done.per_mille(999),
            "max_ms": max,
            "peak_memory_mib": done.memory >> 20,
            "checkpoints": done.checkpoints,
            "merges": done.merges,
        })
    );
    Ok(())
}

fn open(path: &Path) -> Outcome {
    let mut times = Vec::new();
    let mut events = 0;
    for _ in 0..7 {
        let start = Instant::now();
        let database = Database::open(path)?;
        let view = database.view()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        events = view.snapshot().segments().iter().map(|segment| segment.rows()).sum();
    }
    println!("{{\"ms\": {:.3}, \"events\": {events}}}", median(&mut times));
    Ok(())
}

/// Asks every question some times; prints its rows and the median of its times, read from the store
/// each time, and then from the memo.
fn ask(path: &Path, questions: &Path, rounds: usize) -> Outcome {
    // What merging costs beside questions is another measurement.
    let quiet = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    let database = Database::open_with(path, quiet)?;
    let memo = database.memo().usage().limit;
    let questions: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&io::read(questions)?)?;
    for (name, text) in questions {
        let text = text.as_str().unwrap_or_default();
        let timed = || -> Result<_, Box<dyn Error>> {
            let mut answer = database.query(text)?;
            let mut times = Vec::new();
            for _ in 0..rounds {
                let start = Instant::now();
                answer = database.query(text)?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
            let ms = median(&mut times);
            Ok((ms, times.first().copied().unwrap_or(ms), answer))
        };
        database.memo().set_limit(0);
        let (ms, least, answer) = timed()?;
        database.memo().set_limit(memo);
        // The first time it is noted, the second time kept.
        let _ = database.query(text)?;
        let (kept, _, again) = timed()?;
        if answer.rows != again.rows {
            return Err(format!("{name}: the memo changes the answer").into());
        }
        let rows: Vec<Vec<serde_json::Value>> =
            answer.rows.iter().map(|row| row.iter().map(json).collect()).collect();
        println!(
            "{}",
            serde_json::json!({
                "name": name, "ms": ms, "least": least, "memo": kept, "rows": rows
            })
        );
    }
    Ok(())
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        other => other.to_string().into(),
    }
}
