//! Writing events to segments, one or more for each block of days.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;

use super::columns::{self, split};
use super::error::WriteError;
use super::files::{Draft, FileType};
use super::seen::Seen;
use super::shared::Shared;
use crate::cores;
use crate::rows::EventColumns;
use crate::segment::{BuildOptions, Segment, build};

/// A segment to build.
struct Job {
    number: u64,
    path: PathBuf,
    events: EventColumns,
    seen: Arc<RoaringBitmap>,
}

type Built = Result<(u64, Arc<Segment>), WriteError>;

/// What to write and within which bounds.
pub(super) struct BlockWriter<'w> {
    pub(super) shared: &'w Shared,
    pub(super) draft: &'w Draft,
    pub(super) seen: Seen,
    /// Events of one segment, and of those being built at a time.
    pub(super) rows_max: usize,
    /// Threads that build at most.
    pub(super) workers: usize,
}

impl BlockWriter<'_> {
    /// Writes and syncs the segments of blocks, in ascending order of blocks. `load` gives the
    /// events of a block; `progress` is told the events written so far.
    pub(super) fn write(
        mut self,
        blocks: impl Iterator<Item = i32>,
        load: &mut dyn FnMut(i32) -> Result<EventColumns, WriteError>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Vec<(u64, Arc<Segment>)>, WriteError> {
        let workers = cores().min(self.workers);
        let (jobs, queue) = channel::<Job>();
        let (results, built) = channel::<Built>();
        let queue = Mutex::new(queue);
        let (shared, draft, rows_max) = (self.shared, self.draft, self.rows_max);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (results, queue) = (results.clone(), &queue);
                scope.spawn(move || {
                    while let Some(job) = next(queue) {
                        if results.send(write_segment(shared, draft, job)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(results);
            let mut gate = Gate { built: &built, in_flight: BTreeMap::new(), done: Vec::new() };
            let mut rows_done = 0;
            for block in blocks {
                let events = load(block)?;
                let seen = Arc::new(self.seen.before(block)?);
                self.seen.add_events(&events);
                for events in split(events, rows_max) {
                    let rows = events.len();
                    while gate.rows() > 0
                        && (gate.in_flight.len() >= workers || gate.rows() + rows > rows_max)
                    {
                        rows_done += gate.receive()?;
                        progress(rows_done);
                    }
                    let (number, path) = draft.reserve(FileType::Segment);
                    gate.in_flight.insert(number, rows);
                    let job = Job { number, path, events, seen: Arc::clone(&seen) };
                    // The workers live until the queue is closed below.
                    let _ = jobs.send(job);
                }
            }
            drop(jobs);
            while !gate.in_flight.is_empty() {
                rows_done += gate.receive()?;
                progress(rows_done);
            }
            Ok(gate.done)
        })
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// The segments being built.
struct Gate<'g> {
    built: &'g Receiver<Built>,
    in_flight: BTreeMap<u64, usize>,
    done: Vec<(u64, Arc<Segment>)>,
}

impl Gate<'_> {
    fn rows(&self) -> usize {
        self.in_flight.values().sum()
    }

    /// Waits for one segment; how many events it has.
    fn receive(&mut self) -> Result<u64, WriteError> {
        let built = self.built.recv().expect("a worker sends one result for each of its jobs")?;
        let rows = self.in_flight.remove(&built.0).unwrap_or_default();
        self.done.push(built);
        Ok(rows as u64)
    }
}

fn write_segment(shared: &Shared, draft: &Draft, job: Job) -> Built {
    let file_id = shared.files.file_id(job.number);
    let bytes = build(&job.events, &BuildOptions { file_id, seen: &job.seen })?;
    drop(job.events);
    write_synced(shared, draft, &job.path, &bytes)?;
    drop(bytes);
    let mapping = shared.files.disk.map(&job.path)?;
    Ok((job.number, Arc::new(Segment::from_mapping(mapping, job.path)?)))
}

/// Writes a new file whole and syncs it. A sync that fails makes the store read-only.
pub(super) fn write_synced(
    shared: &Shared,
    draft: &Draft,
    path: &std::path::Path,
    bytes: &[u8],
) -> Result<(), WriteError> {
    let file = draft.write(path, bytes)?;
    file.sync().map_err(|error| shared.sync_failed(error))
}

/// Events by block of days.
pub(super) fn by_block(events: &EventColumns) -> BTreeMap<i32, EventColumns> {
    let mut blocks = BTreeMap::new();
    columns::scatter(events, &mut blocks);
    blocks
}
