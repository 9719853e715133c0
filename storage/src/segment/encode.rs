//! Writing lanes: pages, their consumers, and their columns, each in the smallest form.

#![expect(clippy::cast_possible_truncation, reason = "counts within a page are below 2^32")]

use std::ops::Range;

use hashbrown::HashMap;

use crate::bits::{Ascending, pack, packed_len, width_of};
use crate::bytes::align;
use crate::container::{CHUNK_SIZE, Run, runs_of};
use crate::segment::build::BuildError;
use crate::segment::head;
use crate::segment::layout::{
    BITSET_ALIGN, BITSET_LEN, COLUMNS, ColumnHead, DAY, Encoding, LaneEntry, PAGE_LEN, PageEntry,
    PageHead, PageKind, Repeats, SECOND, UNIT, default_of,
};

/// A page of several chunks has no more rows than this.
const PAGE_ROWS_MAX: usize = 2048;
/// A chunk with this many rows has a page of its own.
const CHUNK_ROWS_ALONE: usize = PAGE_ROWS_MAX / 2;
/// A bitset is read in place, a list is not: it may be this many halves larger.
const BITSET_HALVES: usize = 3;
/// A dictionary has at most this many values, and at most one for `DICTIONARY_SHARE` rows.
const DICTIONARY_MAX: usize = 1024;
const DICTIONARY_SHARE: usize = 4;

/// The rows of a lane, sorted. A column that is empty holds its default in every row.
#[derive(Debug, Default)]
pub(super) struct LaneRows {
    pub(super) brand: u32,
    pub(super) behaviour: u16,
    /// Added to `columns[DAY]` to give the calendar day.
    pub(super) first_day: u16,
    pub(super) consumer: Vec<u32>,
    /// As in [`COLUMNS`].
    pub(super) columns: [Vec<i64>; COLUMNS.len()],
}

/// A lane on its way, and scratch.
#[derive(Debug, Default)]
pub(super) struct LaneWriter {
    /// The pages so far, their offsets from the first of them.
    pages: Vec<PageEntry>,
    body: Vec<u8>,
    totals: Totals,
    /// Pages: first row and end row.
    cuts: Vec<(usize, usize)>,
    /// Rows from the start of those given last that are known to be chunks of one page.
    looked_at: usize,
    /// Distinct consumers of a page.
    distinct: Vec<u32>,
    /// Rows whose consumer is that of the row before.
    repeats: Vec<u32>,
    heads: Vec<u8>,
    streams: Vec<u8>,
    codes: HashMap<i64, u32>,
    values: Vec<i64>,
}

/// What a lane's entry says of its pages.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    rows: u64,
    consumers: u32,
    /// Columns stored in some page.
    columns: u16,
    /// Days after the segment's first: the least and the greatest.
    days: Option<(u16, u16)>,
    /// Whether some page has a bitset.
    bitsets: bool,
}

/// Whether more rows of the lane follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LaneEnd {
    /// They may: the last page may still grow.
    Open,
    /// There are none.
    Reached,
}

impl Totals {
    /// Notes the days of a page; a lane without days has its rows on the segment's first.
    fn add_days(&mut self, days: Option<&[i64]>) {
        for day in days.unwrap_or(&[0]).iter().map(|&day| day as u16) {
            let (first, last) = self.days.unwrap_or((day, day));
            self.days = Some((first.min(day), last.max(day)));
        }
    }
}

impl LaneWriter {
    /// Appends a whole lane and gives its entry in the directory.
    pub(super) fn write(
        &mut self,
        lane: &LaneRows,
        out: &mut Vec<u8>,
    ) -> Result<LaneEntry, BuildError> {
        self.add(lane, LaneEnd::Reached)?;
        self.finish(lane, 0, out)
    }

