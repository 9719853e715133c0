//! Segments: what the heads of lanes and the presence lane say, against the rows.

use roaring::RoaringBitmap;

use super::finding::{Fault, Finding};
use crate::container::CHUNK_SIZE;
use crate::error::CorruptError;
use crate::names::NameTable;
use crate::segment::{ColumnSet, Lane, RowBuffer, Segment};
use crate::store::columns::Limits;

/// No day.
const NEVER: u16 = u16::MAX;

/// The first day of every consumer, by presence lanes.
#[derive(Debug)]
pub(super) struct Presence {
    days: Vec<u16>,
}

impl Presence {
    pub(super) fn new(consumers: u32) -> Self {
        Self { days: vec![NEVER; consumers as usize] }
    }

    /// Adds the presence lane of a segment.
    pub(super) fn add(&mut self, segment: &Segment) -> Result<(), CorruptError> {
        each_presence(segment, |consumer, day| {
            if let Some(first) = self.days.get_mut(consumer as usize) {
                *first = day.min(*first);
            }
        })
    }

    fn get(&self, consumer: usize) -> u16 {
        self.days.get(consumer).copied().unwrap_or(NEVER)
    }
}

/// Whether a segment has rows of consumers that no presence lane knows on their first day there.
pub(super) fn lacks_presence(segment: &Segment, known: &Presence) -> Result<bool, CorruptError> {
    let mut lacks = false;
    let mut rows = RowBuffer::default();
    for lane in segment.lanes() {
        each_chunk(lane, ColumnSet::DAY, &mut rows, |chunk, rows| {
            for (&low, &day) in rows.low.iter().zip(&rows.day) {
                let consumer = (chunk << 16 | u32::from(low)) as usize;
                lacks |= i32::from(known.get(consumer)) > day;
            }
        })?;
    }
    Ok(lacks)
}

fn each_presence(segment: &Segment, mut each: impl FnMut(u32, u16)) -> Result<(), CorruptError> {
    let Some(presence) = segment.presence() else { return Ok(()) };
    let mut rows = RowBuffer::default();
    each_chunk(presence, ColumnSet::DAY, &mut rows, |chunk, rows| {
        for (&low, &day) in rows.low.iter().zip(&rows.day) {
            each(chunk << 16 | u32::from(low), u16::try_from(day).unwrap_or(NEVER));
        }
    })
}

fn each_chunk(
    lane: Lane<'_>,
    columns: ColumnSet,
    rows: &mut RowBuffer,
    mut each: impl FnMut(u32, &RowBuffer),
) -> Result<(), CorruptError> {
    let mut cursor = lane.cursor();
    let mut next = cursor.next_chunk(0)?;
    while let Some(number) = next {
        if let Some(chunk) = cursor.chunk(number)? {
            chunk.decode(columns, rows)?;
            each(number, rows);
        }
        next = cursor.next_chunk(number + 1)?;
    }
    Ok(())
}

/// Compares segments with what they say of themselves.
pub(super) struct RowCheck<'a> {
    limits: Limits,
    known: &'a Presence,
    name: &'a dyn Fn(NameTable, u32) -> String,
    /// First days of the present segment's rows.
    first: Vec<u16>,
    rows: RowBuffer,
    erased: &'a Erased,
}

/// Who was taken out.
#[derive(Debug, Default)]
pub(super) struct Erased {
    /// Positions of keys that are forgotten, by table.
    pub(super) buried: [RoaringBitmap; 3],
    /// Consumers who are in no file any more.
    pub(super) gone: RoaringBitmap,
}

impl Erased {
    /// Whether a consumer is forgotten. Some files may hold them and others not any more, as each
    /// is written again for itself: their first days need not agree.
    fn has(&self, consumer: u32) -> bool {
        self.buried[0].contains(consumer)
    }
}

/// What the rows of a lane are.
#[derive(Debug, Default)]
struct Found {
    rows: u64,
    consumers: u64,
    days: Option<(i32, i32)>,
    chunks: Option<(u32, u32)>,
    unsorted: bool,
    /// A column that the directory does not name and some row has.
    unnamed: bool,
    /// The heads of chunks contradict their rows.
    heads: bool,
    /// A consumer has rows who was forgotten.
    forgotten: bool,
    wrong_id: Option<(&'static str, u64, u64)>,
}

impl<'a> RowCheck<'a> {
    pub(super) fn new(
        limits: Limits,
        known: &'a Presence,
        name: &'a dyn Fn(NameTable, u32) -> String,
        erased: &'a Erased,
    ) -> Self {
        Self { limits, known, name, first: Vec::new(), rows: RowBuffer::default(), erased }
    }

    /// What is wrong with segments of one merge, or with a single one, beside their checksums.
    pub(super) fn segments(&mut self, segments: &[&Segment]) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut whole = true;
        let mut first = Vec::with_capacity(segments.len());
        for segment in segments {
            whole &= self.segment(segment, &mut findings);
            first.push(std::mem::take(&mut self.first));
        }
        if whole {
            findings.extend(self.presence(segments, &first));
        }
        findings
    }

