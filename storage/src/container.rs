//! A set of the 2^16 positions of one chunk, read in place.

/// Consumers in a chunk: 2^16.
pub const CHUNK_SIZE: usize = 1 << 16;
/// 64-bit words of a chunk's bitset.
pub const CHUNK_WORDS: usize = CHUNK_SIZE / 64;

/// The bitset of one chunk: bit `i % 64` of word `i / 64` is position `i`.
pub type ChunkBits = [u64; CHUNK_WORDS];

/// A borrowed set of positions in one chunk. Never empty.
#[derive(Debug, Clone, Copy)]
pub enum Container<'a> {
    /// Positions, strictly ascending.
    Array(&'a [u16]),
    /// One bit per position.
    Bitset(&'a ChunkBits),
    /// Runs `(first, last)`, both included, ascending, not touching.
    Runs(&'a [(u16, u16)]),
    /// Every position.
    Full,
}
