//! From files back to a state: what the manifest names, then what the log adds.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint::{DUMP, DUMP_UNBOUND};
use super::columns::{self, Limits, append};
use super::error::{OpenError, WriteError};
use super::files::{FileType, Files};
use super::lead::{apply, forget};
use super::memory;
use super::shared::FrozenFile;
use super::snapshot::{Definitions, DiskIndex, Snapshot};
use super::types::{Definition, KeyTable};
use crate::codec::{self, CodecError};
use crate::dictionary::{Dictionary, InternError, Part};
use crate::erasure::Forgetting;
use crate::error::{CorruptError, FileError};
use crate::index::IndexFile;
use crate::io::IoError;
use crate::manifest::{Manifest, PartEntry, State};
use crate::names::{NameTable, Names};
use crate::rows::EventColumns;
use crate::segment::Segment;
use crate::wal::{CommitBody, FileKind, Origin, RecordFile, RecordKind, Replayed, replay};

/// Events gathered before they become a segment in memory.
const REPLAY_ROWS: usize = 1 << 20;

/// A log that another one follows was complete and on disk before that one began.
pub(super) const GAP: &str = "a log ends before the record that the next log follows";

/// What opening found.
pub(super) struct Recovered {
    pub(super) snapshot: Snapshot,
    pub(super) log: RecordFile,
    /// The log before it, when a checkpoint did not end.
    pub(super) frozen: Option<FrozenFile>,
    pub(super) changed: BTreeMap<(u8, String), Option<Vec<u8>>>,
    pub(super) tokens_new: Vec<String>,
}

impl Recovered {
    pub(super) fn new(files: &Files, manifest: &Manifest) -> Result<Self, OpenError> {
        let state = &manifest.state;
        let names = Arc::new(Names::default());
        for (table, run) in NameTable::ALL.into_iter().zip(&state.names) {
            names
                .restore(table, 0, run)
                .map_err(|_| manifest.corrupt("a name stands there twice"))?;
        }
        let dictionaries = Arc::new(open_dictionaries(files, manifest)?);
        for (dictionary, buried) in dictionaries.iter().zip(&state.erasures.buried) {
            dictionary.bury(buried);
        }
        let mut snapshot = Snapshot::empty(&dictionaries, &names);
        snapshot.disk = Arc::new(open_segments(files, state)?);
        snapshot.indexes = Arc::new(open_indexes(files, state)?);
        snapshot.erasures = Arc::new(state.erasures.clone());
        let definitions = read_definitions(files, state)?;
        let mut replay = Replay {
            files,
            logged: state.logged,
            snapshot,
            definitions,
            changed: BTreeMap::new(),
            tokens_new: Vec::new(),
            events: EventColumns::default(),
        };
        let frozen = state.frozen.map(|number| replay.run_frozen(number)).transpose()?;
        let log = replay.run(state.log, frozen.as_ref())?;
        let frozen = frozen.map(|frozen| frozen.file);
        let mut snapshot = replay.snapshot;
        snapshot.definitions = Arc::new(replay.definitions);
        snapshot.keys = [0, 1, 2].map(|table: usize| dictionaries[table].count());
        snapshot.log_bytes = log.length() + frozen.as_ref().map_or(0, |frozen| frozen.bytes);
        snapshot.arrange();
        let (changed, tokens_new) = (replay.changed, replay.tokens_new);
        Ok(Self { snapshot, log, frozen, changed, tokens_new })
    }
}

