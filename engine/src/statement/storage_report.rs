//! SHOW STORAGE: what the store's bytes are for, and what is due to be merged.

use std::collections::BTreeMap;

use throng_query::BYTES_PER_EVENT_SCALE;
use throng_storage::names::NameTable;
use throng_storage::segment::{Breakdown, Segment, Usage};
use throng_storage::store::{CompactionJob, Depth, KeyTable};

use super::Reading;
use super::reading::text;
use crate::answer::{Decimal, Value};
use crate::error::ExecuteError;

/// Lengths of blocks of days, and what segments of other days are called.
const BLOCKS: [(i32, &str); 3] = [(1, "1 day"), (8, "8 days"), (64, "64 days")];
const OTHER_DAYS: &str = "other days";

/// Files, lanes, pages or jobs, with their events and bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    count: u64,
    events: u64,
    bytes: u64,
}

impl Size {
    fn add(&mut self, count: u64, events: u64, bytes: u64) {
        self.count += count;
        self.events += events;
        self.bytes += bytes;
    }

    fn add_jobs(jobs: &[CompactionJob]) -> Self {
        let mut size = Self::default();
        jobs.iter().for_each(|job| size.add(1, job.rows, job.bytes));
        size
    }
}

/// One row per kind of bytes.
pub(super) fn lines(reading: &Reading<'_>) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let mut rows = Vec::new();
    segments(reading, &mut rows);
    lanes(reading, &mut rows)?;
    files(reading, &mut rows);
    compaction(reading, &mut rows);
    Ok(rows)
}

/// Segments by the length of the block that their days lie in.
fn segments(reading: &Reading<'_>, rows: &mut Vec<Vec<Value>>) {
    let snapshot = reading.view.snapshot();
    let mut blocks: BTreeMap<i32, Size> = BTreeMap::new();
    let mut on_disk = 0;
    for segment in snapshot.segments_on_disk() {
        let length = block_of(segment);
        blocks.entry(length).or_default().add(1, segment.rows(), segment.bytes());
        on_disk += 1;
    }
    for (length, size) in blocks {
        let name = BLOCKS.iter().find(|(other, _)| *other == length);
        rows.push(line("segments", name.map_or(OTHER_DAYS, |(_, name)| name), size));
    }
    let mut all = Size::default();
    snapshot.segments().iter().for_each(|segment| all.add(1, segment.rows(), segment.bytes()));
    let mut memory = all;
    for segment in snapshot.segments_on_disk() {
        memory.events -= segment.rows();
        memory.bytes -= segment.bytes();
    }
    memory.count -= on_disk;
    rows.push(line("segments", "in memory", memory));
    rows.push(line("segments", "all", all));
}

/// The shortest block that has all days of a segment.
fn block_of(segment: &Segment) -> i32 {
    let days = (segment.first_day(), segment.last_day());
    let fits = |length: i32| days.0.div_euclid(length) == days.1.div_euclid(length);
    BLOCKS.iter().map(|(length, _)| *length).find(|&length| fits(length)).unwrap_or(i32::MAX)
}

/// Lanes by behaviour, their bytes by column and encoding, and what is beside the lanes.
fn lanes(reading: &Reading<'_>, rows: &mut Vec<Vec<Value>>) -> Result<(), ExecuteError> {
    let snapshot = reading.view.snapshot();
    let mut behaviours: BTreeMap<u16, Size> = BTreeMap::new();
    let mut breakdown = Breakdown::default();
    let (mut presence, mut beside) = (Size::default(), Size::default());
    for segment in snapshot.segments() {
        let mut in_lanes = 0;
        for lane in segment.lanes() {
            if reading.options.cancel.is_cancelled() {
                return Err(ExecuteError::Cancelled);
            }
            let size = behaviours.entry(lane.behaviour()).or_default();
            size.add(1, lane.rows(), lane.bytes());
            in_lanes += lane.bytes();
            breakdown.add(lane)?;
        }
        if let Some(lane) = segment.presence() {
            presence.add(1, lane.rows(), lane.bytes());
            in_lanes += lane.bytes();
        }
        beside.add(1, segment.rows(), segment.bytes().saturating_sub(in_lanes));
    }
    let mut named: BTreeMap<String, Size> = BTreeMap::new();
    for (behaviour, size) in behaviours {
        let name = snapshot.names().name(NameTable::Behaviour, behaviour.into());
        named.insert(name.map_or_else(|| behaviour.to_string(), |name| name.to_string()), size);
    }
    rows.extend(named.iter().map(|(name, size)| line("behaviours", name, *size)));
    rows.push(line("presence", "first days", presence));
    for ((what, form), usage) in breakdown.parts() {
        let Usage { pages, rows: events, bytes } = usage;
        let size = Size { count: pages, events, bytes };
        rows.push(line("columns", &format!("{what} {form}"), size));
    }
    rows.push(line("segments", "directories and checksums", beside));
    Ok(())
}

/// Dictionaries, indexes and the log.
fn files(reading: &Reading<'_>, rows: &mut Vec<Vec<Value>>) {
    let snapshot = reading.view.snapshot();
    let mut kinds: BTreeMap<&str, Size> = BTreeMap::new();
    let files = snapshot.files();
    for (name, bytes) in &files {
        let kind = match name.split('-').collect::<Vec<_>>()[..] {
            ["dict", table, _] => table,
            ["idx", _] => "indexes",
            _ => continue,
        };
        kinds.entry(kind).or_default().add(1, 0, *bytes);
    }
    let tables = [
        ("consumer", "consumers", KeyTable::Consumer),
        ("item", "items", KeyTable::Item),
        ("order", "orders", KeyTable::Order),
    ];
    for (kind, name, table) in tables {
        let size = kinds.get(kind).copied().unwrap_or_default();
        let size = Size { events: snapshot.keys(table).into(), ..size };
        rows.push(line("dictionaries", name, size));
    }
    let indexes = kinds.get("indexes").copied().unwrap_or_default();
    rows.push(line("indexes", "attributes and audiences", indexes));
    let log = Size { count: 1, events: 0, bytes: snapshot.log_bytes() };
    rows.push(line("log", "batches not in files yet", log));
}

/// Merges: those that are due, those that would make the store compact, and the one running.
fn compaction(reading: &Reading<'_>, rows: &mut Vec<Vec<Value>>) {
    let snapshot = reading.view.snapshot();
    let due = Size::add_jobs(&snapshot.compaction_plan(Depth::Due));
    let full = Size::add_jobs(&snapshot.compaction_plan(Depth::Full));
    rows.push(line("compaction", "due", due));
    rows.push(line("compaction", "to the last", full));
    let (mut running, mut done) = (Size::default(), Size::default());
    if let Some(now) = snapshot.compaction_running() {
        running.add(1, now.job.rows, now.job.bytes);
        done.add(1, now.rows_done, 0);
    }
    rows.push(line("compaction", "running", running));
    rows.push(line("compaction", "running, done", done));
}

fn line(section: &str, name: &str, size: Size) -> Vec<Value> {
    let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let unit = 10_u128.pow(u32::from(BYTES_PER_EVENT_SCALE));
    let per_event = match u128::from(size.events) {
        0 => Value::Null,
        events => {
            let unscaled = (u128::from(size.bytes) * unit + events / 2) / events;
            let unscaled = i128::try_from(unscaled).unwrap_or(i128::MAX);
            Value::Numeric(Decimal { unscaled, scale: BYTES_PER_EVENT_SCALE })
        }
    };
    vec![
        text(section),
        text(name),
        number(size.count),
        number(size.events),
        number(size.bytes),
        per_event,
    ]
}
