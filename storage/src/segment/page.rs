//! One page of a lane: where its streams are, and how they decode.

#![deny(clippy::indexing_slicing)]
#![expect(clippy::cast_possible_truncation, reason = "columns were widened to i64 when written")]

use std::ops::Range;

use crate::bits::{Ascending, ListPlace, Packed, packed_len};
use crate::block::BlockFile;
use crate::bytes::{bits_at, runs_at, u64_at};
use crate::container::{ChunkBits, Container, Run};
use crate::error::CorruptError;
use crate::segment::head;
use crate::segment::layout::{
    AMOUNT, BITSET_LEN, CATEGORY, COLUMNS, COUNT, ColumnHead, DAY, Encoding, ITEM, ORDER,
    PageEntry, PageHead, PageKind, Repeats, SECOND, TOUCHPOINT, default_of,
};
use crate::segment::rows::{ColumnSet, RowBuffer};

/// Fewer values of a column are read one by one.
const UNPACKED_MIN: usize = 8;

/// A page whose head was read and whose streams were found to lie inside it.
#[derive(Debug)]
pub(super) struct Page<'a> {
    file: &'a BlockFile,
    pub(super) entry: PageEntry,
    head: PageHead,
    range: Range<usize>,
    consumers_at: usize,
    repeats_at: usize,
    columns: [Option<Column>; COLUMNS.len()],
}

/// A stored column of a page.
#[derive(Debug, Clone, Copy)]
struct Column {
    head: ColumnHead,
    base: i64,
    /// Where what follows the base starts in the file.
    at: usize,
}

/// The distinct consumers of a page of one chunk, where they are in place.
#[derive(Debug, Clone, Copy)]
pub(super) enum InPlace<'a> {
    Bitset(&'a ChunkBits),
    Runs(&'a [Run]),
    Full,
}

/// How many of some rows have one of some values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// No row.
    None,
    /// Some rows, or none, or all: the rows must be looked at.
    Some,
    /// Every row.
    All,
}

/// Gives out the streams of a page one after the other.
struct Streams {
    at: usize,
    end: usize,
}

impl Streams {
    fn take(&mut self, length: usize) -> Option<usize> {
        let at = self.at;
        self.at = at.checked_add(length).filter(|&end| end <= self.end)?;
        Some(at)
    }
}

impl<'a> Page<'a> {
    /// Reads the head of the page in a range of the file.
    pub(super) fn open(
        file: &'a BlockFile,
        entry: PageEntry,
        range: Range<usize>,
    ) -> Result<Self, CorruptError> {
        file.get(range.clone())?;
        Self::parse(file, entry, range.clone())
            .ok_or_else(|| file.corrupt(range.start, "a page's head points outside the page"))
    }

    /// Whether the page in a range of the file may have a consumer. A list is asked; of other pages
    /// it takes opening them.
    pub(super) fn may_have(
        file: &BlockFile,
        entry: &PageEntry,
        range: Range<usize>,
        consumer: u32,
    ) -> Result<bool, CorruptError> {
        let bytes = file.get(range.clone())?;
        if entry.kind != PageKind::List {
            return Ok(true);
        }
        let Some((head, length)) = head::read_start(file.version(), entry, bytes) else {
            return Ok(true);
        };
        let Some(value) = consumer.checked_sub(head.base) else { return Ok(false) };
        let (count, low_bits) = (entry.consumers() as usize, u32::from(head.low_bits));
        let list = Ascending { count, span: head.span, low_bits };
        let data = file.raw().get(range.start + length..).unwrap_or_default();
        let found = list.find(data, value);
        // What does not decode is told where the page is opened.
        Ok(found.is_none_or(|place| place.is_some()))
    }