fn open_dictionaries(files: &Files, manifest: &Manifest) -> Result<[Dictionary; 3], OpenError> {
    let mut dictionaries = Vec::new();
    for table in KeyTable::ALL {
        let entries = manifest.state.parts.values();
        let mut entries: Vec<&PartEntry> =
            entries.filter(|entry| entry.table == table as u8).collect();
        entries.sort_by_key(|entry| entry.first);
        let mut parts: Vec<Arc<Part>> = Vec::new();
        for entry in entries {
            let path = files.path(FileType::Part(table), entry.number);
            let id = files.file_id(entry.number);
            let part = Part::open(&*files.disk, &path, entry.number, id, None)?;
            let next = parts.last().map_or(0, |part| part.first() + part.count());
            if part.first() != next || part.first() != entry.first || part.count() != entry.count {
                return Err(manifest.corrupt("dictionary parts do not follow each other").into());
            }
            parts.push(Arc::new(part));
        }
        dictionaries.push(Dictionary::new(parts));
    }
    match <[Dictionary; 3]>::try_from(dictionaries) {
        Ok(dictionaries) => Ok(dictionaries),
        Err(_) => unreachable!("one dictionary was made for each of three tables"),
    }
}

fn open_segments(files: &Files, state: &State) -> Result<Vec<(u64, Arc<Segment>)>, OpenError> {
    let mut segments = Vec::with_capacity(state.segments.len());
    for entry in state.segments.values() {
        let path = files.path(FileType::Segment, entry.number);
        let mapping = files.disk.map(&path)?;
        check_length(&path, mapping.len() as u64, entry.bytes)?;
        let segment = Segment::from_mapping(mapping, path.clone())?;
        if segment.file_id() != files.file_id(entry.number) {
            let what = "a segment of another store or number";
            return Err(CorruptError { path, offset: 0, what }.into());
        }
        segments.push((entry.number, Arc::new(segment)));
    }
    Ok(segments)
}

fn open_indexes(files: &Files, state: &State) -> Result<BTreeMap<String, DiskIndex>, OpenError> {
    let mut indexes = BTreeMap::new();
    for (key, entry) in &state.indexes {
        let path = files.path(FileType::Index, entry.number);
        let mapping = files.disk.map(&path)?;
        check_length(&path, mapping.len() as u64, entry.bytes)?;
        let index = Arc::new(IndexFile::from_mapping(mapping, path.clone())?);
        if index.file_id() != files.file_id(entry.number) {
            let what = "an index file of another store or number";
            return Err(CorruptError { path, offset: 0, what }.into());
        }
        let disk = DiskIndex { number: entry.number, bytes: entry.bytes, index };
        indexes.insert(key.clone(), disk);
    }
    Ok(indexes)
}

fn check_length(path: &Path, found: u64, expected: u64) -> Result<(), CorruptError> {
    if found == expected {
        return Ok(());
    }
    let what = "the file is not as long as the manifest says";
    Err(CorruptError { path: path.to_owned(), offset: found.min(expected), what })
}

fn read_definitions(files: &Files, state: &State) -> Result<Definitions, OpenError> {
    let mut definitions = Definitions::new();
    if let Some(number) = state.dump {
        let path = files.path(FileType::Dump, number);
        let bytes = files.disk.read(&path)?;
        definitions.extend(read_dump(&path, &bytes, files.file_id(number))?);
    }
    for ((kind, name), value) in &state.changes {
        let change = Definition { kind: *kind, name: name.clone(), value: value.clone() };
        apply(&mut definitions, change);
    }
    Ok(definitions)
}

/// The definitions in the dump that has a file id.
pub(super) fn read_dump(path: &Path, bytes: &[u8], file_id: u64) -> Result<Definitions, FileError> {
    match decode_dump(path, bytes)? {
        (Some(id), _) if id != file_id => {
            let what = "a dump of another store or number";
            Err(CorruptError { path: path.to_owned(), offset: 0, what }.into())
        }
        (_, entries) => Ok(entries.into_iter().collect()),
    }
}

/// The definitions in a dump, and the file id in it, which the first ones lack.
pub(super) fn decode_dump(path: &Path, bytes: &[u8]) -> Result<(Option<u64>, Entries), FileError> {
    let decoded: Result<(u64, Entries), _> = codec::decode(DUMP, bytes);
    let decoded = match decoded {
        Err(CodecError::Kind { .. }) => {
            codec::decode(DUMP_UNBOUND, bytes).map(|entries| (None, entries))
        }
        decoded => decoded.map(|(id, entries)| (Some(id), entries)),
    };
    decoded.map_err(|error| match error {
        CodecError::Version { found } => {
            let (path, newest) = (path.to_owned(), codec::VERSION.into());
            FileError::Version { path, found: found.into(), newest }
        }
        _ => {
            let what = "the dump of definitions does not match its checksum";
            CorruptError { path: path.to_owned(), offset: 0, what }.into()
        }
    })
}