    /// Whether all lanes of a segment could be read; what is wrong is added to the findings.
    fn segment(&mut self, segment: &Segment, findings: &mut Vec<Finding>) -> bool {
        let consumers = (self.limits.keys[0] as usize).next_multiple_of(CHUNK_SIZE);
        let end = (segment.chunk_end() as usize * CHUNK_SIZE).min(consumers);
        self.first.resize(end, NEVER);
        let (mut days, mut chunk_end, mut whole) = (None, 0, true);
        for lane in segment.lanes() {
            let brand = (self.name)(NameTable::Brand, lane.brand());
            let behaviour = (self.name)(NameTable::Behaviour, u32::from(lane.behaviour()));
            let lane_findings = match self.read(lane) {
                Ok(found) => {
                    days = join(days, found.days);
                    chunk_end =
                        found.chunks.map_or(chunk_end, |chunks| chunk_end.max(chunks.1 + 1));
                    self.compare(segment, lane, &found)
                }
                Err(error) => {
                    whole = false;
                    vec![Finding::bytes(error)]
                }
            };
            findings.extend(lane_findings.into_iter().map(|f| f.in_lane(&brand, &behaviour)));
        }
        if !whole {
            return false;
        }
        // The days of the first and the last event stay what they were when those are taken out
        // of a segment that is one of several.
        let within = |(first, last)| segment.first_day() <= first && last <= segment.last_day();
        if !days.is_none_or(within) {
            let fault = Fault::Bytes("the rows have other days than the directory says");
            findings.push(Finding::new(segment.path(), 0, fault));
        }
        let presence_end = segment.presence().map_or(0, |lane| lane.chunks().1 + 1);
        if chunk_end.max(presence_end) != segment.chunk_end() {
            let (stated, found) = (u64::from(segment.chunk_end()), u64::from(chunk_end));
            let fault = Fault::Differs { what: "chunks", stated, found };
            findings.push(Finding::new(segment.path(), 0, fault));
        }
        true
    }

    /// Decodes every column of every row.
    fn read(&mut self, lane: Lane<'_>) -> Result<Found, CorruptError> {
        let mut found = Found::default();
        let (limits, first) = (self.limits, &mut self.first);
        let names = lane_ids(lane, &limits);
        found.wrong_id = names;
        let mut cursor = lane.cursor();
        let mut next = cursor.next_chunk(0)?;
        while let Some(number) = next {
            if let Some(chunk) = cursor.chunk(number)? {
                chunk.decode(ColumnSet::ALL, &mut self.rows)?;
                let rows = &self.rows;
                let distinct = distinct(&rows.low);
                let (count, members) = (rows.low.len() as u64, u64::from(chunk.cardinality()));
                found.heads |= u64::from(chunk.rows()) != count
                    || distinct != members
                    || u64::from(chunk.consumers().cardinality()) != members
                    || !rows.low.iter().all(|&low| chunk.consumers().contains(low));
                found.rows += count;
                found.consumers += distinct;
                found.take(number, lane, rows, &limits);
                let gone = &self.erased.gone;
                found.forgotten |= !gone.is_empty()
                    && rows.low.iter().any(|&l| gone.contains(number << 16 | u32::from(l)));
                for (&low, &day) in rows.low.iter().zip(&rows.day) {
                    let consumer = (number << 16 | u32::from(low)) as usize;
                    if let Some(first) = first.get_mut(consumer) {
                        *first = u16::try_from(day).unwrap_or(NEVER).min(*first);
                    }
                }
            }
            next = cursor.next_chunk(number + 1)?;
        }
        Ok(found)
    }

    fn compare(&self, segment: &Segment, lane: Lane<'_>, found: &Found) -> Vec<Finding> {
        let mut faults = Vec::new();
        let mut differs = |what, stated, found| {
            if stated != found {
                faults.push(Fault::Differs { what, stated, found });
            }
        };
        differs("rows", lane.rows(), found.rows);
        differs("consumers", lane.consumers_total(), found.consumers);
        let wrong = [
            (found.days != Some((lane.first_day(), lane.last_day())), "the rows have other days"),
            (found.chunks != Some(lane.chunks()), "the rows have other chunks"),
            (found.unsorted, "the rows are not in order"),
            (found.unnamed, "the rows have a column that the lane does not name"),
            (found.heads, "the consumers of a chunk are not those of its rows"),
            (found.forgotten, "rows of a consumer who was forgotten"),
        ];
        faults.extend(wrong.iter().filter(|(wrong, _)| *wrong).map(|(_, what)| Fault::Bytes(what)));
        let id = found.wrong_id;
        faults.extend(id.map(|(column, id, end)| Fault::Id { column, id, end }));
        let finding = |fault| Finding::new(segment.path(), lane.offset(), fault);
        faults.into_iter().map(finding).collect()
    }

