//! Writing what is in memory to segments, and emptying the log.

use super::blocks::{BlockWriter, by_block, write_synced};
use super::columns::append;
use super::commit::{Memory, Plan, commit, spill_keys};
use super::error::WriteError;
use super::files::{Draft, FileType};
use super::seen::Seen;
use super::shared::Shared;
use super::snapshot::{Definitions, Snapshot};
use super::turn::TurnGuard;
use super::types::KeyTable;
use crate::codec::{self, CodecError, ValueKind};
use crate::container::CHUNK_SIZE;
use crate::rows::EventColumns;

/// The dump of all definitions, with the id of its file, so that no other dump passes for it.
pub(super) const DUMP: ValueKind = ValueKind(7);
/// The same without an id, as it was written at first.
pub(super) const DUMP_UNBOUND: ValueKind = ValueKind(3);

/// Chunks touched up to which only those chunks of older segments are looked at.
const CHUNKS_FEW: usize = 1024;

/// Whether memory or the log has grown enough for a checkpoint.
pub(super) fn is_due(shared: &Shared) -> bool {
    let rows: u64 = shared.present().memory.iter().map(|segment| segment.rows()).sum();
    rows >= shared.tuning.checkpoint_rows
        || shared.log().log.length() >= shared.tuning.checkpoint_bytes
}

/// Whether there is anything that a checkpoint would move.
fn is_idle(shared: &Shared) -> bool {
    let keys = shared.dictionaries.iter().any(|dictionary| dictionary.tail_size().0 > 0);
    let state = shared.log();
    let logged = state.log.last() > state.manifest.state.logged;
    let names = state.names_logged.iter().zip(&state.manifest.state.names);
    let names = names.into_iter().any(|(logged, saved)| *logged > saved.len());
    !(keys || logged || names) && shared.present().memory.is_empty()
}

/// Writes everything in memory to files.
pub(super) fn checkpoint(shared: &Shared, _turn: &TurnGuard<'_>) -> Result<(), WriteError> {
    shared.healthy()?;
    let parts = [0, 1, 2].map(|table: usize| shared.dictionaries[table].parts());
    let keys = shared.key_counts();
    let written = write(shared);
    if written.is_err() {
        // Parts that were written go with the other files: their keys come back into memory, or
        // the next edit would name files that are gone.
        for ((dictionary, parts), count) in shared.dictionaries.iter().zip(parts).zip(keys) {
            // Keys that cannot be read back are reported by whoever asks for them.
            let _ = dictionary.roll_back(parts, count);
        }
    }
    written
}

fn write(shared: &Shared) -> Result<(), WriteError> {
    // Events come only from whoever has the turn, so after this memory stands still.
    shared.lead().flush()?;
    if is_idle(shared) {
        return Ok(());
    }
    let snapshot = shared.present();
    let draft = Draft::new(&shared.files);
    let mut plan = Plan { memory: Memory::Written, ..Plan::default() };
    let mut events = EventColumns::default();
    for segment in &snapshot.memory {
        append(&mut events, &segment.read_all()?);
    }
    if !events.is_empty() {
        let seen = seen_for(&snapshot, &events);
        let mut blocks = by_block(&events);
        drop(events);
        let numbers: Vec<_> = blocks.keys().copied().collect();
        let writer =
            BlockWriter { shared, draft: &draft, seen, rows_max: shared.tuning.segment_rows };
        let mut load = |block| Ok(blocks.remove(&block).unwrap_or_default());
        plan.segments = writer.write(numbers.into_iter(), &mut load, &mut |_| {})?;
    }
    for table in KeyTable::ALL {
        spill_keys(shared, &draft, table)?;
    }
    let changed = {
        let state = shared.log();
        !state.changed.is_empty() || !state.manifest.state.changes.is_empty()
    };
    if changed {
        let (number, path) = draft.reserve(FileType::Dump);
        let bytes = dump(shared.files.file_id(number), &snapshot.definitions)?;
        write_synced(shared, &draft, &path, &bytes)?;
        plan.dump = Some(number);
    }
    commit(shared, draft, plan)
}

/// The bytes of a dump.
pub(super) fn dump(file_id: u64, definitions: &Definitions) -> Result<Vec<u8>, CodecError> {
    let entries: Vec<_> = definitions.iter().collect();
    codec::encode(DUMP, &(file_id, entries))
}

/// What older segments know of the consumers of these events.
fn seen_for(snapshot: &Snapshot, events: &EventColumns) -> Seen {
    let published = snapshot.disk.iter().map(|(_, segment)| std::sync::Arc::clone(segment));
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
