//! Walking a lane chunk by chunk.

#![deny(clippy::indexing_slicing)]
#![expect(clippy::cast_possible_truncation, reason = "a consumer's low half is its place")]

use std::ops::{Range, RangeInclusive};

use crate::bits::beginnings;
use crate::container::Container;
use crate::error::CorruptError;
use crate::segment::layout::{COLUMNS, PageEntry, Repeats};
use crate::segment::page::{Holds, InPlace, Page};
use crate::segment::pages::Pages;
use crate::segment::reader::Lane;
use crate::segment::rows::{ColumnSet, RowBuffer};

/// Pages passed one by one before the rest are searched.
const STEPS_MAX: usize = 8;

/// A position in a lane that moves forward chunk by chunk, with the scratch it decodes into.
#[derive(Debug)]
pub struct LaneCursor<'a> {
    lane: Lane<'a>,
    /// The lane's pages; none until their list was verified.
    pages: Option<Pages<'a>>,
    /// The present page's number.
    at: usize,
    /// One more than the last chunk of the page before.
    floor: u32,
    /// The present page's entry; none when all pages are behind.
    entry: Option<PageEntry>,
    /// The present page, once it was needed, its consumers in `scratch`.
    page: Option<Page<'a>>,
    in_place: Option<InPlace<'a>>,
    scratch: Scratch,
    /// The present place in `scratch.slots`.
    slot: usize,
}

/// The consumers of a page, decoded.
#[derive(Debug, Default)]
struct Scratch {
    low: Vec<u16>,
    /// Whole consumers of a page of several chunks.
    wide: Vec<u32>,
    /// Where in `wide` each chunk begins.
    starts: Vec<u32>,
    /// One for each chunk of the page, and one past the end.
    slots: Vec<Slot>,
    /// Listed repeats of a page of several chunks.
    repeats: Vec<u32>,
}

/// Where a chunk starts in its page.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slot {
    pub(super) chunk: u32,
    /// Its first distinct consumer.
    pub(super) start: u32,
    /// Its first row.
    pub(super) row: u32,
}

/// One chunk of a lane: at least one row.
#[derive(Debug)]
pub struct LaneChunk<'c> {
    pub(super) page: &'c Page<'c>,
    consumers: Container<'c>,
    pub(super) first_day: i32,
    /// The chunk's places among the page's distinct consumers.
    distinct: Range<usize>,
    /// The chunk's places among the page's rows.
    pub(super) rows: Range<usize>,
    /// Listed repeats of the chunk, when the page has several chunks.
    repeats: &'c [u32],
}

impl<'a> LaneCursor<'a> {
    pub(super) fn new(lane: Lane<'a>) -> Self {
        Self {
            lane,
            pages: None,
            at: 0,
            floor: 0,
            entry: None,
            page: None,
            in_place: None,
            scratch: Scratch::default(),
            slot: 0,
        }
    }