    /// Writes pages of rows that end with a chunk; how many rows from the start are in them now.
    /// The others must be given again, with more behind them or at the end.
    pub(super) fn add(&mut self, lane: &LaneRows, end: LaneEnd) -> Result<usize, BuildError> {
        self.cut(&lane.consumer, end);
        let cuts = std::mem::take(&mut self.cuts);
        for &(from, to) in &cuts {
            let page = self.page(lane, from..to)?;
            self.pages.push(page);
        }
        let done = cuts.last().map_or(0, |cut| cut.1);
        self.cuts = cuts;
        Ok(done)
    }

    /// Rows in pages so far.
    pub(super) fn rows(&self) -> u64 {
        self.totals.rows
    }

    /// Appends the lane's list of pages and its pages to bytes that go on a file of `before` bytes,
    /// a multiple of `BITSET_ALIGN`. Where there is one page, its entry says all that a list would.
    pub(super) fn finish(
        &mut self,
        lane: &LaneRows,
        before: u64,
        out: &mut Vec<u8>,
    ) -> Result<LaneEntry, BuildError> {
        let (Some(first), Some(last)) = (self.pages.first(), self.pages.last()) else {
            return Err(BuildError::Empty);
        };
        let (first_chunk, last_chunk) = (first.first_chunk, last.last_chunk);
        let too_large = |_| BuildError::TooLarge;
        let totals = std::mem::take(&mut self.totals);
        let only = if let [page] = self.pages[..] { Some(page.kind) } else { None };
        align(
            out,
            match only {
                Some(PageKind::List) => 1,
                Some(PageKind::Bitset) => BITSET_ALIGN,
                _ => UNIT,
            },
        );
        let start = out.len();
        if only.is_none() {
            self.list(totals.bitsets, out)?;
        }
        out.append(&mut self.body);
        let (first_day, last_day) = totals.days.unwrap_or_default();
        let entry = LaneEntry {
            brand: lane.brand,
            behaviour: lane.behaviour,
            columns: totals.columns,
            rows: u32::try_from(totals.rows).map_err(too_large)?,
            consumers: totals.consumers,
            first_day: lane.first_day + first_day,
            last_day: lane.first_day + last_day,
            first_chunk,
            last_chunk,
            pages: u32::try_from(self.pages.len()).map_err(too_large)?,
            only,
            offset: before + start as u64,
            length: (out.len() - start) as u64,
        };
        self.pages.clear();
        Ok(entry)
    }

    /// Appends the list of pages, and zeros up to where the first page begins.
    fn list(&self, bitsets: bool, out: &mut Vec<u8>) -> Result<(), BuildError> {
        let start = out.len();
        let list = start + self.pages.len() * PAGE_LEN;
        // Bitsets are aligned in the body, so the body itself must be.
        let body = if bitsets { list.next_multiple_of(BITSET_ALIGN) } else { list };
        let lead = u32::try_from((body - start) / UNIT).map_err(|_| BuildError::TooLarge)?;
        for page in &self.pages {
            let offset = page.offset.checked_add(lead).ok_or(BuildError::TooLarge)?;
            out.extend_from_slice(&PageEntry { offset, ..*page }.write());
        }
        out.resize(body, 0);
        Ok(())
    }

    /// Cuts rows into pages: one chunk with many rows, or neighbouring chunks with few. Rows that
    /// were given before are not looked at again: with few rows in each chunk they come often.
    fn cut(&mut self, consumer: &[u32], end: LaneEnd) {
        self.cuts.clear();
        let (mut page, mut chunk) = (0, std::mem::take(&mut self.looked_at));
        debug_assert!(
            chunk == 0
                || consumer
                    .get(chunk)
                    .is_none_or(|next| { consumer[chunk - 1] >> 16 != next >> 16 })
        );
        while chunk < consumer.len() {
            let number = consumer[chunk] >> 16;
            let same = consumer[chunk..].iter().take_while(|&&c| c >> 16 == number);
            let next = chunk + same.count();
            let alone = next - chunk >= CHUNK_ROWS_ALONE;
            if page < chunk && (alone || next - page > PAGE_ROWS_MAX) {
                self.cuts.push((page, chunk));
                page = chunk;
            }
            if alone {
                self.cuts.push((page, next));
                page = next;
            }
            chunk = next;
        }
        match end {
            LaneEnd::Open => self.looked_at = chunk - page,
            LaneEnd::Reached if page < chunk => self.cuts.push((page, chunk)),
            LaneEnd::Reached => {}
        }
    }

