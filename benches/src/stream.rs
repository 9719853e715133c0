//! A stream of batches into a store: several writers, each waiting for its acknowledgement.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use throng::behaviour::BUILT_IN;
use throng::market::{REFERENCE_BRANDS, ReferenceEvents, reference_events, reference_key};
use throng::query::date::Date;
use throng::storage::io;
use throng::storage::rows::EventColumns;
use throng::{CompactionOptions, CreateOptions, Database, Event, EventBatch, Outcome, When};

use crate::SEED;

/// The day that most events are of, 2026-01-01.
const TODAY: i32 = 20_454;
/// Of a thousand events, those of the day before, and those of any of the 30 days before.
const YESTERDAY: u32 = 90;
const LATE: u32 = 10;
/// Reference events made at a time, and batches: enough for any run.
const EVENTS_MAX: u64 = 1 << 40;
/// What is streamed.
#[derive(Debug, Clone, Copy)]
pub struct StreamOptions {
    /// Threads that write.
    pub writers: u32,
    /// Events of a batch.
    pub batch: usize,
    /// Events a second that all writers send together; as many as are taken when absent.
    pub rate: Option<u64>,
    /// For how long.
    pub time: Duration,
    /// How segments are merged meanwhile.
    pub compaction: CompactionOptions,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Streamed {
    /// Events acknowledged.
    pub events: u64,
    /// Over so many seconds, with the making of the events.
    pub seconds: f64,
    /// Milliseconds from the call to the acknowledgement of each batch, ascending.
    pub milliseconds: Vec<f64>,
    /// Consumers in the end.
    pub consumers: u64,
    /// Most bytes of memory that the process had.
    pub memory: u64,
    /// Checkpoints that were published.
    pub checkpoints: u64,
    /// Merges that were published.
    pub merges: u64,
}

impl Streamed {
    /// The time below which so many of a thousand acknowledgements came.
    #[must_use]
    pub fn per_mille(&self, share: usize) -> f64 {
        let at = (self.milliseconds.len() * share / 1000).min(self.milliseconds.len().max(1) - 1);
        self.milliseconds.get(at).copied().unwrap_or(0.0)
    }
}

/// Streams reference events, with their brands, behaviours, amounts and consumers by text, into a
/// new store.
///
/// # Errors
/// When the store cannot be made, or refuses a batch.
pub fn stream(dir: &Path, options: StreamOptions) -> Result<Streamed, Box<dyn std::error::Error>> {
    let database = Database::create_with(dir, &CreateOptions::default(), options.compaction)?;
    let (next, stop) = (AtomicU32::new(0), AtomicBool::new(false));
    let (acknowledged, sent) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    let writers = || {
        let writer = Writer {
            database: &database,
            next: &next,
            stop: &stop,
            sent: &sent,
            acknowledged: &acknowledged,
            start,
            options,
        };
        writer.run().map_err(|error| error.to_string())
    };
    let written: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..options.writers).map(|_| scope.spawn(writers)).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    let mut all = Streamed { seconds: start.elapsed().as_secs_f64(), ..Streamed::default() };
    for times in written {
        all.milliseconds.extend(times.map_err(|_| "a writer panicked")??);
    }
    all.milliseconds.sort_by(f64::total_cmp);
    all.events = acknowledged.into_inner();
    let snapshot = database.store().snapshot();
    let found: u64 = snapshot.segments().iter().map(|segment| segment.rows()).sum();
    if found != all.events {
        return Err(format!("{found} events are there, {} were acknowledged", all.events).into());
    }
    all.consumers = u64::from(snapshot.keys(throng::storage::store::KeyTable::Consumer));
    (all.checkpoints, all.merges) = (snapshot.checkpoints_done(), snapshot.merges_done());
    all.memory = peak_memory();
    Ok(all)
}

/// One thread's work.
struct Writer<'w> {
    database: &'w Database,
    next: &'w AtomicU32,
    stop: &'w AtomicBool,
    sent: &'w AtomicU64,
    acknowledged: &'w AtomicU64,
    start: Instant,
    options: StreamOptions,
}

impl Writer<'_> {
    fn run(&self) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
        let brands: Vec<String> = (1..=REFERENCE_BRANDS).map(ReferenceEvents::brand_name).collect();
        let reference = reference_events(EVENTS_MAX, SEED);
        let mut times = Vec::new();
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let events = reference.batch(index);
            for (number, first) in (0..events.len()).step_by(self.options.batch).enumerate() {
                if self.stop.load(Ordering::Relaxed) {
                    return Ok(times);
                }
                let rows = first..events.len().min(first + self.options.batch);
                let batch = batch_of(&events, rows, &brands);
                let token = format!("{index}/{number}");
                self.keep_to_rate(batch.len() as u64);
                times.push(self.send(&batch, &token)?);
                if self.start.elapsed() >= self.options.time {
                    self.stop.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Waits until a batch is due.
    fn keep_to_rate(&self, events: u64) {
        if let Some(rate) = self.options.rate {
            let before = self.sent.fetch_add(events, Ordering::Relaxed);
            let due = Duration::from_secs_f64(before as f64 / rate as f64);
            std::thread::sleep(due.saturating_sub(self.start.elapsed()));
        }
    }

    /// Milliseconds until a batch was acknowledged.
    fn send(&self, batch: &EventBatch, token: &str) -> Result<f64, Box<dyn std::error::Error>> {
        let before = Instant::now();
        let outcome = self.database.ingest(batch, Some(token))?;
        let time = before.elapsed().as_secs_f64() * 1e3;
        let Outcome::Applied { events } = outcome else {
            return Err(format!("the token {token} was there before").into());
        };
        let known = self.acknowledged.fetch_add(events, Ordering::SeqCst) + events;
        // What was acknowledged is in the next snapshot, whoever sent it.
        let snapshot = self.database.store().snapshot();
        let found: u64 = snapshot.segments().iter().map(|segment| segment.rows()).sum();
        if found < known {
            return Err(format!("{found} events are visible of {known} acknowledged").into());
        }
        Ok(time)
    }
}

fn batch_of(events: &EventColumns, rows: std::ops::Range<usize>, brands: &[String]) -> EventBatch {
    let mut batch = EventBatch::new();
    for row in rows {
        let consumer = reference_key(events.consumer[row]);
        let behaviour = BUILT_IN[usize::from(events.behaviour[row]) - 1];
        let lot = events.day[row].unsigned_abs().wrapping_mul(2_654_435_761) >> 16;
        let back = match lot % 1000 {
            lot if lot < LATE => 2 + (lot.cast_signed() * 3) % 29,
            lot if lot < LATE + YESTERDAY => 1,
            _ => 0,
        };
        let at = When::Local { day: Date(TODAY - back), second: events.second[row] };
        let brand = &brands[events.brand[row] as usize - 1];
        let event = Event::new(&consumer, brand, behaviour, at);
        batch.push(&Event { amount: events.amount[row], ..event });
    }
    batch
}

/// Most bytes of memory that this process had; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = io::read(Path::new("/proc/self/status")).unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map_or(0, |kib| kib * 1024)
}
