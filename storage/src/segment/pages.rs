//! The list of a lane's pages, and the pages it names.

#![deny(clippy::indexing_slicing)]

use std::ops::Range;

use crate::bits::Ascending;
use crate::error::CorruptError;
use crate::prefetch::{prefetch, prefetch_all};
use crate::segment::layout::{PAGE_LEN, PageEntry, PageKind, UNIT};
use crate::segment::page::Page;
use crate::segment::reader::Lane;

/// Bytes of the head of a page, roughly.
const PAGE_HEAD_ABOUT: usize = 12;

/// Consumers whose list is within the first two lines of the cache.
const FEW: u32 = 64;
const LINE: usize = 64;

/// A lane's list of pages, its bytes verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages<'a> {
    pub(super) lane: Lane<'a>,
    /// Of a lane of one page it is empty: the directory says what that page is.
    list: &'a [u8],
}

/// The page of a lane where a chunk is if all pages have as many.
fn guess(lane: &Lane<'_>, chunk: u32) -> usize {
    let (first, last) = lane.chunks();
    let count = lane.entry.pages as usize;
    let (after, all) = (chunk.saturating_sub(first) as usize, (last - first) as usize + 1);
    (after.saturating_mul(count) / all).min(count.saturating_sub(1))
}

impl<'a> Pages<'a> {
    /// The pages of a lane.
    pub(super) fn of(lane: Lane<'a>) -> Result<Self, CorruptError> {
        let start = lane.entry.range().start;
        let list = lane.segment.file.get(start..start + lane.entry.list_len())?;
        Ok(Self { lane, list })
    }

    /// Starts to load what the list of a lane's pages says of the page where a chunk should be.
    pub(super) fn prefetch_entry(lane: &Lane<'_>, chunk: u32) {
        if lane.entry.only.is_none() {
            let guess = guess(lane, chunk) * PAGE_LEN;
            prefetch(lane.segment.file.raw(), lane.entry.range().start.saturating_add(guess));
        }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.lane.entry.pages as usize
    }

    /// What the list says of a page.
    pub(super) fn entry(&self, at: usize) -> Result<PageEntry, CorruptError> {
        let entry = if self.lane.entry.only.is_some() {
            self.lane.entry.only_page()
        } else {
            self.list.get(at * PAGE_LEN..).and_then(PageEntry::read)
        };
        entry.ok_or_else(|| self.wrong("an unknown kind of page"))
    }

    /// The same of all pages: it looks first where the page is if all have as many chunks.
    pub(super) fn search_near(&self, chunk: u32) -> Result<usize, CorruptError> {
        let guess = guess(&self.lane, chunk);
        if self.len() == 0 || u32::from(self.entry(guess)?.last_chunk) < chunk {
            return self.search(guess + 1, chunk);
        }
        // From here backwards, in steps that double.
        let (mut to, mut step) = (guess, 1);
        while to > 0 {
            let from = to.saturating_sub(step);
            if u32::from(self.entry(from)?.last_chunk) < chunk {
                return self.search_in(from + 1..to, chunk);
            }
            (to, step) = (from, step * 2);
        }
        Ok(0)
    }

    /// Starts to load the beginning of a page and what finding a consumer in its list reads: the
    /// unary part up to where it should be, and its packed part. Where these are a page says only
    /// at its beginning, so both are guessed as if all consumers were equally far apart.
    pub(super) fn prefetch(&self, entry: PageEntry, consumer: u32) {
        let raw = self.lane.segment.file.raw();
        let start = self.lane.entry.range().start + entry.offset as usize * UNIT;
        prefetch(raw, start);
        if entry.consumers() < FEW {
            prefetch(raw, start + LINE);
        } else if entry.kind == PageKind::List {
            let chunks = u32::from(entry.last_chunk.wrapping_sub(entry.first_chunk)) + 1;
            let span = (chunks << 16).wrapping_sub(1);
            let list = Ascending::best(entry.consumers() as usize, span);
            let value = consumer.wrapping_sub(u32::from(entry.first_chunk) << 16).min(span);
            let (low, unary) = list.about(value);
            let body = start + PAGE_HEAD_ABOUT;
            prefetch(raw, body + low);
            let unary = unary.start + body..(unary.end + body).min(raw.len());
            prefetch_all(raw.get(unary).unwrap_or_default());
        }
    }

    /// The first page from `from` on that ends at a chunk or after it; their number when there is
    /// none.
    pub(super) fn search(&self, from: usize, chunk: u32) -> Result<usize, CorruptError> {
        self.search_in(from..self.len(), chunk)
    }

    fn search_in(&self, pages: Range<usize>, chunk: u32) -> Result<usize, CorruptError> {
        let (mut from, mut to) = (pages.start, pages.end);
        while from < to {
            let middle = from.midpoint(to);
            if u32::from(self.entry(middle)?.last_chunk) < chunk {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        Ok(from)
    }

    /// A page of the list, its head read.
    pub(super) fn open(&self, at: usize, entry: PageEntry) -> Result<Page<'a>, CorruptError> {
        Page::open(&self.lane.segment.file, entry, self.range(at, entry)?)
    }

    /// A page that has a consumer if the lane has it; none where it can be told without reading all
    /// of the page's head that it does not.
    pub(super) fn open_for(
        &self,
        at: usize,
        entry: PageEntry,
        consumer: u32,
    ) -> Result<Option<Page<'a>>, CorruptError> {
        let (file, range) = (&self.lane.segment.file, self.range(at, entry)?);
        if !Page::may_have(file, &entry, range.clone(), consumer)? {
            return Ok(None);
        }
        Page::open(file, entry, range).map(Some)
    }

    /// Where a page is in the file.
    fn range(&self, at: usize, entry: PageEntry) -> Result<Range<usize>, CorruptError> {
        let lane = self.lane.entry.range();
        let place = |entry: &PageEntry| lane.start + entry.offset as usize * UNIT;
        let end = if at + 1 < self.len() { place(&self.entry(at + 1)?) } else { lane.end };
        if entry.rows > self.lane.entry.rows {
            return Err(self.wrong("a page has more rows than its lane"));
        }
        if end > lane.end || place(&entry) < lane.start + self.lane.entry.list_len() {
            return Err(self.wrong("a page is outside its lane"));
        }
        Ok(place(&entry)..end)
    }

    #[cold]
    pub(super) fn wrong(&self, what: &'static str) -> CorruptError {
        self.lane.segment.file.corrupt(self.lane.entry.range().start, what)
    }
}
