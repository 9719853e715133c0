//! The write-ahead log: what it says of a batch, and the file of checked records that carries it.
//! The manifest is such a file too.

mod body;
mod columns;
mod forgetting;
mod frame;
mod probe;
mod reader;

pub(crate) use body::{CommitBody, KeyRun, NameRun, encode_commit};
pub(crate) use columns::{put_columns, take_columns};
pub(crate) use frame::{
    AppendError, BODY_BYTES_MAX, FileKind, Origin, Record, RecordFile, RecordKind, Replayed, Scan,
    renumber, replay, reseal, scan,
};
pub(crate) use probe::probe;
pub(crate) use reader::Reader;

#[cfg(test)]
pub(crate) use frame::MARK_BYTES;