    /// The chunk, if it has rows. Chunks are asked for in ascending order; asking for an earlier
    /// one is allowed but costs a search.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    #[inline]
    pub fn chunk(&mut self, chunk: u32) -> Result<Option<LaneChunk<'_>>, CorruptError> {
        if self.seek(chunk)? == Some(chunk) { self.present().map(Some) } else { Ok(None) }
    }

    /// The first chunk number from `chunk` on that has rows.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    #[inline]
    pub fn next_chunk(&mut self, chunk: u32) -> Result<Option<u32>, CorruptError> {
        self.seek(chunk)
    }

    /// Moves to the first chunk from `chunk` on.
    #[inline]
    fn seek(&mut self, chunk: u32) -> Result<Option<u32>, CorruptError> {
        let here = match &self.entry {
            Some(entry) => self.floor <= chunk && chunk <= u32::from(entry.last_chunk),
            None => self.pages.is_some() && self.floor <= chunk,
        };
        if !here {
            self.turn(chunk)?;
        }
        let Some(entry) = self.entry else { return Ok(None) };
        let first = u32::from(entry.first_chunk);
        if chunk <= first || entry.first_chunk == entry.last_chunk {
            self.slot = 0;
            return Ok(Some(first));
        }
        if self.page.is_none() {
            self.load(entry)?;
        }
        self.seek_slot(chunk)
    }

    /// Turns to the first page that ends at a chunk or after it.
    fn turn(&mut self, chunk: u32) -> Result<(), CorruptError> {
        if self.pages.is_none() {
            self.pages = Some(Pages::of(self.lane)?);
        } else if self.floor <= chunk {
            // Usually it is one of the next pages.
            for _ in 0..STEPS_MAX {
                self.set(self.at + 1)?;
                if self.entry.is_none_or(|entry| chunk <= u32::from(entry.last_chunk)) {
                    return Ok(());
                }
            }
        }
        let from = if self.floor <= chunk { self.at } else { 0 };
        let found = self.pages()?.search(from, chunk)?;
        self.set(found)
    }

    /// Makes a page the present one.
    fn set(&mut self, at: usize) -> Result<(), CorruptError> {
        (self.page, self.in_place, self.slot) = (None, None, 0);
        self.at = at;
        self.floor = match at.checked_sub(1) {
            Some(before) => u32::from(self.pages()?.entry(before)?.last_chunk) + 1,
            None => 0,
        };
        self.entry = None;
        if at < self.lane.entry.pages as usize {
            let entry = self.pages()?.entry(at)?;
            let ordered = entry.first_chunk <= entry.last_chunk;
            if !ordered || u32::from(entry.first_chunk) < self.floor {
                return Err(self.wrong("a lane's pages are not in order"));
            }
            self.entry = Some(entry);
        }
        Ok(())
    }

    fn pages(&self) -> Result<&Pages<'a>, CorruptError> {
        self.pages.as_ref().ok_or_else(|| self.wrong("a list of pages vanished"))
    }

    #[cold]
    fn wrong(&self, what: &'static str) -> CorruptError {
        self.lane.segment.file.corrupt(self.lane.entry.range().start, what)
    }

    /// Reads the present page's head and decodes its consumers.
    fn load(&mut self, entry: PageEntry) -> Result<(), CorruptError> {
        let page = self.pages()?.open(self.at, entry)?;
        self.in_place = page.in_place()?;
        if self.in_place.is_none() {
            self.scratch.decode(&page)?;
        }
        self.page = Some(page);
        self.slot = 0;
        Ok(())
    }

    /// Moves to the first chunk from `chunk` on in the present page, which has one.
    fn seek_slot(&mut self, chunk: u32) -> Result<Option<u32>, CorruptError> {
        let slots = &self.scratch.slots;
        let number = |slot: usize| slots.get(slot).map_or(u32::MAX, |slot| slot.chunk);
        if self.slot > 0 && number(self.slot - 1) >= chunk {
            self.slot = slots.partition_point(|slot| slot.chunk < chunk);
        }
        while number(self.slot) < chunk {
            self.slot += 1;
        }
        if self.slot + 1 >= slots.len() {
            return Err(self.wrong("a page lacks its last chunk"));
        }
        Ok(Some(number(self.slot)))
    }

    /// The chunk that `seek` found and those that follow it in its page, below `end`, as if they
    /// were one; and where each of them starts, with the end of the last. Of a page of one chunk
    /// there are no starts.
    pub(super) fn several(&mut self, end: u32) -> Result<(LaneChunk<'_>, &[Slot]), CorruptError> {
        if let (None, Some(entry)) = (&self.page, self.entry) {
            self.load(entry)?;
        }
        let Some(entry) = self.entry else { return Err(self.wrong("a page vanished")) };
        if entry.first_chunk == entry.last_chunk {
            return Ok((self.present()?, &[]));
        }
        let slots = self.scratch.slots.get(self.slot..).unwrap_or_default();
        // Usually few chunks are asked for at once.
        let near = slots.iter().take(STEPS_MAX).position(|slot| slot.chunk >= end);
        let count = near.unwrap_or_else(|| slots.partition_point(|slot| slot.chunk < end));
        let Some(slots) = slots.get(..=count) else {
            return Err(self.wrong("a page lacks its last chunk"));
        };
        Ok((self.between(slots)?, slots))
    }

    /// The rows from where some chunks of the present page start to where the last ends.
    fn between(&self, slots: &[Slot]) -> Result<LaneChunk<'_>, CorruptError> {
        let (Some(page), [slot, .., next]) = (&self.page, slots) else {
            return Err(self.wrong("a page lacks its last chunk"));
        };
        let (start, end) = (slot.start as usize, next.start as usize);
        let (row, row_end) = (slot.row as usize, next.row as usize);
        // Before a chunk's first row are the distinct consumers before it, and repeats.
        let repeats = self.scratch.repeats.get(row - start..row_end - end);
        Ok(LaneChunk {
            page,
            consumers: Container::Array(self.scratch.low.get(start..end).unwrap_or_default()),
            first_day: self.lane.segment.first_day(),
            distinct: start..end,
            rows: row..row_end,
            repeats: repeats.unwrap_or_default(),
        })
    }

    /// The chunk that `seek` found.
    fn present(&mut self) -> Result<LaneChunk<'_>, CorruptError> {
        if let (None, Some(entry)) = (&self.page, self.entry) {
            self.load(entry)?;
        }
        let first_day = self.lane.segment.first_day();
        let Some(page) = &self.page else { return Err(self.wrong("a page vanished")) };
        let whole = |consumers| LaneChunk {
            page,
            consumers,
            first_day,
            distinct: 0..page.entry.consumers() as usize,
            rows: 0..page.entry.rows as usize,
            repeats: &[],
        };
        let low = &self.scratch.low;
        Ok(match self.in_place {
            Some(InPlace::Bitset(bits)) => whole(Container::Bitset(bits)),
            Some(InPlace::Runs(runs)) => whole(Container::Runs(runs)),
            Some(InPlace::Full) => whole(Container::Full),
            None if page.entry.first_chunk == page.entry.last_chunk => whole(Container::Array(low)),
            None => {
                let slots = self.scratch.slots.get(self.slot..).unwrap_or_default();
                return self.between(slots.get(..2).unwrap_or_default());
            }
        })
    }
}

