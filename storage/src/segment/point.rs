//! The rows of one consumer in a lane, found without decoding those of others: the page by binary
//! search, the consumer by the unary part of the page's list, its rows by the repeats before it.

#![deny(clippy::indexing_slicing)]

use crate::error::CorruptError;
use crate::segment::layout::PageEntry;
use crate::segment::pages::Pages;
use crate::segment::reader::Lane;
use crate::segment::rows::{ColumnSet, RowBuffer};

/// What the rows of one consumer are read into.
#[derive(Debug, Default)]
pub struct ConsumerRows {
    rows: RowBuffer,
    /// Listed repeats of a page.
    repeats: Vec<u32>,
}

/// The page of a lane that has a consumer if the lane has it.
struct Found<'a> {
    first_day: i32,
    pages: Pages<'a>,
    at: usize,
    entry: PageEntry,
}

/// Reads the rows of a consumer in some lanes, each of which takes about as long as finding one
/// page, however many rows it has. Calls `visit` with the rows of each lane that has any.
///
/// The pages of all lanes are looked up before the first is read: meanwhile they come from memory.
///
/// # Errors
/// When the bytes do not match their checksum or do not decode.
pub fn rows_of<'a>(
    lanes: impl Iterator<Item = Lane<'a>>,
    consumer: u32,
    columns: ColumnSet,
    out: &mut ConsumerRows,
    mut visit: impl FnMut(&RowBuffer),
) -> Result<(), CorruptError> {
    let lanes: Vec<_> = lanes.filter(|lane| may_have(lane, consumer)).collect();
    lanes.iter().for_each(|lane| Pages::prefetch_entry(lane, consumer >> 16));
    let mut found = Vec::with_capacity(lanes.len());
    for lane in lanes {
        if let Some((pages, at, entry)) = page_of(lane, consumer)? {
            pages.prefetch(entry, consumer);
            found.push(Found { first_day: lane.segment.first_day(), pages, at, entry });
        }
    }
    for Found { first_day, pages, at, entry } in found {
        let Some(page) = pages.open_for(at, entry, consumer)? else { continue };
        let Some(place) = page.place_of(consumer)? else { continue };
        let rows = page.rows_at(place, &mut out.repeats)?;
        out.rows.low.clear();
        out.rows.low.resize(rows.len(), low_of(consumer));
        page.decode(first_day, rows, columns, &mut out.rows)?;
        visit(&out.rows);
    }
    Ok(())
}

/// The page of a lane that may have a consumer, with its place in the list of pages.
fn page_of(
    lane: Lane<'_>,
    consumer: u32,
) -> Result<Option<(Pages<'_>, usize, PageEntry)>, CorruptError> {
    let chunk = consumer >> 16;
    let pages = Pages::of(lane)?;
    let at = pages.search_near(chunk)?;
    if at >= pages.len() {
        return Ok(None);
    }
    let entry = pages.entry(at)?;
    Ok((u32::from(entry.first_chunk) <= chunk).then_some((pages, at, entry)))
}

/// Whether the consumer's chunk is one of those that a lane has rows in, or between them.
fn may_have(lane: &Lane<'_>, consumer: u32) -> bool {
    let (first, last) = lane.chunks();
    (first..=last).contains(&(consumer >> 16))
}

fn low_of(consumer: u32) -> u16 {
    u16::try_from(consumer & 0xFFFF).unwrap_or_default()
}
