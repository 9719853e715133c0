//! A store opened for looking at it: what cannot be read becomes a finding, not an error, and
//! nothing is written but the lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use super::finding::{Fault, Finding, Note};
use super::log::{Batch, LogSurvey};
use crate::catalog::{Catalog, DIR as CATALOG};
use crate::dictionary::{Part, PartOpenError};
use crate::index::IndexFile;
use crate::io::{Disk, DiskLock, IoError, SystemDisk};
use crate::manifest::{MANIFEST, Manifest, PartEntry, State};
use crate::names::NameTable;
use crate::segment::Segment;
use crate::store::columns::Limits;
use crate::store::error::OpenError;
use crate::store::files::{FileType, Files};
use crate::store::lead::apply;
use crate::store::open::{STORE, lock, missing, read_identity};
use crate::store::recover::read_dump;
use crate::store::snapshot::Definitions;
use crate::store::types::{Definition, KeyTable, Settings};

/// A store that is being looked at. While it is, nobody can open it.
#[derive(Debug)]
pub struct Survey {
    pub(super) files: Arc<Files>,
    pub(super) settings: Settings,
    pub(super) state: State,
    /// How many edits the manifest had.
    pub(super) edits: u64,
    /// Those too of which only the table of checksums is damaged.
    pub(super) segments: Vec<(u64, Arc<Segment>)>,
    pub(super) indexes: BTreeMap<String, (u64, Arc<IndexFile>)>,
    /// By first position. Where one cannot be opened there is a gap.
    pub(super) parts: [Vec<Arc<Part>>; 3],
    pub(super) definitions: Definitions,
    pub(super) log: LogSurvey,
    pub(super) findings: Vec<Finding>,
    pub(super) notes: Vec<Note>,
    _lock: Box<dyn DiskLock>,
}