impl Scratch {
    /// Decodes the consumers of a page that lists them.
    fn decode(&mut self, page: &Page<'_>) -> Result<(), CorruptError> {
        let entry = page.entry;
        self.slots.clear();
        self.repeats.clear();
        page.listed(&mut self.wide)?;
        self.low.clear();
        self.low.extend(self.wide.iter().map(|&consumer| consumer as u16));
        if entry.first_chunk == entry.last_chunk {
            return Ok(());
        }
        if !self.find_slots(u32::from(entry.first_chunk)..=u32::from(entry.last_chunk)) {
            return Err(page.corrupt("a page has other chunks than its entry says"));
        }
        let slots = &mut self.slots;
        let start = entry.consumers();
        slots.push(Slot { chunk: u32::MAX, start, row: start });
        self.find_rows(page)
    }

    /// Finds where each chunk starts, as if no consumer had two rows. Whether they are ascending
    /// chunks of a range, its ends among them.
    fn find_slots(&mut self, chunks: RangeInclusive<u32>) -> bool {
        beginnings(&self.wide, &mut self.starts);
        let chunk = |start: u32| self.wide.get(start as usize).map_or(0, |wide| wide >> 16);
        let slots =
            self.starts.iter().map(|&start| Slot { chunk: chunk(start), start, row: start });
        self.slots.extend(slots);
        self.slots.first().map(|slot| slot.chunk) == Some(*chunks.start())
            && self.slots.last().map(|slot| slot.chunk) == Some(*chunks.end())
            && self.slots.is_sorted_by(|a, b| a.chunk < b.chunk)
    }

    /// Adds to each slot's row the repeats before it.
    fn find_rows(&mut self, page: &Page<'_>) -> Result<(), CorruptError> {
        match page.repeats() {
            Repeats::None => return Ok(()),
            Repeats::Packed => {
                let packed = page.packed_repeats()?;
                let (mut done, mut sum) = (0_usize, 0_u64);
                for slot in &mut self.slots {
                    let start = slot.start as usize;
                    sum += packed.iter(done, start - done).sum::<u64>();
                    done = start;
                    slot.row = u32::try_from(u64::from(slot.start) + sum).unwrap_or(u32::MAX);
                }
            }
            Repeats::Listed => {
                let repeats = &mut self.repeats;
                page.listed_repeats(repeats)?;
                let mut passed = 0_u32;
                let mut rest = repeats.iter().copied().peekable();
                for slot in &mut self.slots {
                    // The repeat of row r belongs to consumer r - (repeats before it) - 1.
                    while rest.next_if(|&row| row <= slot.start.saturating_add(passed)).is_some() {
                        passed += 1;
                    }
                    slot.row = slot.start + passed;
                }
            }
        }
        let last = self.slots.last().map(|slot| slot.row);
        if last != Some(page.entry.rows) {
            return Err(page.corrupt("a page has other rows than its entry says"));
        }
        Ok(())
    }
}

