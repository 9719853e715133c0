//! What the threads of a store share, and the order in which they take its locks.
//!
//! Order: the right to compact, then the turn, then the lead, then the log, then the present.
//! Whoever puts a batch or a bulk load together has the turn, and so has whoever begins or
//! publishes a checkpoint, or publishes merged segments. A checkpoint's files are written without
//! it; a bulk load, a deletion and the end of taking people out wait for it first. Whoever
//! publishes has the lead. The log and the manifest are appended to under the log's mutex. Readers
//! take the present only to copy an `Arc`.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use super::checkpoint::Checkpoints;
use super::columns::Limits;
use super::error::WriteError;
use super::files::Files;
use super::lead::Group;
use super::snapshot::Snapshot;
use super::tokens::Tokens;
use super::turn::Turn;
use super::types::{Definition, Settings};
use crate::catalog::Catalog;
use crate::dictionary::Dictionary;
use crate::erasure::{Erasures, Forgetting};
use crate::io::{Action, DiskLock, IoError};
use crate::manifest::Manifest;
use crate::names::{NameTable, Names};
use crate::rows::EventColumns;
use crate::wal::{NameRun, RecordFile};

/// When memory is written to segments.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Events in memory.
    pub checkpoint_rows: u64,
    /// Bytes of the log.
    pub checkpoint_bytes: u64,
    /// Keys in memory before a bulk load writes them out.
    pub tail_keys: usize,
    /// Bytes of keys in memory before a bulk load writes them out.
    pub tail_bytes: usize,
    /// Events of a segment.
    pub segment_rows: usize,
    /// Bytes of the manifest from which it may be written anew.
    pub manifest_bytes: u64,
    /// Threads that build segments at most. Each needs memory for the segment it builds.
    pub builders: usize,
    /// Events from which several merges are written at once, by as many threads.
    pub beside_rows: u64,
    /// Who writes what a checkpoint has frozen.
    pub beside: Beside,
}

/// Who writes what a checkpoint has frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// A thread of its own, beside the writers.
    Thread,
    /// Whoever needs it to be written, so that everything has one order.
    #[cfg_attr(
        not(any(test, feature = "faults")),
        expect(dead_code, reason = "programs have a thread for it")
    )]
    Nobody,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            checkpoint_rows: 2_000_000,
            checkpoint_bytes: 64 << 20,
            tail_keys: 8 << 20,
            tail_bytes: 256 << 20,
            segment_rows: 32 << 20,
            manifest_bytes: 1 << 20,
            builders: 4,
            beside_rows: 4 << 20,
            beside: Beside::Thread,
        }
    }
}

/// The inside of a store.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) files: Arc<Files>,
    pub(super) settings: Settings,
    pub(super) tuning: Tuning,
    pub(super) names: Arc<Names>,
    pub(super) dictionaries: Arc<[Dictionary; 3]>,
    pub(super) turn: Turn,
    pub(super) group: Mutex<Group>,
    pub(super) group_changed: Condvar,
    /// The newest log record known to be durable.
    pub(super) synced: AtomicU64,
    pub(super) log: Mutex<LogState>,
    pub(super) present: RwLock<Arc<Snapshot>>,
    pub(super) checkpoints: Checkpoints,
    /// The first write that the disk did not confirm.
    pub(super) failure: OnceLock<Arc<IoError>>,
    pub(super) catalog: Catalog,
    pub(super) _lock: Box<dyn DiskLock>,
}

/// What is appended to, and how far it has come.
#[derive(Debug)]
pub(super) struct LogState {
    pub(super) log: RecordFile,
    /// The log before it, while a checkpoint writes its events to segments.
    pub(super) frozen: Option<FrozenFile>,
    pub(super) manifest: Manifest,
    /// Batches in the log that are not visible yet, by sequence.
    pub(super) pending: VecDeque<Pending>,
    /// Names of each table that are in the log or the manifest.
    pub(super) names_logged: [usize; 4],
    /// Keys of each table that are in the log or in published parts.
    pub(super) keys_logged: [u32; 3],
    /// Definitions changed since the last edit of the manifest.
    pub(super) changed: BTreeMap<(u8, String), Option<Vec<u8>>>,
    pub(super) tokens: Tokens,
    /// Tokens since the last edit of the manifest.
    pub(super) tokens_new: Vec<String>,
    /// What was taken out, in the log or in the manifest.
    pub(super) erasures: Arc<Erasures>,
}

/// A log that nothing is added to any more.
#[derive(Debug)]
pub(super) struct FrozenFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// A batch in the log.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) sequence: u64,
    pub(super) events: EventColumns,
    pub(super) keys: [u32; 3],
    pub(super) definitions: Vec<Definition>,
    pub(super) forgetting: Option<Forgetting>,
}

impl Shared {
    pub(super) fn log(&self) -> MutexGuard<'_, LogState> {
        // Whoever panicked in the middle has poisoned the store through its lead or left the
        // state as it was.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn present(&self) -> Arc<Snapshot> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_present(&self, snapshot: Snapshot) {
        *self.present.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    /// Brings the catalog up to date. What it cannot take it takes later: the store does not
    /// depend on it.
    pub(super) fn follow_with_catalog(&self) {
        let snapshot = self.present();
        let _ = self.catalog.follow(snapshot.version, &snapshot.definitions);
    }

    /// Refuses when an earlier write was not confirmed.
    pub(super) fn healthy(&self) -> Result<(), WriteError> {
        match self.failure.get() {
            Some(error) => Err(WriteError::ReadOnly(Arc::clone(error))),
            None => Ok(()),
        }
    }

    /// Makes the store read-only.
    pub(super) fn fail(&self, error: IoError) -> WriteError {
        WriteError::Unconfirmed(Arc::clone(self.failure.get_or_init(|| Arc::new(error))))
    }

    /// What an error of a file means that nothing refers to yet: only after a sync that was not
    /// confirmed is anything unknown.
    pub(super) fn sync_failed(&self, error: IoError) -> WriteError {
        if error.action == Action::Sync && !error.is_full() {
            return self.fail(error);
        }
        error.into()
    }

    /// How many keys each dictionary has, published or not.
    pub(super) fn key_counts(&self) -> [u32; 3] {
        [0, 1, 2].map(|table: usize| self.dictionaries[table].count())
    }

    /// What events may name.
    pub(super) fn limits(&self) -> Limits {
        let names = NameTable::ALL.map(|table| {
            u32::try_from(self.names.count(table)).expect("a table holds at most 2^20 names")
        });
        Limits { names, keys: self.key_counts() }
    }
}

impl LogState {
    /// Bytes of both logs.
    pub(super) fn log_bytes(&self) -> u64 {
        self.log.length() + self.frozen.as_ref().map_or(0, |frozen| frozen.bytes)
    }

    /// Names that are neither in the log nor in the manifest yet.
    pub(super) fn new_names(&self, names: &Names) -> [NameRun; 4] {
        NameTable::ALL.map(|table| {
            let first = self.names_logged[table as usize];
            NameRun { first, names: names.since(table, first) }
        })
    }

    pub(super) fn note_names(&mut self, runs: &[NameRun; 4]) {
        for (logged, run) in self.names_logged.iter_mut().zip(runs) {
            *logged = (*logged).max(run.first + run.names.len());
        }
    }
}
