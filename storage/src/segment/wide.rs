//! Many chunks of a lane at once, as if they were one: consumers are numbers from the first chunk
//! on, and nothing is done for each chunk.

#![deny(clippy::indexing_slicing)]

use std::ops::{Range, RangeInclusive};

use crate::bits::{Days, ListPlace, Paid, keep_paid, keep_wide, lessen, repeat};
use crate::container::Container;
use crate::error::CorruptError;
use crate::segment::layout::{PageKind, Repeats};
use crate::segment::page::{InPlace, Page};
use crate::segment::pages::Pages;
use crate::segment::reader::Lane;
use crate::segment::span::SpanRead;
use crate::segment::window::bounds;

/// How many rows of a page were taken.
type Taken = Result<usize, CorruptError>;

/// Rows of a page: their places, their consumers, and scratch for their days.
type PageRows<'p> = (Range<usize>, &'p [u32], &'p mut Vec<u32>);

/// Pages passed one by one before the rest are searched.
const STEPS_MAX: usize = 8;

/// A position in a lane that moves forward over many chunks at a time.
#[derive(Debug)]
pub struct WideCursor<'a> {
    lane: Lane<'a>,
    /// The lane's pages; none until their list was verified.
    pages: Option<Pages<'a>>,
    /// The present page's number.
    at: usize,
    /// One more than the last chunk that was read.
    floor: u32,
    /// The present page, once its head was read. It is large, and often taken and put back.
    page: Option<Box<Page<'a>>>,
    /// How far its list was read, where it is read piece by piece.
    place: ListPlace,
    /// How many of its consumers, or rows, are before the chunks that come next.
    before: usize,
    /// The distinct consumers of the page, once they were decoded.
    consumers: Vec<u32>,
    is_decoded: bool,
    /// The consumer of each row of the page, where some have several and days are asked for. It
    /// may be longer.
    rows: Vec<u32>,
    is_expanded: bool,
    offsets: Vec<u32>,
    repeats: Vec<u32>,
}

/// Rows of some chunks, those of a lane ordered by (consumer, day).
#[derive(Debug, Default)]
pub struct WideRows {
    /// Consumers, counted from the first of the chunks; repeated for those with several rows.
    pub consumer: Vec<u32>,
    /// Calendar days since 1970-01-01.
    pub day: Vec<u16>,
}

impl WideRows {
    /// Makes room for so many rows.
    pub fn reserve(&mut self, rows: usize) {
        self.consumer.reserve(rows);
        self.day.reserve(rows);
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.consumer.clear();
        self.day.clear();
    }
}

/// Amounts of the rows of some chunks, those of a lane ordered by (consumer, day).
#[derive(Debug, Default)]
pub struct WideAmounts {
    /// As [`WideRows::consumer`].
    pub consumer: Vec<u32>,
    /// In minor units.
    pub amount: Vec<i64>,
    /// As [`WideRows::day`], where days are wanted.
    pub day: Vec<u16>,
    with_days: bool,
    /// A page's amounts, where they do not unpack at once.
    some: Vec<i64>,
}

impl WideAmounts {
    /// No rows; whether the days of those that come are wanted.
    #[must_use]
    pub fn new(with_days: bool) -> Self {
        Self { with_days, ..Self::default() }
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.consumer.clear();
        self.amount.clear();
        self.day.clear();
    }

    /// Makes room for so many rows.
    pub fn reserve(&mut self, rows: usize) {
        self.consumer.reserve(rows);
        self.amount.reserve(rows);
    }

    /// Of the rows from one on keeps those on some days, which are noted where they are wanted.
    fn keep(&mut self, from: usize, offsets: &[u32], days: Days) {
        let consumers = self.consumer.get_mut(from..).unwrap_or_default();
        let amounts = self.amount.get_mut(from..).unwrap_or_default();
        let day = self.with_days.then_some(&mut self.day);
        let kept = from + keep_paid(Paid { consumers, amounts }, offsets, days, day);
        self.consumer.truncate(kept);
        self.amount.truncate(kept);
    }
}

impl<'a> WideCursor<'a> {
    pub(super) fn new(lane: Lane<'a>) -> Self {
        Self {
            lane,
            pages: None,
            at: 0,
            floor: 0,
            page: None,
            place: ListPlace::default(),
            before: 0,
            consumers: Vec::new(),
            is_decoded: false,
            rows: Vec::new(),
            is_expanded: false,
            offsets: Vec::new(),
            repeats: Vec::new(),
        }
    }

