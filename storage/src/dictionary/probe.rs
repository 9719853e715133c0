//! A part read for nothing: see [`crate::probe`].

use std::path::Path;
use std::sync::Arc;

use super::part::{BLOCK_BYTES, HEADER_BYTES, Part, PartOpenError, block_checksum};
use super::tiers::Dictionary;
use crate::bytes::u64_at;
use crate::error::FileError;
use crate::io::map_bytes;

/// Where the file id stands in the header.
const ID_AT: usize = 24;
/// Where the begin of the checksums stands in the header.
const CHECKSUMS_AT: usize = 64;

/// Reads every key of a part of any store, and looks it up.
pub(crate) fn probe(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let header = bytes.len().saturating_sub(HEADER_BYTES);
    let id = u64_at(bytes, header + ID_AT).unwrap_or_default();
    let part = Part::from_mapping(map_bytes(path, bytes)?, path, 1, id, None);
    let part = Arc::new(part.map_err(|error| match error {
        PartOpenError::Io(error) => error.into(),
        PartOpenError::Corrupt(error) => error.into(),
        PartOpenError::File(error) => error,
    })?);
    part.verify_all()?;
    let dictionary = Dictionary::new(vec![Arc::clone(&part)]);
    for index in 0..part.count() {
        dictionary.find(part.key(index)?)?;
    }
    Ok(())
}

/// The bytes with checksums that match, as far as they are a part at all.
pub(crate) fn reseal(mut bytes: Vec<u8>) -> Vec<u8> {
    let Some(header) = bytes.len().checked_sub(HEADER_BYTES) else { return bytes };
    let field = |at| u64_at(&bytes, header + at).unwrap_or_default();
    let (id, checksums) = (field(ID_AT), field(CHECKSUMS_AT));
    let checksums = usize::try_from(checksums).unwrap_or(usize::MAX);
    let (Some(content), Some(_)) = (bytes.get(..checksums), bytes.get(checksums..header)) else {
        return bytes;
    };
    let blocks = (0_u64..).zip(content.chunks(BLOCK_BYTES));
    let sums: Vec<u8> =
        blocks.flat_map(|(block, bytes)| block_checksum(id, block, bytes).to_le_bytes()).collect();
    for (to, from) in bytes[checksums..header].iter_mut().zip(sums) {
        *to = from;
    }
    let end = bytes.len() - 4;
    let crc = crc32fast::hash(&bytes[header..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
    bytes
}
