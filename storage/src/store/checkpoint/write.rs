//! The middle of a checkpoint: what is frozen becomes files that nothing refers to yet.

use std::sync::Arc;

use crate::codec::{self, CodecError, ValueKind};
use crate::container::CHUNK_SIZE;
use crate::rows::EventColumns;
use crate::segment::Segment;
use crate::store::blocks::{BlockWriter, by_block, write_synced};
use crate::store::columns::append;
use crate::store::commit::{Memory, Parts, Plan, commit};
use crate::store::error::WriteError;
use crate::store::files::{Draft, FileType};
use crate::store::seen::Seen;
use crate::store::shared::Shared;
use crate::store::snapshot::{Definitions, Snapshot};
use crate::store::types::KeyTable;

/// The dump of all definitions, with the id of its file, so that no other dump passes for it.
pub(in crate::store) const DUMP: ValueKind = ValueKind(7);
/// The same without an id, as it was written at first.
pub(in crate::store) const DUMP_UNBOUND: ValueKind = ValueKind(3);

/// Chunks touched up to which only those chunks of older segments are looked at.
const CHUNKS_FEW: usize = 1024;

/// The files of a checkpoint, synced.
#[derive(Debug)]
pub(super) struct Made {
    draft: Draft,
    segments: Vec<(u64, Arc<Segment>)>,
    parts: Parts,
    dump: Option<(u64, Arc<Definitions>)>,
}

impl Made {
    /// Makes the files the store's, in the writer's turn.
    pub(super) fn publish(self, shared: &Shared) -> Result<(), WriteError> {
        let plan = Plan {
            segments: self.segments,
            parts: Some(self.parts),
            dump: self.dump,
            memory: Memory::Frozen,
            ..Plan::default()
        };
        commit(shared, self.draft, plan)
    }
}

/// Writes what is frozen to files. It needs no turn: what is frozen stands still, except that
/// consumers may be forgotten meanwhile. Those stay in the files as in any that were there before,
/// and are taken out of what is read until a merge of everything takes them out of the files.
pub(super) fn write(shared: &Shared, workers: usize) -> Result<Made, WriteError> {
    shared.healthy()?;
    let snapshot = shared.present();
    let draft = Draft::new(&shared.files);
    let mut events = EventColumns::default();
    for segment in snapshot.frozen.iter() {
        append(&mut events, &segment.read_all()?);
    }
    let mut segments = Vec::new();
    if !events.is_empty() {
        let seen = seen_for(&snapshot, &events);
        let mut blocks = by_block(&events);
        drop(events);
        let numbers: Vec<_> = blocks.keys().copied().collect();
        let rows_max = shared.tuning.segment_rows;
        let writer = BlockWriter { shared, draft: &draft, seen, rows_max, workers };
        let mut load = |block| Ok(blocks.remove(&block).unwrap_or_default());
        segments = writer.write(numbers.into_iter(), &mut load, &mut |_| {})?;
    }
    let parts = write_keys(shared, &draft)?;
    let dump = write_dump(shared, &draft, &snapshot)?;
    Ok(Made { draft, segments, parts, dump })
}

/// Writes the keys that are set apart.
fn write_keys(shared: &Shared, draft: &Draft) -> Result<Parts, WriteError> {
    let mut all: Parts = [0, 1, 2].map(|table: usize| shared.dictionaries[table].parts());
    for (table, parts) in KeyTable::ALL.into_iter().zip(&mut all) {
        let dictionary = &shared.dictionaries[table as usize];
        if !dictionary.is_frozen() {
            continue;
        }
        let (number, path) = draft.reserve(FileType::Part(table));
        let id = shared.files.file_id(number);
        if let Some(with) = dictionary.write_frozen(&*shared.files.disk, &path, number, id)? {
            if let Some(part) = with.last() {
                part.sync().map_err(|error| shared.sync_failed(error))?;
            }
            *parts = with;
        }
    }
    Ok(all)
}

/// Writes all definitions, when some of them are not in a dump.
fn write_dump(
    shared: &Shared,
    draft: &Draft,
    snapshot: &Snapshot,
) -> Result<Option<(u64, Arc<Definitions>)>, WriteError> {
    let changed = {
        let state = shared.log();
        !state.changed.is_empty() || !state.manifest.state.changes.is_empty()
    };
    if !changed {
        return Ok(None);
    }
    let (number, path) = draft.reserve(FileType::Dump);
    let bytes = dump(shared.files.file_id(number), &snapshot.definitions)?;
    write_synced(shared, draft, &path, &bytes)?;
    Ok(Some((number, Arc::clone(&snapshot.definitions))))
}

/// The bytes of a dump.
pub(in crate::store) fn dump(
    file_id: u64,
    definitions: &Definitions,
) -> Result<Vec<u8>, CodecError> {
    let entries: Vec<_> = definitions.iter().collect();
    codec::encode(DUMP, &(file_id, entries))
}

/// What older segments know of the consumers of these events.
fn seen_for(snapshot: &Snapshot, events: &EventColumns) -> Seen {
    let published = snapshot.disk.iter().map(|(_, segment)| Arc::clone(segment));
    let mut chunks: Vec<bool> = Vec::new();
    for &consumer in &events.consumer {
        let chunk = consumer as usize / CHUNK_SIZE;
        if chunk >= chunks.len() {
            chunks.resize(chunk + 1, false);
        }
        chunks[chunk] = true;
    }
    let few = chunks.iter().filter(|&&touched| touched).count() <= CHUNKS_FEW;
    Seen::new(published, few.then_some(chunks))
}