impl Survey {
    /// Opens a store to look at it.
    ///
    /// # Errors
    /// When there is none, another process has it, or its manifest or settings cannot be read.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(SystemDisk), dir)
    }

    pub(crate) fn open_on(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(STORE);
        let identity = disk.read(&path).map_err(|error| missing(error, dir))?;
        let (store_id, settings) = read_identity(&path, &identity)?;
        let lock = lock(&*disk, dir)?;
        let (state, edits) = Manifest::read(&*disk, dir, store_id)?;
        let files = Arc::new(Files::new(disk, dir, store_id, state.next_number));
        let mut survey = Self {
            files,
            settings,
            edits,
            segments: Vec::new(),
            indexes: BTreeMap::new(),
            parts: Default::default(),
            definitions: Definitions::new(),
            log: LogSurvey::default(),
            findings: Vec::new(),
            notes: Vec::new(),
            state,
            _lock: lock,
        };
        survey.open_segments();
        survey.open_indexes();
        KeyTable::ALL.into_iter().for_each(|table| survey.open_parts(table));
        survey.read_definitions();
        survey.log = LogSurvey::read(&survey);
        survey.findings.extend(survey.log.faults.clone());
        survey.notes.extend(survey.log.torn.clone());
        let logged = survey.state.logged;
        for batch in survey.log.batches.iter().filter(|batch| batch.sequence > logged) {
            for change in &batch.body.definitions {
                apply(&mut survey.definitions, change.clone());
            }
        }
        survey.list()?;
        Ok(survey)
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.files.dir
    }

    /// What was fixed at creation.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Definitions by (kind, name), as far as they can be read.
    #[must_use]
    pub fn definitions(&self) -> &BTreeMap<(u8, String), Vec<u8>> {
        &self.definitions
    }

    /// The indexes that can be opened, by key.
    pub fn indexes(&self) -> impl Iterator<Item = (&str, &IndexFile)> {
        self.indexes.iter().map(|(key, (_, index))| (key.as_str(), &**index))
    }

    /// What follows from opening alone; all findings follow from [`Self::check`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The name of an id, or the id itself where it has none.
    pub(super) fn name(&self, table: NameTable, id: u32) -> String {
        let names = self.state.names.get(table as usize);
        let name = id.checked_sub(1).and_then(|at| names?.get(at as usize));
        name.map_or_else(|| id.to_string(), |name| name.to_string())
    }

    /// What rows and sets may name.
    pub(super) fn limits(&self) -> Limits {
        let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut names = [0, 1, 2, 3].map(|table: usize| narrow(self.state.names[table].len()));
        let mut keys = KeyTable::ALL.map(|table| self.keys_in_parts(table));
        for Batch { body, .. } in &self.log.batches {
            for (count, run) in names.iter_mut().zip(&body.names) {
                *count = (*count).max(narrow(run.first.saturating_add(run.names.len())));
            }
            for (count, run) in keys.iter_mut().zip(&body.keys) {
                *count = (*count).max(run.first.saturating_add(narrow(run.keys.len())));
            }
        }
        Limits { names, keys }
    }

    /// How many keys the manifest says are in parts.
    pub(super) fn keys_in_parts(&self, table: KeyTable) -> u32 {
        let ours = self.state.parts.values().filter(|entry| entry.table == table as u8);
        ours.map(|entry| entry.first.saturating_add(entry.count)).max().unwrap_or(0)
    }

    fn open_segments(&mut self) {
        for entry in self.state.segments.values() {
            let path = self.files.path(FileType::Segment, entry.number);
            let opened = self.files.disk.map(&path).map_err(Finding::io).and_then(|mapping| {
                length(&path, mapping.len() as u64, entry.bytes)?;
                Segment::from_mapping(mapping, path.clone()).map_err(Finding::file)
            });
            match opened {
                Ok(segment) if segment.file_id() != self.files.file_id(entry.number) => {
                    self.findings.push(stranger(&path));
                }
                Ok(segment) => self.segments.push((entry.number, Arc::new(segment))),
                Err(finding) => {
                    self.findings.push(finding);
                    let map = self.files.disk.map(&path).ok();
                    let saved = map.and_then(|map| Segment::salvage(map, path).ok());
                    let ours =
                        |segment: &Segment| segment.file_id() == self.files.file_id(entry.number);
                    if let Some(segment) = saved.filter(ours) {
                        self.segments.push((entry.number, Arc::new(segment)));
                    }
                }
            }
        }
    }

    fn open_indexes(&mut self) {
        for (key, entry) in &self.state.indexes {
            let path = self.files.path(FileType::Index, entry.number);
            let opened = self.files.disk.map(&path).map_err(Finding::io).and_then(|mapping| {
                length(&path, mapping.len() as u64, entry.bytes)?;
                IndexFile::from_mapping(mapping, path.clone()).map_err(Finding::file)
            });
            match opened {
                Ok(index) if index.file_id() != self.files.file_id(entry.number) => {
                    self.findings.push(stranger(&path));
                }
                Ok(index) => {
                    self.indexes.insert(key.clone(), (entry.number, Arc::new(index)));
                }
                Err(finding) => self.findings.push(finding),
            }
        }
    }

    fn open_parts(&mut self, table: KeyTable) {
        let entries = self.state.parts.values();
        let mut entries: Vec<&PartEntry> =
            entries.filter(|entry| entry.table == table as u8).collect();
        entries.sort_by_key(|entry| entry.first);
        let mut next = 0;
        for entry in entries {
            let path = self.files.path(FileType::Part(table), entry.number);
            if entry.first != next {
                let fault = Fault::Bytes("dictionary parts do not follow each other");
                self.findings.push(Finding::new(&self.files.dir.join(MANIFEST), 0, fault));
            }
            next = entry.first.saturating_add(entry.count);
            let id = self.files.file_id(entry.number);
            match Part::open(&*self.files.disk, &path, entry.number, id, None) {
                Ok(part) if (part.first(), part.count()) != (entry.first, entry.count) => {
                    self.findings.push(stranger(&path));
                }
                Ok(part) => self.parts[table as usize].push(Arc::new(part)),
                Err(PartOpenError::Io(error)) => self.findings.push(Finding::io(error)),
                Err(PartOpenError::Corrupt(error)) => self.findings.push(Finding::bytes(error)),
                Err(PartOpenError::File(error)) => self.findings.push(Finding::file(error)),
            }
        }
    }

    fn read_definitions(&mut self) {
        if let Some(number) = self.state.dump {
            let path = self.files.path(FileType::Dump, number);
            let id = self.files.file_id(number);
            let bytes = self.files.disk.read(&path).map_err(Finding::io);
            match bytes.and_then(|bytes| read_dump(&path, &bytes, id).map_err(Finding::file)) {
                Ok(definitions) => self.definitions = definitions,
                Err(finding) => self.findings.push(finding),
            }
        }
        for ((kind, name), value) in &self.state.changes {
            let change = Definition { kind: *kind, name: name.clone(), value: value.clone() };
            apply(&mut self.definitions, change);
        }
    }

    /// Compares the directory with the manifest.
    fn list(&mut self) -> Result<(), IoError> {
        let state = &self.state;
        let indexes: BTreeSet<u64> = state.indexes.values().map(|entry| entry.number).collect();
        for name in self.files.disk.list(&self.files.dir)? {
            let Some((kind, number)) = FileType::parse(&name) else { continue };
            let known = match kind {
                FileType::Log => state.logs().any(|log| log == number),
                FileType::Segment => state.segments.contains_key(&number),
                FileType::Index => indexes.contains(&number),
                FileType::Part(_) => state.parts.contains_key(&number),
                FileType::Dump => state.dump == Some(number),
                FileType::Spill => false,
            };
            let path = self.files.dir.join(&name);
            if known && number >= state.next_number {
                let fault = Fault::Differs {
                    what: "numbers of files",
                    stated: state.next_number,
                    found: number.saturating_add(1),
                };
                self.findings.push(Finding::new(&path, 0, fault));
            } else if !known {
                self.notes.push(Note::Leftover { path });
            }
        }
        Ok(())
    }

    /// Whether nothing that definitions are read from is damaged.
    pub(super) fn definitions_are_whole(&self) -> bool {
        let dump = self.state.dump.map(|number| self.files.path(FileType::Dump, number));
        let damaged = |finding: &Finding| Some(&finding.path) == dump.as_ref();
        !self.log.is_damaged() && !self.findings.iter().any(damaged)
    }

    /// The catalog of the store, when there is one.
    pub(super) fn catalog(&self) -> Result<Option<Catalog>, IoError> {
        let there = self.files.disk.list(&self.files.dir)?.iter().any(|name| name == CATALOG);
        let disk = Arc::clone(&self.files.disk);
        Ok(there.then(|| Catalog::new(disk, &self.files.dir, self.files.store_id)))
    }
}

fn length(path: &Path, found: u64, stated: u64) -> Result<(), Finding> {
    if found == stated {
        return Ok(());
    }
    let fault = Fault::Differs { what: "bytes of the file", stated, found };
    Err(Finding::new(path, found.min(stated), fault))
}

fn stranger(path: &Path) -> Finding {
    Finding::new(path, 0, Fault::Bytes("a file of another store or number"))
}
