//! The manifest: which files and small things make up the store. A file of records, each an edit
//! of what those before it say; the state after the last one is the store.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::codec::{self, CodecError, ValueKind};
use crate::erasure::{ErasureEdit, Erasures};
use crate::error::{CorruptError, FileError};
use crate::io::{Action, Disk, IoError};
use crate::wal::{AppendError, FileKind, Origin, RecordFile, RecordKind, Replayed, replay};

const EDIT: ValueKind = ValueKind(2);
/// An edit that changes erasures too.
const ERASING_EDIT: ValueKind = ValueKind(8);
/// An edit that says which log is frozen, and may change erasures.
const FREEZING_EDIT: ValueKind = ValueKind(9);

/// Its name in the directory.
pub(crate) const MANIFEST: &str = "MANIFEST";
const MANIFEST_NEW: &str = "MANIFEST.tmp";

/// Tokens that are kept: the newest.
pub(crate) const TOKENS_MAX: usize = 100_000;

/// A segment's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentEntry {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
}

/// An index's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexEntry {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
}

/// A dictionary part's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartEntry {
    pub(crate) table: u8,
    pub(crate) number: u64,
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) bytes: u64,
}

/// A definition, or its removal.
pub(crate) type Change = ((u8, String), Option<Vec<u8>>);

/// One change of the store, all or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edit {
    /// Names, keys, definitions and tokens of log records up to this one are in the manifest.
    pub(crate) logged: u64,
    /// A new log that begins after `logged`; events before it are in segments.
    pub(crate) log: Option<u64>,
    /// No file has this number or a greater one.
    pub(crate) next_number: u64,
    pub(crate) segments_added: Vec<SegmentEntry>,
    pub(crate) segments_removed: Vec<u64>,
    pub(crate) indexes_put: Vec<(String, IndexEntry)>,
    pub(crate) indexes_dropped: Vec<String>,
    pub(crate) parts_added: Vec<PartEntry>,
    pub(crate) parts_removed: Vec<u64>,
    /// Table, first position, names.
    pub(crate) names: Vec<(u8, u64, Vec<String>)>,
    /// A dump that replaces all definitions; `definitions` come after it.
    pub(crate) dump: Option<u64>,
    pub(crate) definitions: Vec<Change>,
    pub(crate) tokens: Vec<String>,
    /// Beside the rest, so that edits without it are what they were before there were erasures.
    #[serde(skip)]
    pub(crate) erasures: Option<ErasureEdit>,
    /// Beside the rest for the same reason.
    #[serde(skip)]
    pub(crate) frozen: Option<FrozenLog>,
}

/// What becomes of the log before the present one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FrozenLog {
    /// Its events are in segments: nothing needs it any more.
    None,
    /// The log of this number stays: complete, and followed by the present one.
    Number(u64),
}

/// What the edits so far make.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) logged: u64,
    pub(crate) log: u64,
    /// The log before it, while a checkpoint writes its events to segments.
    pub(crate) frozen: Option<u64>,
    pub(crate) next_number: u64,
    pub(crate) segments: BTreeMap<u64, SegmentEntry>,
    pub(crate) indexes: BTreeMap<String, IndexEntry>,
    pub(crate) parts: BTreeMap<u64, PartEntry>,
    pub(crate) names: [Vec<Arc<str>>; 4],
    pub(crate) dump: Option<u64>,
    /// Changes after the dump.
    pub(crate) changes: BTreeMap<(u8, String), Option<Vec<u8>>>,
    /// The newest last; `TOKENS_MAX` of them count.
    pub(crate) tokens: Vec<String>,
    pub(crate) erasures: Erasures,
}

impl State {
    /// The logs, in the order of their records.
    pub(crate) fn logs(&self) -> impl Iterator<Item = u64> {
        self.frozen.into_iter().chain([self.log])
    }

