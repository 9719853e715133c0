//! What can go wrong with a store.

use std::path::PathBuf;
use std::sync::Arc;

use crate::codec::CodecError;
use crate::dictionary::InternError;
use crate::dictionary::{KEY_BYTES_MAX, PartError, PartOpenError};
use crate::error::{CorruptError, FileError};
use crate::io::IoError;
use crate::manifest::ManifestError;
use crate::rows::ColumnsError;
use crate::segment::{BuildError, StreamError};

/// Why a store cannot be opened or created.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no store in the directory.
    #[error("{}: no Throng store here", path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The directory for a new store has something in it.
    #[error("{}: not empty, a new store needs an empty or a new directory", path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// Another process, or another part of this one, has the store open.
    #[error("{}: in use by {}", path.display(), holder(.pid))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Who has it, when that could be read.
        pid: Option<u32>,
    },
    /// Another version of Throng wrote it.
    #[error(
        "{}: the store has format version {found}, this Throng reads version {newest}",
        path.display()
    )]
    Version {
        /// The file that says so.
        path: PathBuf,
        /// The version of the store.
        found: u32,
        /// The newest version this program reads.
        newest: u32,
    },
    /// The settings for a new store do not encode.
    #[error("the settings cannot be stored")]
    Settings(#[source] CodecError),
    /// Bytes that cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// A segment or index cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// A segment cannot be made from the log's events.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] IoError),
}

fn holder(pid: &Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

/// Why something was not stored. Unless it says otherwise, nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// An earlier write was not confirmed by the disk, so that nothing can be promised any more.
    #[error("the store is read-only until it is opened again, because of an earlier error: {0}")]
    ReadOnly(#[source] Arc<IoError>),
    /// The disk did not confirm: what was being written may or may not be there after the next
    /// opening. The store is read-only until then.
    #[error("{0}; whether the change is stored will be known when the store is opened again")]
    Unconfirmed(#[source] Arc<IoError>),
    /// No room on the disk. Everything acknowledged is safe; writing goes on when there is room.
    #[error("the disk is full: {0}")]
    Full(#[source] IoError),
    /// The file system refused.
    #[error(transparent)]
    Io(IoError),
    /// The columns of a batch have different lengths.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// A row names what is not there.
    #[error("row {row}: {column} {id} is not in the store")]
    Unknown {
        /// The row in the batch, from 0.
        row: usize,
        /// Which column.
        column: &'static str,
        /// The id in it.
        id: u32,
    },
    /// A day or second outside what can be stored.
    #[error("row {row}: {column} {value} is outside its range")]
    Range {
        /// The row in the batch, from 0.
        row: usize,
        /// Which column.
        column: &'static str,
        /// The value in it.
        value: i64,
    },
    /// An identity that nobody has was to be forgotten.
    #[error("nobody has the identity at place {place} of those to forget")]
    UnknownIdentity {
        /// Its place in the list, from 0.
        place: usize,
    },
    /// A key that cannot be added.
    #[error("a key has at most {KEY_BYTES_MAX} bytes, this one has {length}")]
    KeyLength {
        /// Its length.
        length: usize,
    },
    /// A token that cannot be kept.
    #[error("a token has 1 to {} bytes, this one has {length}", super::TOKEN_BYTES_MAX)]
    TokenLength {
        /// Its length.
        length: usize,
    },
    /// No more keys fit.
    #[error("the dictionary is full")]
    DictionaryFull,
    /// A batch or change too long for the log.
    #[error("the batch takes {bytes} bytes, the log takes at most {}", crate::wal::BODY_BYTES_MAX)]
    Length {
        /// Its length.
        bytes: usize,
    },
    /// Stored bytes that are needed cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// A new segment or index does not open.
    #[error(transparent)]
    File(#[from] FileError),
    /// A segment cannot be made from the events.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A change does not encode.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl From<IoError> for WriteError {
    fn from(error: IoError) -> Self {
        if error.is_full() { Self::Full(error) } else { Self::Io(error) }
    }
}

impl From<InternError> for WriteError {
    fn from(error: InternError) -> Self {
        match error {
            InternError::KeyLength { length } => Self::KeyLength { length },
            InternError::Full => Self::DictionaryFull,
            InternError::Corrupt(error) => Self::Corrupt(error),
        }
    }
}

impl From<PartError> for WriteError {
    fn from(error: PartError) -> Self {
        match error {
            PartError::Io(error) => error.into(),
            PartError::Corrupt(error) => Self::Corrupt(error),
            PartError::File(error) => Self::File(error),
        }
    }
}

impl From<StreamError> for WriteError {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Build(error) => Self::Build(error),
            StreamError::Io(error) => error.into(),
        }
    }
}

impl From<PartOpenError> for OpenError {
    fn from(error: PartOpenError) -> Self {
        match error {
            PartOpenError::Io(error) => Self::Io(error),
            PartOpenError::Corrupt(error) => Self::Corrupt(error),
            PartOpenError::File(error) => Self::File(error),
        }
    }
}

impl From<ManifestError> for OpenError {
    fn from(error: ManifestError) -> Self {
        match error {
            ManifestError::Io(error) => Self::Io(error),
            ManifestError::Corrupt(error) => Self::Corrupt(error),
            ManifestError::File(FileError::Corrupt(error)) => Self::Corrupt(error),
            ManifestError::File(error) => Self::File(error),
        }
    }
}
