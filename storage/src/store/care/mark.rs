//! What tells a backup from a store that is worked with: a file that says which moments of which
//! store the directory may hold.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::BackupError;
use crate::codec::{self, ValueKind};
use crate::error::CorruptError;
use crate::io::Disk;

/// Its name in the directory.
pub(super) const BACKUP: &str = "BACKUP";
const BACKUP_NEW: &str = "BACKUP.tmp";
const MARK: ValueKind = ValueKind(6);

/// Where a store was when it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Moment {
    /// Edits of the manifest.
    pub(super) edits: u64,
    /// The number of the log.
    pub(super) log: u64,
    /// The newest record of the log.
    pub(super) last: u64,
}

/// What the directory may hold: while a backup is being written, the one before it or the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) store_id: u64,
    pub(super) moments: Vec<Moment>,
}

/// Reads the mark of a backup.
pub(super) fn read(disk: &dyn Disk, dir: &Path) -> Result<Mark, BackupError> {
    let path = dir.join(BACKUP);
    let bytes = disk.read(&path)?;
    codec::decode(MARK, &bytes).map_err(|_| {
        CorruptError { path, offset: 0, what: "the mark of a backup does not decode" }.into()
    })
}

/// Puts a mark in the place of the one before.
pub(super) fn write(disk: &dyn Disk, dir: &Path, mark: &Mark) -> Result<(), BackupError> {
    let bytes = codec::encode(MARK, mark)?;
    let path = dir.join(BACKUP_NEW);
    if let Err(error) = disk.remove(&path)
        && !error.is_missing()
    {
        return Err(error.into());
    }
    let write = || {
        let file = disk.create(&path)?;
        file.append(&bytes)?;
        file.sync()
    };
    // What is left of it takes room where there may be none.
    write().inspect_err(|_| drop(disk.remove(&path)))?;
    disk.rename(&path, &dir.join(BACKUP))?;
    Ok(())
}