    /// Compares presence lanes with the first days of the rows: one of the segments of a merge has
    /// the presence of them all.
    fn presence(&self, segments: &[&Segment], first: &[Vec<u16>]) -> Vec<Finding> {
        let end = first.iter().map(Vec::len).max().unwrap_or(0);
        let at = |first: &Vec<u16>, consumer: usize| first.get(consumer).copied().unwrap_or(NEVER);
        let of_all = |consumer: usize| first.iter().map(|own| at(own, consumer)).min();
        let note = |wrong: &mut (u64, u32), consumer: u32| {
            if self.erased.has(consumer) {
                return;
            }
            if wrong.0 == 0 {
                wrong.1 = consumer;
            }
            wrong.0 += 1;
        };
        let mut findings = Vec::new();
        let mut tell = |segment: &Segment, what, (consumers, first): (u64, u32)| {
            if consumers > 0 {
                let offset = segment.presence().map_or(0, |lane| lane.offset());
                let fault = Fault::Presence { what, consumers, first };
                findings.push(Finding::new(segment.path(), offset, fault));
            }
        };
        for (segment, own) in segments.iter().zip(first) {
            let mut wrong_days = (0, 0);
            let read = each_presence(segment, |consumer, day| {
                let place = consumer as usize;
                let is_first = day == at(own, place) || Some(day) == of_all(place);
                // A merge keeps the earliest that its inputs said; where one of them left it to an
                // earlier segment, that may be a later row, which decides nothing.
                if day == NEVER || !is_first && self.known.get(place) >= day {
                    note(&mut wrong_days, consumer);
                }
            });
            if let Err(error) = read {
                return vec![Finding::bytes(error)];
            }
            tell(
                segment,
                "first days in the presence lane that are not those of the rows",
                wrong_days,
            );
        }
        let mut unknown = (0, 0);
        for consumer in 0..end {
            let day = of_all(consumer).unwrap_or(NEVER);
            if day != NEVER && self.known.get(consumer) > day {
                note(&mut unknown, u32::try_from(consumer).unwrap_or(u32::MAX));
            }
        }
        if let [segment, ..] = segments {
            tell(segment, "rows of consumers that no presence lane knows by then", unknown);
        }
        findings
    }
}

impl Found {
    fn take(&mut self, number: u32, lane: Lane<'_>, rows: &RowBuffer, limits: &Limits) {
        let (Some(least), Some(greatest)) = (rows.day.iter().min(), rows.day.iter().max()) else {
            return;
        };
        self.days = join(self.days, Some((*least, *greatest)));
        self.chunks = Some((self.chunks.map_or(number, |chunks| chunks.0), number));
        let keys = rows.low.iter().zip(&rows.day).zip(&rows.second);
        self.unsorted |= !keys.is_sorted();
        let columns = lane.columns();
        let strays = [
            (ColumnSet::SECOND, rows.second.iter().any(|&value| value != 0)),
            (ColumnSet::COUNT, rows.count.iter().any(|&value| value != 1)),
            (ColumnSet::TOUCHPOINT, rows.touchpoint.iter().any(|&value| value != 0)),
            (ColumnSet::CATEGORY, rows.category.iter().any(|&value| value != 0)),
            (ColumnSet::ITEM, rows.item.iter().any(|&value| value != 0)),
            (ColumnSet::ORDER, rows.order.iter().any(|&value| value != 0)),
            (ColumnSet::AMOUNT, rows.amount.iter().any(|&value| value != 0)),
        ];
        self.unnamed |= strays.iter().any(|(column, there)| *there && !columns.has(*column));
        let [.., touchpoints, categories] = limits.names;
        let [consumers, items, orders] = limits.keys;
        let last = rows.low.last().map_or(0, |&low| number << 16 | u32::from(low));
        let greatest = |values: &[u32]| values.iter().copied().max().unwrap_or(0);
        let ids = [
            ("consumer", last, u64::from(consumers)),
            ("touchpoint", greatest(&rows.touchpoint), u64::from(touchpoints) + 1),
            ("category", greatest(&rows.category), u64::from(categories) + 1),
            ("item", greatest(&rows.item), u64::from(items) + 1),
            ("order", greatest(&rows.order), u64::from(orders) + 1),
        ];
        let wrong = ids.into_iter().find(|(_, id, end)| u64::from(*id) >= *end);
        self.wrong_id = self.wrong_id.or(wrong.map(|(what, id, end)| (what, u64::from(id), end)));
    }
}

/// A brand or behaviour that has no name.
fn lane_ids(lane: Lane<'_>, limits: &Limits) -> Option<(&'static str, u64, u64)> {
    let [brands, behaviours, ..] = limits.names;
    let ids = [
        ("brand", u64::from(lane.brand()), u64::from(brands) + 1),
        ("behaviour", u64::from(lane.behaviour()), u64::from(behaviours) + 1),
    ];
    ids.into_iter().find(|(_, id, end)| *id == 0 || id >= end)
}

fn join(a: Option<(i32, i32)>, b: Option<(i32, i32)>) -> Option<(i32, i32)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (one, other) => one.or(other),
    }
}

fn distinct(low: &[u16]) -> u64 {
    low.chunk_by(|a, b| a == b).count() as u64
}
