//! What a copy is made from: one moment of a store, its files held open.

use std::sync::Arc;

use super::error::BackupError;
use super::finding::Finding;
use super::mark::Moment;
use super::survey::Survey;
use super::target::Target;
use crate::io::{IoError, Mapping};
use crate::manifest::State;
use crate::store::commit::flushed;
use crate::store::files::{FileType, Files};
use crate::store::open::STORE;
use crate::store::shared::Shared;
use crate::store::types::KeyTable;

/// Whether files may get a second name instead of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Where the file system can. It costs no room and protects from mistakes, not from the disk.
    #[default]
    Allowed,
    /// Everything is copied.
    Never,
}

/// A file held open.
#[derive(Debug)]
pub(super) struct Pinned {
    pub(super) kind: FileType,
    pub(super) number: u64,
    pub(super) map: Mapping,
    /// Whether it has a second name in the target already.
    pub(super) linked: bool,
}

/// One moment of a store.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) files: Arc<Files>,
    /// What is fixed at creation, as it stands in its file.
    pub(super) identity: Vec<u8>,
    pub(super) state: State,
    pub(super) moment: Moment,
    /// The log up to the moment.
    pub(super) log: Vec<u8>,
    pub(super) pinned: Vec<Pinned>,
    /// Events and consumers; not counted of a store that nobody has open.
    pub(super) held: [u64; 2],
}

impl Source {
    /// The present of a store that goes on being written to.
    ///
    /// The log's synced records are copied instead of writing a checkpoint first: a checkpoint
    /// needs the writer's turn and would wait for a bulk load, and it would cut a small segment
    /// for every backup. While the files are pinned nothing is published, so none is removed.
    pub(super) fn live(
        shared: &Shared,
        target: &Target,
        links: Links,
    ) -> Result<Self, BackupError> {
        let files = Arc::clone(&shared.files);
        let identity = files.disk.read(&files.dir.join(STORE))?;
        let lead = shared.lead();
        let state = flushed(shared, &lead)?;
        let mut log = files.disk.read(&state.log.path)?;
        log.truncate(usize::try_from(state.log.length()).unwrap_or(usize::MAX));
        let moment = Moment {
            edits: state.manifest.sequence(),
            log: state.manifest.state.log,
            last: state.log.last(),
        };
        let manifest = state.manifest.state.clone();
        let present = shared.present();
        let events = present.segments().iter().map(|segment| segment.rows()).sum();
        let held = [events, present.keys_known(KeyTable::Consumer)];
        drop(present);
        // Batches go into the log meanwhile; they wait to be published.
        drop(state);
        let pinned = pin(&files, &manifest, target, links)?;
        drop(lead);
        Ok(Self { files, identity, state: manifest, moment, log, pinned, held })
    }

    /// A store that nobody has open.
    pub(super) fn closed(survey: &Survey, target: &Target) -> Result<Self, BackupError> {
        if let Some(finding) = survey.findings.first() {
            return Err(BackupError::Damaged(finding.clone()));
        }
        let files = Arc::clone(&survey.files);
        let mut log = files.disk.read(&files.path(FileType::Log, survey.state.log))?;
        log.truncate(usize::try_from(survey.log.sound).unwrap_or(usize::MAX));
        Ok(Self {
            identity: files.disk.read(&files.dir.join(STORE))?,
            state: survey.state.clone(),
            moment: Moment { edits: survey.edits, log: survey.state.log, last: survey.log.last },
            log,
            pinned: pin(&files, &survey.state, target, Links::Never)?,
            files,
            held: [0, 0],
        })
    }

    /// Bytes of all files.
    pub(super) fn bytes(&self) -> u64 {
        self.pinned.iter().map(|file| file.map.len() as u64).sum()
    }
}

/// The immutable files that a manifest names.
pub(super) fn named(state: &State) -> Vec<(FileType, u64)> {
    let mut named: Vec<_> = state.dump.map(|number| (FileType::Dump, number)).into_iter().collect();
    // Nothing is added to a log that another one follows.
    named.extend(state.frozen.map(|number| (FileType::Log, number)));
    for entry in state.parts.values() {
        let table = KeyTable::ALL.into_iter().find(|table| *table as u8 == entry.table);
        named.extend(table.map(|table| (FileType::Part(table), entry.number)));
    }
    named.extend(state.indexes.values().map(|entry| (FileType::Index, entry.number)));
    named.extend(state.segments.keys().map(|&number| (FileType::Segment, number)));
    named
}

fn pin(
    files: &Files,
    state: &State,
    target: &Target,
    links: Links,
) -> Result<Vec<Pinned>, BackupError> {
    let mut linking = links == Links::Allowed;
    let mut pinned = Vec::new();
    for (kind, number) in named(state) {
        let path = files.path(kind, number);
        let map = files.disk.map(&path).map_err(damaged)?;
        let to = target.dir.join(kind.name(number));
        // A log gets another number there.
        let linked = linking && kind != FileType::Log && !target.has(kind, number) && {
            // Where the first cannot be linked, none can.
            linking = files.disk.link(&path, &to).is_ok();
            linking
        };
        pinned.push(Pinned { kind, number, map, linked });
    }
    Ok(pinned)
}

fn damaged(error: IoError) -> BackupError {
    if error.is_missing() {
        BackupError::Damaged(Finding::io(error))
    } else {
        BackupError::Io(error)
    }
}
