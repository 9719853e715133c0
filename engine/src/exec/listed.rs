//! Which lanes a pass reads, each once, and what of them.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use throng_storage::segment::Lane;

use super::program::{LaneChoice, NodeId};
use crate::view::View;

/// What the rows of one lane are read for.
pub(super) trait Purpose {
    /// Ends the making of it; only rows on some days will be read. What it needs of them.
    fn settle(&mut self, read: &RangeInclusive<i32>) -> Needs;
}

/// What is read of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Who has a row.
    Consumers,
    /// The consumer and the day of each row.
    Days,
    /// The consumer and the amount of each row; only where many chunks are read at once.
    Amounts,
    /// These, and the day of each row.
    DatedAmounts,
}

/// One lane of one segment.
#[derive(Debug)]
pub(super) struct ListedLane<'v, P> {
    pub(super) lane: Lane<'v>,
    /// The days of the rows that are read.
    pub(super) days: RangeInclusive<i32>,
    pub(super) needs: Needs,
    pub(super) purpose: P,
    /// The first leaf that reads it.
    pub(super) node: NodeId,
}

/// The lanes of a pass.
#[derive(Debug)]
pub(super) struct LaneList<'v, P> {
    lanes: Vec<ListedLane<'v, P>>,
    /// Where the lane of a segment, brand and behaviour is.
    places: HashMap<(usize, u32, u16), usize>,
}

impl<'v, P: Purpose> LaneList<'v, P> {
    /// No lanes yet.
    pub(super) fn new() -> Self {
        Self { lanes: Vec::new(), places: HashMap::new() }
    }

    /// Adds a lane, made for `node` unless it is there already, with rows on some days more.
    pub(super) fn lane(
        &mut self,
        (segment, lane): (usize, Lane<'v>),
        days: &RangeInclusive<i32>,
        node: NodeId,
        purpose: impl FnOnce() -> P,
    ) -> &mut P {
        let lanes = &mut self.lanes;
        let place = (segment, lane.brand(), lane.behaviour());
        let place = *self.places.entry(place).or_insert_with(|| {
            let (days, purpose) = (days.clone(), purpose());
            lanes.push(ListedLane { lane, days, needs: Needs::Days, purpose, node });
            lanes.len() - 1
        });
        let lane = &mut lanes[place];
        let start = (*lane.days.start()).min(*days.start());
        let end = (*lane.days.end()).max(*days.end());
        lane.days = start..=end;
        &mut lane.purpose
    }

    /// Ends the adding. The lanes, the oldest first, so that the rows that a consumer has in lanes
    /// that share no day come in their order.
    pub(super) fn settle(mut self) -> Vec<ListedLane<'v, P>> {
        self.lanes.sort_by_key(|of| of.lane.first_day());
        for lane in &mut self.lanes {
            lane.needs = lane.purpose.settle(&lane.days);
        }
        self.lanes
    }
}

/// Calls `visit` with the lanes chosen, of every segment, that have a row on some days, and with
/// the number of their segment; by first day of the segment.
pub(super) fn each_lane<'v>(
    view: &'v View,
    choice: &LaneChoice,
    days: &RangeInclusive<i32>,
    visit: &mut impl FnMut(usize, Lane<'v>),
) {
    let segments = view.snapshot().segments();
    let overlaps = |first: i32, last: i32| first <= *days.end() && *days.start() <= last;
    let behaviours = &choice.behaviours;
    if let Some(brand) = choice.brand {
        view.brand_lanes(brand).each(behaviours, |number, lane| {
            if overlaps(lane.first_day(), lane.last_day()) {
                visit(number, segments[number].attach(lane));
            }
        });
        return;
    }
    let chosen = |behaviour: u16| behaviours.is_empty() || behaviours.contains(&behaviour);
    for (number, segment) in segments.iter().enumerate() {
        if overlaps(segment.first_day(), segment.last_day()) {
            for lane in segment.lanes() {
                if chosen(lane.behaviour()) && overlaps(lane.first_day(), lane.last_day()) {
                    visit(number, lane);
                }
            }
        }
    }
}
