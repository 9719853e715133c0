//! The presence lane: who has a first event in a segment, and on which day.

#![expect(clippy::cast_possible_truncation, reason = "values are taken out of their packing")]

use roaring::RoaringBitmap;

use crate::container::CHUNK_SIZE;
use crate::rows::EventColumns;
use crate::segment::encode::LaneRows;
use crate::segment::layout::DAY;
use crate::segment::merge::DayBlock;

/// From this many events on a chunk's first days are collected in a table, not sorted.
const TABLE_EVENTS: usize = 4096;
/// No day in the table.
const NEVER: u16 = u16::MAX;

/// The consumers that are not in `seen` with their first days; none when there is none.
pub(super) fn first_days(
    events: &EventColumns,
    first_day: u16,
    seen: &RoaringBitmap,
) -> Option<LaneRows> {
    let mut rows = LaneRows { first_day, ..LaneRows::default() };
    let mut days = Vec::new();
    let mut table = vec![NEVER; CHUNK_SIZE];
    let mut unseen = Unseen::new(seen);
    by_chunk(events, first_day, |chunk, pairs| {
        unseen.enter(chunk, pairs.len());
        let mut push = |low: u16, day: u16| {
            if unseen.keeps(low) {
                rows.consumer.push(chunk << 16 | u32::from(low));
                days.push(i64::from(day));
            }
        };
        if pairs.len() < TABLE_EVENTS {
            pairs.sort_unstable();
            let mut before = None;
            for (low, day) in pairs.iter().map(|pair| ((pair >> 16) as u16, *pair as u16)) {
                if before != Some(low) {
                    push(low, day);
                }
                before = Some(low);
            }
            return;
        }
        for pair in pairs {
            let first = &mut table[(*pair >> 16) as usize];
            *first = (*pair as u16).min(*first);
        }
        for (low, day) in (0..=u16::MAX).zip(&mut table) {
            if *day != NEVER {
                push(low, *day);
                *day = NEVER;
            }
        }
    });
    if rows.consumer.is_empty() {
        return None;
    }
    if days.iter().any(|&day| day != 0) {
        rows.columns[DAY] = days;
    }
    Some(rows)
}

/// Gives each chunk's events, packed as low half of the consumer and days after the first.
fn by_chunk(events: &EventColumns, first_day: u16, mut each: impl FnMut(u32, &mut [u32])) {
    let base = events.consumer.iter().min().map_or(0, |min| min >> 16);
    let chunks = events.consumer.iter().max().map_or(0, |max| (max >> 16) - base + 1);
    let place = |consumer: u32| ((consumer >> 16) - base) as usize;
    let mut ends = vec![0_u32; chunks as usize];
    for &consumer in &events.consumer {
        ends[place(consumer)] += 1;
    }
    let mut total = 0;
    for end in &mut ends {
        total += std::mem::replace(end, total);
    }
    let mut pairs = vec![0_u32; events.len()];
    for (&consumer, &day) in events.consumer.iter().zip(&events.day) {
        let end = &mut ends[place(consumer)];
        let offset = day.abs_diff(i32::from(first_day));
        pairs[*end as usize] = consumer << 16 | offset & 0xffff;
        *end += 1;
    }
    let mut start = 0;
    for (chunk, end) in (base..).zip(ends) {
        if start < end {
            each(chunk, &mut pairs[start as usize..end as usize]);
        }
        start = end;
    }
}

/// Says who of a chunk is new.
struct Unseen<'a> {
    seen: &'a RoaringBitmap,
    chunk: u32,
    /// Who of the chunk is known, when many are asked for.
    known: Vec<bool>,
    mode: Mode,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    AllNew,
    Lookup,
    Table,
}

impl<'a> Unseen<'a> {
    fn new(seen: &'a RoaringBitmap) -> Self {
        Self { seen, chunk: 0, known: Vec::new(), mode: Mode::AllNew }
    }

    fn enter(&mut self, chunk: u32, events: usize) {
        self.chunk = chunk;
        let ids = chunk << 16..=chunk << 16 | 0xffff;
        self.mode = if events < TABLE_EVENTS {
            Mode::Lookup
        } else if self.seen.range_cardinality(ids.clone()) == 0 {
            Mode::AllNew
        } else {
            self.known.clear();
            self.known.resize(CHUNK_SIZE, false);
            for id in self.seen.range(ids) {
                self.known[(id & 0xffff) as usize] = true;
            }
            Mode::Table
        };
    }

    fn keeps(&self, low: u16) -> bool {
        match self.mode {
            Mode::AllNew => true,
            Mode::Lookup => !self.seen.contains(self.chunk << 16 | u32::from(low)),
            Mode::Table => !self.known[usize::from(low)],
        }
    }
}

/// The first day of each consumer of a chunk, from the presence of several segments.
#[derive(Debug)]
pub(super) struct FirstDays {
    table: Vec<u16>,
    /// Who has a day in the table, ascending once `sort` was called.
    lows: Vec<u16>,
}

impl Default for FirstDays {
    fn default() -> Self {
        Self { table: vec![NEVER; CHUNK_SIZE], lows: Vec::new() }
    }
}

impl FirstDays {
    /// Notes that a consumer had an event on a day.
    pub(super) fn note(&mut self, low: u16, day: i32) {
        let first = &mut self.table[usize::from(low)];
        if *first == NEVER {
            self.lows.push(low);
        }
        *first = (day as u16).min(*first);
    }

    /// Puts the consumers in order.
    pub(super) fn sort(&mut self) {
        if self.lows.len() < TABLE_EVENTS {
            self.lows.sort_unstable();
            return;
        }
        self.lows.clear();
        let days = (0..=u16::MAX).zip(&self.table);
        self.lows.extend(days.filter(|(_, day)| **day != NEVER).map(|(low, _)| low));
    }

    /// Appends those with their first day in a block.
    pub(super) fn fill(&self, chunk: u32, block: DayBlock, rows: &mut LaneRows) {
        let first_day = i32::from(rows.first_day);
        for (low, day) in self.of(block) {
            rows.consumer.push(chunk << 16 | u32::from(low));
            rows.columns[DAY].push(i64::from(day.abs_diff(first_day)));
        }
    }

    /// Whether anybody's first day is in a block.
    pub(super) fn has(&self, block: DayBlock) -> bool {
        self.of(block).next().is_some()
    }

    fn of(&self, block: DayBlock) -> impl Iterator<Item = (u16, i32)> {
        let day = |&low: &u16| (low, i32::from(self.table[usize::from(low)]));
        self.lows.iter().map(day).filter(move |(_, day)| block.contains(*day))
    }

    /// Forgets the chunk.
    pub(super) fn clear(&mut self) {
        for low in self.lows.drain(..) {
            self.table[usize::from(low)] = NEVER;
        }
    }
}
