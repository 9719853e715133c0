//! An immutable file of a store, held open: its content stays also when the store has removed it.

use std::path::{Path, PathBuf};

use super::finding::{Fault, Finding};
use crate::dictionary::{Part, PartOpenError};
use crate::index::IndexFile;
use crate::io::Mapping;
use crate::segment::Segment;
use crate::store::files::FileType;
use crate::store::recover::read_dump;

/// An immutable file, held open.
#[derive(Debug)]
pub(super) enum Held {
    Segment(Segment),
    Index(IndexFile),
    Part(Part),
    Dump { bytes: Mapping, path: PathBuf, id: u64 },
}

impl Held {
    /// Checks what opening checks: header, length, and whose file it is.
    pub(super) fn open(
        kind: FileType,
        map: Mapping,
        path: &Path,
        number: u64,
        file_id: u64,
    ) -> Result<Self, Finding> {
        let (held, found) = match kind {
            FileType::Segment => {
                let segment = Segment::from_mapping(map, path.to_owned()).map_err(Finding::file)?;
                let id = segment.file_id();
                (Self::Segment(segment), id)
            }
            FileType::Index => {
                let index = IndexFile::from_mapping(map, path.to_owned()).map_err(Finding::file)?;
                let id = index.file_id();
                (Self::Index(index), id)
            }
            FileType::Part(_) => {
                let part = Part::from_mapping(map, path, number, file_id, None);
                let part = part.map_err(|error| match error {
                    PartOpenError::Io(error) => Finding::io(error),
                    PartOpenError::Corrupt(error) => Finding::bytes(error),
                    PartOpenError::File(error) => Finding::file(error),
                })?;
                (Self::Part(part), file_id)
            }
            // A dump is decoded when it is verified; it is short and compared whole.
            FileType::Dump | FileType::Spill | FileType::Log => {
                (Self::Dump { bytes: map, path: path.to_owned(), id: file_id }, file_id)
            }
        };
        if found == file_id {
            return Ok(held);
        }
        Err(Finding::new(path, 0, Fault::Bytes("a file of another store or number")))
    }

    /// Compares every byte with its checksum.
    pub(super) fn verify(&self) -> Result<(), Finding> {
        match self {
            Self::Segment(segment) => segment.verify().map_err(Finding::bytes),
            Self::Index(index) => index.verify().map_err(Finding::bytes),
            Self::Part(part) => part.verify_all().map_err(Finding::bytes),
            Self::Dump { bytes, path, id } => {
                read_dump(path, bytes, *id).map(drop).map_err(Finding::file)
            }
        }
    }

    /// The whole file.
    pub(super) fn raw(&self) -> &[u8] {
        match self {
            Self::Segment(segment) => segment.block_file().raw(),
            Self::Index(index) => index.block_file().raw(),
            Self::Part(part) => part.raw(),
            Self::Dump { bytes, .. } => bytes,
        }
    }

    /// What differs between any two files with different content: all checksums.
    fn frame(&self) -> (&[u8], &[u8]) {
        match self {
            Self::Segment(segment) => segment.block_file().frame(),
            Self::Index(index) => index.block_file().frame(),
            Self::Part(part) => (&[], part.frame()),
            Self::Dump { bytes, .. } => (&[], bytes),
        }
    }

    /// Whether another file has the same content, by length and checksums.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.raw().len() == other.raw().len() && self.frame() == other.frame()
    }
}
