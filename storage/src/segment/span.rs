//! Several chunks of a lane at once: where chunks have few rows, finding each of them would cost
//! more than reading it.

#![deny(clippy::indexing_slicing)]

use std::ops::{Range, RangeInclusive};

use crate::error::CorruptError;
use crate::segment::cursor::{LaneChunk, LaneCursor, Slot};
use crate::segment::window::WindowRows;

/// What was read of some chunks of a lane.
#[derive(Debug, Clone, Copy, Default)]
pub struct SpanRead {
    /// Chunks that have rows.
    pub chunks: u64,
    /// Their rows.
    pub rows: u64,
    /// Bytes they take in the file.
    pub bytes: u64,
}

/// Some chunks of one page.
struct Part<'c> {
    /// Their rows, as if they were one chunk.
    rows: LaneChunk<'c>,
    first: u32,
    /// Where each chunk starts, and where the last ends; none for a page of one chunk.
    slots: &'c [Slot],
}

impl LaneCursor<'_> {
    /// Appends the rows of some chunks whose day is one of some days, ordered by (low, day) within
    /// each chunk; calls `visit` with each chunk that has rows and with its places in `out`.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn append_days(
        &mut self,
        chunks: Range<u32>,
        days: &RangeInclusive<i32>,
        out: &mut WindowRows,
        mut visit: impl FnMut(u32, Range<usize>),
    ) -> Result<SpanRead, CorruptError> {
        self.each_part(chunks, |part| match part.slots {
            [] => {
                let from = out.low.len();
                part.rows.append_days(days, out)?;
                visit(part.first, from..out.low.len());
                Ok(())
            }
            slots => part.rows.append_days_of(slots, days, out, &mut visit),
        })
    }

    /// Appends the distinct consumers of some chunks; calls `visit` with each chunk that has rows
    /// and with its places in `out`.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn append_consumers(
        &mut self,
        chunks: Range<u32>,
        out: &mut Vec<u16>,
        mut visit: impl FnMut(u32, Range<usize>),
    ) -> Result<SpanRead, CorruptError> {
        self.each_part(chunks, |part| {
            let from = out.len();
            part.rows.append_consumers(out);
            if part.slots.is_empty() {
                visit(part.first, from..out.len());
            }
            let start = part.slots.first().map_or(0, |slot| slot.start as usize);
            for (slot, next) in part.slots.iter().zip(part.slots.iter().skip(1)) {
                let place = |slot: &Slot| from + slot.start as usize - start;
                visit(slot.chunk, place(slot)..place(next));
            }
            Ok(())
        })
    }

    /// Calls `visit` with the parts of all pages that have some chunks.
    fn each_part(
        &mut self,
        chunks: Range<u32>,
        mut visit: impl FnMut(Part<'_>) -> Result<(), CorruptError>,
    ) -> Result<SpanRead, CorruptError> {
        let mut read = SpanRead::default();
        let mut next = chunks.start;
        while let Some(first) = self.next_chunk(next)?.filter(|first| *first < chunks.end) {
            let (rows, slots) = self.several(chunks.end)?;
            read.bytes += u64::from(rows.bytes());
            read.rows += u64::from(rows.rows());
            read.chunks += (slots.len().max(2) - 1) as u64;
            next = match slots {
                [.., last, _] => last.chunk + 1,
                _ => first + 1,
            };
            visit(Part { rows, first, slots })?;
        }
        Ok(read)
    }
}

impl LaneChunk<'_> {
    /// As [`LaneChunk::append_days`], chunk by chunk.
    fn append_days_of(
        &self,
        slots: &[Slot],
        days: &RangeInclusive<i32>,
        out: &mut WindowRows,
        visit: &mut impl FnMut(u32, Range<usize>),
    ) -> Result<(), CorruptError> {
        let mut all = std::mem::take(&mut out.all);
        let lows = self.row_lows(&mut all)?;
        let kept = self.keep_days(lows, days, out, slots, visit);
        out.all = all;
        kept
    }
}
