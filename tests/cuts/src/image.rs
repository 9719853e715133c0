//! What is on a disk, and what was done to it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// The directory of the store.
pub const STORE_DIR: &str = "/disk/stores/live";
/// The directory of its backups.
pub const BACKUP_DIR: &str = "/disk/backup";
/// Where a backup is restored to.
pub const RESTORED_DIR: &str = "/disk/restored";

/// The content of a disk.
#[derive(Debug, Clone)]
pub struct Image {
    /// Contents.
    pub inodes: Vec<Arc<[u8]>>,
    /// Files, by path.
    pub names: BTreeMap<PathBuf, usize>,
    /// Directories.
    pub dirs: BTreeSet<PathBuf>,
}

impl Image {
    /// A disk with nothing but the directory that everything goes into.
    #[must_use]
    pub fn empty() -> Self {
        let dirs = ["/", "/disk"].map(PathBuf::from).into();
        Self { inodes: Vec::new(), names: BTreeMap::new(), dirs }
    }
}

/// An operation on a disk.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Op {
    Create {
        path: PathBuf,
        inode: usize,
    },
    Write {
        inode: usize,
        at: usize,
        bytes: Arc<[u8]>,
    },
    Truncate {
        inode: usize,
        length: usize,
    },
    Sync {
        inode: usize,
    },
    SyncFailed {
        inode: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        path: PathBuf,
        inode: usize,
    },
    Remove {
        path: PathBuf,
    },
    MakeDir {
        dir: PathBuf,
    },
    SyncDir {
        dir: PathBuf,
    },
    /// A read, a mapping or a listing: it changes nothing.
    Look {
        path: PathBuf,
    },
}
