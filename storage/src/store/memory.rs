//! Segments in memory: few, whatever the size of the batches.

use std::path::PathBuf;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::columns::{append, retain};
use super::error::WriteError;
use super::trace::holds_any;
use crate::rows::EventColumns;
use crate::segment::{BuildOptions, Segment, build};

/// A small segment is merged with those after it when it has less than this many times their
/// rows, so that there are at most `log4` of their rows.
const TIER: u64 = 3;
/// Segments below this size count as if they had it: merging them costs next to nothing.
const ROWS_MIN: u64 = 256;
/// From here on segments are merged when there is a run of them: each event is written twice or
/// three times until it is in a file, where the rule for small ones would write it six times.
const SMALL_ROWS: u64 = 16_384;
/// So many make a run.
const RUN: usize = 8;
/// So many rows make a run too, and a segment that is left alone: whoever waits for a batch waits
/// for the merge, so none has more than twice these rows beside the batch.
const ROWS_MAX: u64 = 131_072;

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
    let rows: Vec<u64> = segments.iter().map(|segment| segment.rows()).collect();
    let kept = left_alone(&rows, events.len() as u64);
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

/// How many of the segments, from the oldest, are not merged with the newest events.
fn left_alone(segments: &[u64], newest: u64) -> usize {
    let mut kept = segments.len();
    let mut weight = newest.max(ROWS_MIN);
    while let Some(rows) = segments[..kept].last().map(|&rows| rows.max(ROWS_MIN)) {
        if rows >= SMALL_ROWS || rows >= TIER * weight {
            break;
        }
        weight += rows;
        kept -= 1;
    }
    if (SMALL_ROWS..ROWS_MAX).contains(&weight) {
        let run = segments[..kept].iter().rev().take_while(|&&rows| rows < ROWS_MAX);
        let count = run.clone().count();
        if count + 1 >= RUN || weight + run.sum::<u64>() >= ROWS_MAX {
            kept -= count;
        }
    }
    kept
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

#[cfg(test)]
mod tests {
    use super::{ROWS_MAX, SMALL_ROWS, left_alone};

    /// Segments after batches, and how often each of their events was written on average.
    fn after(batches: impl IntoIterator<Item = u64>) -> (Vec<u64>, f64) {
        let (mut segments, mut all, mut written) = (Vec::new(), 0, 0);
        for rows in batches {
            let kept = left_alone(&segments, rows);
            let merged = rows + segments.split_off(kept).iter().sum::<u64>();
            segments.push(merged);
            (all, written) = (all + rows, written + merged);
        }
        assert_eq!(segments.iter().sum::<u64>(), all);
        (segments, written as f64 / all as f64)
    }

    #[test]
    fn segments_stay_few_and_events_are_not_written_often() {
        for (rows, batches) in [(10_000, 200), (20_000, 100), (40_000, 50), (100_000, 20)] {
            let (segments, written) = after(std::iter::repeat_n(rows, batches));
            assert!(segments.len() <= 24 && written < 3.0, "{segments:?} {written}");
            assert!(segments.iter().all(|&rows| rows < 2 * ROWS_MAX), "{segments:?}");
        }
        assert!(after(std::iter::repeat_n(1, 100_000)).0.len() <= 13);
        for seed in 0..20_u64 {
            let sizes = (0..400_u64).map(|at| (seed * 7_919 + at * at * 31) % 9_973 + 1);
            let (segments, _) = after(sizes);
            assert!(segments.len() <= 27, "{segments:?}");
        }
        assert_eq!(after([SMALL_ROWS, 1, 1]).0, [SMALL_ROWS, 2]);
    }
}