/// Definitions as they stand in a dump.
pub(super) type Entries = Vec<((u8, String), Vec<u8>)>;

/// A log that another one follows, taken in.
struct FrozenLog {
    file: FrozenFile,
    /// Its newest record.
    last: u64,
    /// Whether something else follows that.
    torn: bool,
}

/// Taking in the log.
struct Replay<'f> {
    files: &'f Files,
    /// Definitions and tokens of records up to this one are in the manifest.
    logged: u64,
    snapshot: Snapshot,
    definitions: Definitions,
    changed: BTreeMap<(u8, String), Option<Vec<u8>>>,
    tokens_new: Vec<String>,
    events: EventColumns,
}

impl Replay<'_> {
    /// Takes in a log that nothing was added to any more, and freezes what is in memory then. Its
    /// newest record as well.
    fn run_frozen(&mut self, number: u64) -> Result<FrozenLog, OpenError> {
        let files = self.files;
        let path = files.path(FileType::Log, number);
        let bytes = files.disk.read(&path)?;
        let origin = Origin { store_id: files.store_id, number };
        let replayed = replay(&path, &bytes, FileKind::Log, origin)?;
        self.records(&path, &bytes, &replayed)?;
        self.snapshot.dictionaries.iter().for_each(|dictionary| dictionary.freeze(0));
        self.snapshot.frozen = Arc::new(std::mem::take(&mut self.snapshot.memory));
        let file = FrozenFile { path, bytes: replayed.length };
        Ok(FrozenLog { file, last: replayed.last, torn: replayed.torn })
    }

    /// Takes in the present log, which says with which record the one before ended: what follows
    /// that one there is the rest of a mark that was taken back.
    fn run(&mut self, number: u64, before: Option<&FrozenLog>) -> Result<RecordFile, OpenError> {
        let files = self.files;
        let path = files.path(FileType::Log, number);
        let bytes = files.disk.read(&path)?;
        let origin = Origin { store_id: files.store_id, number };
        let replayed = replay(&path, &bytes, FileKind::Log, origin)?;
        if let Some(FrozenLog { file, last, torn }) = before {
            if !replayed.follows(*last) {
                let (path, offset) = (file.path.clone(), file.bytes);
                return Err(CorruptError { path, offset, what: GAP }.into());
            }
            if *torn {
                let frozen = files.disk.open_append(&file.path)?;
                frozen.truncate(file.bytes)?;
                frozen.sync()?;
            }
        }
        self.records(&path, &bytes, &replayed)?;
        Ok(RecordFile::reopen(&*files.disk, &path, number, &replayed)?)
    }

    fn records(&mut self, path: &Path, bytes: &[u8], replayed: &Replayed) -> Result<(), OpenError> {
        for record in &replayed.records {
            let offset = record.body.start as u64;
            let corrupt = |what| CorruptError { path: path.to_owned(), offset, what };
            if record.kind != RecordKind::Commit {
                return Err(corrupt("a record of a newer kind").into());
            }
            let body = CommitBody::decode(&bytes[record.body.clone()]).map_err(corrupt)?;
            self.take(record.sequence, body).map_err(|fault| match fault {
                Fault::Wrong(what) => OpenError::Corrupt(corrupt(what)),
                Fault::Open(error) => error,
            })?;
        }
        self.settle()
    }

    fn take(&mut self, sequence: u64, body: CommitBody) -> Result<(), Fault> {
        for (table, run) in NameTable::ALL.into_iter().zip(&body.names) {
            let restored = self.snapshot.names.restore(table, run.first, &run.names);
            restored.map_err(|_| Fault::Wrong("names that do not follow those before"))?;
        }
        for (dictionary, run) in self.snapshot.dictionaries.iter().zip(&body.keys) {
            match dictionary.restore(run.first, &run.keys) {
                Ok(true) => {}
                Err(InternError::Corrupt(error)) => return Err(Fault::Open(error.into())),
                Ok(false) | Err(_) => {
                    return Err(Fault::Wrong("keys that do not follow those before"));
                }
            }
        }
        // The manifest has these already, and may have newer ones.
        if sequence > self.logged {
            for change in body.definitions {
                let key = (change.kind, change.name.clone());
                self.changed.insert(key, change.value.clone());
                apply(&mut self.definitions, change);
            }
            self.tokens_new.extend(body.token);
        }
        if let Some(forgetting) = &body.forgetting {
            self.forget(sequence, forgetting)?;
        }
        let limits = Limits {
            names: NameTable::ALL
                .map(|table| u32::try_from(self.snapshot.names.count(table)).unwrap_or(u32::MAX)),
            keys: [0, 1, 2].map(|table: usize| self.snapshot.dictionaries[table].count()),
        };
        columns::check(&body.events, &limits)
            .map_err(|_| Fault::Wrong("events that name what is not in the store"))?;
        append(&mut self.events, &body.events);
        if self.events.len() >= REPLAY_ROWS {
            self.settle().map_err(Fault::Open)?;
        }
        Ok(())
    }

    /// Takes consumers out of what stands before.
    fn forget(&mut self, sequence: u64, forgetting: &Forgetting) -> Result<(), Fault> {
        let consumers = forgetting.consumers();
        if consumers.max().is_some_and(|id| id >= self.snapshot.dictionaries[0].count()) {
            return Err(Fault::Wrong("a consumer is forgotten who is not in the store"));
        }
        columns::retain(&mut self.events, |consumer| !consumers.contains(consumer));
        let before = Arc::clone(&self.snapshot.erasures);
        forget(&mut self.snapshot, forgetting).map_err(|error| Fault::Open(opening(error)))?;
        if sequence <= self.logged {
            // The manifest has it already, and may know that the bytes are gone.
            self.snapshot.erasures = before;
        }
        Ok(())
    }

    /// Turns the events gathered so far into a segment.
    fn settle(&mut self) -> Result<(), OpenError> {
        if self.events.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.events);
        let file_id = self.files.file_id(0);
        self.snapshot.memory =
            memory::add(&self.snapshot.memory, events, file_id).map_err(opening)?;
        Ok(())
    }
}

