//! A store: one directory, its writer, and the snapshots that readers hold.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::dictionary::KeyColumn;
use crate::error::CorruptError;
use crate::index::IndexFile;
use crate::names::Names;
use crate::rows::EventColumns;
use crate::segment::Segment;

/// What is fixed when a store is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// IANA name of the store's time zone.
    pub time_zone: String,
    /// ISO 4217 code of its currency.
    pub currency: String,
    /// Digits of the currency's minor unit.
    pub exponent: u8,
}

/// An open store. One process owns it; its threads share it.
#[derive(Debug)]
pub struct Store;

/// Everything visible at one moment. Cheap to clone; never changes; keeps its files alive.
#[derive(Debug)]
pub struct Snapshot;

/// The one writer's turn: small batches. Dropping it without `append` changes nothing.
#[derive(Debug)]
pub struct Writer<'s> {
    store: &'s Store,
}

/// A batch in the log, not yet known to be durable.
#[derive(Debug)]
#[must_use = "a batch is acknowledged by `wait`"]
pub struct Ticket;

/// The one writer's turn: any amount of events, indexes and definitions, published at once or not
/// at all. Dropping it without `commit` changes nothing.
#[derive(Debug)]
pub struct Bulk<'s> {
    store: &'s Store,
}

/// What became of a batch or a bulk load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable and visible.
    Applied {
        /// Events in it.
        events: u64,
    },
    /// Its token had been applied before; nothing changed.
    Repeated,
}

/// The kinds of long dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyTable {
    /// Identities to consumers; ids start at 0.
    Consumer,
    /// Items; ids start at 1, 0 stands for none.
    Item,
    /// Orders; ids start at 1, 0 stands for none.
    Order,
}

/// Why a store cannot be opened or created.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {}

/// Why something was not stored.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {}

/// How a bulk load uses the machine.
#[derive(Debug, Clone)]
pub struct BulkOptions {
    /// Applied at most once.
    pub token: Option<String>,
    /// Bytes of memory for events before they are spilled to temporary files.
    pub memory: usize,
}

impl Store {
    /// Makes a store in a directory that does not exist or is empty.
    ///
    /// # Errors
    /// When the directory is in use or cannot be written.
    pub fn create(_dir: &Path, _settings: &Settings) -> Result<Self, OpenError> {
        unimplemented!()
    }
    /// Opens a store, recovering what a crash left.
    ///
    /// # Errors
    /// When there is none, another process owns it, its version is not ours, or bytes are corrupt.
    pub fn open(_dir: &Path) -> Result<Self, OpenError> {
        unimplemented!()
    }
    /// What was fixed at creation.
    pub fn settings(&self) -> &Settings {
        unimplemented!()
    }
    /// The present.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        unimplemented!()
    }
    /// The small tables of names, shared with every thread.
    pub fn names(&self) -> &Arc<Names> {
        unimplemented!()
    }
    /// Waits for the writer's turn, for a small batch.
    ///
    /// # Errors
    /// When the store is read-only after a failed sync.
    pub fn writer(&self) -> Result<Writer<'_>, WriteError> {
        Ok(Writer { store: self })
    }
    /// Waits for the writer's turn, for a bulk load.
    ///
    /// # Errors
    /// When the store is read-only after a failed sync.
    pub fn bulk(&self, _options: BulkOptions) -> Result<Bulk<'_>, WriteError> {
        Ok(Bulk { store: self })
    }
    /// Adds, replaces (`Some`) or removes (`None`) definitions. Durable and visible on return.
    ///
    /// # Errors
    /// When the log cannot be written; then nothing changed.
    pub fn define(&self, _changes: Vec<Definition>) -> Result<(), WriteError> {
        unimplemented!()
    }
    /// Writes what is in memory to segments and empties the log.
    ///
    /// # Errors
    /// When a file cannot be written; then nothing changed.
    pub fn checkpoint(&self) -> Result<(), WriteError> {
        unimplemented!()
    }
}

/// One change of a definition: models, audiences, brands' settings, attribute types. The value is
/// the engine's own; storage does not look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The kind, numbered by the engine.
    pub kind: u8,
    /// The name within the kind.
    pub name: String,
    /// The new value; none removes it.
    pub value: Option<Vec<u8>>,
}

