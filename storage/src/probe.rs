//! Bytes of any origin read as each kind of file, to the end and for nothing: what fuzzers drive.

use std::path::Path;

use crate::block::{self, rebind};
use crate::bytes::{u32_at, u64_at};
use crate::codec::{self, ValueKind};
use crate::dictionary;
use crate::error::{CorruptError, FileError};
use crate::index::IndexFile;
use crate::manifest;
use crate::segment::{ColumnSet, ConsumerRows, Lane, Segment, WideAmounts, WideRows, rows_of};
use crate::store::probe as store;
use crate::wal;

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileShape {
    /// What is fixed at creation.
    Identity,
    /// The manifest.
    Manifest,
    /// The log.
    Log,
    /// A segment.
    Segment,
    /// An index file.
    Index,
    /// A dictionary part.
    Part,
    /// A dump of definitions, or any other enveloped value.
    Envelope,
}

impl FileShape {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Identity,
        Self::Manifest,
        Self::Log,
        Self::Segment,
        Self::Index,
        Self::Part,
        Self::Envelope,
    ];

    /// Reads everything in a file. Rows beyond a few per byte, which some encodings can claim, are
    /// not decoded; how many were.
    ///
    /// # Errors
    /// When the bytes are not such a file.
    pub fn read(self, bytes: &[u8]) -> Result<u64, FileError> {
        let path = Path::new("probed");
        let rows_max = bytes.len() as u64 * ROWS_PER_BYTE;
        match self {
            Self::Identity => store::identity(path, bytes),
            Self::Manifest => manifest::probe(path, bytes).map(|()| 0),
            Self::Log => wal::probe(path, bytes, rows_max),
            Self::Segment => {
                let segment = Segment::from_bytes(bytes.to_vec(), path.to_owned())?;
                segment.verify()?;
                // What one lane refuses says nothing of the others.
                segment.lanes().for_each(|lane| drop(consumers_of(lane)));
                segment.lanes().for_each(|lane| drop(spans_of(lane)));
                store::segment(&segment, rows_max)
            }
            Self::Index => {
                let index = IndexFile::from_bytes(bytes.to_vec(), path.to_owned())?;
                store::index(&index)
            }
            Self::Part => dictionary::probe(path, bytes).map(|()| 0),
            Self::Envelope => envelope(path, bytes),
        }
    }

    /// The bytes with checksums that match, as far as they are such a file at all: so that what
    /// was changed reaches the code behind the checksums.
    #[must_use]
    pub fn reseal(self, bytes: Vec<u8>) -> Vec<u8> {
        let blocks = |kind| {
            let id = u64_at(&bytes, 16).unwrap_or_default();
            rebind(&bytes, kind, id)
        };
        match self {
            Self::Segment => blocks(block::FileKind::Segment).unwrap_or(bytes),
            Self::Index => blocks(block::FileKind::Index).unwrap_or(bytes),
            Self::Part => dictionary::reseal(bytes),
            Self::Manifest | Self::Log => wal::reseal(bytes),
            Self::Identity => {
                let (head, envelope) = bytes.split_at(bytes.len().min(IDENTITY_HEAD));
                [head, &codec::reseal(envelope.to_vec())].concat()
            }
            Self::Envelope => codec::reseal(bytes),
        }
    }
}

/// Rows of a lane whose consumers are looked up one by one.
const ROWS_LOOKED_UP: u64 = 4096;

/// Looks up some consumers of a lane: at the edges of its first and last chunks, and between.
fn consumers_of(lane: Lane<'_>) -> Result<(), CorruptError> {
    let (first, last) = lane.chunks();
    if lane.rows() > ROWS_LOOKED_UP {
        return Ok(());
    }
    let mut rows = ConsumerRows::default();
    for chunk in [first, first.midpoint(last), last] {
        for low in [0, 1, 77, 0x7FFF, 0xFFFE, 0xFFFF] {
            let lane = std::iter::once(lane);
            rows_of(lane, chunk << 16 | low, ColumnSet::ALL, &mut rows, |_, _| ())?;
        }
    }
    Ok(())
}

/// Reads a lane some chunks at a time.
fn spans_of(lane: Lane<'_>) -> Result<(), CorruptError> {
    let (first, last) = lane.chunks();
    if lane.rows() > ROWS_LOOKED_UP {
        return Ok(());
    }
    let (mut dated, mut paid) = (WideRows::default(), WideAmounts::default());
    for span in [1, 3, 7] {
        let [mut plain, mut by_day, mut by_amount] = [0; 3].map(|_| lane.wide_cursor());
        for at in [first, first + span, last.saturating_sub(span), last] {
            let (chunks, days) = (at..at + span, lane.first_day()..=lane.last_day() - 1);
            plain.append_consumers(chunks.clone(), &mut dated.consumer)?;
            dated.clear();
            by_day.append_days(chunks.clone(), &days, &mut dated)?;
            dated.clear();
            by_amount.append_amounts(chunks, &days, &mut paid)?;
            paid.clear();
        }
    }
    Ok(())
}

/// Rows that a probe decodes for each byte of a file.
const ROWS_PER_BYTE: u64 = 4;
/// Bytes of an identity before its envelope.
const IDENTITY_HEAD: usize = 12;

fn envelope(path: &Path, bytes: &[u8]) -> Result<u64, FileError> {
    let kind = u32_at(bytes, 4).map_or(0, |word| word >> 16);
    let kind = ValueKind(u16::try_from(kind).unwrap_or_default());
    let corrupt = |what| CorruptError { path: path.to_owned(), offset: 0, what };
    codec::unseal(kind, bytes).map_err(|_| corrupt("not an envelope"))?;
    store::dump(path, bytes)
}
