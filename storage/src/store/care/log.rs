//! The log of a store that is being looked at.

use std::path::PathBuf;

use super::finding::{Fault, Finding, Note};
use super::survey::Survey;
use crate::manifest::MANIFEST;
use crate::names::{NameTable, Names};
use crate::store::columns::{self, Limits};
use crate::store::files::FileType;
use crate::store::types::KeyTable;
use crate::wal::{CommitBody, FileKind, Origin, RecordKind, Scan, scan};

/// A batch in the log.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) sequence: u64,
    pub(super) body: CommitBody,
}

/// What the log holds.
#[derive(Debug, Default)]
pub(super) struct LogSurvey {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// Each batch up to the damage.
    pub(super) batches: Vec<Batch>,
    /// The file up to here can be trusted; 0 when not even its header can.
    pub(super) sound: u64,
    /// The newest batch that can be trusted.
    pub(super) last: u64,
    /// Batches behind the damage that can be read.
    pub(super) behind: Vec<Batch>,
    pub(super) faults: Vec<Finding>,
    pub(super) torn: Option<Note>,
}

impl LogSurvey {
    /// Reads the log. The survey has the manifest and the dictionaries.
    pub(super) fn read(survey: &Survey) -> Self {
        let (files, state) = (&survey.files, &survey.state);
        let path = files.path(FileType::Log, state.log);
        let mut log = Self { path: path.clone(), last: state.logged, ..Self::default() };
        let bytes = match files.disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                log.faults.push(Finding::io(error));
                return log;
            }
        };
        log.bytes = bytes.len() as u64;
        let origin = Origin { store_id: files.store_id, number: state.log };
        let Scan { replayed, fault, later } = match scan(&path, &bytes, FileKind::Log, origin) {
            Ok(scan) => scan,
            Err(error) => {
                log.faults.push(Finding::file(error));
                return log;
            }
        };
        log.sound = replayed.length;
        log.last = replayed.last;
        log.torn = replayed.torn.then(|| Note::Torn { path: path.clone() });
        log.faults.extend(fault.map(Finding::bytes));
        let mut reading = Reading::new(survey);
        log.faults.extend(
            reading
                .wrong
                .map(|what| Finding::new(&files.dir.join(MANIFEST), 0, Fault::Bytes(what))),
        );
        for record in replayed.records.iter().chain(&later) {
            let body = match record.kind {
                RecordKind::Commit => {
                    CommitBody::decode(bytes.get(record.body.clone()).unwrap_or_default())
                }
                _ => Err("a record of a newer kind"),
            };
            let batch = |body| Batch { sequence: record.sequence, body };
            let sound = record.body.end as u64 <= log.sound;
            match body.and_then(|body| if sound { reading.take(body) } else { Ok(body) }) {
                Ok(body) if sound => log.batches.push(batch(body)),
                Ok(body) => log.behind.push(batch(body)),
                Err(what) if sound => {
                    let offset = record.body.start as u64;
                    log.faults.push(Finding::new(&path, offset, Fault::Bytes(what)));
                    log.sound = record.start() as u64;
                    log.last = record.sequence - 1;
                }
                Err(_) => {}
            }
        }
        log
    }

    pub(super) fn is_damaged(&self) -> bool {
        self.faults.iter().any(|finding| finding.path == self.path)
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
