//! Segments in memory: few, whatever the size of the batches.

use std::path::PathBuf;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::columns::{append, retain};
use super::error::WriteError;
use super::trace::holds_any;
use crate::rows::EventColumns;
use crate::segment::{BuildOptions, Segment, build};

/// A segment is merged with those after it when it has less than this many times their rows, so
/// that there are at most `log4` of all rows.
const TIER: u64 = 3;
/// Segments below this size count as if they had it: merging them costs next to nothing.
const ROWS_MIN: u64 = 256;

/// A segment in memory.
pub(super) fn segment_of(events: &EventColumns, file_id: u64) -> Result<Arc<Segment>, WriteError> {
    // Presence may name consumers that an earlier segment has: the least day counts.
    let options = BuildOptions { file_id, seen: &RoaringBitmap::new() };
    let bytes = build(events, &options)?;
    Ok(Arc::new(Segment::from_bytes(bytes, PathBuf::from("memory"))?))
}

/// The segments with one more, merged where that keeps them few. Older events stay before newer.
pub(super) fn add(
    segments: &[Arc<Segment>],
    events: EventColumns,
    file_id: u64,
) -> Result<Vec<Arc<Segment>>, WriteError> {
    let mut kept = segments.len();
    let mut weight = (events.len() as u64).max(ROWS_MIN);
    while let Some(older) = segments[..kept].last() {
        let rows = older.rows().max(ROWS_MIN);
        if rows >= TIER * weight {
            break;
        }
        weight += rows;
        kept -= 1;
    }
    let mut all = EventColumns::default();
    for segment in &segments[kept..] {
        append(&mut all, &segment.read_all()?);
    }
    let segment = if all.is_empty() {
        segment_of(&events, file_id)?
    } else {
        append(&mut all, &events);
        segment_of(&all, file_id)?
    };
    Ok(segments[..kept].iter().cloned().chain([segment]).collect())
}

/// The segments without the events of some consumers.
pub(super) fn without(
    segments: &[Arc<Segment>],
    consumers: &RoaringBitmap,
) -> Result<Vec<Arc<Segment>>, WriteError> {
    let mut left = Vec::with_capacity(segments.len());
    for segment in segments {
        if !holds_any(segment, consumers)? {
            left.push(Arc::clone(segment));
            continue;
        }
        let mut events = segment.read_all()?;
        retain(&mut events, |consumer| !consumers.contains(consumer));
        if !events.is_empty() {
            left.push(segment_of(&events, segment.file_id())?);
        }
    }
    Ok(left)
}
