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

/// Lanes whose pages are looked up together: what is read of them fits the second cache.
const LANES_AT_ONCE: usize = 64;

/// The page of a lane that has a consumer if the lane has it.
struct Found<'a> {
    pages: Pages<'a>,
    at: usize,
    entry: PageEntry,
}

/// Reads the rows of a consumer in some lanes, each of which takes about as long as finding one
/// page, however many rows it has. Calls `visit` with the rows of each lane that has any.
///
/// The pages of some lanes are looked up before the first of them is read: meanwhile they come from
/// memory.
///
/// # Errors
/// When the bytes do not match their checksum or do not decode.
pub fn rows_of<'a>(
    lanes: impl Iterator<Item = Lane<'a>>,
    consumer: u32,
    columns: ColumnSet,
    out: &mut ConsumerRows,
    mut visit: impl FnMut(Lane<'a>, &RowBuffer),
) -> Result<(), CorruptError> {
    let mut lanes = lanes.filter(|lane| may_have(lane, consumer));
    let (mut some, mut found) = (Vec::new(), Vec::new());
    loop {
        some.clear();
        some.extend(lanes.by_ref().take(LANES_AT_ONCE));
        if some.is_empty() {
            return Ok(());
        }
        some.iter().for_each(|lane| Pages::prefetch_entry(lane, consumer >> 16));
        for lane in some.drain(..) {
            if let Some((pages, at, entry)) = page_of(lane, consumer)? {
                pages.prefetch(entry, consumer);
                found.push(Found { pages, at, entry });
            }
        }
        for found in found.drain(..) {
            read(found, (consumer, columns), out, &mut visit)?;
        }
    }
}

/// Reads the rows of a consumer in a page that was found.
fn read<'a>(
    Found { pages, at, entry }: Found<'a>,
    (consumer, columns): (u32, ColumnSet),
    out: &mut ConsumerRows,
    visit: &mut impl FnMut(Lane<'a>, &RowBuffer),
) -> Result<(), CorruptError> {
    let Some(page) = pages.open_for(at, entry, consumer)? else { return Ok(()) };
    let Some(place) = page.place_of(consumer)? else { return Ok(()) };
    let rows = page.rows_at(place, &mut out.repeats)?;
    out.rows.low.clear();
    out.rows.low.resize(rows.len(), low_of(consumer));
    let lane = pages.lane;
    page.decode(lane.segment.first_day(), rows, columns, &mut out.rows)?;
    visit(lane, &out.rows);
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
