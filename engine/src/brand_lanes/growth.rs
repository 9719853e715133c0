//! Making the filters of a brand's lanes, a little by each of the questions that need them.

use std::sync::{Arc, Mutex, OnceLock};

use throng_storage::segment::{Lane, Segment};

use super::brand::BrandLanes;
use super::filter::{Filter, Hashed, Unfinished};

/// Consumers of a lane up to which it gets a filter, of 4 MiB at most: room for more would take one
/// question too long to make.
const CONSUMERS_MAX: u64 = 1 << 22;
/// Rows that take as long as finding a lane.
const ROWS_OF_LANE: u64 = 128;

/// The filters of a brand's lanes.
#[derive(Debug, Default)]
pub(super) struct LaneFilters {
    /// By place of the lane.
    made: Vec<OnceLock<Filter>>,
    growth: Mutex<Growth>,
}

/// How far their making has come.
#[derive(Debug, Default)]
struct Growth {
    /// Lanes without a filter, the smallest last; none while it is not known which.
    left: Option<Vec<usize>>,
    part: Option<Part>,
}

/// A filter to which some chunks were added.
#[derive(Debug)]
struct Part {
    lane: usize,
    filter: Unfinished,
    /// The first chunk that was not.
    chunk: u32,
}

/// A filter that was made.
pub(super) struct Made {
    pub(super) segment: usize,
    pub(super) behaviour: u16,
    pub(super) filter: Filter,
}

impl LaneFilters {
    /// A lane more, with its filter where there is one.
    pub(super) fn push(&mut self, filter: Option<Filter>) {
        self.made.push(filter.map_or_else(OnceLock::new, OnceLock::from));
    }

    /// Whether a lane may have a consumer, as far as is known.
    #[inline]
    pub(super) fn may_have(&self, lane: usize, consumer: Hashed) -> bool {
        let filter = self.made.get(lane).and_then(OnceLock::get);
        filter.is_none_or(|filter| filter.may_have(consumer))
    }
}

impl BrandLanes {
    /// Reads up to so many rows, about, for filters, unless somebody else does: the smallest lanes
    /// first, since each filter spares as much. Before a filter is begun `has_room` says whether
    /// there are so many bytes; when there are not, nothing is done. One that was made is used if
    /// `keep` keeps it: others may have taken the room meanwhile.
    pub(super) fn grow(
        &self,
        segments: &[Arc<Segment>],
        rows: &mut u64,
        mut has_room: impl FnMut(usize) -> bool,
        mut keep: impl FnMut(Made) -> bool,
    ) {
        let filters = self.filters();
        let Ok(mut growth) = filters.growth.try_lock() else { return };
        let growth = &mut *growth;
        let left = growth.left.get_or_insert_with(|| {
            let mut left: Vec<usize> = (0..filters.made.len()).collect();
            left.retain(|lane| {
                let consumers = self.lane(*lane, segments).consumers_total();
                filters.made[*lane].get().is_none() && consumers <= CONSUMERS_MAX
            });
            left.sort_by_key(|lane| std::cmp::Reverse(self.lane(*lane, segments).rows()));
            left
        });
        while *rows > 0 {
            let mut part = match growth.part.take() {
                Some(part) => part,
                None => {
                    let Some(lane) = left.last().copied() else { return };
                    let consumers = self.lane(lane, segments).consumers_total();
                    if !has_room(Unfinished::bytes(consumers)) {
                        return;
                    }
                    left.pop();
                    let chunk = self.lane(lane, segments).chunks().0;
                    Part { lane, filter: Unfinished::new(consumers), chunk }
                }
            };
            let lane = self.lane(part.lane, segments);
            match part.add(lane, rows) {
                // What cannot be read says so when a question needs it.
                None => {}
                Some(false) => growth.part = Some(part),
                Some(true) => {
                    let filter = part.filter.finish();
                    let (segment, behaviour) = (self.segment(part.lane), lane.behaviour());
                    if keep(Made { segment, behaviour, filter: filter.clone() }) {
                        // Nobody else makes those of this view.
                        let _ = filters.made[part.lane].set(filter);
                    }
                }
            }
        }
    }
}

impl Part {
    /// Adds the consumers of the next chunks, which have about as many rows as are left. Whether
    /// there are no more; none when they cannot be read.
    fn add(&mut self, lane: Lane<'_>, rows: &mut u64) -> Option<bool> {
        let last = lane.chunks().1;
        let chunks = u64::from(last - lane.chunks().0) + 1;
        let some = (chunks * *rows / lane.rows()).max(1);
        let end =
            u32::try_from(u64::from(self.chunk) + some).map_or(last + 1, |end| end.min(last + 1));
        let mut consumers = Vec::new();
        let read = lane.wide_cursor().append_consumers(self.chunk..end, &mut consumers).ok()?;
        consumers
            .iter()
            .for_each(|consumer| self.filter.add((self.chunk << 16).wrapping_add(*consumer)));
        *rows = rows.saturating_sub(read.rows + ROWS_OF_LANE);
        self.chunk = end;
        Some(end > last)
    }
}