    /// What an edit changes.
    pub(crate) fn apply(&mut self, edit: Edit) -> Result<(), &'static str> {
        self.logged = edit.logged;
        self.log = edit.log.unwrap_or(self.log);
        match edit.frozen {
            Some(FrozenLog::Number(number)) => self.frozen = Some(number),
            Some(FrozenLog::None) => self.frozen = None,
            None => {}
        }
        self.next_number = self.next_number.max(edit.next_number);
        for number in edit.segments_removed {
            self.segments.remove(&number).ok_or("an edit removes an unknown segment")?;
        }
        self.segments.extend(edit.segments_added.into_iter().map(|entry| (entry.number, entry)));
        for key in edit.indexes_dropped {
            self.indexes.remove(&key);
        }
        self.indexes.extend(edit.indexes_put);
        for number in edit.parts_removed {
            self.parts.remove(&number).ok_or("an edit removes an unknown dictionary part")?;
        }
        self.parts.extend(edit.parts_added.into_iter().map(|entry| (entry.number, entry)));
        for (table, first, names) in edit.names {
            let known = self
                .names
                .get_mut(usize::from(table))
                .ok_or("an edit adds to no table of names")?;
            if known.len() as u64 != first {
                return Err("an edit leaves a gap in a table of names");
            }
            known.extend(names.into_iter().map(Arc::from));
        }
        if edit.dump.is_some() {
            self.dump = edit.dump;
            self.changes.clear();
        }
        self.changes.extend(edit.definitions);
        self.tokens.extend(edit.tokens);
        if self.tokens.len() > 2 * TOKENS_MAX {
            self.tokens.drain(..self.tokens.len() - TOKENS_MAX);
        }
        edit.erasures.map_or(Ok(()), |erasures| self.erasures.apply(&erasures))
    }

    /// The edit that makes this state from nothing.
    fn whole(&self) -> Edit {
        let newest = self.tokens.len().saturating_sub(TOKENS_MAX);
        Edit {
            logged: self.logged,
            log: Some(self.log),
            next_number: self.next_number,
            segments_added: self.segments.values().cloned().collect(),
            indexes_put: self.indexes.clone().into_iter().collect(),
            parts_added: self.parts.values().cloned().collect(),
            names: (0..)
                .zip(&self.names)
                .map(|(table, names)| (table, 0, names.iter().map(|n| n.to_string()).collect()))
                .collect(),
            dump: self.dump,
            definitions: self.changes.clone().into_iter().collect(),
            tokens: self.tokens[newest..].to_vec(),
            erasures: self.erasures.since(&Erasures::default()),
            frozen: self.frozen.map(FrozenLog::Number),
            ..Edit::default()
        }
    }
}

/// The manifest, open for edits.
#[derive(Debug)]
pub(crate) struct Manifest {
    file: RecordFile,
    pub(crate) state: State,
    origin: Origin,
    bytes_written_anew: u64,
}

