//! The rows of one consumer in a lane, found without decoding those of others: the page by binary
//! search, the consumer by the unary part of the page's list, its rows by the repeats before it.

#![deny(clippy::indexing_slicing)]

use crate::error::CorruptError;
use crate::segment::pages::Pages;
use crate::segment::reader::Lane;
use crate::segment::rows::{ColumnSet, RowBuffer};

/// The rows of one consumer in one lane, by day and second.
#[derive(Debug, Default)]
pub struct ConsumerRows {
    /// The rows. `low` says the same consumer for each.
    pub rows: RowBuffer,
    /// Listed repeats of a page.
    repeats: Vec<u32>,
}

impl ConsumerRows {
    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.low.len()
    }

    /// Whether the consumer has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.low.is_empty()
    }
}

impl Lane<'_> {
    /// Reads the rows of a consumer, replacing what `out` held. It takes about as long as finding
    /// one page, however many rows the lane has.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn rows_of(
        &self,
        consumer: u32,
        columns: ColumnSet,
        out: &mut ConsumerRows,
    ) -> Result<(), CorruptError> {
        out.rows.low.clear();
        let (chunk, low) = (consumer >> 16, consumer & 0xFFFF);
        let (first, last) = self.chunks();
        if !(first..=last).contains(&chunk) {
            return Ok(());
        }
        let pages = Pages::of(*self)?;
        let at = pages.search(0, chunk)?;
        if at >= pages.len() {
            return Ok(());
        }
        let entry = pages.entry(at)?;
        if u32::from(entry.first_chunk) > chunk {
            return Ok(());
        }
        let page = pages.open(at, entry)?;
        let Some(place) = page.place_of(consumer)? else { return Ok(()) };
        let rows = page.rows_at(place, &mut out.repeats)?;
        let low = u16::try_from(low).unwrap_or_default();
        out.rows.low.resize(rows.len(), low);
        page.decode(self.segment.first_day(), rows, columns, &mut out.rows)
    }
}
