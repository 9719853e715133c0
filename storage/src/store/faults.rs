//! Stores on a disk of one's own, for tests of what disks do to them. Behind a feature: a program
//! gets the disk of the operating system and limits that fit it.

use std::path::Path;
use std::sync::Arc;

use super::care::{BackupError, Survey, restore_on};
use super::checkpoint::advance;
use super::error::{OpenError, WriteError};
use super::handle::Store;
pub use super::shared::{Beside, Tuning};
use super::types::Settings;
use crate::io::{Disk, IoError, Mapping, map_bytes};

/// A disk, and the limits of the stores on it.
#[derive(Debug, Clone)]
pub struct Faults {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The limits.
    pub tuning: Tuning,
}

impl Faults {
    /// As [`Store::create`].
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create(&self, dir: &Path, settings: &Settings) -> Result<Store, OpenError> {
        Store::create_on(Arc::clone(&self.disk), dir, settings, self.tuning)
    }

    /// As [`Store::open`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open(&self, dir: &Path) -> Result<Store, OpenError> {
        Store::open_on(Arc::clone(&self.disk), dir, self.tuning)
    }

    /// As [`Survey::open`].
    ///
    /// # Errors
    /// As [`Survey::open`].
    pub fn survey(&self, dir: &Path) -> Result<Survey, OpenError> {
        Survey::open_on(Arc::clone(&self.disk), dir)
    }

    /// As [`super::restore`].
    ///
    /// # Errors
    /// As [`super::restore`].
    pub fn restore(&self, backup: &Path, dir: &Path) -> Result<(), BackupError> {
        restore_on(&self.disk, backup, dir, &mut |_, _| {})
    }

    /// Goes on with a checkpoint: begins it, writes its files, or publishes them.
    ///
    /// # Errors
    /// As [`Store::checkpoint`].
    pub fn advance(store: &Store) -> Result<(), WriteError> {
        advance(&store.shared)
    }

    /// What [`Disk::map`] of a disk in memory gives for these bytes.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn mapping(path: &Path, bytes: &[u8]) -> Result<Mapping, IoError> {
        map_bytes(path, bytes)
    }
}
