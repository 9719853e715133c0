//! The log of a store that is being looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::finding::{Fault, Finding, Note};
use super::survey::Survey;
use crate::manifest::{MANIFEST, Manifest, ManifestError};
use crate::names::{NameTable, Names};
use crate::store::columns::{self, Limits};
use crate::store::files::FileType;
use crate::store::recover::GAP;
use crate::store::types::KeyTable;
use crate::wal::{CommitBody, FileKind, Origin, Record, RecordKind, Scan, scan};

/// A batch in the log.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) sequence: u64,
    pub(super) body: CommitBody,
}

/// What the logs hold: the present one, and the one before it where a checkpoint did not end.
#[derive(Debug, Default)]
pub(super) struct LogSurvey {
    /// The one that is cut when there is damage: the first damaged, else the present one.
    pub(super) path: PathBuf,
    /// Its number.
    pub(super) number: u64,
    /// Bytes of both.
    pub(super) bytes: u64,
    /// Each batch up to the damage.
    pub(super) batches: Vec<Batch>,
    /// The file at `path` up to here can be trusted; 0 when not even its header can.
    pub(super) sound: u64,
    /// The newest batch that can be trusted.
    pub(super) last: u64,
    /// Batches behind the damage that can be read.
    pub(super) behind: Vec<Batch>,
    pub(super) faults: Vec<Finding>,
    pub(super) torn: Option<Note>,
}

impl LogSurvey {
    /// Reads the logs. The survey has the manifest and the dictionaries.
    pub(super) fn read(survey: &Survey) -> Self {
        let (files, state) = (&survey.files, &survey.state);
        let mut log = Self { last: state.logged, ..Self::default() };
        let mut reading = Reading::new(survey);
        log.faults.extend(
            reading
                .wrong
                .map(|what| Finding::new(&files.dir.join(MANIFEST), 0, Fault::Bytes(what))),
        );
        for number in state.logs() {
            let is_frozen = number != state.log;
            log.read_file(survey, &mut reading, number, is_frozen);
        }
        log
    }

    fn read_file(&mut self, survey: &Survey, reading: &mut Reading, number: u64, is_frozen: bool) {
        let files = &survey.files;
        let path = files.path(FileType::Log, number);
        // What follows a damaged log cannot be trusted to follow.
        let is_behind = self.is_damaged();
        if !is_behind {
            (self.path, self.number, self.sound) = (path.clone(), number, 0);
        }
        let bytes = match files.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => return self.faults.push(Finding::io(error)),
        };
        self.bytes += bytes.len() as u64;
        let origin = Origin { store_id: files.store_id, number };
        let Scan { replayed, fault, later } = match scan(&path, &bytes, FileKind::Log, origin) {
            Ok(scan) => scan,
            Err(error) => return self.faults.push(Finding::file(error)),
        };
        let body_of = |record: &Record| match record.kind {
            RecordKind::Commit => {
                CommitBody::decode(bytes.get(record.body.clone()).unwrap_or_default())
            }
            _ => Err("a record of a newer kind"),
        };
        self.faults.extend(fault.map(Finding::bytes));
        let fault_at = |offset, what| Finding::new(&path, offset, Fault::Bytes(what));
        if is_behind {
            for record in replayed.records.iter().chain(&later) {
                let sequence = record.sequence;
                self.behind.extend(body_of(record).ok().map(|body| Batch { sequence, body }));
            }
            return;
        }
        if is_frozen {
            let next = survey.state.log;
            let ends = || {
                let next_path = files.path(FileType::Log, next);
                let next_bytes = files.disk.read(&next_path).ok()?;
                let origin = Origin { store_id: files.store_id, number: next };
                let scan = scan(&next_path, &next_bytes, FileKind::Log, origin).ok()?;
                (!scan.replayed.follows(replayed.last)).then_some(GAP)
            };
            if self.faults.is_empty() {
                self.faults.extend(ends().map(|what| fault_at(replayed.length, what)));
            }
            if self.faults.is_empty() && replayed.torn {
                self.torn = Some(Note::Torn { path: path.clone() });
            }
        } else {
            let torn = replayed.torn.then(|| Note::Torn { path: path.clone() });
            self.torn = torn.or_else(|| self.torn.take());
        }
        self.sound = replayed.length;
        self.last = replayed.last;
        for record in replayed.records.iter().chain(&later) {
            let sequence = record.sequence;
            let sound = record.body.end as u64 <= self.sound;
            let body = body_of(record);
            match body.and_then(|body| if sound { reading.take(body) } else { Ok(body) }) {
                Ok(body) if sound => self.batches.push(Batch { sequence, body }),
                Ok(body) => self.behind.push(Batch { sequence, body }),
                Err(what) if sound => {
                    self.faults.push(fault_at(record.body.start as u64, what));
                    self.sound = record.start() as u64;
                    self.last = sequence - 1;
                }
                Err(_) => {}
            }
        }
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.faults.iter().any(|finding| finding.path == self.path)
    }
}

