//! Everything visible at one moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compact::CompactionState;
use super::files::FileType;
use super::trace::newest_without;
use super::types::KeyTable;
use crate::dictionary::Dictionary;
use crate::erasure::Erasures;
use crate::error::CorruptError;
use crate::index::IndexFile;
use crate::names::Names;
use crate::segment::Segment;

/// Definitions by (kind, name).
pub(super) type Definitions = BTreeMap<(u8, String), Vec<u8>>;

/// Everything visible at one moment. Cheap to clone; never changes; keeps its files alive.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(super) version: u64,
    /// Segments on disk with their numbers.
    pub(super) disk: Arc<Vec<(u64, Arc<Segment>)>>,
    /// Segments in memory that a checkpoint writes to files.
    pub(super) frozen: Arc<Vec<Arc<Segment>>>,
    /// Segments in memory, the oldest and largest first; their events came after those frozen.
    pub(super) memory: Vec<Arc<Segment>>,
    // Invariant 1: `disk`, `frozen` and `memory` together, by first day.
    segments: Vec<Arc<Segment>>,
    pub(super) indexes: Arc<BTreeMap<String, DiskIndex>>,
    pub(super) definitions: Arc<Definitions>,
    pub(super) keys: [u32; 3],
    pub(super) dictionaries: Arc<[Dictionary; 3]>,
    pub(super) names: Arc<Names>,
    /// Bytes of the logs.
    pub(super) log_bytes: u64,
    pub(super) erasures: Arc<Erasures>,
    pub(super) compaction: Arc<CompactionState>,
}

/// An index on disk.
#[derive(Debug, Clone)]
pub(super) struct DiskIndex {
    pub(super) number: u64,
    pub(super) bytes: u64,
    pub(super) index: Arc<IndexFile>,
}

impl Snapshot {
    pub(super) fn empty(dictionaries: &Arc<[Dictionary; 3]>, names: &Arc<Names>) -> Self {
        Self {
            version: 0,
            disk: Arc::default(),
            frozen: Arc::default(),
            memory: Vec::new(),
            segments: Vec::new(),
            indexes: Arc::default(),
            definitions: Arc::default(),
            keys: [0; 3],
            dictionaries: Arc::clone(dictionaries),
            names: Arc::clone(names),
            log_bytes: 0,
            erasures: Arc::default(),
            compaction: Arc::default(),
        }
    }

    /// Re-establishes invariant 1.
    pub(super) fn arrange(&mut self) {
        self.segments.clear();
        self.segments.extend(self.disk.iter().map(|(_, segment)| Arc::clone(segment)));
        self.segments.extend(self.frozen.iter().chain(&self.memory).cloned());
        self.segments.sort_by_key(|segment| segment.first_day());
    }

    /// Counts the commits: two snapshots with the same version answer alike.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// All segments, in memory and on disk, by first day.
    #[must_use]
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// The segment of a file.
    pub(super) fn segment(&self, number: u64) -> Option<&Arc<Segment>> {
        self.disk.iter().find(|(other, _)| *other == number).map(|(_, segment)| segment)
    }

    /// Checkpoints that were published since the store was opened, not up to this snapshot's moment
    /// but up to now.
    #[must_use]
    pub fn checkpoints_done(&self) -> u64 {
        self.compaction.done().1
    }

    /// Merges that were published since the store was opened, in the same way.
    #[must_use]
    pub fn merges_done(&self) -> u64 {
        self.compaction.done().0
    }

    /// The segments that are files.
    pub fn segments_on_disk(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.disk.iter().map(|(_, segment)| segment)
    }