    /// Appends the distinct consumers of some chunks, which follow those read before.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn append_consumers(
        &mut self,
        chunks: Range<u32>,
        out: &mut Vec<u32>,
    ) -> Result<SpanRead, CorruptError> {
        let base = chunks.start << 16;
        self.each_page(chunks, |cursor, chunks, page| {
            if page.entry.kind == PageKind::List {
                let before = out.len();
                page.listed_in(chunks, base, &mut cursor.place, out)?;
                return Ok(out.len() - before);
            }
            cursor.decode(page)?;
            let own = within(&cursor.consumers, cursor.before, chunks);
            cursor.before = own.end;
            let consumers = cursor.consumers.get(own.clone()).unwrap_or_default();
            lessen(consumers, base, out);
            Ok(own.len())
        })
    }

    /// Appends the rows of some chunks, which follow those read before, whose day is one of some
    /// days.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn append_days(
        &mut self,
        chunks: Range<u32>,
        days: &RangeInclusive<i32>,
        out: &mut WideRows,
    ) -> Result<SpanRead, CorruptError> {
        let Some(window) = bounds(days) else { return Ok(SpanRead::default()) };
        let base = chunks.start << 16;
        self.each_page(chunks, |cursor, chunks, page| {
            let first_day = cursor.lane.segment.first_day();
            let (own, rows, offsets) = cursor.rows_of(page, chunks)?;
            let from = page.day_offsets(first_day, own.clone(), offsets)?;
            let (first, span) = window;
            let days = Days { base: from, first, span };
            let offsets = offsets.get(..own.len()).unwrap_or_default();
            keep_wide((rows, base), offsets, days, (&mut out.consumer, &mut out.day));
            Ok(own.len())
        })
    }

    /// As [`Self::append_days`], with amounts instead of days, or with both.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn append_amounts(
        &mut self,
        chunks: Range<u32>,
        days: &RangeInclusive<i32>,
        out: &mut WideAmounts,
    ) -> Result<SpanRead, CorruptError> {
        let Some((first, span)) = bounds(days) else { return Ok(SpanRead::default()) };
        let whole = days.contains(&self.lane.first_day()) && days.contains(&self.lane.last_day());
        let base = chunks.start << 16;
        self.each_page(chunks, |cursor, chunks, page| {
            let first_day = cursor.lane.segment.first_day();
            let (own, rows, offsets) = cursor.rows_of(page, chunks)?;
            let before = out.amount.len();
            page.amounts(own.clone(), (offsets, &mut out.some), &mut out.amount)?;
            lessen(rows, base, &mut out.consumer);
            if !whole || out.with_days {
                let from = page.day_offsets(first_day, own.clone(), offsets)?;
                out.keep(before, offsets, Days { base: from, first, span });
            }
            Ok(own.len())
        })
    }

    /// The rows of the present page that are of some chunks, of all when none are given.
    fn rows_of(
        &mut self,
        page: &Page<'_>,
        chunks: Option<&Range<u32>>,
    ) -> Result<PageRows<'_>, CorruptError> {
        self.expand(page)?;
        let Self { rows, consumers, offsets, before, .. } = self;
        let all = match page.repeats() {
            Repeats::None => &*consumers,
            Repeats::Packed | Repeats::Listed => {
                rows.get(..page.entry.rows as usize).unwrap_or_default()
            }
        };
        let own = within(all, *before, chunks);
        *before = own.end;
        let rows = all.get(own.clone()).unwrap_or_default();
        Ok((own, rows, offsets))
    }

    /// Calls `visit` with each page that has some of the chunks, and with those of its chunks that
    /// are asked for, none for all; it gives back how many rows it took.
    fn each_page(
        &mut self,
        chunks: Range<u32>,
        mut visit: impl FnMut(&mut Self, Option<&Range<u32>>, &Page<'a>) -> Taken,
    ) -> Result<SpanRead, CorruptError> {
        let mut read = SpanRead::default();
        if chunks.start < self.floor {
            (self.at, self.page) = (0, None);
        }
        self.floor = chunks.end;
        let pages = match self.pages {
            Some(pages) => pages,
            None => *self.pages.insert(Pages::of(self.lane)?),
        };
        let mut steps = 0;
        while self.at < pages.len() {
            let entry = pages.entry(self.at)?;
            let (first, last) = (u32::from(entry.first_chunk), u32::from(entry.last_chunk));
            if first >= chunks.end {
                break;
            }
            if last < chunks.start {
                self.page = None;
                steps += 1;
                self.at += 1;
                if steps == STEPS_MAX {
                    self.at = pages.search(self.at, chunks.start)?;
                }
                continue;
            }
            let page = match self.page.take() {
                Some(page) => page,
                None => {
                    (self.is_decoded, self.is_expanded) = (false, false);
                    (self.before, self.place) = (0, ListPlace::default());
                    Box::new(pages.open(self.at, entry)?)
                }
            };
            let whole = chunks.start <= first && last < chunks.end;
            let rows = visit(self, (!whole).then_some(&chunks), &page)?;
            read.rows += rows as u64;
            let share = rows as u64 * page.bytes() as u64 / u64::from(entry.rows).max(1);
            read.bytes += share;
            read.chunks += u64::from(last.min(chunks.end - 1) + 1 - first.max(chunks.start));
            if last >= chunks.end {
                self.page = Some(page);
                break;
            }
            self.at += 1;
        }
        Ok(read)
    }

    /// Decodes the consumers of the present page.
    fn decode(&mut self, page: &Page<'_>) -> Result<(), CorruptError> {
        if std::mem::replace(&mut self.is_decoded, true) {
            return Ok(());
        }
        let Some(in_place) = page.in_place()? else { return page.listed(&mut self.consumers) };
        let container = match in_place {
            InPlace::Bitset(bits) => Container::Bitset(bits),
            InPlace::Runs(runs) => Container::Runs(runs),
            InPlace::Full => Container::Full,
        };
        let chunk = u32::from(page.entry.first_chunk) << 16;
        self.consumers.clear();
        self.consumers.extend(container.iter().map(|low| chunk | u32::from(low)));
        Ok(())
    }

    /// Finds the consumer of each row of a page.
    fn expand(&mut self, page: &Page<'_>) -> Result<(), CorruptError> {
        if std::mem::replace(&mut self.is_expanded, true) {
            return Ok(());
        }
        self.decode(page)?;
        let Self { rows, consumers, repeats, .. } = self;
        let wanted = page.entry.rows as usize;
        let fits = match page.repeats() {
            Repeats::None => consumers.len() == wanted,
            Repeats::Packed => {
                let packed = page.packed_repeats()?;
                rows.clear();
                for (consumer, more) in consumers.iter().zip(packed.iter(0, consumers.len())) {
                    let more = usize::try_from(more).unwrap_or(usize::MAX);
                    // What is too long is told below.
                    let end = more.saturating_add(rows.len() + 1).min(wanted + 1);
                    rows.resize(end, *consumer);
                }
                rows.len() == wanted
            }
            Repeats::Listed => {
                page.listed_repeats(repeats)?;
                repeat(consumers, repeats, wanted, rows)
            }
        };
        if fits { Ok(()) } else { Err(page.corrupt("a page has other rows than its entry says")) }
    }
}