/// Tokens that the manifest has, and batches that the log has lost.
#[derive(Debug)]
pub(super) enum LostTokens {
    /// These are the lost batches'.
    Sure(BTreeSet<String>),
    /// The lost batches' are among these.
    Perhaps(BTreeSet<String>),
}

impl LostTokens {
    pub(super) fn into_tokens(self) -> BTreeSet<String> {
        let (Self::Sure(tokens) | Self::Perhaps(tokens)) = self;
        tokens
    }
}

impl Survey {
    /// The tokens in the manifest of batches behind the damage. Which they are the batches say
    /// themselves; where one of them cannot be read, it may be any that came into the manifest
    /// with them and is of no batch before the damage.
    pub(super) fn lost_tokens(&self) -> Result<LostTokens, ManifestError> {
        let lost = self.log.last.saturating_add(1)..=self.state.logged;
        let count = self.state.logged.saturating_sub(self.log.last);
        let readable: BTreeMap<u64, Option<&String>> = self
            .log
            .behind
            .iter()
            .filter(|batch| lost.contains(&batch.sequence))
            .map(|batch| (batch.sequence, batch.body.token.as_ref()))
            .collect();
        if count == readable.len() as u64 {
            return Ok(LostTokens::Sure(readable.into_values().flatten().cloned().collect()));
        }
        let (disk, dir) = (&*self.files.disk, &self.files.dir);
        let tokens = Manifest::tokens_after(disk, dir, self.files.store_id, self.log.last)?;
        let mut tokens: BTreeSet<String> = tokens.into_iter().collect();
        for token in self.log.batches.iter().filter_map(|batch| batch.body.token.as_ref()) {
            tokens.remove(token);
        }
        Ok(LostTokens::Perhaps(tokens))
    }
}

/// Follows what the batches name.
struct Reading {
    names: Names,
    keys: [u32; 3],
    wrong: Option<&'static str>,
}

impl Reading {
    fn new(survey: &Survey) -> Self {
        let names = Names::default();
        let mut wrong = None;
        for (table, run) in NameTable::ALL.into_iter().zip(&survey.state.names) {
            if names.restore(table, 0, run).is_err() {
                wrong = Some("a name stands there twice");
            }
        }
        Self { names, keys: KeyTable::ALL.map(|table| survey.keys_in_parts(table)), wrong }
    }

    /// What must hold of a batch after those before it.
    fn take(&mut self, body: CommitBody) -> Result<CommitBody, &'static str> {
        for (table, run) in NameTable::ALL.into_iter().zip(&body.names) {
            self.names
                .restore(table, run.first, &run.names)
                .map_err(|_| "names that do not follow those before")?;
        }
        for (count, run) in self.keys.iter_mut().zip(&body.keys) {
            if run.first > *count {
                return Err("keys that do not follow those before");
            }
            let end = run.first.saturating_add(u32::try_from(run.keys.len()).unwrap_or(0));
            *count = end.max(*count);
        }
        let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let limits = Limits {
            names: NameTable::ALL.map(|table| narrow(self.names.count(table))),
            keys: self.keys,
        };
        columns::check(&body.events, &limits)
            .map_err(|_| "events that name what is not in the store")?;
        Ok(body)
    }
}
