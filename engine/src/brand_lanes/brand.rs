//! The lanes of a brand.

use std::sync::Arc;

use throng_storage::segment::{DetachedLane, Lane, Segment};

use super::filter::{Filter, Hashed};
use super::growth::LaneFilters;

/// The lanes of a brand. One has some hundred of 80 bytes in a store of two years.
#[derive(Debug, Default)]
pub struct BrandLanes {
    /// Each with the place of its segment, by segment and behaviour.
    lanes: Vec<(usize, DetachedLane)>,
    /// By behaviour, the places of its lanes in the list.
    behaviours: Vec<(u16, Vec<usize>)>,
    filters: LaneFilters,
}

impl BrandLanes {
    /// A lane more, behind those added so far in the order of segments and behaviours, and its
    /// filter where there is one.
    pub(super) fn add(&mut self, segment: usize, lane: Lane<'_>, filter: Option<Filter>) {
        let behaviour = lane.behaviour();
        let found = self.behaviours.binary_search_by_key(&behaviour, |(other, _)| *other);
        let place = found.unwrap_or_else(|place| {
            self.behaviours.insert(place, (behaviour, Vec::new()));
            place
        });
        self.behaviours[place].1.push(self.lanes.len());
        self.lanes.push((segment, lane.detach()));
        self.filters.push(filter);
    }

    /// Calls `visit` with the lanes of some behaviours, of all when none are named, and the places
    /// of their segments; by segment and behaviour. Lanes of others are not looked at.
    pub fn each(&self, behaviours: &[u16], mut visit: impl FnMut(usize, &DetachedLane)) {
        let places = |behaviour: &u16| {
            let found = self.behaviours.binary_search_by_key(behaviour, |(other, _)| *other);
            found.map_or(&[][..], |place| &self.behaviours[place].1)
        };
        let mut visit = |place: usize| visit(self.lanes[place].0, &self.lanes[place].1);
        match behaviours {
            [] => (0..self.lanes.len()).for_each(visit),
            [one] => places(one).iter().copied().for_each(visit),
            several => {
                let mut all: Vec<usize> = several.iter().flat_map(places).copied().collect();
                all.sort();
                all.dedup();
                all.into_iter().for_each(&mut visit);
            }
        }
    }

    /// The behaviours of which there are lanes, ascending.
    pub fn behaviours(&self) -> impl Iterator<Item = u16> {
        self.behaviours.iter().map(|(behaviour, _)| *behaviour)
    }

    /// The lanes of the behaviour at a place among them, by segment, but for those of which it is
    /// known that they do not have a consumer.
    pub fn lanes_at<'v>(
        &self,
        place: usize,
        segments: &'v [Arc<Segment>],
        consumer: Hashed,
    ) -> impl Iterator<Item = Lane<'v>> {
        let places = self.behaviours[place].1.iter();
        let may_have = move |place: &&usize| self.filters.may_have(**place, consumer);
        places.filter(may_have).map(|place| self.lane(*place, segments))
    }

    /// The lane at a place in the list.
    pub(super) fn lane<'v>(&self, place: usize, segments: &'v [Arc<Segment>]) -> Lane<'v> {
        let (segment, lane) = &self.lanes[place];
        segments[*segment].attach(lane)
    }

    /// The place of the segment of the lane at a place.
    pub(super) fn segment(&self, place: usize) -> usize {
        self.lanes[place].0
    }

    pub(super) fn filters(&self) -> &LaneFilters {
        &self.filters
    }
}
