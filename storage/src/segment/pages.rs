//! The list of a lane's pages, and the pages it names.

#![deny(clippy::indexing_slicing)]

use crate::error::CorruptError;
use crate::segment::layout::{PAGE_LEN, PageEntry, UNIT};
use crate::segment::page::Page;
use crate::segment::reader::Lane;

/// A lane's list of pages, its bytes verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages<'a> {
    lane: Lane<'a>,
    /// Of a lane of one page it is empty: the directory says what that page is.
    list: &'a [u8],
}

impl<'a> Pages<'a> {
    /// The pages of a lane.
    pub(super) fn of(lane: Lane<'a>) -> Result<Self, CorruptError> {
        let start = lane.entry.range().start;
        let list = lane.segment.file.get(start..start + lane.entry.list_len())?;
        Ok(Self { lane, list })
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

    /// The first page from `from` on that ends at a chunk or after it; their number when there is
    /// none.
    pub(super) fn search(&self, mut from: usize, chunk: u32) -> Result<usize, CorruptError> {
        let mut to = self.len();
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
        let lane = self.lane.entry.range();
        let place = |entry: &PageEntry| lane.start + entry.offset as usize * UNIT;
        let end = if at + 1 < self.len() { place(&self.entry(at + 1)?) } else { lane.end };
        if entry.rows > self.lane.entry.rows {
            return Err(self.wrong("a page has more rows than its lane"));
        }
        if end > lane.end || place(&entry) < lane.start + self.lane.entry.list_len() {
            return Err(self.wrong("a page is outside its lane"));
        }
        Page::open(&self.lane.segment.file, entry, place(&entry)..end)
    }

    #[cold]
    pub(super) fn wrong(&self, what: &'static str) -> CorruptError {
        self.lane.segment.file.corrupt(self.lane.entry.range().start, what)
    }
}
