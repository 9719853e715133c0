//! Making the bytes of a segment from events.

use roaring::RoaringBitmap;

use crate::block::{FileKind, HEADER_LEN, seal};
use crate::bytes::align;
use crate::rows::{ColumnsError, EventColumns};
use crate::segment::directory;
use crate::segment::encode::{LaneRows, LaneWriter};
use crate::segment::layout::{
    AMOUNT, CATEGORY, COUNT, DAY, DAY_MAX, DirectoryHead, ITEM, ORDER, SECOND, TOUCHPOINT,
};
use crate::segment::presence;
use crate::segment::sort::{Grouped, KeyLayout, SortedLane};

/// Seconds are kept in this many bits at most.
const SECOND_BITS: u32 = 17;

/// How a segment is made.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions<'a> {
    /// A random number; the checksums bind every block to it.
    pub file_id: u64,
    /// Consumers whose first event is known to be in an earlier segment: they are left out of the
    /// presence lane.
    pub seen: &'a RoaringBitmap,
}

/// Why a segment cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// There is no event.
    #[error("a segment has at least one event")]
    Empty,
    /// The columns do not fit together.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// More than a segment can hold.
    #[error("a segment holds 2^32 - 1 events and 32 GiB a lane at most")]
    TooLarge,
    /// A day that cannot be stored.
    #[error("row {row}: day {day} is not within 0..=65534")]
    Day {
        /// The row.
        row: usize,
        /// Its day.
        day: i32,
    },
    /// A second that cannot be stored.
    #[error("row {row}: second {second} is not within a day")]
    Second {
        /// The row.
        row: usize,
        /// Its second.
        second: u32,
    },
}

/// Sorts events by (brand, behaviour, consumer, day, second), keeping the order of equal ones, and
/// gives the bytes of their segment.
///
/// # Errors
/// When there are none, or they cannot be stored.
pub fn build(events: &EventColumns, options: &BuildOptions<'_>) -> Result<Vec<u8>, BuildError> {
    let (first_day, last_day) = check(events)?;
    let layout = KeyLayout::new(events, i32::from(first_day), i32::from(last_day));
    let grouped = Grouped::new(events, layout);
    let mut out = Vec::with_capacity(events.len().saturating_mul(4) + HEADER_LEN);
    out.resize(HEADER_LEN, 0);
    let mut writer = LaneWriter::default();
    let mut entries = Vec::with_capacity(grouped.lanes.len() + 1);
    let mut sorted = SortedLane::default();
    let mut rows = LaneRows { first_day, ..LaneRows::default() };
    for lane in &grouped.lanes {
        sorted.sort(events, &grouped, *lane);
        (rows.brand, rows.behaviour) = (lane.brand, lane.behaviour);
        fill(events, &sorted, lane.columns, &mut rows);
        entries.push(writer.write(&rows, &mut out)?);
    }
    drop(grouped);
    let lanes = u32::try_from(entries.len()).map_err(|_| BuildError::TooLarge)?;
    let first_seen = presence::first_days(events, first_day, options.seen);
    let presence = match &first_seen {
        Some(rows) => Some(writer.write(rows, &mut out)?),
        None => None,
    };
    let all = entries.iter().chain(&presence);
    let chunk_end = all.map(|lane| u32::from(lane.last_chunk) + 1).max().unwrap_or(0);
    align(&mut out, 8);
    let start = out.len();
    let head = DirectoryHead {
        rows: events.len() as u64,
        lanes,
        presence: u32::from(presence.is_some()),
        chunk_end,
        first_day,
        last_day,
        arrival: 0,
    };
    directory::write(&head, &entries, presence.as_ref(), &mut out);
    let end = out.len();
    Ok(seal(FileKind::Segment, options.file_id, out, start..end))
}

/// The first and last day, when everything can be stored.
fn check(events: &EventColumns) -> Result<(u16, u16), BuildError> {
    events.check()?;
    if events.len() >= u32::MAX as usize {
        return Err(BuildError::TooLarge);
    }
    let (mut first, mut last) = (DAY_MAX, 0);
    for (row, &day) in events.day.iter().enumerate() {
        match u16::try_from(day) {
            Ok(day) if day <= DAY_MAX => (first, last) = (first.min(day), last.max(day)),
            _ => return Err(BuildError::Day { row, day }),
        }
    }
    for (row, &second) in events.second.iter().enumerate() {
        if second >> SECOND_BITS != 0 {
            return Err(BuildError::Second { row, second });
        }
    }
    if events.is_empty() { Err(BuildError::Empty) } else { Ok((first, last)) }
}

/// Gathers the columns of a sorted lane.
fn fill(events: &EventColumns, sorted: &SortedLane, stored: u8, rows: &mut LaneRows) {
    rows.consumer.clear();
    rows.consumer.extend_from_slice(&sorted.consumer);
    let columns = &mut rows.columns;
    copy(&sorted.day, &mut columns[DAY]);
    copy(&sorted.second, &mut columns[SECOND]);
    let order = |column: usize| if stored >> column & 1 != 0 { &sorted.row[..] } else { &[] };
    gather(&events.count, order(COUNT), &mut columns[COUNT]);
    gather(&events.touchpoint, order(TOUCHPOINT), &mut columns[TOUCHPOINT]);
    gather(&events.category, order(CATEGORY), &mut columns[CATEGORY]);
    gather(&events.item, order(ITEM), &mut columns[ITEM]);
    gather(&events.order, order(ORDER), &mut columns[ORDER]);
    gather(&events.amount, order(AMOUNT), &mut columns[AMOUNT]);
}

/// A column that is 0 everywhere is not stored.
fn copy(values: &[u32], out: &mut Vec<i64>) {
    out.clear();
    if values.iter().any(|&value| value != 0) {
        out.extend(values.iter().map(|&value| i64::from(value)));
    }
}

fn gather<T: Copy + Into<i64>>(values: &[T], order: &[u32], out: &mut Vec<i64>) {
    out.clear();
    out.extend(order.iter().map(|&row| values[row as usize].into()));
}
