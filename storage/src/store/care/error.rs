//! Why a backup, a restore or a repair was not made.

use std::path::PathBuf;

use super::finding::Finding;
use crate::codec::CodecError;
use crate::dictionary::PartError;
use crate::error::{CorruptError, FileError};
use crate::io::IoError;
use crate::manifest::{EditError, ManifestError};
use crate::segment::BuildError;
use crate::store::error::{OpenError, WriteError};

/// Why a store was not copied. The target is as it was: a whole backup, or no store.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The directory is a store that is worked with.
    #[error("{}: a store, not a backup; a backup needs a directory of its own", path.display())]
    Live {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds a backup of another store.
    #[error("{}: a backup of another store", path.display())]
    Other {
        /// The directory.
        path: PathBuf,
    },
    /// The directory holds something else.
    #[error("{}: holds `{name}`, which is no part of a backup", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
        /// What it holds.
        name: String,
    },
    /// The backup was opened and written to.
    #[error(
        "{}: written to since it was made; keep it as a store and make the next backup elsewhere",
        path.display()
    )]
    Changed {
        /// The directory.
        path: PathBuf,
    },
    /// The directory is in one that holds a store or a backup.
    #[error(
        "{}: inside of {}, which holds a store; a backup needs a directory outside of it",
        path.display(),
        store.display()
    )]
    Inside {
        /// The directory.
        path: PathBuf,
        /// The directory of the store.
        store: PathBuf,
    },
    /// It was told to stop.
    #[error("the backup was stopped before its end; what was copied for it is of no use")]
    Stopped,
    /// The store to copy is damaged: the copy would be as well.
    #[error("{0}; nothing was copied")]
    Damaged(Finding),
    /// What was written does not read back.
    #[error("{0}; the copy does not read back as it was written")]
    Copied(Finding),
    /// A directory cannot be opened, or is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// What is in memory could not be made durable first.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Bytes that cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// The manifest or the mark does not encode.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl BackupError {
    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Io(error) => error.is_full(),
            Self::Write(WriteError::Full(_)) => true,
            _ => false,
        }
    }
}

impl From<EditError> for BackupError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Undone(error) | EditError::Unknown(error) => Self::Io(error),
            EditError::Codec(error) => Self::Codec(error),
        }
    }
}

/// Why a store was not repaired. What was done before stays; nothing is removed.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The store cannot be opened, or is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Bytes that are needed cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// A file does not open.
    #[error(transparent)]
    File(#[from] FileError),
    /// What is left cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A segment cannot be made from what is left.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The manifest does not encode.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] IoError),
}

impl From<EditError> for RepairError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Undone(error) | EditError::Unknown(error) => Self::Io(error),
            EditError::Codec(error) => Self::Codec(error),
        }
    }
}

impl From<PartError> for RepairError {
    fn from(error: PartError) -> Self {
        Self::Write(error.into())
    }
}

impl From<ManifestError> for RepairError {
    fn from(error: ManifestError) -> Self {
        Self::Open(error.into())
    }
}