impl LaneChunk<'_> {
    /// The distinct consumers.
    #[must_use]
    pub fn consumers(&self) -> Container<'_> {
        self.consumers
    }

    /// How many distinct consumers, without decoding.
    #[must_use]
    pub fn cardinality(&self) -> u32 {
        self.distinct.len() as u32
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows.len() as u32
    }

    /// How many of its rows have, in one column of small numbers, one of some values, which
    /// ascend. It looks at no row, so the answer may be that they must be looked at.
    ///
    /// # Errors
    /// When the bytes do not decode.
    pub fn holds(&self, column: ColumnSet, values: &[u32]) -> Result<Holds, CorruptError> {
        match COLUMNS.iter().position(|one| *one == column) {
            Some(place) => self.page.holds(place, values),
            None => Ok(Holds::Some),
        }
    }

    /// Bytes this chunk takes in the file; its share of a page of several chunks.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        let all = u64::from(self.page.entry.rows).max(1);
        (self.page.bytes() as u64 * self.rows.len() as u64 / all) as u32
    }

    /// Decodes its rows, replacing what `out` held.
    ///
    /// # Errors
    /// When the bytes do not decode.
    pub fn decode(&self, columns: ColumnSet, out: &mut RowBuffer) -> Result<(), CorruptError> {
        self.decode_low(&mut out.low)?;
        self.page.decode(self.first_day, self.rows.clone(), columns, out)
    }

    /// Decodes the consumer of each row.
    fn decode_low(&self, low: &mut Vec<u16>) -> Result<(), CorruptError> {
        low.clear();
        self.append_low(low)
    }

    /// Appends the consumer of each row.
    pub(super) fn append_low(&self, low: &mut Vec<u16>) -> Result<(), CorruptError> {
        let before = low.len();
        let plain = self.rows.len() == self.distinct.len();
        match self.consumers {
            Container::Array(positions) if plain => low.extend_from_slice(positions),
            Container::Array(positions) => self.expand(positions.iter().copied(), low)?,
            other if plain => low.extend(other.iter()),
            other => self.expand(other.iter(), low)?,
        }
        if low.len() - before != self.rows.len() {
            return Err(self.page.corrupt("a page has other rows than its entry says"));
        }
        Ok(())
    }

    /// Appends each consumer as often as it has rows.
    fn expand(
        &self,
        mut positions: impl Iterator<Item = u16>,
        low: &mut Vec<u16>,
    ) -> Result<(), CorruptError> {
        let (before, rows) = (low.len(), self.rows.len());
        if self.page.repeats() == Repeats::Packed {
            let packed = self.page.packed_repeats()?;
            let more = packed.iter(self.distinct.start, self.distinct.len());
            for (position, more) in positions.zip(more) {
                let end = usize::try_from(more).unwrap_or(usize::MAX).saturating_add(low.len() + 1);
                // The caller reports a length that is not the rows'.
                low.resize(end.min(before + rows + 1), position);
            }
            return Ok(());
        }
        let start = self.rows.start;
        let mut repeat = |row: u32| {
            let fresh = (row as usize).saturating_sub(start + (low.len() - before));
            low.extend(positions.by_ref().take(fresh));
            low.extend(low.last().copied());
        };
        if self.page.entry.first_chunk == self.page.entry.last_chunk {
            let mut repeats = Vec::new();
            self.page.listed_repeats(&mut repeats)?;
            repeats.iter().for_each(|&row| repeat(row));
        } else {
            self.repeats.iter().for_each(|&row| repeat(row));
        }
        low.extend(positions);
        Ok(())
    }
}
