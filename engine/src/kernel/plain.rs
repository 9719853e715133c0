//! The word loops over one chunk, as plain code: compiled once for each level of instructions.
//!
//! Each is inlined into a copy per level (see `dispatch`), where the compiler vectorises it with
//! what that level has. So there is one text of each loop, and it is also its own naive twin.

use throng_storage::container::{CHUNK_SIZE, ChunkBits};

#[inline(always)]
pub(super) fn and(target: &mut ChunkBits, other: &ChunkBits) {
    for (t, o) in target.iter_mut().zip(other) {
        *t &= o;
    }
}

#[inline(always)]
pub(super) fn or(target: &mut ChunkBits, other: &ChunkBits) {
    for (t, o) in target.iter_mut().zip(other) {
        *t |= o;
    }
}

#[inline(always)]
pub(super) fn and_not(target: &mut ChunkBits, other: &ChunkBits) {
    for (t, o) in target.iter_mut().zip(other) {
        *t &= !o;
    }
}

#[inline(always)]
pub(super) fn count(bits: &ChunkBits) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}

#[inline(always)]
pub(super) fn count_and(left: &ChunkBits, right: &ChunkBits) -> u32 {
    left.iter().zip(right).map(|(l, r)| (l & r).count_ones()).sum()
}

#[inline(always)]
pub(super) fn or_at_most(target: &mut ChunkBits, values: &[u16; CHUNK_SIZE], max: u16) {
    for (word, values) in target.iter_mut().zip(values.as_chunks::<64>().0) {
        let mut bytes = [0_u8; 8];
        for (byte, values) in bytes.iter_mut().zip(values.as_chunks::<8>().0) {
            for (bit, value) in values.iter().enumerate() {
                *byte |= u8::from(*value <= max) << bit;
            }
        }
        *word |= u64::from_le_bytes(bytes);
    }
}
