//! The handle that a program holds.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::bulk::Bulk;
use super::care::is_backup;
use super::checkpoint;
use super::error::{OpenError, WriteError};
use super::open;
use super::shared::{Shared, Tuning};
use super::snapshot::Snapshot;
use super::types::{BulkOptions, Definition, Settings};
use super::writer::{Writer, define};
use crate::error::CorruptError;
use crate::io::{Disk, SystemDisk};
use crate::names::Names;

/// An open store. One process owns it; its threads share it.
#[derive(Debug)]
pub struct Store {
    pub(super) shared: Arc<Shared>,
}

/// Bytes of the log from which closing a store writes a checkpoint, so that the next opening need
/// not replay it.
const CLOSE_CHECKPOINT_BYTES: u64 = 1 << 20;

impl Store {
    /// Makes a store in a directory that does not exist or is empty.
    ///
    /// # Errors
    /// When the directory is in use or cannot be written.
    pub fn create(dir: &Path, settings: &Settings) -> Result<Self, OpenError> {
        Self::create_on(Arc::new(SystemDisk), dir, settings, Tuning::default())
    }

    /// Opens a store, recovering what a crash left.
    ///
    /// # Errors
    /// When there is none, another process owns it, its version is not ours, or bytes are corrupt.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(SystemDisk), dir, Tuning::default())
    }

    pub(crate) fn create_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        settings: &Settings,
        tuning: Tuning,
    ) -> Result<Self, OpenError> {
        open::create(&disk, dir, settings)?;
        Self::open_on(disk, dir, tuning)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        tuning: Tuning,
    ) -> Result<Self, OpenError> {
        Ok(Self { shared: Arc::new(open::open(disk, dir, tuning)?) })
    }

    /// What was fixed at creation.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// The directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.shared.files.dir
    }

    /// Whether it was made as a backup, and the next one may go into it as long as nothing is
    /// written.
    #[must_use]
    pub fn is_backup(&self) -> bool {
        let files = &self.shared.files;
        matches!(is_backup(&*files.disk, &files.dir), Ok(true))
    }

    /// The present.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.present()
    }

    /// The small tables of names, shared with every thread.
    #[must_use]
    pub fn names(&self) -> &Arc<Names> {
        &self.shared.names
    }

    /// Waits for the writer's turn, for a small batch, and until memory has room for it: when twice
    /// what a checkpoint takes has come while the one before is still written.
    ///
    /// # Errors
    /// When the store is read-only after a failed sync, or memory is full and cannot be written
    /// to segments.
    pub fn writer(&self) -> Result<Writer<'_>, WriteError> {
        let writer = self.writer_unless(&mut || ControlFlow::Continue(()))?;
        Ok(writer.expect("nobody told it to stop"))
    }

    /// As [`Self::writer`], until it is told to stop; `stop` is asked now and then. None when it
    /// was.
    ///
    /// # Errors
    /// As [`Self::writer`].
    pub fn writer_unless(
        &self,
        stop: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<Option<Writer<'_>>, WriteError> {
        let shared = &self.shared;
        let Some(turn) = shared.turn.take_unless(stop) else { return Ok(None) };
        shared.healthy()?;
        let room = checkpoint::make_room(shared, &turn, stop)?;
        Ok(room.map(|()| Writer::new(shared, turn)))
    }

    /// Waits for the writer's turn, for a bulk load.
    ///
    /// # Errors
    /// When the store is read-only after a failed sync.
    pub fn bulk(&self, options: BulkOptions) -> Result<Bulk<'_>, WriteError> {
        let turn = self.shared.turn.take();
        self.shared.healthy()?;
        Bulk::new(&self.shared, turn, options)
    }

    /// Adds, replaces (`Some`) or removes (`None`) definitions. Durable and visible on return.
    /// It does not wait for a bulk load.
    ///
    /// # Errors
    /// When the log cannot be written; then nothing changed.
    pub fn define(&self, changes: Vec<Definition>) -> Result<(), WriteError> {
        define(&self.shared, changes)
    }

    /// Reads every block of every file and compares it with its checksum; `progress` is told
    /// (done, total) files.
    #[must_use]
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Vec<CorruptError> {
        self.snapshot().verify(progress)
    }

    /// Writes what is in memory to segments and empties the log; writers wait for it.
    ///
    /// # Errors
    /// When a file cannot be written; then what is in the store stays what it was.
    pub fn checkpoint(&self) -> Result<(), WriteError> {
        let turn = self.shared.turn.take();
        checkpoint::checkpoint(&self.shared, &turn)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
        self.shared.checkpoints.join();
    }
}

impl Store {
    fn close(&self) {
        if self.shared.healthy().is_err() {
            return;
        }
        // A batch whose ticket was not waited for is not acknowledged, yet it need not be lost.
        // What fails here is found again in the log.
        let _ = self.shared.lead().flush();
        // A backup that was only looked at stays as it was made.
        let files = &self.shared.files;
        if self.shared.log().log_bytes() >= CLOSE_CHECKPOINT_BYTES
            && matches!(is_backup(&*files.disk, &files.dir), Ok(false))
        {
            let _ = self.checkpoint();
        }
    }
}