/// Why the manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error(transparent)]
    Io(#[from] IoError),
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why an edit was not made.
#[derive(Debug)]
pub(crate) enum EditError {
    /// The manifest is as it was before.
    Undone(IoError),
    /// Nobody knows whether the edit is durable.
    Unknown(IoError),
    /// The edit does not encode: too long.
    Codec(CodecError),
}

impl Manifest {
    /// Makes the manifest of a store from its first edit.
    pub(crate) fn create(
        disk: &dyn Disk,
        dir: &Path,
        store_id: u64,
        salt: u32,
        edit: Edit,
    ) -> Result<Self, EditError> {
        let origin = Origin { store_id, number: 0 };
        let mut state = State::default();
        // An edit of nothing only adds.
        let applied = state.apply(edit);
        debug_assert_eq!(applied, Ok(()));
        let file = write_anew(disk, dir, origin, salt, &state, 0)?;
        Ok(Self { bytes_written_anew: file.length(), file, state, origin })
    }

    /// Reads the manifest of a store, cutting what a crash left at its end.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path, store_id: u64) -> Result<Self, ManifestError> {
        let origin = Origin { store_id, number: 0 };
        let path = dir.join(MANIFEST);
        let (state, replayed) = read(disk, &path, origin)?;
        let file = RecordFile::reopen(disk, &path, 0, &replayed)?;
        Ok(Self { bytes_written_anew: file.length(), file, state, origin })
    }

    /// What the manifest of a store says, and how many edits it had. Nothing is written.
    pub(crate) fn read(
        disk: &dyn Disk,
        dir: &Path,
        store_id: u64,
    ) -> Result<(State, u64), ManifestError> {
        let origin = Origin { store_id, number: 0 };
        let (state, replayed) = read(disk, &dir.join(MANIFEST), origin)?;
        Ok((state, replayed.last))
    }

    /// Tokens that edits brought which have log records after `last` in the manifest: those of
    /// such records, and of loads that came with them. An edit that was written anew stands for
    /// all before it.
    pub(crate) fn tokens_after(
        disk: &dyn Disk,
        dir: &Path,
        store_id: u64,
        last: u64,
    ) -> Result<Vec<String>, ManifestError> {
        let (path, origin) = (dir.join(MANIFEST), Origin { store_id, number: 0 });
        let mut tokens = Vec::new();
        decode(&path, &disk.read(&path)?, origin, &mut |edit| {
            if edit.logged > last {
                tokens.extend_from_slice(&edit.tokens);
            }
        })?;
        Ok(tokens)
    }

    /// Puts a state in the place of a manifest, whatever that was.
    pub(crate) fn replace(
        disk: &dyn Disk,
        dir: &Path,
        store_id: u64,
        salt: u32,
        state: &State,
        last: u64,
    ) -> Result<(), EditError> {
        let origin = Origin { store_id, number: 0 };
        write_anew(disk, dir, origin, salt, state, last).map(drop)
    }

    /// Something in it contradicts something else.
    pub(crate) fn corrupt(&self, what: &'static str) -> CorruptError {
        CorruptError { path: self.file.path.clone(), offset: self.file.length(), what }
    }

    /// How many edits were made.
    pub(crate) fn sequence(&self) -> u64 {
        self.file.last()
    }

    /// Makes an edit durable.
    pub(crate) fn append(&mut self, edit: Edit) -> Result<(), EditError> {
        let body = encode(&edit).map_err(EditError::Codec)?;
        let synced = self.file.last();
        match self.file.append(RecordKind::Edit, &body, synced) {
            Ok(_) => {}
            Err(AppendError::Undone(error)) => return Err(EditError::Undone(error)),
            Err(AppendError::Broken(error)) => return Err(EditError::Unknown(error)),
            Err(AppendError::Length(length)) => {
                return Err(EditError::Codec(CodecError::Length {
                    found: length,
                    expected: crate::wal::BODY_BYTES_MAX,
                }));
            }
        }
        self.file.file.sync().map_err(EditError::Unknown)?;
        mark(&mut self.file)?;
        self.state.apply(edit).expect("an edit follows from the state it was made for");
        Ok(())
    }

    /// Writes the manifest anew when most of it is history: when it is longer than `bytes_min` and
    /// than four times its last writing.
    pub(crate) fn shorten(
        &mut self,
        disk: &dyn Disk,
        dir: &Path,
        bytes_min: u64,
    ) -> Result<(), EditError> {
        let length = self.file.length();
        if length < bytes_min.max(4 * self.bytes_written_anew) {
            return Ok(());
        }
        self.write_again(disk, dir)
    }

    /// Writes the manifest anew, so that nothing but the present is in it.
    pub(crate) fn write_again(&mut self, disk: &dyn Disk, dir: &Path) -> Result<(), EditError> {
        let salt = self.file.salt().wrapping_add(1);
        let last = self.file.last();
        self.file = write_anew(disk, dir, self.origin, salt, &self.state, last)?;
        self.bytes_written_anew = self.file.length();
        Ok(())
    }
}

/// Reads a manifest of any store for nothing.
pub(crate) fn probe(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let origin = Origin::of(bytes).unwrap_or(Origin { store_id: 0, number: 0 });
    match decode(path, bytes, origin, &mut |_| {}) {
        Ok(_) => Ok(()),
        Err(ManifestError::Corrupt(error)) => Err(error.into()),
        Err(ManifestError::File(error)) => Err(error),
        Err(ManifestError::Io(error)) => Err(error.into()),
    }
}

fn encode(edit: &Edit) -> Result<Vec<u8>, CodecError> {
    match (&edit.erasures, edit.frozen) {
        (erasures, Some(frozen)) => codec::encode(FREEZING_EDIT, &(edit, erasures, frozen)),
        (Some(erasures), None) => codec::encode(ERASING_EDIT, &(edit, erasures)),
        (None, None) => codec::encode(EDIT, edit),
    }
}

