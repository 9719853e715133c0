//! Bit-sliced numbers: comparison in one pass over the slices, and the values themselves.
//!
//! The comparison walks the slices from the highest: O'Neil and Quass, "Improved query
//! performance with variant indexes", SIGMOD 1997, algorithm 4.2.

use throng_storage::container::ChunkBits;
use throng_storage::index::IndexCursor;

use super::Tools;
use crate::error::ExecuteError;
use crate::exec::set::{ChunkSet, Pool, SetBuilder};
use crate::kernel;
use crate::view::View;

/// The slices of one number.
#[derive(Debug)]
pub struct RangeReader<'v> {
    known: Option<IndexCursor<'v>>,
    /// From the lowest bit.
    slices: Vec<IndexCursor<'v>>,
    low: u64,
    high: u64,
}

impl<'v> RangeReader<'v> {
    /// Opens the slices; the bounds are differences to the attribute's smallest value.
    pub fn open(view: &'v View, key: &str, low: u64, high: u64) -> Self {
        let index = view.index(key);
        let known = index.map(|index| index.cursor(0));
        let slices = index.map_or_else(Vec::new, |index| {
            (1..index.sets().min(65)).map(|set| index.cursor(set)).collect()
        });
        Self { known, slices, low, high }
    }

    /// Those whose number is in the range.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        let (low, high) = (self.low, self.high);
        let Some(known) = &mut self.known else { return Ok(ChunkSet::Empty) };
        let Some(container) = known.chunk(chunk)? else { return Ok(ChunkSet::Empty) };
        tools.touched.container(&container);
        let bits = u32::try_from(self.slices.len()).unwrap_or(64);
        let top = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        let pool = &mut *tools.pool;
        let mut members = pool.zeroed();
        kernel::or_container(&mut members, &container);
        if low == 0 && high == top {
            return Ok(ChunkSet::Bits(members));
        }
        // Still equal to a bound in all higher bits.
        let (mut at_low, mut at_high) = (pool.zeroed(), pool.zeroed());
        at_low.copy_from_slice(&members[..]);
        at_high.copy_from_slice(&members[..]);
        let mut slice_bits = pool.zeroed();
        for (bit, slice) in self.slices.iter_mut().enumerate().rev() {
            slice_bits.fill(0);
            if let Some(container) = slice.chunk(chunk)? {
                tools.touched.container(&container);
                kernel::or_container(&mut slice_bits, &container);
            }
            narrow(&mut members, &mut at_low, &slice_bits, low >> bit & 1 == 1, Bound::Low);
            narrow(&mut members, &mut at_high, &slice_bits, high >> bit & 1 == 1, Bound::High);
        }
        for bits in [at_low, at_high, slice_bits] {
            pool.recycle(ChunkSet::Bits(bits));
        }
        Ok(ChunkSet::Bits(members))
    }

    /// The number of each of some members, or of all, less the attribute's smallest: (position,
    /// difference) pairs, ascending by position.
    /// Members without a known number are left out.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn values(
        &mut self,
        chunk: u32,
        of: Option<&ChunkSet>,
        pool: &mut Pool,
        values: &mut Vec<(u16, u64)>,
    ) -> Result<(), ExecuteError> {
        values.clear();
        let Some(known) = &mut self.known else { return Ok(()) };
        let Some(container) = known.chunk(chunk)? else { return Ok(()) };
        let mut members = SetBuilder::new(pool);
        members.push_container(&container, pool);
        let mut members = members.finish(pool);
        if let Some(of) = of {
            members.intersect(of, pool);
        }
        members.for_each(|low| values.push((low, 0)));
        pool.recycle(members);
        let mut bits = pool.zeroed();
        for (bit, slice) in self.slices.iter_mut().enumerate() {
            let Some(container) = slice.chunk(chunk)? else { continue };
            bits.fill(0);
            kernel::or_container(&mut bits, &container);
            for (low, value) in values.iter_mut() {
                *value |= u64::from(kernel::test(&bits, *low)) << bit;
            }
        }
        pool.recycle(ChunkSet::Bits(bits));
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    Low,
    High,
}

/// One step of the comparison: drops from `members` those that this bit puts beyond the bound,
/// and from `equal` those that this bit decides.
fn narrow(
    members: &mut ChunkBits,
    equal: &mut ChunkBits,
    slice: &ChunkBits,
    bound_bit: bool,
    bound: Bound,
) {
    let words = members.iter_mut().zip(equal.iter_mut()).zip(slice);
    for ((member, equal), slice) in words {
        match (bound_bit, bound) {
            // Equal so far, and this bit is below the bound's.
            (true, Bound::Low) => {
                *member &= !(*equal & !slice);
                *equal &= slice;
            }
            // Equal so far, and this bit is above the bound's.
            (false, Bound::High) => {
                *member &= !(*equal & slice);
                *equal &= !slice;
            }
            (true, Bound::High) => *equal &= slice,
            (false, Bound::Low) => *equal &= !slice,
        }
    }
}
