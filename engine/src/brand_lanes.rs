//! The lanes of a brand in all segments of a view, found once for all statements that read them:
//! finding them takes longer than reading one consumer's rows, or a small brand's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use throng_storage::segment::{DetachedLane, Lane, Segment};

/// Brands whose lanes are kept; one has some hundred lanes of 80 bytes in a store of two years.
const BRANDS_MAX: usize = 1024;

/// The lanes of a brand.
#[derive(Debug, Default)]
pub struct BrandLanes {
    /// Each with the place of its segment, by segment and behaviour.
    lanes: Vec<(usize, DetachedLane)>,
    /// By behaviour, the places of its lanes in the list.
    behaviours: Vec<(u16, Vec<usize>)>,
}

/// The lanes of the brands asked for lately.
#[derive(Debug, Default)]
pub struct LaneCache(Mutex<HashMap<u32, Arc<BrandLanes>>>);

impl BrandLanes {
    /// A lane more, behind those added so far in the order of segments and behaviours.
    pub fn add(&mut self, segment: usize, lane: Lane<'_>) {
        let behaviour = lane.behaviour();
        let found = self.behaviours.binary_search_by_key(&behaviour, |(other, _)| *other);
        let place = found.unwrap_or_else(|place| {
            self.behaviours.insert(place, (behaviour, Vec::new()));
            place
        });
        self.behaviours[place].1.push(self.lanes.len());
        self.lanes.push((segment, lane.detach()));
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

    /// The lanes of the behaviour at a place among them, by segment.
    pub fn lanes_at<'v>(
        &self,
        place: usize,
        segments: &'v [Arc<Segment>],
    ) -> impl Iterator<Item = Lane<'v>> {
        self.behaviours[place].1.iter().map(|place| {
            let (number, lane) = &self.lanes[*place];
            segments[*number].attach(lane)
        })
    }
}

impl LaneCache {
    /// The lanes of a brand in the segments of the view that this belongs to.
    pub fn get(&self, brand: u32, segments: &[Arc<Segment>]) -> Arc<BrandLanes> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&brand).cloned();
        if let Some(lanes) = kept {
            return lanes;
        }
        let mut lanes = BrandLanes::default();
        for (number, segment) in segments.iter().enumerate() {
            segment.each_lane_of(brand, |lane| lanes.add(number, lane));
        }
        let lanes = Arc::new(lanes);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= BRANDS_MAX {
            // What is asked for again and again is soon there again.
            kept.clear();
        }
        kept.insert(brand, Arc::clone(&lanes));
        lanes
    }
}
