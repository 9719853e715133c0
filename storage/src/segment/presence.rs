//! The presence lane: who has a first event in a segment, and on which day.

#![expect(clippy::cast_possible_truncation, reason = "values are taken out of their packing")]

use roaring::RoaringBitmap;

use crate::rows::EventColumns;
use crate::segment::encode::LaneRows;
use crate::segment::layout::DAY;

/// A table of all ids in range is used while it has at most this many ids per event.
const IDS_PER_EVENT: usize = 64;
/// Known consumers are walked, not looked up, below this many of them per consumer.
const SEEN_PER_CONSUMER: u64 = 16;

/// The consumers that are not in `seen` with their first days; none when there is none.
pub(super) fn first_days(
    events: &EventColumns,
    first_day: u16,
    seen: &RoaringBitmap,
) -> Option<LaneRows> {
    let base = events.consumer.iter().copied().min()?;
    let top = events.consumer.iter().copied().max()?;
    let ids = (top - base) as usize + 1;
    let mut rows = LaneRows { first_day, ..LaneRows::default() };
    let mut days = Vec::new();
    let mut filter = Unseen::new(seen, base, top, ids.min(events.len()));
    let mut push = |consumer: u32, day: i64| {
        if filter.keeps(consumer) {
            rows.consumer.push(consumer);
            days.push(day);
        }
    };
    let offset = |day: i32| day.abs_diff(i32::from(first_day)) as u16;
    if ids <= events.len().saturating_mul(IDS_PER_EVENT) {
        let mut first = vec![u16::MAX; ids];
        for (&consumer, &day) in events.consumer.iter().zip(&events.day) {
            let known = &mut first[(consumer - base) as usize];
            *known = offset(day).min(*known);
        }
        for (consumer, &day) in (base..=top).zip(&first) {
            if day != u16::MAX {
                push(consumer, i64::from(day));
            }
        }
    } else {
        let pairs = events.consumer.iter().zip(&events.day);
        let mut pairs: Vec<u64> = pairs
            .map(|(&consumer, &day)| u64::from(consumer) << 16 | u64::from(offset(day)))
            .collect();
        pairs.sort_unstable();
        pairs.dedup_by_key(|pair| *pair >> 16);
        for pair in pairs {
            push((pair >> 16) as u32, i64::from(pair as u16));
        }
    }
    if rows.consumer.is_empty() {
        return None;
    }
    if days.iter().any(|&day| day != 0) {
        rows.columns[DAY] = days;
    }
    Some(rows)
}

/// Says of ascending consumers whether they are new.
enum Unseen<'a> {
    /// By looking each up.
    Lookup(&'a RoaringBitmap),
    /// By walking beside them.
    Walk(std::iter::Peekable<roaring::bitmap::Iter<'a>>),
}

impl<'a> Unseen<'a> {
    fn new(seen: &'a RoaringBitmap, base: u32, top: u32, consumers: usize) -> Self {
        if seen.range_cardinality(base..=top) / SEEN_PER_CONSUMER > consumers as u64 {
            return Self::Lookup(seen);
        }
        Self::Walk(seen.range(base..=top).peekable())
    }

    fn keeps(&mut self, consumer: u32) -> bool {
        match self {
            Self::Lookup(seen) => !seen.contains(consumer),
            Self::Walk(walk) => {
                while walk.next_if(|&known| known < consumer).is_some() {}
                walk.peek() != Some(&consumer)
            }
        }
    }
}
