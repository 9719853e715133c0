//! What is known of compaction beside the segments: who compacts, how far it has come, and which
//! segments cannot be read.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::plan::{Job, Piece};

/// How far merging goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As far as it is worth its writing: what goes on in the background.
    Due,
    /// Until every block of days is one run of segments that do not overlap.
    Full,
}

/// A merge that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionJob {
    /// The earliest day in it.
    pub first_day: i32,
    /// The latest day in it.
    pub last_day: i32,
    /// Segments that it replaces.
    pub segments: usize,
    /// Events in them.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl From<&Job> for CompactionJob {
    fn from(job: &Job) -> Self {
        Self {
            first_day: job.pieces.iter().map(|piece| piece.first_day).min().unwrap_or_default(),
            last_day: job.pieces.iter().map(|piece| piece.last_day).max().unwrap_or_default(),
            segments: job.pieces.len(),
            rows: job.rows(),
            bytes: job.bytes(),
        }
    }
}

/// A merge that is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// What it does.
    pub job: CompactionJob,
    /// Events merged so far.
    pub rows_done: u64,
}

impl Running {
    /// Two merges as one.
    fn with(self, other: Self) -> Self {
        let (one, two) = (self.job, other.job);
        let job = CompactionJob {
            first_day: one.first_day.min(two.first_day),
            last_day: one.last_day.max(two.last_day),
            segments: one.segments + two.segments,
            rows: one.rows + two.rows,
            bytes: one.bytes + two.bytes,
        };
        Self { job, rows_done: self.rows_done + other.rows_done }
    }
}

/// Shared by everybody who looks at a store.
#[derive(Debug, Default)]
pub(in crate::store) struct CompactionState {
    /// Held by whoever merges: inputs vanish through merges alone, so a plan stays valid.
    working: Mutex<()>,
    running: Mutex<Vec<Running>>,
    /// Merges and checkpoints that were published since the store was opened.
    merges: AtomicU64,
    checkpoints: AtomicU64,
    /// Segments with bytes that do not match: no merge takes them, so that it does not fail over
    /// and over.
    damaged: Mutex<BTreeSet<u64>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CompactionState {
    pub(in crate::store) fn work(&self) -> MutexGuard<'_, ()> {
        lock(&self.working)
    }

    pub(in crate::store) fn note_merge(&self) {
        self.merges.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::store) fn note_checkpoint(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
    }

    /// Merges, and checkpoints.
    pub(in crate::store) fn done(&self) -> (u64, u64) {
        (self.merges.load(Ordering::Relaxed), self.checkpoints.load(Ordering::Relaxed))
    }

    /// What goes on; several merges at once are told as one.
    pub(in crate::store) fn running(&self) -> Option<Running> {
        lock(&self.running).iter().copied().reduce(Running::with)
    }

    pub(super) fn begin(&self, job: CompactionJob) -> RunningGuard<'_> {
        lock(&self.running).push(Running { job, rows_done: 0 });
        RunningGuard { state: self, job }
    }

    pub(super) fn add_rows(&self, job: CompactionJob, rows: u64) {
        if let Some(running) = lock(&self.running).iter_mut().find(|running| running.job == job) {
            running.rows_done += rows;
        }
    }

    pub(super) fn set_aside(&self, number: u64) {
        lock(&self.damaged).insert(number);
    }

    /// The segments that may be merged. Of those that came out of one merge none is left behind.
    pub(super) fn sound(&self, mut pieces: Vec<Piece>) -> Vec<Piece> {
        let damaged = lock(&self.damaged);
        if !damaged.is_empty() {
            let is_damaged = |piece: &&Piece| damaged.contains(&piece.number);
            let arrivals: BTreeSet<u64> =
                pieces.iter().filter(is_damaged).map(|piece| piece.arrival).collect();
            pieces.retain(|piece| !arrivals.contains(&piece.arrival));
        }
        pieces
    }
}

/// Says that a merge does not run any more when it is dropped.
pub(super) struct RunningGuard<'s> {
    state: &'s CompactionState,
    job: CompactionJob,
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        let mut running = lock(&self.state.running);
        if let Some(at) = running.iter().position(|running| running.job == self.job) {
            running.swap_remove(at);
        }
    }
}
