//! The traces of some consumers in files: who is where, and what their events name.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;

use crate::erasure::Deletion;
use crate::error::CorruptError;
use crate::index::IndexFile;
use crate::segment::{ColumnSet, FirstDaysByChunk, Lane, LaneChunk, RowBuffer, Segment};

/// The chunks of some consumers, each with their low halves.
fn by_chunk(consumers: &RoaringBitmap) -> BTreeMap<u32, Vec<u16>> {
    let mut chunks: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
    for consumer in consumers {
        let low = u16::try_from(consumer & 0xffff).unwrap_or_default();
        chunks.entry(consumer >> 16).or_default().push(low);
    }
    chunks
}

/// Whether a segment has a row of any of some consumers.
pub(super) fn holds_any(
    segment: &Segment,
    consumers: &RoaringBitmap,
) -> Result<bool, CorruptError> {
    let chunks = by_chunk(consumers);
    for lane in segment.presence().into_iter().chain(segment.lanes()) {
        let mut found = false;
        each_of(lane, &chunks, |_, _, _| {
            found = true;
            Ok(())
        })?;
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an index has any of some consumers in any set.
pub(super) fn index_holds_any(
    index: &IndexFile,
    consumers: &RoaringBitmap,
) -> Result<bool, CorruptError> {
    let chunks = by_chunk(consumers);
    for set in 0..index.sets() {
        let mut cursor = index.cursor(set);
        for (&chunk, lows) in &chunks {
            if let Some(container) = cursor.chunk(chunk)?
                && lows.iter().any(|&low| container.contains(low))
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Calls `each` with every chunk of a lane that has any of the consumers.
fn each_of(
    lane: Lane<'_>,
    chunks: &BTreeMap<u32, Vec<u16>>,
    mut each: impl FnMut(u32, &LaneChunk<'_>, &[u16]) -> Result<(), CorruptError>,
) -> Result<(), CorruptError> {
    let (first, last) = lane.chunks();
    let mut cursor = lane.cursor();
    for (&chunk, lows) in chunks.range(first..=last) {
        if let Some(part) = cursor.chunk(chunk)?
            && lows.iter().any(|&low| part.consumers().contains(low))
        {
            each(chunk, &part, lows)?;
        }
    }
    Ok(())
}

/// What the events of some consumers are and name.
#[derive(Debug, Default)]
pub(super) struct Traces {
    /// Events of each.
    pub(super) events: BTreeMap<u32, u64>,
    /// Positions of items and orders.
    pub(super) keys: [RoaringBitmap; 2],
}

impl Traces {
    /// Adds what a segment has of some consumers.
    pub(super) fn add(
        &mut self,
        segment: &Segment,
        consumers: &RoaringBitmap,
    ) -> Result<(), CorruptError> {
        let chunks = by_chunk(consumers);
        let columns = ColumnSet::ITEM.with(ColumnSet::ORDER);
        let mut rows = RowBuffer::default();
        for lane in segment.lanes() {
            each_of(lane, &chunks, |chunk, part, lows| {
                part.decode(columns, &mut rows)?;
                for (row, low) in rows.low.iter().enumerate() {
                    if lows.binary_search(low).is_ok() {
                        let consumer = chunk << 16 | u32::from(*low);
                        *self.events.entry(consumer).or_default() += 1;
                        let ids = [&rows.item, &rows.order].map(|ids| ids.get(row).copied());
                        for (keys, id) in self.keys.iter_mut().zip(ids) {
                            keys.extend(id.and_then(|id| id.checked_sub(1)));
                        }
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Takes out of `keys`, positions of items and orders, those that some event of a segment names.
pub(super) fn strike_named(
    segment: &Segment,
    keys: &mut [RoaringBitmap; 2],
) -> Result<(), CorruptError> {
    let columns = [ColumnSet::ITEM, ColumnSet::ORDER];
    let mut rows = RowBuffer::default();
    for lane in segment.lanes() {
        let wanted = columns
            .iter()
            .zip(&*keys)
            .filter(|(column, keys)| lane.columns().has(**column) && !keys.is_empty());
        let wanted = wanted.fold(ColumnSet::NONE, |all, (column, _)| all.with(*column));
        if wanted == ColumnSet::NONE {
            continue;
        }
        let mut cursor = lane.cursor();
        let mut next = cursor.next_chunk(0)?;
        while let Some(number) = next {
            if let Some(chunk) = cursor.chunk(number)? {
                chunk.decode(wanted, &mut rows)?;
                for (keys, ids) in keys.iter_mut().zip([&rows.item, &rows.order]) {
                    for position in ids.iter().filter_map(|id| id.checked_sub(1)) {
                        keys.remove(position);
                    }
                }
            }
            next = cursor.next_chunk(number + 1)?;
        }
    }
    Ok(())
}

/// The day of the newest event of a lane that is of nobody of some consumers.
pub(super) fn newest_without(
    lane: Lane<'_>,
    consumers: &RoaringBitmap,
) -> Result<Option<i32>, CorruptError> {
    let mut rows = RowBuffer::default();
    let mut newest = None;
    let mut cursor = lane.cursor();
    let mut next = cursor.next_chunk(0)?;
    while let Some(number) = next {
        if let Some(chunk) = cursor.chunk(number)? {
            chunk.decode(ColumnSet::DAY, &mut rows)?;
            let stays = |low: &u16| !consumers.contains(number << 16 | u32::from(*low));
            let days = rows.low.iter().zip(&rows.day).filter(|(low, _)| stays(low));
            newest = newest.max(days.map(|(_, day)| *day).max());
        }
        if newest == Some(lane.last_day()) {
            break;
        }
        next = cursor.next_chunk(number + 1)?;
    }
    Ok(newest)
}

/// What a deletion takes out of a segment: events, and whose. Those of consumers who are forgotten
/// do not count.
pub(super) fn deleted_of(
    segment: &Segment,
    deletion: &Deletion,
    forgotten: &RoaringBitmap,
    consumers: &mut RoaringBitmap,
) -> Result<u64, CorruptError> {
    let mut rows = RowBuffer::default();
    let mut events = 0;
    for lane in segment.lanes() {
        let days = deletion.days_of(lane.brand(), lane.behaviour());
        let touches = |days: &RangeInclusive<i32>| {
            *days.start() <= lane.last_day() && lane.first_day() <= *days.end()
        };
        let Some(days) = days.filter(touches) else { continue };
        let mut cursor = lane.cursor();
        let mut next = cursor.next_chunk(0)?;
        while let Some(number) = next {
            if let Some(chunk) = cursor.chunk(number)? {
                chunk.decode(ColumnSet::DAY, &mut rows)?;
                for (low, _) in rows.low.iter().zip(&rows.day).filter(|row| days.contains(row.1)) {
                    let consumer = number << 16 | u32::from(*low);
                    if !forgotten.contains(consumer) {
                        consumers.insert(consumer);
                        events += 1;
                    }
                }
            }
            next = cursor.next_chunk(number + 1)?;
        }
    }
    Ok(events)
}

/// The day of the first event that some consumers have in a segment beside deleted ones.
pub(super) fn first_days_without(
    segment: &Segment,
    consumers: &RoaringBitmap,
    deletion: &Deletion,
) -> Result<FirstDaysByChunk, CorruptError> {
    let chunks = by_chunk(consumers);
    let mut first: BTreeMap<u32, BTreeMap<u16, i32>> = BTreeMap::new();
    let mut rows = RowBuffer::default();
    for lane in segment.lanes() {
        let deleted = deletion.days_of(lane.brand(), lane.behaviour());
        each_of(lane, &chunks, |number, part, lows| {
            part.decode(ColumnSet::DAY, &mut rows)?;
            let own = first.entry(number).or_default();
            for (low, day) in rows.low.iter().zip(&rows.day) {
                let is_deleted = deleted.as_ref().is_some_and(|days| days.contains(day));
                if !is_deleted && lows.binary_search(low).is_ok() {
                    let first = own.entry(*low).or_insert(*day);
                    *first = (*first).min(*day);
                }
            }
            Ok(())
        })?;
    }
    first.retain(|_, days| !days.is_empty());
    let listed = |(chunk, days): (u32, BTreeMap<u16, i32>)| (chunk, days.into_iter().collect());
    Ok(first.into_iter().map(listed).collect())
}

/// Calls `each` with the consumers of some that a segment's presence lane has, and their days.
pub(super) fn each_present(
    segment: &Segment,
    consumers: &RoaringBitmap,
    mut each: impl FnMut(u32, i32),
) -> Result<(), CorruptError> {
    let chunks = by_chunk(consumers);
    let mut rows = RowBuffer::default();
    let Some(presence) = segment.presence() else { return Ok(()) };
    each_of(presence, &chunks, |number, part, lows| {
        part.decode(ColumnSet::DAY, &mut rows)?;
        for (low, day) in rows.low.iter().zip(&rows.day) {
            if lows.binary_search(low).is_ok() {
                each(number << 16 | u32::from(*low), *day);
            }
        }
        Ok(())
    })
}