/// Which of some ascending consumers are in some chunks, all when none are given; so many of them
/// are before those.
fn within(consumers: &[u32], before: usize, chunks: Option<&Range<u32>>) -> Range<usize> {
    let Some(chunks) = chunks else { return 0..consumers.len() };
    let from = first_from(consumers, before, chunks.start);
    from..first_from(consumers, from, chunks.end)
}

/// The place of the first of some ascending consumers, from a place on, that is in a chunk or after
/// it. It is looked for where it is if all are equally far apart.
fn first_from(consumers: &[u32], from: usize, chunk: u32) -> usize {
    let rest = consumers.get(from..).unwrap_or_default();
    let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return from };
    let wanted = u64::from(chunk) << 16;
    if u64::from(*first) >= wanted {
        return from;
    }
    if u64::from(*last) < wanted {
        return consumers.len();
    }
    let (all, own) = (u64::from(last - first).max(1), wanted - u64::from(*first));
    let guess = usize::try_from(own * rest.len() as u64 / all).unwrap_or(0).min(rest.len() - 1);
    let is_before = |at: usize| rest.get(at).is_some_and(|of| u64::from(*of) < wanted);
    let (mut low, mut high, mut step) = (guess, guess, 8);
    while low > 0 && !is_before(low) {
        (high, low, step) = (low, low.saturating_sub(step), step * 2);
    }
    while is_before(high) {
        (low, high, step) = (high, (high + step).min(rest.len()), step * 2);
    }
    let some = rest.get(low..high).unwrap_or_default();
    from + low + some.partition_point(|of| u64::from(*of) < wanted)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    #[test]
    fn places_of_chunks_are_found_wherever_they_are() {
        let mut random = Pcg64::seed_from_u64(9);
        for length in [0, 1, 2, 3, 40, 900] {
            for chunks in [1, 3, 90, 65_535] {
                let mut consumers: Vec<u32> =
                    (0..length).map(|_| random.random_range(0..chunks << 16)).collect();
                // Some are crowded at one end.
                consumers.iter_mut().step_by(3).for_each(|of| *of >>= 5);
                consumers.sort_unstable();
                for _ in 0..40 {
                    let chunk = random.random_range(0..=chunks);
                    let place = consumers.partition_point(|of| of >> 16 < chunk);
                    let from = random.random_range(0..=place);
                    assert_eq!(first_from(&consumers, from, chunk), place);
                    assert_eq!(first_from(&consumers, length, chunk), length);
                }
            }
        }
    }
}
