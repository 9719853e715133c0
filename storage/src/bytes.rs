//! The bytes of a file, mapped or in memory, and how numbers are read from them.

use std::fmt;

use crate::container::{ChunkBits, Run};
use crate::io::Mapping;

#[cfg(target_endian = "big")]
compile_error!("containers are read in place, which needs a little-endian machine");

/// Bytes aligned to at least 8, so that bitsets inside are read in place.
pub(crate) enum Bytes {
    /// A mapped file: aligned to the machine's page.
    Map(Mapping),
    /// Memory that happened to be aligned.
    Heap(Vec<u8>),
    /// A copy, and how many of its bytes count.
    Words(Vec<u64>, usize),
}

impl Bytes {
    /// Takes memory over, copying it only when its alignment is not enough.
    pub(crate) fn from_vec(bytes: Vec<u8>) -> Self {
        if bytes.as_ptr().align_offset(align_of::<u64>()) == 0 {
            return Self::Heap(bytes);
        }
        let words = bytes
            .chunks(8)
            .map(|part| {
                let mut word = [0; 8];
                for (to, from) in word.iter_mut().zip(part) {
                    *to = *from;
                }
                // The copy keeps the order of the bytes, whatever the machine's.
                #[expect(clippy::host_endian_bytes, reason = "bytes in, the same bytes out")]
                u64::from_ne_bytes(word)
            })
            .collect();
        Self::Words(words, bytes.len())
    }

    /// All of them.
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Map(map) => map,
            Self::Heap(bytes) => bytes,
            Self::Words(words, len) => {
                debug_assert!(*len <= words.len() * 8);
                // SAFETY: `words` is initialised memory of at least `len` bytes (`from_vec`), any
                // byte is a valid u8, and the borrow of `self` keeps it alive and unchanged.
                unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), *len) }
            }
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Map(_) => "mapped",
            Self::Heap(_) | Self::Words(..) => "in memory",
        };
        write!(f, "{} bytes {kind}", self.as_slice().len())
    }
}

/// The little-endian u16 at a position, if it is there.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// The little-endian u32 at a position, if it is there.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// The little-endian u64 at a position, if it is there.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..)?.first_chunk().copied()?))
}

/// The bitset of a chunk in place, if it is there and aligned.
pub(crate) fn bits_at(bytes: &[u8], at: usize) -> Option<&ChunkBits> {
    let part = bytes.get(at..)?.get(..size_of::<ChunkBits>())?;
    let bits = part.as_ptr().cast::<ChunkBits>();
    // SAFETY: `part` has the size of a `ChunkBits`, the pointer was found aligned, any bytes are
    // valid u64s, and the borrow of `bytes` goes on.
    bits.is_aligned().then(|| unsafe { &*bits })
}

/// Positions in place, if they are there and aligned.
pub(crate) fn positions_at(bytes: &[u8], at: usize, count: usize) -> Option<&[u16]> {
    let part = bytes.get(at..)?.get(..count.checked_mul(size_of::<u16>())?)?;
    let positions = part.as_ptr().cast::<u16>();
    // SAFETY: `part` has the size of `count` u16s, the pointer was found aligned, any bytes are
    // valid u16s, and the borrow of `bytes` goes on.
    positions.is_aligned().then(|| unsafe { std::slice::from_raw_parts(positions, count) })
}

/// Runs in place, if they are there and aligned, each with its ends the right way round, ascending
/// and not touching.
pub(crate) fn runs_at(bytes: &[u8], at: usize, count: usize) -> Option<&[Run]> {
    let part = bytes.get(at..)?.get(..count.checked_mul(size_of::<Run>())?)?;
    let runs = part.as_ptr().cast::<Run>();
    if !runs.is_aligned() {
        return None;
    }
    // SAFETY: `part` has the size of `count` runs, the pointer was found aligned, a run is two u16s
    // in the order of the file (`repr(C)`), and the borrow of `bytes` goes on.
    let runs = unsafe { std::slice::from_raw_parts(runs, count) };
    let apart = |pair: &[Run; 2]| u32::from(pair[1].first) > u32::from(pair[0].last) + 1;
    let valid = runs.iter().all(|run| run.first <= run.last) && runs.array_windows().all(apart);
    valid.then_some(runs)
}

/// Appends zeros until the length is a multiple of `to`.
pub(crate) fn align(out: &mut Vec<u8>, to: usize) {
    out.resize(out.len().next_multiple_of(to), 0);
}

#[cfg(test)]
mod tests {
    use super::{Bytes, u16_at, u32_at, u64_at};

    #[test]
    fn unaligned_memory_is_copied_unchanged() {
        for len in 0..40_usize {
            let bytes: Vec<u8> = (0..len).map(|i| u8::try_from(i * 7 % 251).unwrap()).collect();
            let owner = Bytes::from_vec(bytes.clone());
            assert_eq!(owner.as_slice(), bytes);
            assert_eq!(owner.as_slice().as_ptr().align_offset(8), 0);
        }
    }

    #[test]
    fn reads_past_the_end_are_none() {
        let bytes = [1, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(u64_at(&bytes, 0), Some(1));
        assert_eq!(u64_at(&bytes, 1), Some(2 << 56));
        assert_eq!(u64_at(&bytes, 2), None);
        assert_eq!(u32_at(&bytes, 5), Some(2 << 24));
        assert_eq!(u32_at(&bytes, usize::MAX), None);
        assert_eq!(u16_at(&bytes, 8), None);
    }
}
