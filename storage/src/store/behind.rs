//! Keys of a bulk load that are written while the load goes on.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::error::WriteError;
use super::files::{Draft, FileType};
use super::shared::{Beside, Shared};
use super::types::KeyTable;
use crate::dictionary::{Part, PartError};

/// The parts of a dictionary, with one that was written.
type Written = Result<Option<Arc<[Arc<Part>]>>, PartError>;

/// The threads that write what is set apart of each table. Keys that are set apart without a thread
/// could not be written, and are tried again.
#[derive(Debug, Default)]
pub(super) struct Behind {
    threads: [Option<JoinHandle<Written>>; 3],
}

impl Behind {
    /// Sets a table's keys in memory apart and begins to write them to a part; those before them
    /// are in theirs then. `more` keys are expected.
    ///
    /// # Errors
    /// When those before them, or these, could not be written: then they stay in memory.
    pub(super) fn begin(
        &mut self,
        shared: &Arc<Shared>,
        draft: &Draft,
        table: KeyTable,
        more: usize,
    ) -> Result<(), WriteError> {
        self.end(shared, draft, table)?;
        let dictionary = &shared.dictionaries[table as usize];
        if dictionary.tail_size().0 == 0 {
            return Ok(());
        }
        dictionary.freeze(more);
        let (number, path) = draft.reserve(FileType::Part(table));
        if shared.tuning.beside == Beside::Thread {
            let (ours, to) = (Arc::clone(shared), path.clone());
            let named = std::thread::Builder::new().name("keys".to_owned());
            if let Ok(thread) = named.spawn(move || write(&ours, table, number, &to)) {
                self.threads[table as usize] = Some(thread);
                return Ok(());
            }
        }
        thaw(shared, table, write(shared, table, number, &path))
    }

    /// Waits until the keys of a table that are set apart are in their part.
    ///
    /// # Errors
    /// When they could not be written: then they stay in memory.
    pub(super) fn end(
        &mut self,
        shared: &Shared,
        draft: &Draft,
        table: KeyTable,
    ) -> Result<(), WriteError> {
        let written = match self.threads[table as usize].take() {
            Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None if shared.dictionaries[table as usize].is_frozen() => {
                let (number, path) = draft.reserve(FileType::Part(table));
                write(shared, table, number, &path)
            }
            None => return Ok(()),
        };
        thaw(shared, table, written)
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        for thread in self.threads.iter_mut().filter_map(Option::take) {
            // Whoever drops this goes back, whatever the thread has done.
            let _ = thread.join();
        }
    }
}

fn write(shared: &Shared, table: KeyTable, number: u64, path: &Path) -> Written {
    let id = shared.files.file_id(number);
    shared.dictionaries[table as usize].write_frozen(&*shared.files.disk, path, number, id)
}

fn thaw(shared: &Shared, table: KeyTable, written: Written) -> Result<(), WriteError> {
    if let Some(parts) = written? {
        shared.dictionaries[table as usize].thaw(parts);
    }
    Ok(())
}