    /// Bytes of the log, with one that a checkpoint has not done with.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.log_bytes
    }

    /// Indexes by key.
    #[must_use]
    pub fn index(&self, key: &str) -> Option<&Arc<IndexFile>> {
        self.indexes.get(key).map(|disk| &disk.index)
    }

    /// Keys of all indexes, in order.
    pub fn index_keys(&self) -> impl Iterator<Item = &str> {
        self.indexes.keys().map(String::as_str)
    }

    /// Definitions by (kind, name).
    #[must_use]
    pub fn definitions(&self) -> &BTreeMap<(u8, String), Vec<u8>> {
        &self.definitions
    }

    /// The small tables of names. It may hold names newer than the snapshot; they have no rows.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// How many keys a dictionary has in this snapshot.
    #[must_use]
    pub fn keys(&self, table: KeyTable) -> u32 {
        self.keys[table as usize]
    }

    /// How many of a dictionary's keys are not forgotten.
    #[must_use]
    pub fn keys_known(&self, table: KeyTable) -> u64 {
        let buried = self.erasures.buried[table as usize].len();
        u64::from(self.keys(table)).saturating_sub(buried)
    }

    /// The day of the newest event of anybody who is not forgotten.
    ///
    /// # Errors
    /// When the bytes of a segment do not match their checksum; only while somebody is
    /// [`Erasures::pending`] any are read.
    pub fn newest_day(&self) -> Result<Option<i32>, CorruptError> {
        let segments = self.segments.iter().filter(|segment| segment.rows() > 0);
        let pending = self.erasures.pending();
        if pending.is_empty() {
            return Ok(segments.map(|segment| segment.last_day()).max());
        }
        let mut lanes: Vec<_> = segments.flat_map(|segment| segment.lanes()).collect();
        lanes.sort_by_key(|lane| std::cmp::Reverse(lane.last_day()));
        let mut newest = None;
        for lane in lanes {
            if newest >= Some(lane.last_day()) {
                break;
            }
            newest = newest.max(newest_without(lane, pending)?);
        }
        Ok(newest)
    }

    /// What was taken out of the store, and whom its files may still hold. Whoever reads rows or
    /// indexes takes [`Erasures::pending`] out of what is read.
    #[must_use]
    pub fn erasures(&self) -> &Erasures {
        &self.erasures
    }

    /// The id of a key. A forgotten one is gone at once, from earlier snapshots too.
    ///
    /// # Errors
    /// When the dictionary's bytes do not match their checksum.
    pub fn id(&self, table: KeyTable, key: &[u8]) -> Result<Option<u32>, CorruptError> {
        let position = self.dictionaries[table as usize].find(key)?;
        Ok(position.filter(|&at| at < self.keys(table)).map(|at| at + table.first_id()))
    }

    /// The key of an id; none when it was forgotten.
    ///
    /// # Errors
    /// When the dictionary's bytes do not match their checksum.
    pub fn key(&self, table: KeyTable, id: u32) -> Result<Option<Vec<u8>>, CorruptError> {
        match id.checked_sub(table.first_id()) {
            Some(position) if position < self.keys(table) => {
                self.dictionaries[table as usize].key(position)
            }
            _ => Ok(None),
        }
    }

    /// What does not match its checksum, one error for each damaged file.
    pub(super) fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Vec<CorruptError> {
        let parts: Vec<_> = self.dictionaries.iter().flat_map(|d| d.parts().to_vec()).collect();
        let total = self.segments.len() + self.indexes.len() + parts.len();
        let segments = self.segments.iter().map(|segment| segment.verify());
        let indexes = self.indexes.values().map(|disk| disk.index.verify());
        let parts = parts.iter().map(|part| part.verify_all());
        let mut damaged = Vec::new();
        for (done, verified) in (1..).zip(segments.chain(indexes).chain(parts)) {
            damaged.extend(verified.err());
            progress(done, total as u64);
        }
        damaged
    }

    /// Files and bytes of each, for SHOW STORE. Segments in memory stand together as `memory`.
    #[must_use]
    pub fn files(&self) -> Vec<(String, u64)> {
        let mut files: Vec<_> = self
            .disk
            .iter()
            .map(|(number, segment)| (FileType::Segment.name(*number), segment.bytes()))
            .collect();
        let indexes = self.indexes.values();
        files.extend(indexes.map(|index| (FileType::Index.name(index.number), index.bytes)));
        for (table, dictionary) in KeyTable::ALL.into_iter().zip(&*self.dictionaries) {
            let parts = dictionary.parts();
            files.extend(
                parts.iter().map(|part| (FileType::Part(table).name(part.number()), part.bytes())),
            );
        }
        let mut in_memory = self.frozen.iter().chain(&self.memory).peekable();
        if in_memory.peek().is_some() {
            let bytes = in_memory.map(|segment| segment.bytes()).sum();
            files.push(("memory".to_owned(), bytes));
        }
        files
    }
}
