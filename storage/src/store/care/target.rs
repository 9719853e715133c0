//! The directory that a store is copied to.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::BackupError;
use super::mark::{self, BACKUP, Mark, Moment};
use super::source::named;
use crate::catalog::DIR as CATALOG;
use crate::error::FileError;
use crate::io::{Disk, DiskLock, resolved};
use crate::manifest::{MANIFEST, Manifest, State};
use crate::store::error::OpenError;
use crate::store::files::{FileType, Files};
use crate::store::open::{LOCK, STORE, STORE_NEW, is_identity, lock, read_identity};
use crate::wal::{FileKind, Origin, replay};

/// A file on its way.
pub(super) const COPY_NEW: &str = "COPY.tmp";

/// The directory that a store is copied to, locked.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    /// What the backup before is made of.
    pub(super) before: Option<(State, Moment)>,
    /// Files of the backup before, synced.
    there: BTreeSet<String>,
    _lock: Box<dyn DiskLock>,
}

impl Target {
    /// A directory for backups of a store: new, empty, or with an earlier backup of it. What an
    /// earlier attempt left that did not end is removed.
    pub(super) fn backup(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        store_id: u64,
    ) -> Result<Self, BackupError> {
        outside_of_stores(&**disk, dir)?;
        disk.create_dir(dir)?;
        let names = disk.list(dir)?;
        let has = |name: &str| names.iter().any(|other| other == name);
        if !has(BACKUP) {
            if has(STORE) {
                return Err(BackupError::Live { path: dir.to_owned() });
            }
            let strange = |name: &&String| ![LOCK, "BACKUP.tmp"].contains(&name.as_str());
            if let Some(name) = names.iter().find(strange) {
                return Err(BackupError::NotEmpty { path: dir.to_owned(), name: name.clone() });
            }
        }
        let lock = lock(&**disk, dir)?;
        let mut target = Self::new(disk, dir, lock);
        if has(BACKUP) {
            let mark = mark::read(&**disk, dir)?;
            if mark.store_id != store_id {
                return Err(BackupError::Other { path: dir.to_owned() });
            }
            if has(STORE) {
                target.read_before(&mark)?;
            }
        } else {
            mark::write(&**disk, dir, &Mark { store_id, moments: Vec::new() })?;
        }
        target.remove_others()?;
        Ok(target)
    }

    /// A directory for a new store: new or empty.
    pub(super) fn empty(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Self, BackupError> {
        outside_of_stores(&**disk, dir)?;
        disk.create_dir(dir)?;
        let names = disk.list(dir)?;
        if let Some(name) = names.iter().find(|name| *name != LOCK) {
            return Err(BackupError::NotEmpty { path: dir.to_owned(), name: name.clone() });
        }
        let lock = lock(&**disk, dir)?;
        Ok(Self::new(disk, dir, lock))
    }

    fn new(disk: &Arc<dyn Disk>, dir: &Path, lock: Box<dyn DiskLock>) -> Self {
        let (disk, dir) = (Arc::clone(disk), dir.to_owned());
        Self { disk, dir, before: None, there: BTreeSet::new(), _lock: lock }
    }

    /// Reads the backup that is there, which must be as it was left.
    fn read_before(&mut self, mark: &Mark) -> Result<(), BackupError> {
        let disk = &*self.disk;
        let path = self.dir.join(STORE);
        let (store_id, _) = read_identity(&path, &disk.read(&path)?)?;
        let manifest = Manifest::read(disk, &self.dir, store_id).map_err(OpenError::from)?;
        let (state, edits) = manifest;
        let path = self.dir.join(FileType::Log.name(state.log));
        let origin = Origin { store_id, number: state.log };
        let replayed = replay(&path, &disk.read(&path)?, FileKind::Log, origin);
        let last = replayed.map_err(|error| match error {
            FileError::Corrupt(error) => BackupError::Corrupt(error),
            other => BackupError::Open(other.into()),
        })?;
        let moment = Moment { edits, log: state.log, last: last.last };
        if store_id != mark.store_id || !mark.moments.contains(&moment) {
            return Err(BackupError::Changed { path: self.dir.clone() });
        }
        self.there = named(&state).into_iter().map(|(kind, number)| kind.name(number)).collect();
        self.there.insert(FileType::Log.name(state.log));
        self.before = Some((state, moment));
        Ok(())
    }

    /// Removes what was brought for a backup that is not made, so that it takes no room: perhaps
    /// there was none. What cannot be removed goes with the next attempt.
    pub(super) fn give_up(&self) {
        let _ = self.remove_others();
    }

    /// Whether the backup before has a file.
    pub(super) fn has(&self, kind: FileType, number: u64) -> bool {
        self.there.contains(&kind.name(number))
    }

    /// The files of the directory under the names that the store has.
    pub(super) fn files(&self, store_id: u64) -> Files {
        Files::new(Arc::clone(&self.disk), &self.dir, store_id, 0)
    }

    /// Notes which files make up the backup now.
    pub(super) fn renew(&mut self, state: &State) {
        self.there = named(state).into_iter().map(|(kind, number)| kind.name(number)).collect();
        self.there.insert(FileType::Log.name(state.log));
    }

    /// Removes files of a store that the backup is not made of; how many.
    pub(super) fn remove_others(&self) -> Result<u64, BackupError> {
        let mut removed = 0;
        let begun = self.before.is_some() || !self.there.is_empty();
        for name in self.disk.list(&self.dir)? {
            let path = self.dir.join(&name);
            if name == CATALOG {
                // The store's own, made when somebody opened the backup: made anew when wanted.
                self.disk.remove_dir(&path)?;
                continue;
            }
            let numbered = FileType::parse(&name).is_some() && !self.there.contains(&name);
            let passing = ["MANIFEST.tmp", "BACKUP.tmp", STORE_NEW, COPY_NEW];
            let passing = passing.contains(&name.as_str());
            let unfinished = !begun && [MANIFEST, STORE].contains(&name.as_str());
            if numbered || passing || unfinished {
                self.disk.remove(&path)?;
                removed += u64::from(numbered);
            }
        }
        Ok(removed)
    }
}

/// Refuses a directory somewhere in that of a store: who takes care of the store would meet it, and
/// what is lost with the one is lost with the other.
fn outside_of_stores(disk: &dyn Disk, dir: &Path) -> Result<(), BackupError> {
    let whole = resolved(dir)?;
    for store in whole.ancestors().skip(1) {
        match disk.read(&store.join(STORE)) {
            Ok(bytes) if is_identity(&bytes) => {
                return Err(BackupError::Inside { path: dir.to_owned(), store: store.to_owned() });
            }
            // Something else of that name.
            Ok(_) => {}
            Err(error) if error.is_missing() => {}
            Err(error) if error.source.kind() == ErrorKind::IsADirectory => {}
            // It is no directory: making one in it tells.
            Err(error) if error.source.kind() == ErrorKind::NotADirectory => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
