//! Publishing files: one edit of the manifest, for a bulk load, a checkpoint or a merge.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use super::error::WriteError;
use super::files::{Draft, FileType};
use super::lead::{Lead, apply};
use super::shared::{LogState, Shared};
use super::snapshot::{Definitions, DiskIndex, Snapshot};
use super::types::{Definition, KeyTable};
use crate::dictionary::Part;
use crate::erasure::Erasures;
use crate::manifest::{Change, Edit, EditError, FrozenLog, IndexEntry, PartEntry, SegmentEntry};
use crate::segment::Segment;
use crate::wal::{FileKind, NameRun, Origin, RecordFile};

/// What becomes of the events in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Memory {
    /// They stay there, and in the logs.
    #[default]
    Stays,
    /// Those that are frozen are in the new segments; their log goes.
    Frozen,
    /// There are none, frozen or not; a new log begins.
    None,
}

/// The parts of each dictionary.
pub(super) type Parts = [Arc<[Arc<Part>]>; 3];

/// A change that is made of files.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) segments: Vec<(u64, Arc<Segment>)>,
    /// Segments whose events are in the new ones.
    pub(super) segments_removed: Vec<u64>,
    pub(super) indexes_put: BTreeMap<String, DiskIndex>,
    pub(super) indexes_dropped: Vec<String>,
    pub(super) definitions: Vec<Definition>,
    pub(super) token: Option<String>,
    /// What the dictionaries' parts become, with the keys that are set apart, if they change here.
    pub(super) parts: Option<Parts>,
    /// A dump and the definitions in it, which may have changed since.
    pub(super) dump: Option<(u64, Arc<Definitions>)>,
    pub(super) memory: Memory,
    /// The erasures, when they change.
    pub(super) erasures: Option<Arc<Erasures>>,
}

/// Parts that come and go.
struct PartChanges {
    added: Vec<(KeyTable, Arc<Part>)>,
    removed: Vec<(KeyTable, u64)>,
}

/// Makes a plan durable and visible. The caller has the turn; the plan's files are synced.
pub(super) fn commit(shared: &Shared, draft: Draft, plan: Plan) -> Result<(), WriteError> {
    shared.healthy()?;
    let parts = part_changes(shared, plan.parts.as_ref());
    for (_, part) in &parts.added {
        part.sync().map_err(|error| shared.sync_failed(error))?;
    }
    let lead = shared.lead();
    let mut state = flushed(shared, &lead)?;
    let names = state.new_names_for_manifest(shared);
    let next_log = match plan.memory {
        Memory::Stays | Memory::Frozen => None,
        Memory::None => Some(new_log(shared, &draft, &state)?),
    };
    shared.files.sync_dir().map_err(|error| shared.sync_failed(error))?;
    let edit = edit_of(shared, &state, &plan, &parts, &names, next_log.as_ref());
    let old_dump = edit.dump.and(state.manifest.state.dump);
    let mut gone = draft.parts();
    append_edit(shared, &mut state, draft, edit)?;
    // Parts that later ones of the same work took over.
    gone.retain(|(number, _)| !state.manifest.state.parts.contains_key(number));
    let mut gone: Vec<_> = gone.into_iter().map(|(_, path)| path).collect();
    let defines = !plan.definitions.is_empty();
    gone.extend(old_dump.map(|number| shared.files.path(FileType::Dump, number)));
    if let Some(log) = next_log {
        let old = std::mem::replace(&mut state.log, log);
        gone.push(old.path);
    }
    if plan.memory == Memory::Frozen {
        gone.extend(state.frozen.take().map(|frozen| frozen.path));
    }
    if let Some(parts) = &plan.parts {
        for (dictionary, parts) in shared.dictionaries.iter().zip(parts) {
            dictionary.thaw(Arc::clone(parts));
        }
    }
    note_published(shared, &mut state, &plan, &names);
    publish(shared, plan, state.log_bytes(), &mut gone);
    gone.extend(
        parts.removed.iter().map(|&(table, n)| shared.files.path(FileType::Part(table), n)),
    );
    for path in gone {
        shared.files.remove(path);
    }
    if let Err(EditError::Unknown(error)) =
        state.manifest.shorten(&*shared.files.disk, &shared.files.dir, shared.tuning.manifest_bytes)
    {
        shared.fail(error);
    }
    drop(state);
    drop(lead);
    if defines {
        shared.follow_with_catalog();
    }
    Ok(())
}