    /// Appends a page of rows to the body.
    fn page(&mut self, lane: &LaneRows, rows: Range<usize>) -> Result<PageEntry, BuildError> {
        let too_large = |_| BuildError::TooLarge;
        self.split(&lane.consumer[rows.clone()]);
        self.streams.clear();
        self.heads.clear();
        let (first, last) = (lane.consumer[rows.start], lane.consumer[rows.end - 1]);
        let mut head = PageHead { base: first, ..PageHead::default() };
        let consumers = self.distinct.len() as u32;
        let kind = self.consumers(&mut head);
        self.repeats(rows.len(), &mut head);
        let mut stored = 0;
        for (column, values) in lane.columns.iter().enumerate() {
            if !values.is_empty() {
                stored |= self.column(column, &values[rows.clone()]) << column;
            }
        }
        self.totals.columns |= u16::from(stored);
        self.totals.add_days(lane.columns[DAY].get(rows.clone()));
        self.totals.rows += rows.len() as u64;
        self.totals.consumers += consumers;
        self.totals.bitsets |= kind == PageKind::Bitset;
        let out = &mut self.body;
        align(out, if kind == PageKind::Bitset { BITSET_ALIGN } else { UNIT });
        let offset = u32::try_from(out.len() / UNIT).map_err(too_large)?;
        if kind == PageKind::Bitset {
            let start = out.len();
            out.resize(start + BITSET_LEN, 0);
            let bits = &mut out[start..];
            for consumer in &self.distinct {
                let position = (consumer & 0xffff) as usize;
                bits[position / 8] |= 1 << (position % 8);
            }
        }
        head::write(kind, &head, stored, &self.heads, out);
        out.append(&mut self.streams);
        Ok(PageEntry {
            first_chunk: (first >> 16) as u16,
            last_chunk: (last >> 16) as u16,
            rows: u32::try_from(rows.len()).map_err(too_large)?,
            consumers_less_one: (consumers - 1) as u16,
            kind,
            offset,
        })
    }

    /// Parts rows into distinct consumers and repeats.
    fn split(&mut self, consumer: &[u32]) {
        self.distinct.clear();
        self.repeats.clear();
        let mut before = None;
        for (row, &consumer) in consumer.iter().enumerate() {
            if before == Some(consumer) {
                self.repeats.push(row as u32);
            } else {
                self.distinct.push(consumer);
                before = Some(consumer);
            }
        }
    }

    /// Picks the form of the distinct consumers and writes what goes into the streams.
    fn consumers(&mut self, head: &mut PageHead) -> PageKind {
        let count = self.distinct.len();
        let last = self.distinct[count - 1];
        let list = Ascending::best(count, last - head.base);
        if head.base >> 16 == last >> 16 {
            if count == CHUNK_SIZE {
                return PageKind::Full;
            }
            let gaps = self.distinct.windows(2).filter(|pair| pair[1] - pair[0] > 1).count();
            if (gaps + 1) * size_of::<Run>() < list.len().min(BITSET_LEN) {
                head.span = gaps as u32 + 1;
                for run in runs_of(self.distinct.iter().map(|&consumer| consumer as u16)) {
                    self.streams.extend_from_slice(&run.first.to_le_bytes());
                    self.streams.extend_from_slice(&run.last.to_le_bytes());
                }
                return PageKind::Runs;
            }
            if BITSET_LEN * 2 <= list.len() * BITSET_HALVES {
                return PageKind::Bitset;
            }
        }
        head.span = list.span;
        head.low_bits = list.low_bits as u8;
        for consumer in &mut self.distinct {
            *consumer -= head.base;
        }
        list.write(&self.distinct, &mut self.streams);
        PageKind::List
    }

