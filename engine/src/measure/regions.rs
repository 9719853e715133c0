//! Exclusive regions of sets with many members: who is in which sets, for all positions of a chunk
//! at once.
//!
//! Who is in one set alone is counted word by word; where few are in several, each of those is
//! looked up in all sets. Where many are, eight sets are eight bits of a byte: transposing their
//! words gives the byte of every position, and what is left is to count bytes. That costs the same
//! for each position, however many sets it is in.

use throng_storage::container::{CHUNK_SIZE, ChunkBits};

use super::overlap::REGION_SETS_MAX;
use crate::exec::{ChunkSet, NodeId, Worker};
use crate::kernel;

/// Counters side by side: the same one is not written twice in a row.
const SIDES: usize = 4;
/// Positions in several sets up to which each is looked up.
const LOOKED_UP_MAX: u32 = 1 << 14;
/// Sets up to which the counters of all sides stay in the fastest cache.
const SETS_SIDE_BY_SIDE: usize = 10;

/// Codes of eight positions to a word.
type Codes = [u64; CHUNK_SIZE / 8];

/// What one worker holds.
#[derive(Debug, Default)]
pub struct RegionTally {
    /// The bits of lists, by set.
    bits: Vec<Box<ChunkBits>>,
    /// Who is in several sets.
    several: Option<Box<ChunkBits>>,
    /// The codes of the first eight sets, and of the others.
    codes: [Option<Box<Codes>>; 2],
    /// By side and code; all 0 between chunks.
    counters: Vec<u32>,
}

impl RegionTally {
    /// Adds the regions of the worker's chunk, where each set was computed, to their counts by
    /// code.
    pub fn chunk(&mut self, worker: &Worker<'_>, nodes: &[NodeId], counts: &mut [i128]) {
        let Self { bits, several, codes, counters } = self;
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
        let sets: [&ChunkBits; REGION_SETS_MAX] =
            std::array::from_fn(|place| set(place).unwrap_or(nobody));
        let regions = 1_usize << nodes.len();
        let sides = if nodes.len() <= SETS_SIDE_BY_SIDE { SIDES } else { 1 };
        counters.resize(regions * sides, 0);
        let several = several.get_or_insert_with(kernel::zeroed);
        let own = sets.get(..nodes.len()).unwrap_or(&sets);
        kernel::in_several(own, several);
        if kernel::count(several) <= LOOKED_UP_MAX {
            for (place, set) in own.iter().enumerate() {
                if let Some(counter) = counters.get_mut(1 << place) {
                    *counter += kernel::count_without(set, several);
                }
            }
            kernel::count_codes(&sets, several, counters);
        } else {
            transpose(&sets, nodes.len(), codes, counters);
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

/// Counts everybody by their sets, of which there are so many.
fn transpose(
    sets: &[&ChunkBits; REGION_SETS_MAX],
    count: usize,
    codes: &mut [Option<Box<Codes>>; 2],
    counters: &mut [u32],
) {
    for (group, codes) in codes.iter_mut().enumerate().take(count.div_ceil(8)) {
        let codes = codes.get_or_insert_with(|| Box::new([0; _]));
        let sets = std::array::from_fn(|bit| sets[group * 8 + bit]);
        kernel::codes(&sets, codes);
    }
    let regions = 1_usize << count;
    match codes {
        [Some(low), Some(high)] if count > 8 => {
            count_codes(low.iter().zip(&**high), counters, regions);
        }
        [Some(low), _] => {
            count_codes(low.iter().zip(std::iter::repeat(&0)), counters, regions);
        }
        [None, _] => {}
    }
}

/// Counts codes of 16 bits, given as their low and their high bytes, eight to a word. Words of
/// nobody are left out.
fn count_codes<'c>(
    words: impl Iterator<Item = (&'c u64, &'c u64)>,
    counters: &mut [u32],
    regions: usize,
) {
    let sides = counters.len() / regions;
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