impl Snapshot {
    /// Counts the commits: two snapshots with the same version answer alike.
    pub fn version(&self) -> u64 {
        unimplemented!()
    }
    /// All segments, in memory and on disk, by first day.
    pub fn segments(&self) -> &[Arc<Segment>] {
        unimplemented!()
    }
    /// Indexes by key.
    pub fn index(&self, _key: &str) -> Option<&Arc<IndexFile>> {
        unimplemented!()
    }
    /// Keys of all indexes.
    pub fn index_keys(&self) -> impl Iterator<Item = &str> {
        std::iter::empty()
    }
    /// Definitions by (kind, name).
    pub fn definitions(&self) -> &BTreeMap<(u8, String), Vec<u8>> {
        unimplemented!()
    }
    /// The small tables of names. It may hold names newer than the snapshot; they have no rows.
    pub fn names(&self) -> &Names {
        unimplemented!()
    }
    /// How many keys a dictionary has in this snapshot.
    pub fn keys(&self, _table: KeyTable) -> u32 {
        unimplemented!()
    }
    /// The id of a key.
    ///
    /// # Errors
    /// When the dictionary's bytes do not match their checksum.
    pub fn id(&self, _table: KeyTable, _key: &[u8]) -> Result<Option<u32>, CorruptError> {
        unimplemented!()
    }
    /// The key of an id.
    ///
    /// # Errors
    /// When the dictionary's bytes do not match their checksum.
    pub fn key(&self, _table: KeyTable, _id: u32) -> Result<Option<Vec<u8>>, CorruptError> {
        unimplemented!()
    }
    /// Files, kind and bytes of each, for SHOW STORE.
    pub fn files(&self) -> Vec<(String, u64)> {
        unimplemented!()
    }
}

impl Writer<'_> {
    /// The ids of keys, new ones added.
    ///
    /// # Errors
    /// When the dictionary is full (2^32 - 2 keys) or a key is longer than 1,024 bytes.
    pub fn intern(
        &mut self,
        _table: KeyTable,
        _keys: &KeyColumn,
        _ids: &mut Vec<u32>,
    ) -> Result<(), WriteError> {
        unimplemented!()
    }
    /// Puts the batch in the log. It is visible and durable once the ticket has been waited for.
    ///
    /// # Errors
    /// When the columns are inconsistent or the log cannot be written; then nothing changed.
    pub fn append(self, _token: Option<&str>, _events: EventColumns) -> Result<Ticket, WriteError> {
        let _ = self.store;
        unimplemented!()
    }
}

impl Ticket {
    /// Waits until the batch is on disk and visible to the next snapshot.
    ///
    /// # Errors
    /// When the sync failed: the batch is not acknowledged and the store is read-only.
    pub fn wait(self) -> Result<Outcome, WriteError> {
        unimplemented!()
    }
}

impl Bulk<'_> {
    /// Whether the token was applied before: then `commit` will change nothing.
    pub fn repeated(&self) -> bool {
        unimplemented!()
    }
    /// The ids of keys, new ones added.
    ///
    /// # Errors
    /// As [`Writer::intern`].
    pub fn intern(
        &mut self,
        _table: KeyTable,
        _keys: &KeyColumn,
        _ids: &mut Vec<u32>,
    ) -> Result<(), WriteError> {
        unimplemented!()
    }
    /// Adds events. Spills when the memory limit is reached.
    ///
    /// # Errors
    /// When the columns are inconsistent or a temporary file cannot be written.
    pub fn push(&mut self, _events: EventColumns) -> Result<(), WriteError> {
        unimplemented!()
    }
    /// Adds or replaces the index of a key, given the file's bytes from an index builder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn put_index(&mut self, _key: &str, _bytes: Vec<u8>) -> Result<(), WriteError> {
        unimplemented!()
    }
    /// Removes the index of a key.
    pub fn drop_index(&mut self, _key: &str) {
        unimplemented!()
    }
    /// Changes a definition with the rest.
    pub fn define(&mut self, _change: Definition) {
        unimplemented!()
    }
    /// Writes, syncs and publishes everything; calls `progress` with (done, total) events.
    ///
    /// # Errors
    /// When a file cannot be written; then nothing changed.
    pub fn commit(self, _progress: &mut dyn FnMut(u64, u64)) -> Result<Outcome, WriteError> {
        let _ = self.store;
        unimplemented!()
    }
}
