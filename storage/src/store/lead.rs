//! Group commit: one of the waiting threads syncs the log for all of them and publishes their
//! batches in order.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use super::columns::append;
use super::error::WriteError;
use super::memory;
use super::shared::{Pending, Shared};
use super::snapshot::{Definitions, Snapshot};
use super::types::{Definition, KeyTable};
use crate::erasure::Forgetting;
use crate::io::{Action, IoError};
use crate::rows::EventColumns;
use crate::wal::AppendError;

/// How far publishing has come.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) leading: bool,
    /// Log records up to this one are durable and visible.
    pub(super) published: u64,
}

/// The right to sync the log and to publish. One thread has it.
#[derive(Debug)]
pub(super) struct Lead<'s> {
    shared: &'s Shared,
}

impl Shared {
    fn group(&self) -> std::sync::MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lead.
    pub(super) fn lead(&self) -> Lead<'_> {
        let mut group = self.group();
        while group.leading {
            group = self.group_changed.wait(group).unwrap_or_else(PoisonError::into_inner);
        }
        group.leading = true;
        Lead { shared: self }
    }

    /// Waits until a log record is durable and visible, leading when nobody does.
    pub(super) fn wait_for(&self, sequence: u64) -> Result<(), WriteError> {
        let mut group = self.group();
        loop {
            if group.published >= sequence {
                return Ok(());
            }
            if let Some(error) = self.failure.get() {
                return Err(WriteError::Unconfirmed(Arc::clone(error)));
            }
            if !group.leading {
                group.leading = true;
                drop(group);
                Lead { shared: self }.flush()?;
                group = self.group();
                continue;
            }
            group = self.group_changed.wait(group).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Lead<'_> {
    /// Syncs the log and publishes what is in it.
    pub(super) fn flush(&self) -> Result<(), WriteError> {
        let shared = self.shared;
        let (file, last) = {
            let state = shared.log();
            (Arc::clone(&state.log.file), state.log.last())
        };
        if shared.group().published >= last {
            return Ok(());
        }
        shared.healthy()?;
        file.sync().map_err(|error| shared.fail(error))?;
        shared.synced.store(last, Ordering::Release);
        let (log_bytes, batches) = {
            let mut state = shared.log();
            // Whoever appended meanwhile says it with the next record.
            if state.log.last() == last
                && let Err(AppendError::Broken(error)) = state.log.mark()
            {
                return Err(shared.fail(error));
            }
            let count = state.pending.partition_point(|batch| batch.sequence <= last);
            let batches: Vec<_> = state.pending.drain(..count).collect();
            (state.log_bytes(), batches)
        };
        self.publish(batches, log_bytes)?;
        shared.group().published = last;
        Ok(())
    }

    fn publish(&self, batches: Vec<Pending>, log_bytes: u64) -> Result<(), WriteError> {
        let shared = self.shared;
        let mut snapshot = (*shared.present()).clone();
        snapshot.log_bytes = log_bytes;
        let mut events = EventColumns::default();
        let mut definitions: Option<Definitions> = None;
        for batch in batches {
            snapshot.version += 1;
            snapshot.keys = batch.keys;
            if events.is_empty() {
                events = batch.events;
            } else {
                append(&mut events, &batch.events);
            }
            if let Some(forgetting) = batch.forgetting {
                debug_assert!(events.is_empty(), "whoever forgets has the turn");
                forget(&mut snapshot, &forgetting).map_err(|error| self.unreadable(error))?;
            }
            if !batch.definitions.is_empty() {
                let definitions =
                    definitions.get_or_insert_with(|| (*snapshot.definitions).clone());
                batch.definitions.into_iter().for_each(|change| apply(definitions, change));
            }
        }
        if let Some(definitions) = definitions {
            snapshot.definitions = Arc::new(definitions);
        }
        if !events.is_empty() {
            let file_id = shared.files.file_id(0);
            let memory = memory::add(&snapshot.memory, events, file_id);
            snapshot.memory = memory.map_err(|error| self.unreadable(error))?;
            snapshot.arrange();
        }
        shared.set_present(snapshot);
        Ok(())
    }

    /// Durable, and not visible: reading on would be answering from less, or more.
    fn unreadable(&self, error: WriteError) -> WriteError {
        let path = self.shared.files.dir.join("memory");
        let error = std::io::Error::other(error);
        self.shared.fail(IoError::new(&path, Action::Read, error))
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let error = std::io::Error::other("a thread panicked while it published");
            let path = self.shared.files.dir.clone();
            self.shared.fail(IoError::new(&path, Action::Sync, error));
        }
        self.shared.group().leading = false;
        self.shared.group_changed.notify_all();
    }
}

/// Takes consumers out of a snapshot: their events in memory, and the keys of their identities.
pub(super) fn forget(snapshot: &mut Snapshot, forgetting: &Forgetting) -> Result<(), WriteError> {
    let consumers = forgetting.consumers();
    snapshot.frozen = Arc::new(memory::without(&snapshot.frozen, &consumers)?);
    snapshot.memory = memory::without(&snapshot.memory, &consumers)?;
    snapshot.arrange();
    snapshot.dictionaries[KeyTable::Consumer as usize].bury(&consumers);
    Arc::make_mut(&mut snapshot.erasures).forget(forgetting);
    Ok(())
}

/// Changes one definition.
pub(super) fn apply(definitions: &mut Definitions, change: Definition) {
    let key = (change.kind, change.name);
    match change.value {
        Some(value) => definitions.insert(key, value),
        None => definitions.remove(&key),
    };
}
