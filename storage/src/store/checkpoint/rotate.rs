//! The beginning of a checkpoint: a new log, and what is in memory stands still.

use std::sync::Arc;

use crate::manifest::{Edit, FrozenLog};
use crate::store::commit::{append_edit, flushed, new_log};
use crate::store::error::WriteError;
use crate::store::files::Draft;
use crate::store::shared::{FrozenFile, Shared};
use crate::store::turn::TurnGuard;

/// How much has come since the last rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Little,
    /// Enough for a checkpoint.
    Due,
    /// Twice that: whoever brings more waits.
    Full,
}

/// How full memory and the log are.
pub(super) fn fill(shared: &Shared) -> Fill {
    let rows: u64 = shared.present().memory.iter().map(|segment| segment.rows()).sum();
    let bytes = shared.log().log.length();
    let has = |times: u64| {
        rows >= shared.tuning.checkpoint_rows.saturating_mul(times)
            || bytes >= shared.tuning.checkpoint_bytes.saturating_mul(times)
    };
    match (has(1), has(2)) {
        (false, _) => Fill::Little,
        (true, false) => Fill::Due,
        (true, true) => Fill::Full,
    }
}

/// Whether there is anything that a checkpoint would move, beside what is frozen.
pub(super) fn is_idle(shared: &Shared) -> bool {
    let keys = shared.dictionaries.iter().any(|dictionary| dictionary.tail_size().0 > 0);
    let state = shared.log();
    let logged = state.log.last() > state.manifest.state.logged;
    let names = state.names_logged.iter().zip(&state.manifest.state.names);
    let names = names.into_iter().any(|(logged, saved)| *logged > saved.len());
    !(keys || logged || names) && shared.present().memory.is_empty()
}

/// Begins a new log and freezes what is in memory. Nothing may be frozen already.
pub(super) fn rotate(shared: &Shared, _turn: &TurnGuard<'_>) -> Result<(), WriteError> {
    shared.healthy()?;
    let lead = shared.lead();
    let mut state = flushed(shared, &lead)?;
    // Once more, so that the mark after the last record is on disk too: whatever is missing from a
    // log that another one follows is damage.
    state.log.file.sync().map_err(|error| shared.fail(error))?;
    let draft = Draft::new(&shared.files);
    let log = new_log(shared, &draft, &state)?;
    shared.files.sync_dir().map_err(|error| shared.sync_failed(error))?;
    let edit = Edit {
        // The records of the log before stay what definitions and tokens are read from.
        logged: state.manifest.state.logged,
        log: Some(log.number),
        next_number: shared.files.next_number(),
        frozen: Some(FrozenLog::Number(state.log.number)),
        ..Edit::default()
    };
    append_edit(shared, &mut state, draft, edit)?;
    let old = std::mem::replace(&mut state.log, log);
    state.frozen = Some(FrozenFile { bytes: old.length(), path: old.path });
    for dictionary in &*shared.dictionaries {
        // As many keys will come again: the table need not grow under the writers' turn.
        dictionary.freeze(dictionary.tail_size().0);
    }
    let mut next = (*shared.present()).clone();
    next.version += 1;
    next.log_bytes = state.log_bytes();
    debug_assert!(next.frozen.is_empty(), "one generation is frozen at a time");
    next.frozen = Arc::new(std::mem::take(&mut next.memory));
    next.arrange();
    shared.set_present(next);
    Ok(())
}
