//! Bulk loads: any amount, past the log, published at once or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::behind::Behind;
use super::blocks::{BlockWriter, write_synced};
use super::checkpoint::complete;
use super::columns;
use super::commit::{Plan, commit};
use super::error::WriteError;
use super::files::{Draft, FileType};
use super::seen::Seen;
use super::shared::Shared;
use super::snapshot::DiskIndex;
use super::spill::Spill;
use super::turn::TurnGuard;
use super::types::{BulkOptions, Definition, KeyTable, Outcome};
use super::writer::{check_token, intern};
use crate::block::{FileKind, rebind};
use crate::dictionary::{KeyColumn, Part};
use crate::index::IndexFile;
use crate::rows::EventColumns;

/// The one writer's turn: any amount of events, indexes and definitions, published at once or not
/// at all. Dropping it without `commit` changes nothing.
#[derive(Debug)]
pub struct Bulk<'s> {
    shared: &'s Arc<Shared>,
    // Absent after a commit has taken it over.
    draft: Option<Draft>,
    options: BulkOptions,
    repeated: bool,
    plan: Plan,
    blocks: BTreeMap<i32, EventColumns>,
    /// Bytes of `blocks`.
    memory: usize,
    spill: Spill,
    /// Keys that are being written.
    behind: Behind,
    rows: u64,
    /// The dictionaries as they were.
    parts_before: [Arc<[Arc<Part>]>; 3],
    keys_before: [u32; 3],
    committed: bool,
    // Dropped last: the next writer finds everything cleaned up.
    _turn: TurnGuard<'s>,
}

/// Bytes of memory that a row takes while its segment is built, about.
const BUILD_BYTES_PER_ROW: usize = 100;
/// Events of a segment, however little memory there is.
const SEGMENT_ROWS_MIN: usize = 1 << 20;

impl<'s> Bulk<'s> {
    pub(super) fn new(
        shared: &'s Arc<Shared>,
        turn: TurnGuard<'s>,
        options: BulkOptions,
    ) -> Result<Self, WriteError> {
        check_token(options.token.as_deref())?;
        // Keys of the load come after those that are set apart, and may go back.
        complete(shared, &turn)?;
        // A token that is in the log is only known to be applied once the log is synced.
        shared.lead().flush()?;
        let repeated =
            options.token.as_deref().is_some_and(|token| shared.log().tokens.contains(token));
        let draft = Draft::new(&shared.files);
        Ok(Self {
            parts_before: [0, 1, 2].map(|table: usize| shared.dictionaries[table].parts()),
            keys_before: shared.key_counts(),
            draft: Some(draft),
            plan: Plan { token: options.token.clone(), ..Plan::default() },
            options,
            repeated,
            blocks: BTreeMap::new(),
            memory: 0,
            spill: Spill::default(),
            behind: Behind::default(),
            rows: 0,
            committed: false,
            shared,
            _turn: turn,
        })
    }

    fn draft(&self) -> &Draft {
        self.draft.as_ref().expect("only commit takes the draft, and it takes the load as well")
    }

    /// Whether the token was applied before: then `commit` will change nothing.
    #[must_use]
    pub fn repeated(&self) -> bool {
        self.repeated
    }

    /// The ids of keys, new ones added.
    ///
    /// # Errors
    /// As [`super::Writer::intern`].
    pub fn intern(
        &mut self,
        table: KeyTable,
        keys: &KeyColumn,
        ids: &mut Vec<u32>,
    ) -> Result<(), WriteError> {
        intern(self.shared, table, keys, ids)?;
        let (count, bytes) = self.shared.dictionaries[table as usize].tail_size();
        let tuning = &self.shared.tuning;
        if count >= tuning.tail_keys || bytes >= tuning.tail_bytes {
            self.write_keys(table, count)?;
        }
        Ok(())
    }

    /// Begins to write the keys in memory, when so many more are expected.
    fn write_keys(&mut self, table: KeyTable, more: usize) -> Result<(), WriteError> {
        let draft = self.draft.as_ref().expect("only commit takes the draft");
        self.behind.begin(self.shared, draft, table, more)
    }