/// What went wrong with segments in memory.
fn opening(error: WriteError) -> OpenError {
    match error {
        WriteError::Build(error) => error.into(),
        WriteError::Corrupt(error) => error.into(),
        WriteError::File(error) => error.into(),
        _ => unreachable!("segments in memory are built and read, nothing else"),
    }
}

/// Why a record was not taken in.
enum Fault {
    Wrong(&'static str),
    Open(OpenError),
}

/// Removes files that no one refers to: those of loads that did not end, and those that were
/// replaced.
pub(super) fn remove_leftovers(files: &Files, manifest: &Manifest) -> Result<(), IoError> {
    let state = &manifest.state;
    for name in files.disk.list(&files.dir)? {
        let Some((kind, number)) = FileType::parse(&name) else {
            if name.starts_with("MANIFEST.") || name.starts_with("STORE.") {
                files.disk.remove(&files.dir.join(&name))?;
            }
            continue;
        };
        let known = match kind {
            FileType::Log => state.logs().any(|log| log == number),
            FileType::Segment => state.segments.contains_key(&number),
            FileType::Index => state.indexes.values().any(|entry| entry.number == number),
            FileType::Part(_) => state.parts.contains_key(&number),
            FileType::Dump => state.dump == Some(number),
            FileType::Spill => false,
        };
        if !known {
            files.disk.remove(&files.dir.join(&name))?;
        }
    }
    Ok(())
}