/// Makes an edit durable, and with it the files of a draft the store's.
pub(super) fn append_edit(
    shared: &Shared,
    state: &mut LogState,
    draft: Draft,
    edit: Edit,
) -> Result<(), WriteError> {
    match state.manifest.append(edit) {
        Ok(()) => {
            draft.keep();
            Ok(())
        }
        Err(EditError::Undone(error)) => Err(error.into()),
        Err(EditError::Unknown(error)) => {
            // The edit may be durable, and then the files are the store's.
            draft.keep();
            Err(shared.fail(error))
        }
        Err(EditError::Codec(error)) => Err(WriteError::Codec(error)),
    }
}

/// The log's state at a moment when everything in the log is published.
pub(super) fn flushed<'s>(
    shared: &'s Shared,
    lead: &Lead<'s>,
) -> Result<MutexGuard<'s, LogState>, WriteError> {
    loop {
        lead.flush()?;
        let state = shared.log();
        if state.pending.is_empty() {
            return Ok(state);
        }
    }
}

impl LogState {
    /// Names that are not in the manifest yet.
    fn new_names_for_manifest(&self, shared: &Shared) -> [NameRun; 4] {
        crate::names::NameTable::ALL.map(|table| {
            let first = self.manifest.state.names[table as usize].len();
            NameRun { first, names: shared.names.since(table, first) }
        })
    }
}

pub(super) fn new_log(
    shared: &Shared,
    draft: &Draft,
    state: &LogState,
) -> Result<RecordFile, WriteError> {
    let (number, path) = draft.reserve(FileType::Log);
    let origin = Origin { store_id: shared.files.store_id, number };
    let disk = &*shared.files.disk;
    let salt = super::random::salt();
    RecordFile::create(disk, &path, FileKind::Log, origin, salt, state.log.last())
        .map_err(|error| shared.sync_failed(error))
}

fn part_changes(shared: &Shared, planned: Option<&Parts>) -> PartChanges {
    let mut changes = PartChanges { added: Vec::new(), removed: Vec::new() };
    let state = shared.log();
    let known = &state.manifest.state.parts;
    let mut present = Vec::new();
    for (table, dictionary) in KeyTable::ALL.into_iter().zip(&*shared.dictionaries) {
        let planned = planned.map(|parts| Arc::clone(&parts[table as usize]));
        for part in planned.unwrap_or_else(|| dictionary.parts()).iter() {
            present.push(part.number());
            if !known.contains_key(&part.number()) {
                changes.added.push((table, Arc::clone(part)));
            }
        }
    }
    for (number, entry) in known {
        if !present.contains(number) {
            changes.removed.push((KeyTable::ALL[usize::from(entry.table)], *number));
        }
    }
    changes
}

