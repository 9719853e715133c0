//! The files of a store: their names and numbers, and what to do with those of a change that does
//! not happen.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::types::KeyTable;
use crate::io::{Disk, DiskFile, IoError};

/// What spreads the numbers of files over all file ids.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a numbered file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileType {
    Log,
    Segment,
    Index,
    Part(KeyTable),
    Dump,
    Spill,
}

impl FileType {
    const ALL: [Self; 8] = [
        Self::Log,
        Self::Segment,
        Self::Index,
        Self::Part(KeyTable::Consumer),
        Self::Part(KeyTable::Item),
        Self::Part(KeyTable::Order),
        Self::Dump,
        Self::Spill,
    ];

    /// What stands before and after the number.
    const fn affixes(self) -> (&'static str, &'static str) {
        match self {
            Self::Log => ("wal-", ".log"),
            Self::Segment => ("seg-", ".seg"),
            Self::Index => ("idx-", ".idx"),
            Self::Part(KeyTable::Consumer) => ("dict-consumer-", ".dict"),
            Self::Part(KeyTable::Item) => ("dict-item-", ".dict"),
            Self::Part(KeyTable::Order) => ("dict-order-", ".dict"),
            Self::Dump => ("catalog-", ".dump"),
            Self::Spill => ("bulk-", ".tmp"),
        }
    }

    pub(super) fn name(self, number: u64) -> String {
        let (before, after) = self.affixes();
        format!("{before}{number:08}{after}")
    }

    /// What a name in the directory stands for.
    pub(super) fn parse(name: &str) -> Option<(Self, u64)> {
        Self::ALL.into_iter().find_map(|kind| {
            let (before, after) = kind.affixes();
            let number = name.strip_prefix(before)?.strip_suffix(after)?.parse().ok()?;
            (kind.name(number) == name).then_some((kind, number))
        })
    }
}

/// The directory of a store.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) store_id: u64,
    // Invariant 1: no file in the directory has this number or a greater one.
    next: AtomicU64,
    /// Files that nothing needs and that could not be removed. Opening the store removes them.
    left: Mutex<Vec<PathBuf>>,
}

impl Files {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, store_id: u64, next: u64) -> Self {
        Self {
            disk,
            dir: dir.to_owned(),
            store_id,
            next: AtomicU64::new(next),
            left: Mutex::default(),
        }
    }

    pub(super) fn path(&self, kind: FileType, number: u64) -> PathBuf {
        self.dir.join(kind.name(number))
    }

    /// Removes a file that nothing needs any more, or notes that it could not be removed.
    pub(super) fn remove(&self, path: PathBuf) {
        if self.remove_now(&path).is_err() {
            self.left().push(path);
        }
    }

    /// Removes what could not be removed before: who says that bytes are gone asks for it.
    pub(super) fn remove_left(&self) -> Result<(), IoError> {
        let mut left = self.left();
        if left.is_empty() {
            return Ok(());
        }
        let mut failed = None;
        left.retain(|path| match self.remove_now(path) {
            Ok(()) => false,
            Err(error) => {
                failed.get_or_insert(error);
                true
            }
        });
        drop(left);
        match failed {
            Some(error) => Err(error),
            None => self.sync_dir(),
        }
    }

    fn remove_now(&self, path: &Path) -> Result<(), IoError> {
        match self.disk.remove(path) {
            // It was perhaps never made.
            Err(error) if error.is_missing() => Ok(()),
            removed => removed,
        }
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Vec<PathBuf>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no file has.
    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// What binds a file's checksums to this store and its number.
    pub(super) fn file_id(&self, number: u64) -> u64 {
        self.store_id ^ number.wrapping_mul(SPREAD)
    }

    pub(super) fn sync_dir(&self) -> Result<(), IoError> {
        self.disk.sync_dir(&self.dir)
    }
}

/// Files made for a change that is not published yet. Dropping it removes them.
#[derive(Debug)]
pub(super) struct Draft {
    files: Arc<Files>,
    made: Mutex<Vec<PathBuf>>,
}

impl Draft {
    pub(super) fn new(files: &Arc<Files>) -> Self {
        Self { files: Arc::clone(files), made: Mutex::new(Vec::new()) }
    }

    /// A number and path for a file about to be made.
    pub(super) fn reserve(&self, kind: FileType) -> (u64, PathBuf) {
        let number = self.files.number();
        let path = self.files.path(kind, number);
        self.lock().push(path.clone());
        (number, path)
    }

    /// Makes a file with a content. It is not synced yet.
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<Arc<dyn DiskFile>, IoError> {
        let file = self.files.disk.create(path)?;
        file.append(bytes)?;
        Ok(file)
    }

    /// Removes a file that was only needed on the way.
    pub(super) fn discard(&self, path: &Path) {
        self.lock().retain(|made| made != path);
        self.files.remove(path.to_owned());
    }

    /// Parts of dictionaries among what was made, by number.
    pub(super) fn parts(&self) -> Vec<(u64, PathBuf)> {
        let part = |path: &PathBuf| {
            let name = path.file_name()?.to_str()?;
            match FileType::parse(name)? {
                (FileType::Part(_), number) => Some((number, path.clone())),
                _ => None,
            }
        };
        self.lock().iter().filter_map(part).collect()
    }

    /// The files are part of the store now.
    pub(super) fn keep(self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<PathBuf>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for path in self.lock().drain(..) {
            self.files.remove(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_both_ways() {
        for kind in FileType::ALL {
            for number in [1, 99_999_999, 123_456_789_012] {
                assert_eq!(FileType::parse(&kind.name(number)), Some((kind, number)));
            }
        }
        for name in ["seg-1.seg", "LOCK", "seg-00000001.idx", "seg-+0000001.seg", "notes.txt"] {
            assert_eq!(FileType::parse(name), None, "{name}");
        }
    }
}
