//! What an open database knows of itself beside its store.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::compactor::CompactionOptions;

/// Since when it is open, where, and what runs now.
#[derive(Debug)]
pub(crate) struct Vitals {
    opened: Instant,
    place: PathBuf,
    compaction: CompactionOptions,
    running: AtomicUsize,
}

/// A statement that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Running(Arc<Vitals>);

impl Vitals {
    /// A database that was opened now.
    pub(crate) fn new(place: &Path, compaction: CompactionOptions) -> Self {
        let (opened, running) = (Instant::now(), AtomicUsize::new(0));
        Self { opened, place: place.to_owned(), compaction, running }
    }

    /// Counts a statement.
    pub(crate) fn begin(self: &Arc<Self>) -> Running {
        self.running.fetch_add(1, Ordering::Relaxed);
        Running(Arc::clone(self))
    }

    /// Statements that run now.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// How long it has been open.
    pub(crate) fn uptime(&self) -> Duration {
        self.opened.elapsed()
    }

    /// The directory of the store.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }

    /// How segments are merged in the background.
    pub(crate) fn compaction(&self) -> CompactionOptions {
        self.compaction
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
    }
}
