//! Exclusive regions of sets with many members: who is in which sets, for all positions of a chunk
//! at once.
//!
//! Eight sets are eight bits of a byte: transposing their words gives the byte of every position,
//! and what is left is to count bytes. That costs the same for each position, however many sets it
//! is in, and no position has to be looked up.

use throng_storage::container::{CHUNK_SIZE, ChunkBits};

use crate::exec::{ChunkSet, NodeId, Worker};
use crate::kernel;

/// Counters side by side: the same one is not written twice in a row.
const SIDES: usize = 4;
/// Sets up to which the counters of all sides stay in the fastest cache.
const SETS_SIDE_BY_SIDE: usize = 10;

/// Codes of eight positions to a word.
type Codes = [u64; CHUNK_SIZE / 8];

/// What one worker holds.
#[derive(Debug, Default)]
pub struct RegionTally {
    /// The bits of lists, by set.
    bits: Vec<Box<ChunkBits>>,
    /// The codes of the first eight sets, and of the others.
    codes: [Option<Box<Codes>>; 2],
    /// By side and code; all 0 between chunks.
    counters: Vec<u32>,
}

impl RegionTally {
    /// Adds the regions of the worker's chunk, where each set was computed, to their counts by
    /// code.
    pub fn chunk(&mut self, worker: &Worker<'_>, nodes: &[NodeId], counts: &mut [i128]) {
        let Self { bits, codes, counters } = self;
        bits.resize_with(nodes.len(), kernel::zeroed);
        for (node, bits) in nodes.iter().zip(&mut *bits) {
            if let ChunkSet::Sparse(list) = worker.slot(*node) {
                kernel::set_all(bits, list);
            }
        }
        let set = |place: usize| match nodes.get(place).map(|node| worker.slot(*node)) {
            Some(ChunkSet::Bits(bits)) => Some(&**bits),
            Some(ChunkSet::Sparse(_)) => bits.get(place).map(|bits| &**bits),
            Some(ChunkSet::Empty) | None => None,
        };
        let nobody: &ChunkBits = &[0; _];
        for (group, codes) in codes.iter_mut().enumerate().take(nodes.len().div_ceil(8)) {
            let codes = codes.get_or_insert_with(|| Box::new([0; _]));
            let sets = std::array::from_fn(|bit| set(group * 8 + bit).unwrap_or(nobody));
            kernel::codes(&sets, codes);
        }
        let regions = 1_usize << nodes.len();
        let sides = if nodes.len() <= SETS_SIDE_BY_SIDE { SIDES } else { 1 };
        counters.resize(regions * sides, 0);
        match codes {
            [Some(low), Some(high)] if nodes.len() > 8 => {
                count(low.iter().zip(&**high), counters, regions, sides);
            }
            [Some(low), _] => {
                count(low.iter().zip(std::iter::repeat(&0)), counters, regions, sides)
            }
            [None, _] => {}
        }
        for side in counters.chunks_exact(regions) {
            for (count, counter) in counts.iter_mut().zip(side).skip(1) {
                *count += i128::from(*counter);
            }
        }
        counters.fill(0);
        for (node, bits) in nodes.iter().zip(bits) {
            if let ChunkSet::Sparse(list) = worker.slot(*node) {
                list.iter().for_each(|low| bits[usize::from(*low) / 64] = 0);
            }
        }
    }
}

/// Counts codes of 16 bits, given as their low and their high bytes, eight to a word. Words of
/// nobody are left out.
fn count<'c>(
    words: impl Iterator<Item = (&'c u64, &'c u64)>,
    counters: &mut [u32],
    regions: usize,
    sides: usize,
) {
    let side = |number: usize| number % sides * regions;
    for (low, high) in words {
        if (low | high) == 0 {
            continue;
        }
        for (number, (low, high)) in low.to_le_bytes().iter().zip(high.to_le_bytes()).enumerate() {
            let code = usize::from(*low) | usize::from(high) << 8;
            if let Some(counter) = counters.get_mut(side(number) + code) {
                *counter += 1;
            }
        }
    }
}
