//! The lanes of the brands that were asked for lately, and the filters that views share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use hashbrown::HashMap;
use throng_storage::segment::Segment;

use super::brand::BrandLanes;
use super::filter::Filter;
use super::growth::Made;

/// Brands whose lanes are kept.
const BRANDS_MAX: usize = 1024;
/// Questions about one consumer before filters are made for them: fewer would not pay.
const TIMES: u64 = 32;
/// Questions after which a brand that nobody asked for in between gives its room to others.
const IDLE: u64 = 1 << 16;
/// Questions between two times that room is looked for.
const SWEEP: u64 = 1 << 13;
/// What a filter takes beside its bits.
const FILTER_BYTES: usize = 96;

/// The lanes of the brands asked for lately, in the segments of one view.
#[derive(Debug, Default)]
pub struct LaneCache {
    lanes: Mutex<HashMap<u32, Arc<BrandLanes>>>,
    /// What the views before had too.
    kept: Arc<Mutex<Kept>>,
}

/// Filters of segments, which are the same in every view that has them.
#[derive(Debug, Default)]
struct Kept {
    brands: HashMap<u32, OfBrand>,
    bytes: usize,
    /// Counts the questions.
    clock: u64,
    /// When room was looked for last.
    swept: u64,
}

#[derive(Debug, Default)]
struct OfBrand {
    /// How many questions asked for it, and when the last did.
    asked: u64,
    used: u64,
    filters: Vec<KeptFilter>,
}

/// A weak reference keeps an address from being given again, and no file.
#[derive(Debug)]
struct KeptFilter {
    segment: Weak<Segment>,
    behaviour: u16,
    filter: Filter,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LaneCache {
    /// That of a view which follows another.
    pub fn after(before: Option<&Self>) -> Self {
        let kept = before.map(|before| Arc::clone(&before.kept)).unwrap_or_default();
        Self { lanes: Mutex::default(), kept }
    }

    /// The lanes of a brand in the segments of the view that this belongs to.
    pub fn get(&self, brand: u32, segments: &[Arc<Segment>]) -> Arc<BrandLanes> {
        if let Some(lanes) = lock(&self.lanes).get(&brand) {
            return Arc::clone(lanes);
        }
        let mut filters = lock(&self.kept).of(brand);
        let mut lanes = BrandLanes::default();
        for (number, segment) in segments.iter().enumerate() {
            let address = Arc::as_ptr(segment);
            segment.each_lane_of(brand, |lane| {
                let filter = filters.remove(&(address, lane.behaviour()));
                lanes.add(number, lane, filter);
            });
        }
        let lanes = Arc::new(lanes);
        let mut all = lock(&self.lanes);
        if all.len() >= BRANDS_MAX {
            // What is asked for again and again is soon there again.
            all.clear();
        }
        all.insert(brand, Arc::clone(&lanes));
        lanes
    }

    /// The same for a question about one consumer. When there were many, up to so many rows are
    /// read for filters of the lanes, which may take so many bytes of all brands together.
    pub fn get_for_one(
        &self,
        brand: u32,
        segments: &[Arc<Segment>],
        rows: &mut u64,
        limit: usize,
    ) -> Arc<BrandLanes> {
        if lock(&self.kept).shrink(limit) {
            lock(&self.lanes).clear();
        }
        let lanes = self.get(brand, segments);
        if lock(&self.kept).ask(brand) < TIMES || *rows == 0 {
            return lanes;
        }
        let has_room = |bytes: usize| {
            let mut kept = lock(&self.kept);
            kept.has_room(bytes, limit)
                || kept.let_go().is_some_and(|idle| {
                    lock(&self.lanes).remove(&idle);
                    kept.has_room(bytes, limit)
                })
        };
        lanes.grow(segments, rows, has_room, |Made { segment, behaviour, filter }| {
            let segment = Arc::downgrade(&segments[segment]);
            lock(&self.kept).add(brand, KeptFilter { segment, behaviour, filter }, limit)
        });
        lanes
    }

    /// Bytes of the filters.
    pub fn filter_bytes(&self) -> usize {
        lock(&self.kept).bytes
    }
}

impl KeptFilter {
    fn bytes(&self) -> usize {
        self.filter.bytes() + FILTER_BYTES
    }
}

impl Kept {
    /// A brand's filters, of segments that some view still has.
    fn of(&mut self, brand: u32) -> HashMap<(*const Segment, u16), Filter> {
        self.forget_ended(brand);
        let filters = self.brands.get(&brand).map_or(&[][..], |of| &of.filters);
        let found = filters
            .iter()
            .map(|kept| ((kept.segment.as_ptr(), kept.behaviour), kept.filter.clone()));
        found.collect()
    }

    /// Forgets filters of segments that no view has any more.
    fn forget_ended(&mut self, brand: u32) {
        let Some(of) = self.brands.get_mut(&brand) else { return };
        let bytes = &mut self.bytes;
        of.filters.retain(|kept| {
            let is_there = kept.segment.strong_count() > 0;
            if !is_there {
                *bytes -= kept.bytes();
            }
            is_there
        });
    }

    /// A question more. How many asked for the brand before.
    fn ask(&mut self, brand: u32) -> u64 {
        self.clock += 1;
        let of = self.brands.entry(brand).or_default();
        of.used = self.clock;
        of.asked += 1;
        of.asked - 1
    }

    /// Adds a filter, if there is room for it. Whether it is there.
    fn add(&mut self, brand: u32, kept: KeptFilter, limit: usize) -> bool {
        let has_room = self.has_room(kept.filter.bytes(), limit);
        let filters = &mut self.brands.entry(brand).or_default().filters;
        let is_same = |other: &KeptFilter| {
            other.behaviour == kept.behaviour && other.segment.ptr_eq(&kept.segment)
        };
        // Another view may have made it meanwhile.
        if filters.iter().any(is_same) {
            return true;
        }
        if has_room {
            self.bytes += kept.bytes();
            filters.push(kept);
        }
        has_room
    }

    fn has_room(&self, bytes: usize, limit: usize) -> bool {
        self.bytes + bytes + FILTER_BYTES <= limit
    }

    /// Forgets everything when it is more than it may be since the limit was lowered; which it was.
    fn shrink(&mut self, limit: usize) -> bool {
        let is_over = self.bytes > limit;
        if is_over {
            self.brands.clear();
            self.bytes = 0;
        }
        is_over
    }

    /// Makes room, now and then: forgets ended segments, and the brand whose last question is
    /// longest ago, if that is long; which it is.
    fn let_go(&mut self) -> Option<u32> {
        if self.clock - self.swept < SWEEP {
            return None;
        }
        self.swept = self.clock;
        let brands: Vec<u32> = self.brands.keys().copied().collect();
        brands.iter().for_each(|brand| self.forget_ended(*brand));
        let with_filters = self.brands.iter().filter(|(_, of)| !of.filters.is_empty());
        let (brand, of) = with_filters.min_by_key(|(_, of)| of.used)?;
        if self.clock - of.used < IDLE {
            return None;
        }
        let brand = *brand;
        let gone = self.brands.remove(&brand)?;
        self.bytes -= gone.filters.iter().map(KeptFilter::bytes).sum::<usize>();
        Some(brand)
    }
}
