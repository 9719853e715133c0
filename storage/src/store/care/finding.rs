//! What can be wrong with a store.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{CorruptError, FileError};
use crate::io::IoError;
use crate::store::error::OpenError;
use crate::store::types::KeyTable;

/// Something wrong with a store: which file, where, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: byte {offset}: {fault}", path.display())]
pub struct Finding {
    /// The file.
    pub path: PathBuf,
    /// Where in it; 0 when it is about the whole file.
    pub offset: u64,
    /// What.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that cannot be trusted.
    #[error("{0}")]
    Bytes(&'static str),
    /// Something else than it should be.
    #[error("not a Throng {0}")]
    Kind(&'static str),
    /// Another version of Throng wrote it.
    #[error("format version {found}, this Throng reads version {newest}")]
    Version {
        /// The version in the file.
        found: u32,
        /// The newest version that this program reads.
        newest: u32,
    },
    /// The store needs it, and it is not there.
    #[error("the file is missing")]
    Missing,
    /// The file system does not give it.
    #[error("the file cannot be read: {0}")]
    Unreadable(ErrorKind),
    /// One place says another number than follows from the others.
    #[error("{what}: {stated} are stated, {found} were found")]
    Differs {
        /// Of what.
        what: &'static str,
        /// As stated.
        stated: u64,
        /// As found.
        found: u64,
    },
    /// An id that nothing has.
    #[error("{column} {id} is not in the store, which has ids below {end}")]
    Id {
        /// Of what.
        column: &'static str,
        /// The id.
        id: u64,
        /// One more than the greatest there is.
        end: u64,
    },
    /// First days and rows contradict each other.
    #[error("{what}: {consumers} consumers, the first is {first}")]
    Presence {
        /// How.
        what: &'static str,
        /// Of how many.
        consumers: u64,
        /// The id of the first of them.
        first: u32,
    },
    /// A fault within one lane of a segment.
    #[error("lane `{brand}` `{behaviour}`: {fault}")]
    Lane {
        /// The brand's name.
        brand: String,
        /// The behaviour's name.
        behaviour: String,
        /// What.
        fault: Box<Fault>,
    },
    /// A fault within the index of a key.
    #[error("index `{key}`, set {set}: {fault}")]
    Set {
        /// The key.
        key: String,
        /// The set's number.
        set: u32,
        /// What.
        fault: Box<Fault>,
    },
    /// A key of a dictionary that is not found where it stands.
    #[error("{table:?} dictionary, position {position}: {what}")]
    Key {
        /// Which dictionary.
        table: KeyTable,
        /// The key's position.
        position: u32,
        /// What.
        what: &'static str,
    },
    /// A definition that does not decode.
    #[error("the definition `{name}` of kind {kind} {what}")]
    Definition {
        /// The kind, numbered by the engine.
        kind: u8,
        /// Its name.
        name: String,
        /// What.
        what: &'static str,
    },
}

/// Something that is as a crash may leave it, and that the next opening puts in order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// A file of a load or checkpoint that did not end.
    #[error("{}: left by a load that did not end; the next opening removes it", path.display())]
    Leftover {
        /// The file.
        path: PathBuf,
    },
    /// The end of a record that was never acknowledged.
    #[error("{}: ends in a record that was never acknowledged; the next opening cuts it off",
        path.display())]
    Torn {
        /// The file.
        path: PathBuf,
    },
    /// The catalog has definitions of an earlier moment.
    #[error("{}: has definitions of an earlier moment; the next change brings it up to date",
        path.display())]
    CatalogBehind {
        /// The directory.
        path: PathBuf,
    },
}

impl Finding {
    /// A finding.
    pub fn new(path: &Path, offset: u64, fault: Fault) -> Self {
        Self { path: path.to_owned(), offset, fault }
    }

    pub(super) fn bytes(error: CorruptError) -> Self {
        Self { path: error.path, offset: error.offset, fault: Fault::Bytes(error.what) }
    }

    pub(super) fn file(error: FileError) -> Self {
        match error {
            FileError::Kind { path, expected } => {
                Self { path, offset: 0, fault: Fault::Kind(expected) }
            }
            FileError::Version { path, found, newest } => {
                Self { path, offset: 0, fault: Fault::Version { found, newest } }
            }
            FileError::Corrupt(error) => Self::bytes(error),
            FileError::Io(error) => Self::io(error),
        }
    }

    pub(super) fn io(error: IoError) -> Self {
        let fault = if error.is_missing() {
            Fault::Missing
        } else {
            Fault::Unreadable(error.source.kind())
        };
        Self { path: error.path, offset: 0, fault }
    }

    /// The finding that keeps a store from being looked at, when it is one.
    ///
    /// # Errors
    /// The error again when it says nothing of the store's bytes: no store, in use.
    pub fn of_open(error: OpenError) -> Result<Self, OpenError> {
        match error {
            OpenError::Corrupt(error) => Ok(Self::bytes(error)),
            OpenError::File(error) => Ok(Self::file(error)),
            OpenError::Version { path, found, newest } => {
                Ok(Self { path, offset: 0, fault: Fault::Version { found, newest } })
            }
            OpenError::Io(error) if error.is_missing() => Ok(Self::io(error)),
            other => Err(other),
        }
    }

    /// The same, said of one lane.
    pub(super) fn in_lane(mut self, brand: &str, behaviour: &str) -> Self {
        let (brand, behaviour) = (brand.to_owned(), behaviour.to_owned());
        self.fault = Fault::Lane { brand, behaviour, fault: Box::new(self.fault) };
        self
    }
}
