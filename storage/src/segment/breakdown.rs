//! What the bytes of lanes are for.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::error::CorruptError;
use crate::segment::layout::{Encoding, PAGE_LEN, PageEntry, PageKind, Repeats, UNIT};
use crate::segment::page::Page;
use crate::segment::reader::Lane;

/// The names of columns, in the file's order.
const COLUMN_NAMES: [&str; 8] =
    ["day", "second", "count", "touchpoint", "category", "item", "order", "amount"];

/// How much there is of one kind of stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Pages that have it.
    pub pages: u64,
    /// Rows in them; of consumers, distinct consumers.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.pages += other.pages;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// Bytes of lanes by (what they hold, in which form).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakdown {
    parts: BTreeMap<(&'static str, &'static str), Usage>,
}

impl Breakdown {
    /// Every kind of stream that there is, with its form.
    pub fn parts(&self) -> impl Iterator<Item = ((&'static str, &'static str), Usage)> {
        self.parts.iter().map(|(key, usage)| (*key, *usage))
    }

    /// Adds every page of a lane. It reads the head of each.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn add(&mut self, lane: Lane<'_>) -> Result<(), CorruptError> {
        let file = &lane.segment.file;
        let range = lane.entry.range();
        let count = lane.entry.pages as usize;
        let wrong = |what| file.corrupt(range.start, what);
        let list = file.get(range.start..range.start + lane.entry.list_len())?;
        let listed = list.chunks_exact(PAGE_LEN).map_while(PageEntry::read);
        let entries: Vec<_> = listed.chain(lane.entry.only_page()).collect();
        if entries.len() != count {
            return Err(wrong("an unknown kind of page"));
        }
        let place = |entry: &PageEntry| range.start + entry.offset as usize * UNIT;
        let ends = entries.iter().skip(1).map(place).chain([range.end]);
        let mut told = 0;
        for (entry, end) in entries.iter().zip(ends) {
            if end > range.end || end < place(entry) {
                return Err(wrong("a page is outside its lane"));
            }
            told += self.add_page(&Page::open(file, *entry, place(entry)..end)?);
        }
        let rest = (range.len() as u64).saturating_sub(told);
        let pages = count as u64;
        self.put("pages", "heads", Usage { pages, rows: u64::from(lane.entry.rows), bytes: rest });
        Ok(())
    }

    fn put(&mut self, what: &'static str, form: &'static str, usage: Usage) {
        *self.parts.entry((what, form)).or_default() += usage;
    }

    /// The bytes of a page's streams.
    fn add_page(&mut self, page: &Page<'_>) -> u64 {
        let (rows, consumers) = (u64::from(page.entry.rows), u64::from(page.entry.consumers()));
        let form = match page.entry.kind {
            PageKind::List => "list",
            PageKind::Bitset => "bitset",
            PageKind::Runs => "runs",
            PageKind::Full => "full",
        };
        let bytes = page.consumers_len() as u64;
        let mut told = bytes;
        self.put("consumers", form, Usage { pages: 1, rows: consumers, bytes });
        let form = match page.repeats() {
            Repeats::None => None,
            Repeats::Packed => Some("packed"),
            Repeats::Listed => Some("listed"),
        };
        if let Some(form) = form {
            let bytes = page.repeats_len() as u64;
            told += bytes;
            self.put("repeats", form, Usage { pages: 1, rows, bytes });
        }
        for (name, column) in COLUMN_NAMES.into_iter().zip(page.columns_len()) {
            let Some((encoding, bytes)) = column else { continue };
            let form = match encoding {
                Encoding::Constant => "constant",
                Encoding::Packed => "packed",
                Encoding::Dictionary => "dictionary",
            };
            told += bytes as u64;
            self.put(name, form, Usage { pages: 1, rows, bytes: bytes as u64 });
        }
        told
    }
}