fn edit_of(
    shared: &Shared,
    state: &LogState,
    plan: &Plan,
    parts: &PartChanges,
    names: &[NameRun; 4],
    next_log: Option<&RecordFile>,
) -> Edit {
    let mut changed = match &plan.dump {
        None => state.changed.clone(),
        // Everything published is in the present, which may be newer than the dump.
        Some((_, dumped)) => differences(dumped, &shared.present().definitions).collect(),
    };
    let erasures = plan.erasures.as_ref().unwrap_or(&state.erasures);
    for change in &plan.definitions {
        changed.insert((change.kind, change.name.clone()), change.value.clone());
    }
    let segment = |(number, segment): &(u64, Arc<Segment>)| SegmentEntry {
        number: *number,
        bytes: segment.bytes(),
    };
    let part = |(table, part): &(KeyTable, Arc<Part>)| PartEntry {
        table: *table as u8,
        number: part.number(),
        first: part.first(),
        count: part.count(),
        bytes: part.bytes(),
    };
    let index = |(key, index): (&String, &DiskIndex)| {
        (key.clone(), IndexEntry { number: index.number, bytes: index.bytes })
    };
    let named = |(table, run): (u8, &NameRun)| {
        let names: Vec<String> = run.names.iter().map(|name| name.to_string()).collect();
        (!names.is_empty()).then_some((table, run.first as u64, names))
    };
    Edit {
        logged: state.log.last(),
        log: next_log.map(|log| log.number),
        next_number: shared.files.next_number(),
        segments_added: plan.segments.iter().map(segment).collect(),
        segments_removed: plan.segments_removed.clone(),
        indexes_put: plan.indexes_put.iter().map(index).collect(),
        indexes_dropped: plan.indexes_dropped.clone(),
        parts_added: parts.added.iter().map(part).collect(),
        parts_removed: parts.removed.iter().map(|removed| removed.1).collect(),
        names: (0..).zip(names).filter_map(named).collect(),
        dump: plan.dump.as_ref().map(|(number, _)| *number),
        definitions: changed.into_iter().collect(),
        tokens: state.tokens_new.iter().chain(&plan.token).cloned().collect(),
        erasures: erasures.since(&state.manifest.state.erasures),
        frozen: (plan.memory == Memory::Frozen).then_some(FrozenLog::None),
    }
}

/// The changes that make definitions others.
fn differences(from: &Definitions, to: &Definitions) -> impl Iterator<Item = Change> {
    let put = to.iter().filter(|(key, value)| from.get(key) != Some(value));
    let put = put.map(|(key, value)| (key.clone(), Some(value.clone())));
    let gone = from.keys().filter(|key| !to.contains_key(*key));
    put.chain(gone.map(|key| (key.clone(), None)))
}

/// What is in the manifest now need not go into the log or the next edit.
fn note_published(shared: &Shared, state: &mut LogState, plan: &Plan, names: &[NameRun; 4]) {
    state.note_names(names);
    for (logged, dictionary) in state.keys_logged.iter_mut().zip(&*shared.dictionaries) {
        let end = dictionary.parts().last().map_or(0, |part| part.first() + part.count());
        *logged = (*logged).max(end);
    }
    state.changed.clear();
    state.tokens_new.clear();
    if let Some(erasures) = &plan.erasures {
        state.erasures = Arc::clone(erasures);
    }
    if let Some(token) = &plan.token {
        state.tokens.add(token);
    }
}

fn publish(shared: &Shared, plan: Plan, log_bytes: u64, gone: &mut Vec<std::path::PathBuf>) {
    let mut next: Snapshot = (*shared.present()).clone();
    next.version += 1;
    next.log_bytes = log_bytes;
    next.keys = shared.key_counts();
    if let Some(erasures) = plan.erasures {
        next.erasures = erasures;
    }
    if !plan.segments.is_empty() || !plan.segments_removed.is_empty() {
        let mut disk = (*next.disk).clone();
        disk.retain(|(number, _)| !plan.segments_removed.contains(number));
        disk.extend(plan.segments);
        next.disk = Arc::new(disk);
        let path = |number: &u64| shared.files.path(FileType::Segment, *number);
        gone.extend(plan.segments_removed.iter().map(path));
    }
    if plan.memory == Memory::Frozen {
        next.frozen = Arc::default();
    }
    next.arrange();
    if !plan.indexes_put.is_empty() || !plan.indexes_dropped.is_empty() {
        let mut indexes = (*next.indexes).clone();
        let mut replaced = Vec::new();
        for key in &plan.indexes_dropped {
            replaced.extend(indexes.remove(key));
        }
        for (key, index) in plan.indexes_put {
            replaced.extend(indexes.insert(key, index));
        }
        let path = |old: &DiskIndex| shared.files.path(FileType::Index, old.number);
        gone.extend(replaced.iter().map(path));
        next.indexes = Arc::new(indexes);
    }
    if !plan.definitions.is_empty() {
        let mut definitions = (*next.definitions).clone();
        plan.definitions.into_iter().for_each(|change| apply(&mut definitions, change));
        next.definitions = Arc::new(definitions);
    }
    shared.set_present(next);
}