    /// Adds events. Spills when the memory limit is reached.
    ///
    /// # Errors
    /// When the columns are inconsistent or a temporary file cannot be written.
    pub fn push(&mut self, events: EventColumns) -> Result<(), WriteError> {
        columns::check(&events, &self.shared.limits())?;
        self.rows += events.len() as u64;
        self.memory += columns::memory(&events);
        columns::scatter(&events, &mut self.blocks);
        // The other half is for building.
        if self.memory > self.options.memory / 2 {
            let draft = self.draft.as_ref().expect("only commit takes the draft");
            self.spill.write(self.shared, draft, &mut self.blocks)?;
            self.memory = 0;
        }
        Ok(())
    }

    /// Adds or replaces the index of a key, given the file's bytes from an index builder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn put_index(&mut self, key: &str, bytes: Vec<u8>) -> Result<(), WriteError> {
        let (number, path) = self.draft().reserve(FileType::Index);
        // Bound to its store and number, so that no other file passes for it.
        let file_id = self.shared.files.file_id(number);
        let bytes = rebind(&bytes, FileKind::Index, file_id).unwrap_or(bytes);
        write_synced(self.shared, self.draft(), &path, &bytes)?;
        let mapping = self.shared.files.disk.map(&path)?;
        let index = Arc::new(IndexFile::from_mapping(mapping, path)?);
        let entry = DiskIndex { number, bytes: bytes.len() as u64, index };
        if let Some(replaced) = self.plan.indexes_put.insert(key.to_owned(), entry) {
            self.draft().discard(&self.shared.files.path(FileType::Index, replaced.number));
        }
        Ok(())
    }

    /// Removes the index of a key.
    pub fn drop_index(&mut self, key: &str) {
        if let Some(dropped) = self.plan.indexes_put.remove(key) {
            self.draft().discard(&self.shared.files.path(FileType::Index, dropped.number));
        }
        self.plan.indexes_dropped.push(key.to_owned());
    }

    /// Changes a definition with the rest.
    pub fn define(&mut self, change: Definition) {
        self.plan.definitions.push(change);
    }

    /// Writes, syncs and publishes everything; calls `progress` with (done, total) events.
    ///
    /// # Errors
    /// When a file cannot be written; then nothing changed.
    pub fn commit(mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<Outcome, WriteError> {
        if self.repeated {
            return Ok(Outcome::Repeated);
        }
        let events = self.rows;
        for table in KeyTable::ALL {
            self.write_keys(table, 0)?;
        }
        self.write_segments(progress)?;
        let draft = self.draft.as_ref().expect("only commit takes the draft");
        for table in KeyTable::ALL {
            self.behind.end(self.shared, draft, table)?;
        }
        let plan = std::mem::take(&mut self.plan);
        let draft = self.draft.take().expect("only commit takes the draft");
        commit(self.shared, draft, plan)?;
        self.committed = true;
        Ok(Outcome::Applied { events })
    }

    fn write_segments(&mut self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), WriteError> {
        let shared = self.shared;
        let draft = self.draft.as_ref().expect("only commit takes the draft");
        let snapshot = shared.present();
        let published = snapshot.disk.iter().map(|(_, segment)| Arc::clone(segment));
        let rows_max = (self.options.memory / 2 / BUILD_BYTES_PER_ROW)
            .max(SEGMENT_ROWS_MIN)
            .min(shared.tuning.segment_rows);
        let (seen, workers) = (Seen::new(published, None), shared.tuning.builders);
        let writer = BlockWriter { shared, draft, seen, rows_max, workers };
        let spilled = self.spill.finish(shared)?;
        let numbers: BTreeSet<i32> = spilled.blocks().chain(self.blocks.keys().copied()).collect();
        let blocks = &mut self.blocks;
        let mut load = |block| {
            let mut events = spilled.read(block)?;
            let rest = blocks.remove(&block).unwrap_or_default();
            if events.is_empty() {
                return Ok(rest);
            }
            columns::append(&mut events, &rest);
            Ok(events)
        };
        let total = self.rows;
        self.plan.segments =
            writer.write(numbers.into_iter(), &mut load, &mut |done| progress(done, total))?;
        drop(spilled);
        self.spill.discard(draft);
        Ok(())
    }
}

impl Drop for Bulk<'_> {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        self.behind = Behind::default();
        for ((dictionary, parts), count) in
            self.shared.dictionaries.iter().zip(&self.parts_before).zip(self.keys_before)
        {
            // Keys that cannot be read back are reported by whoever asks for them.
            let _ = dictionary.roll_back(Arc::clone(parts), count);
        }
        self.draft = None;
    }
}
