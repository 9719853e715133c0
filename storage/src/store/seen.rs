//! Consumers whose first event is in an earlier block of days.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::columns::BLOCK_DAYS;
use crate::container::{CHUNK_SIZE, Container};
use crate::error::CorruptError;
use crate::rows::EventColumns;
use crate::segment::Segment;

/// Gathers them, block after block.
#[derive(Debug)]
pub(super) struct Seen {
    /// One bit per consumer.
    bits: Vec<u8>,
    /// Published segments that are not in `bits` yet; the next is the last.
    later: Vec<Arc<Segment>>,
    /// The chunks that matter; all when absent.
    chunks: Option<Vec<bool>>,
}

const CHUNK_BYTES: usize = CHUNK_SIZE / 8;

impl Seen {
    pub(super) fn new(
        published: impl Iterator<Item = Arc<Segment>>,
        chunks: Option<Vec<bool>>,
    ) -> Self {
        let mut later: Vec<_> = published.collect();
        later.sort_by_key(|segment| std::cmp::Reverse(segment.last_day()));
        Self { bits: Vec::new(), later, chunks }
    }

    /// Those seen before a block. Blocks are asked for in ascending order.
    pub(super) fn before(&mut self, block: i32) -> Result<RoaringBitmap, CorruptError> {
        while let Some(segment) = self.later.pop_if(|s| s.last_day() < block * BLOCK_DAYS) {
            self.add_segment(&segment)?;
        }
        Ok(RoaringBitmap::from_lsb0_bytes(0, &self.bits))
    }

    /// The block's own consumers, for later blocks.
    pub(super) fn add_events(&mut self, events: &EventColumns) {
        let Some(&greatest) = events.consumer.iter().max() else { return };
        self.reach(greatest as usize / CHUNK_SIZE);
        for &consumer in &events.consumer {
            self.bits[consumer as usize / 8] |= 1 << (consumer % 8);
        }
    }

    fn reach(&mut self, chunk: usize) {
        let length = (chunk + 1) * CHUNK_BYTES;
        if self.bits.len() < length {
            self.bits.resize(length, 0);
        }
    }

    fn add_segment(&mut self, segment: &Segment) -> Result<(), CorruptError> {
        let Some(presence) = segment.presence() else { return Ok(()) };
        let (first, last) = presence.chunks();
        let mut cursor = presence.cursor();
        for chunk in first..=last {
            let matters = |chunks: &Vec<bool>| chunks.get(chunk as usize) == Some(&true);
            if !self.chunks.as_ref().is_none_or(matters) {
                continue;
            }
            let Some(rows) = cursor.chunk(chunk)? else { continue };
            self.reach(chunk as usize);
            let bits = &mut self.bits[chunk as usize * CHUNK_BYTES..][..CHUNK_BYTES];
            set(bits, rows.consumers());
        }
        Ok(())
    }
}

/// Sets the bits of a container in a chunk's bytes.
fn set(bits: &mut [u8], container: Container<'_>) {
    let mut one = |low: u16| bits[usize::from(low) / 8] |= 1 << (low % 8);
    match container {
        Container::Array(lows) => lows.iter().for_each(|&low| one(low)),
        Container::Runs(runs) => {
            runs.iter().for_each(|run| (run.first..=run.last).for_each(&mut one));
        }
        Container::Bitset(words) => {
            for (to, word) in bits.chunks_exact_mut(8).zip(words) {
                to.iter_mut().zip(word.to_le_bytes()).for_each(|(to, byte)| *to |= byte);
            }
        }
        Container::Full => bits.fill(0xff),
    }
}