    /// Writes which consumers have several rows.
    fn repeats(&mut self, rows: usize, head: &mut PageHead) {
        if self.repeats.is_empty() {
            return;
        }
        let list = Ascending::best(self.repeats.len(), rows as u32 - 1);
        // Rows of each consumer, less one.
        self.values.clear();
        self.values.resize(self.distinct.len(), 0);
        for (before, &row) in self.repeats.iter().enumerate() {
            self.values[row as usize - before - 1] += 1;
        }
        let most = self.values.iter().max().copied().unwrap_or(0);
        let bits = width_of(most as u64);
        if packed_len(self.values.len(), bits) <= list.len() {
            head.repeats = Repeats::Packed;
            head.repeat_bits = bits as u8;
            pack(self.values.iter().map(|&more| more as u64), bits, &mut self.streams);
        } else {
            head.repeats = Repeats::Listed;
            head.repeat_bits = list.low_bits as u8;
            list.write(&self.repeats, &mut self.streams);
        }
    }

    /// Writes a column unless it has its default everywhere: 1 when it was written, else 0.
    fn column(&mut self, column: usize, values: &[i64]) -> u8 {
        let (mut min, mut max) = (i64::MAX, i64::MIN);
        for &value in values {
            min = min.min(value);
            max = max.max(value);
        }
        if min == max && min == default_of(column) {
            return 0;
        }
        let bits = width_of(max.abs_diff(min));
        let mut head = ColumnHead {
            encoding: if min == max { Encoding::Constant } else { Encoding::Packed },
            bits: bits as u8,
            value_bits: 0,
            values: 0,
            base: Some(min),
        };
        let plain = packed_len(values.len(), bits);
        if let Some((code_bits, value_bits)) = self.dictionary(column, values, min, plain, bits) {
            head.encoding = Encoding::Dictionary;
            (head.bits, head.value_bits) = (code_bits as u8, value_bits as u8);
            head.values = self.values.len() as u32;
            head::write_column(&head, &mut self.heads);
            let less_base = self.values.iter().map(|&value| value.abs_diff(min));
            pack(less_base, value_bits, &mut self.streams);
            let codes = &self.codes;
            let code = |value| u64::from(codes.get(value).copied().unwrap_or(0));
            pack(values.iter().map(code), code_bits, &mut self.streams);
            return 1;
        }
        head::write_column(&head, &mut self.heads);
        pack(values.iter().map(|&value| value.abs_diff(min)), bits, &mut self.streams);
        1
    }

    /// Collects the distinct values when coding them is smaller than `plain` bytes.
    fn dictionary(
        &mut self,
        column: usize,
        values: &[i64],
        min: i64,
        plain: usize,
        bits: u32,
    ) -> Option<(u32, u32)> {
        let most = DICTIONARY_MAX.min(values.len() / DICTIONARY_SHARE);
        // Days are dense, and seconds too many.
        if column == DAY || column == SECOND || bits < 3 || most < 2 {
            return None;
        }
        self.codes.clear();
        for &value in values {
            let next = self.codes.len();
            self.codes.entry(value).or_insert(next as u32);
            if self.codes.len() > most {
                return None;
            }
        }
        let code_bits = width_of(self.codes.len() as u64 - 1);
        let size = 8 + packed_len(self.codes.len(), bits) + packed_len(values.len(), code_bits);
        if size >= plain {
            return None;
        }
        self.values.clear();
        self.values.extend(self.codes.keys());
        self.values.sort_unstable();
        for (code, value) in (0..).zip(&self.values) {
            self.codes.insert(*value, code);
        }
        debug_assert!(self.values.first() == Some(&min));
        Some((code_bits, bits))
    }
}