fn decode_edit(bytes: &[u8]) -> Result<Edit, CodecError> {
    match codec::decode(EDIT, bytes) {
        Err(CodecError::Kind { found, .. }) if found == ERASING_EDIT.0 => {
            let (edit, erasures): (Edit, ErasureEdit) = codec::decode(ERASING_EDIT, bytes)?;
            Ok(Edit { erasures: Some(erasures), ..edit })
        }
        Err(CodecError::Kind { found, .. }) if found == FREEZING_EDIT.0 => {
            let (edit, erasures, frozen): (Edit, Option<ErasureEdit>, FrozenLog) =
                codec::decode(FREEZING_EDIT, bytes)?;
            Ok(Edit { erasures, frozen: Some(frozen), ..edit })
        }
        edit => edit,
    }
}

/// Reads the edits of a manifest.
fn read(disk: &dyn Disk, path: &Path, origin: Origin) -> Result<(State, Replayed), ManifestError> {
    decode(path, &disk.read(path)?, origin, &mut |_| {})
}

/// The state that the edits make; `told` is shown each.
fn decode(
    path: &Path,
    bytes: &[u8],
    origin: Origin,
    told: &mut dyn FnMut(&Edit),
) -> Result<(State, Replayed), ManifestError> {
    let replayed = replay(path, bytes, FileKind::Manifest, origin)?;
    let mut state = State::default();
    for record in &replayed.records {
        let corrupt =
            |what| CorruptError { path: path.to_owned(), offset: record.body.start as u64, what };
        if record.kind != RecordKind::Edit {
            return Err(corrupt("a record is no edit").into());
        }
        let edit: Edit = match decode_edit(&bytes[record.body.clone()]) {
            Ok(edit) => edit,
            Err(CodecError::Version { found }) => {
                let (path, newest) = (path.to_owned(), codec::VERSION.into());
                return Err(FileError::Version { path, found: found.into(), newest }.into());
            }
            Err(_) => return Err(corrupt("an edit does not decode").into()),
        };
        told(&edit);
        state.apply(edit).map_err(corrupt)?;
    }
    if replayed.records.is_empty() {
        let (path, what) = (path.to_owned(), "the manifest has no record");
        return Err(CorruptError { path, offset: 0, what }.into());
    }
    Ok((state, replayed))
}

/// Writes a state as one edit into a new file and puts it in the manifest's place.
fn write_anew(
    disk: &dyn Disk,
    dir: &Path,
    origin: Origin,
    salt: u32,
    state: &State,
    last: u64,
) -> Result<RecordFile, EditError> {
    let body = encode(&state.whole()).map_err(EditError::Codec)?;
    let path = dir.join(MANIFEST_NEW);
    let write = || {
        // What an earlier attempt left.
        if let Err(error) = disk.remove(&path)
            && !error.is_missing()
        {
            return Err(EditError::Undone(error));
        }
        let mut file = RecordFile::create(disk, &path, FileKind::Manifest, origin, salt, last)
            .map_err(EditError::Undone)?;
        match file.append(RecordKind::Edit, &body, last) {
            Ok(_) => Ok(file),
            Err(AppendError::Undone(error) | AppendError::Broken(error)) => {
                Err(EditError::Undone(error))
            }
            Err(AppendError::Length(found)) => Err(EditError::Codec(CodecError::Length {
                found,
                expected: crate::wal::BODY_BYTES_MAX,
            })),
        }
    };
    let mut file = write()?;
    file.file.sync().map_err(EditError::Undone)?;
    let place = dir.join(MANIFEST);
    disk.rename(&path, &place).map_err(|error| {
        // A directory that has no room has not taken the name. Of any other error nobody knows
        // what the disk has made.
        let undone = error.action == Action::Rename && error.is_full();
        if undone { EditError::Undone(error) } else { EditError::Unknown(error) }
    })?;
    file.path = place;
    mark(&mut file)?;
    Ok(file)
}

/// Notes that the edits so far are durable. Without the note they are as durable.
fn mark(file: &mut RecordFile) -> Result<(), EditError> {
    match file.mark() {
        Err(AppendError::Broken(error)) => Err(EditError::Unknown(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