    fn parse(file: &'a BlockFile, entry: PageEntry, range: Range<usize>) -> Option<Self> {
        let raw = file.raw();
        let mut streams = Streams { at: range.start, end: range.end };
        let bitset_at = streams.at;
        if entry.kind == PageKind::Bitset {
            streams.take(BITSET_LEN)?;
        }
        let bytes = raw.get(streams.at..streams.end)?;
        let (head, columns, length) = head::read(file.version(), &entry, bytes)?;
        streams.take(length)?;
        let rows = entry.rows as usize;
        let several = entry.first_chunk != entry.last_chunk;
        if entry.consumers() > entry.rows || several && entry.kind != PageKind::List {
            return None;
        }
        let mut page = Self {
            file,
            entry,
            head,
            range,
            consumers_at: bitset_at,
            repeats_at: 0,
            columns: [None; COLUMNS.len()],
        };
        match entry.kind {
            PageKind::List => {
                let last = head.base.checked_add(head.span)?;
                let chunks = (u32::from(entry.first_chunk), u32::from(entry.last_chunk));
                if (head.base >> 16, last >> 16) != chunks {
                    return None;
                }
                page.consumers_at = streams.take(page.list()?.len())?;
            }
            PageKind::Runs => {
                let length = (head.span as usize).checked_mul(size_of::<Run>())?;
                page.consumers_at = streams.take(length)?;
            }
            PageKind::Bitset | PageKind::Full => {}
        }
        page.repeats_at = match head.repeats {
            Repeats::None if entry.consumers() != entry.rows => return None,
            Repeats::None => 0,
            Repeats::Packed => {
                let bits = u32::from(head.repeat_bits);
                streams.take(packed_len(entry.consumers() as usize, bits))?
            }
            Repeats::Listed => streams.take(page.repeat_list()?.len())?,
        };
        for (column, head) in page.columns.iter_mut().zip(columns) {
            if let Some(head) = head {
                *column = Some(Column::open(raw, head, rows, &mut streams)?);
            }
        }
        Some(page)
    }

    /// How the consumers are listed.
    fn list(&self) -> Option<Ascending> {
        let low_bits = u32::from(self.head.low_bits);
        let count = self.entry.consumers() as usize;
        (low_bits < 32).then_some(Ascending { count, span: self.head.span, low_bits })
    }

    /// How the repeats are listed.
    fn repeat_list(&self) -> Option<Ascending> {
        let low_bits = u32::from(self.head.repeat_bits);
        let count = self.entry.rows.checked_sub(self.entry.consumers())? as usize;
        (low_bits < 32).then_some(Ascending { count, span: self.entry.rows - 1, low_bits })
    }

    /// Bytes of its consumers.
    pub(super) fn consumers_len(&self) -> usize {
        match self.entry.kind {
            PageKind::List => self.list().map_or(0, |list| list.len()),
            PageKind::Bitset => BITSET_LEN,
            PageKind::Runs => self.head.span as usize * size_of::<Run>(),
            PageKind::Full => 0,
        }
    }

    /// Bytes of what says which consumers have several rows.
    pub(super) fn repeats_len(&self) -> usize {
        match self.head.repeats {
            Repeats::None => 0,
            Repeats::Packed => {
                packed_len(self.entry.consumers() as usize, u32::from(self.head.repeat_bits))
            }
            Repeats::Listed => self.repeat_list().map_or(0, |list| list.len()),
        }
    }

    /// Encoding and bytes of the streams of each stored column.
    pub(super) fn columns_len(&self) -> [Option<(Encoding, usize)>; COLUMNS.len()] {
        self.columns.map(|column| {
            let head = column?.head;
            let (bits, value_bits) = (u32::from(head.bits), u32::from(head.value_bits));
            let base = if head.base.is_none() { size_of::<i64>() } else { 0 };
            let rows = packed_len(self.entry.rows as usize, bits);
            let streams = match head.encoding {
                Encoding::Constant => 0,
                Encoding::Packed => rows,
                Encoding::Dictionary => packed_len(head.values as usize, value_bits) + rows,
            };
            Some((head.encoding, base + streams))
        })
    }

    /// Bytes of the page.
    pub(super) fn bytes(&self) -> usize {
        self.range.len()
    }

    #[cold]
    pub(super) fn corrupt(&self, what: &'static str) -> CorruptError {
        self.file.corrupt(self.range.start, what)
    }

    /// How the page says which consumers have several rows.
    pub(super) fn repeats(&self) -> Repeats {
        self.head.repeats
    }

    /// The distinct consumers of a page of one chunk that holds them in place; none for a list.
    pub(super) fn in_place(&self) -> Result<Option<InPlace<'a>>, CorruptError> {
        let raw = self.file.raw();
        let wrong = || self.corrupt("a page's consumers do not decode");
        Ok(Some(match self.entry.kind {
            PageKind::List => return Ok(None),
            PageKind::Bitset => InPlace::Bitset(bits_at(raw, self.consumers_at).ok_or_else(wrong)?),
            PageKind::Runs => {
                let runs = runs_at(raw, self.consumers_at, self.head.span as usize);
                let runs = runs.ok_or_else(wrong)?;
                if Container::Runs(runs).cardinality() != self.entry.consumers() {
                    return Err(wrong());
                }
                InPlace::Runs(runs)
            }
            PageKind::Full => InPlace::Full,
        }))
    }

    /// The distinct consumers of a list, each mapped.
    pub(super) fn listed(&self, out: &mut Vec<u32>) -> Result<(), CorruptError> {
        let data = self.file.raw().get(self.consumers_at..).unwrap_or_default();
        self.list()
            .and_then(|list| list.read(data, self.head.base, out))
            .ok_or_else(|| self.corrupt("a page's consumers do not decode"))
    }

    /// Appends the distinct consumers of a list that are in some chunks, in all when none are
    /// given, counted from the consumer `origin` on. The list was read up to a place before these.
    pub(super) fn listed_in(
        &self,
        chunks: Option<&Range<u32>>,
        origin: u32,
        at: &mut ListPlace,
        out: &mut Vec<u32>,
    ) -> Result<(), CorruptError> {
        let PageHead { base, span, .. } = self.head;
        let (first, last) = match chunks {
            None => (0, span),
            Some(chunks) => {
                let end = (u64::from(chunks.end) << 16).checked_sub(u64::from(base) + 1);
                let Some(last) = end else { return Ok(()) };
                let last = u32::try_from(last).unwrap_or(u32::MAX);
                ((chunks.start << 16).saturating_sub(base), last)
            }
        };
        let data = self.file.raw().get(self.consumers_at..).unwrap_or_default();
        self.list()
            .and_then(|list| list.read_on(data, base.wrapping_sub(origin), first..=last, at, out))
            .ok_or_else(|| self.corrupt("a page's consumers do not decode"))
    }

    /// The rows whose consumer is that of the row before, for listed repeats.
    pub(super) fn listed_repeats(&self, out: &mut Vec<u32>) -> Result<(), CorruptError> {
        let data = self.file.raw().get(self.repeats_at..).unwrap_or_default();
        self.repeat_list()
            .and_then(|list| list.read(data, 0, out))
            .ok_or_else(|| self.corrupt("a page's repeats do not decode"))
    }

    /// Rows less one of each consumer, for packed repeats.
    pub(super) fn packed_repeats(&self) -> Result<Packed<'a>, CorruptError> {
        let data = self.file.raw().get(self.repeats_at..).unwrap_or_default();
        let bits = u32::from(self.head.repeat_bits);
        Packed::new(data, self.entry.consumers() as usize, bits)
            .ok_or_else(|| self.corrupt("a page's repeats do not decode"))
    }

    /// A column's value in every row of the page, where it is the same.
    pub(super) fn constant(&self, column: usize) -> Option<i64> {
        match self.columns.get(column).copied().flatten() {
            None => Some(default_of(column)),
            Some(column) if column.head.encoding == Encoding::Constant => Some(column.base),
            Some(_) => None,
        }
    }

    /// Where a consumer is among the page's distinct ones.
    pub(super) fn place_of(&self, consumer: u32) -> Result<Option<usize>, CorruptError> {
        let low = consumer as u16;
        if let Some(in_place) = self.in_place()? {
            let container = match in_place {
                InPlace::Bitset(bits) => Container::Bitset(bits),
                InPlace::Runs(runs) => Container::Runs(runs),
                InPlace::Full => Container::Full,
            };
            return Ok(container.rank(low).map(|rank| rank as usize));
        }
        let data = self.file.raw().get(self.consumers_at..).unwrap_or_default();
        let Some(value) = consumer.checked_sub(self.head.base) else { return Ok(None) };
        self.list()
            .and_then(|list| list.find(data, value))
            .ok_or_else(|| self.corrupt("a page's consumers do not decode"))
    }

    /// The rows of one of the page's distinct consumers. `repeats` is scratch.
    pub(super) fn rows_at(
        &self,
        place: usize,
        repeats: &mut Vec<u32>,
    ) -> Result<Range<usize>, CorruptError> {
        let (before, own) = match self.head.repeats {
            Repeats::None => (0, 0),
            Repeats::Packed => {
                let packed = self.packed_repeats()?;
                (packed.sum(place), packed.get(place))
            }
            Repeats::Listed => {
                self.listed_repeats(repeats)?;
                // Repeat k, which is row r, belongs to consumer r - k - 1; these do not fall.
                let until = |place: usize| {
                    let (mut from, mut to) = (0, repeats.len());
                    while from < to {
                        let middle = from.midpoint(to);
                        let row = repeats.get(middle).map_or(usize::MAX, |row| *row as usize);
                        if row <= place + middle {
                            from = middle + 1;
                        } else {
                            to = middle;
                        }
                    }
                    from
                };
                let before = until(place);
                (before as u64, (until(place + 1) - before) as u64)
            }
        };
        let start = before.saturating_add(place as u64);
        let end = start.saturating_add(own).saturating_add(1);
        if end > u64::from(self.entry.rows) {
            return Err(self.corrupt("a page has other rows than its entry says"));
        }
        Ok(start as usize..end as usize)
    }

    /// Decodes columns of some rows, replacing what `out` held but for the consumers.
    pub(super) fn decode(
        &self,
        first_day: i32,
        rows: Range<usize>,
        columns: ColumnSet,
        out: &mut RowBuffer,
    ) -> Result<(), CorruptError> {
        if columns.has(ColumnSet::DAY) {
            let day = |offset: i64| first_day.wrapping_add(offset as i32);
            self.column(DAY, rows.clone(), &mut out.day, day)?;
        } else {
            out.day.clear();
        }
        let number = |set: ColumnSet, column: usize, out: &mut Vec<u32>| {
            if columns.has(set) {
                self.column(column, rows.clone(), out, |value| value as u32)
            } else {
                out.clear();
                Ok(())
            }
        };
        number(ColumnSet::SECOND, SECOND, &mut out.second)?;
        number(ColumnSet::COUNT, COUNT, &mut out.count)?;
        number(ColumnSet::TOUCHPOINT, TOUCHPOINT, &mut out.touchpoint)?;
        number(ColumnSet::CATEGORY, CATEGORY, &mut out.category)?;
        number(ColumnSet::ITEM, ITEM, &mut out.item)?;
        number(ColumnSet::ORDER, ORDER, &mut out.order)?;
        if columns.has(ColumnSet::AMOUNT) {
            self.column(AMOUNT, rows.clone(), &mut out.amount, |value| value)?;
        } else {
            out.amount.clear();
        }
        Ok(())
    }

    /// How many of a column's rows in the page can have one of some values, which ascend: told
    /// from the column's head and dictionary.
    pub(super) fn holds(&self, column: usize, wanted: &[u32]) -> Result<Holds, CorruptError> {
        let is_wanted =
            |value: i64| u32::try_from(value).is_ok_and(|v| wanted.binary_search(&v).is_ok());
        if let Some(value) = self.constant(column) {
            return Ok(if is_wanted(value) { Holds::All } else { Holds::None });
        }
        let Some(column) = self.columns.get(column).copied().flatten() else {
            return Ok(Holds::Some);
        };
        if column.head.encoding == Encoding::Packed {
            let bits = u32::from(column.head.bits).min(62);
            let range = column.base..=column.base.saturating_add((1 << bits) - 1);
            let any = wanted.iter().any(|value| range.contains(&i64::from(*value)));
            return Ok(if any { Holds::Some } else { Holds::None });
        }
        let (count, bits) = (column.head.values as usize, u32::from(column.head.value_bits));
        let data = self.file.raw().get(column.at..).unwrap_or_default();
        let values = Packed::new(data, count, bits)
            .ok_or_else(|| self.corrupt("a page's column does not decode"))?;
        let value = |more| column.base.wrapping_add_unsigned(more);
        let found = values.iter(0, count).filter(|more| is_wanted(value(*more))).count();
        Ok(match found {
            0 => Holds::None,
            found if found == count => Holds::All,
            _ => Holds::Some,
        })
    }

    /// What each row adds to a base, for a column that is packed.
    pub(super) fn packed(&self, column: usize) -> Result<Option<(i64, Packed<'a>)>, CorruptError> {
        let Some(column) = self.columns.get(column).copied().flatten() else { return Ok(None) };
        if column.head.encoding != Encoding::Packed {
            return Ok(None);
        }
        let data = self.file.raw().get(column.at..).unwrap_or_default();
        let packed = Packed::new(data, self.entry.rows as usize, u32::from(column.head.bits));
        let packed = packed.ok_or_else(|| self.corrupt("a page's column does not decode"))?;
        Ok(Some((column.base, packed)))
    }

    /// Decodes a column for some rows.
    pub(super) fn column<T: Copy>(
        &self,
        column: usize,
        rows: Range<usize>,
        out: &mut Vec<T>,
        convert: impl Fn(i64) -> T,
    ) -> Result<(), CorruptError> {
        out.clear();
        if let Some(value) = self.constant(column) {
            out.resize(rows.len(), convert(value));
            return Ok(());
        }
        let Some(column) = self.columns.get(column).copied().flatten() else { return Ok(()) };
        let base = column.base;
        let data = self.file.raw().get(column.at..).unwrap_or_default();
        let (all, bits) = (self.entry.rows as usize, u32::from(column.head.bits));
        let wrong = || self.corrupt("a page's column does not decode");
        match column.head.encoding {
            Encoding::Constant => out.resize(rows.len(), convert(base)),
            Encoding::Packed => {
                let packed = Packed::new(data, all, bits).ok_or_else(wrong)?;
                let value = |more| convert(base.wrapping_add_unsigned(more));
                if packed.is_narrow() && rows.len() >= UNPACKED_MIN {
                    packed.each_block(rows.clone(), |block| {
                        out.extend(block.iter().map(|&more| value(u64::from(more))));
                    });
                } else {
                    out.extend(packed.iter(rows.start, rows.len()).map(value));
                }
            }
            Encoding::Dictionary => {
                let (count, value_bits) =
                    (column.head.values as usize, u32::from(column.head.value_bits));
                let values = Packed::new(data, count, value_bits).ok_or_else(wrong)?;
                let codes = data.get(packed_len(count, value_bits)..).unwrap_or_default();
                let codes = Packed::new(codes, all, bits).ok_or_else(wrong)?;
                let value = |code| convert(base.wrapping_add_unsigned(values.get(code as usize)));
                out.extend(codes.iter(rows.start, rows.len()).map(value));
            }
        }
        if out.len() == rows.len() { Ok(()) } else { Err(wrong()) }
    }
}

impl Column {
    /// Finds the streams of a column.
    fn open(raw: &[u8], head: ColumnHead, rows: usize, streams: &mut Streams) -> Option<Self> {
        let base = match head.base {
            Some(base) => base,
            None => u64_at(raw, streams.take(8)?)?.cast_signed(),
        };
        let (bits, value_bits) = (u32::from(head.bits), u32::from(head.value_bits));
        let at = match head.encoding {
            Encoding::Constant => streams.at,
            Encoding::Packed => streams.take(packed_len(rows, bits))?,
            Encoding::Dictionary => {
                let at = streams.take(packed_len(head.values as usize, value_bits))?;
                streams.take(packed_len(rows, bits))?;
                at
            }
        };
        Some(Self { head, base, at })
    }
}
