//! The events of one consumer, lane by lane as they are asked for.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use throng_storage::error::CorruptError;
use throng_storage::segment::{ColumnSet, ConsumerRows, Lane};

use crate::exec::program::LaneChoice;
use crate::view::View;

/// One event of the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// At which brand.
    pub brand: u32,
    /// What it did.
    pub behaviour: u16,
    /// In days since 1970-01-01.
    pub day: i32,
    /// Within the day.
    pub second: u32,
    /// How often it counts.
    pub count: u32,
    /// 0 for none, as of all names.
    pub touchpoint: u32,
    /// Its category.
    pub category: u32,
    /// Its item.
    pub item: u32,
    /// Its order.
    pub order: u32,
    /// In minor units.
    pub amount: i64,
}

/// A brand and a behaviour.
pub(super) type Key = (u32, u16);

/// What one consumer did on some days, read when it is first asked for.
#[derive(Debug)]
pub struct OneConsumer<'v> {
    view: &'v View,
    consumer: u32,
    days: RangeInclusive<i32>,
    /// Purchases and refunds, of which all days are read: what is void hangs on them.
    orders: [Option<u16>; 2],
    /// Of each brand asked for, the lanes that may have rows of the consumer, oldest segment first.
    lanes: BTreeMap<u32, Vec<Lane<'v>>>,
    /// Whether those of all brands are there.
    is_whole: bool,
    events: HashMap<Key, Vec<Event>>,
    /// Of a brand as of a day.
    voids: HashMap<(u32, i32), HashSet<u32>>,
    rows: ConsumerRows,
}

impl<'v> OneConsumer<'v> {
    /// A consumer of whom nothing was read yet. Of events on other days than these some are told
    /// of, and some are not.
    pub fn new(view: &'v View, consumer: u32, days: RangeInclusive<i32>) -> Self {
        let orders = ["buy", "refund"].map(|name| view.behaviour_id(name));
        Self {
            view,
            consumer,
            days,
            orders,
            lanes: BTreeMap::new(),
            is_whole: false,
            events: HashMap::new(),
            voids: HashMap::new(),
            rows: ConsumerRows::default(),
        }
    }

    /// The store.
    pub fn view(&self) -> &'v View {
        self.view
    }

    /// Who it is.
    pub(super) fn consumer(&self) -> u32 {
        self.consumer
    }

    /// Its events in some lanes, those of a lane from the oldest segment on.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn events(
        &mut self,
        choice: &LaneChoice,
    ) -> Result<impl Iterator<Item = &Event> + use<'_, 'v>, CorruptError> {
        let keys = self.keys(choice);
        for key in &keys {
            self.read(*key)?;
        }
        let events = &self.events;
        Ok(keys.into_iter().filter_map(|key| events.get(&key)).flatten())
    }

    /// The lanes chosen of which some segment may have rows of it.
    fn keys(&mut self, choice: &LaneChoice) -> Vec<Key> {
        let brands = match choice.brand {
            Some(brand) => {
                self.find(brand);
                brand..=brand
            }
            None => {
                self.find_all();
                0..=u32::MAX
            }
        };
        let chosen = |behaviour: u16| {
            choice.behaviours.is_empty() || choice.behaviours.binary_search(&behaviour).is_ok()
        };
        let lanes = self.lanes.range(brands).flat_map(|(_, lanes)| lanes);
        let keys = lanes.map(|lane| (lane.brand(), lane.behaviour()));
        let mut keys: Vec<Key> = keys.filter(|(_, behaviour)| chosen(*behaviour)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Finds the lanes of a brand.
    fn find(&mut self, brand: u32) {
        if self.is_whole || self.lanes.contains_key(&brand) {
            return;
        }
        let segments = self.view.snapshot().segments().iter();
        let lanes = segments.flat_map(|segment| segment.lanes_of(brand));
        let lanes = lanes.filter(|lane| self.may_have_rows(lane)).collect();
        self.lanes.insert(brand, lanes);
    }

    /// Finds the lanes of all brands.
    fn find_all(&mut self) {
        if std::mem::replace(&mut self.is_whole, true) {
            return;
        }
        self.lanes.clear();
        for lane in self.view.snapshot().segments().iter().flat_map(|segment| segment.lanes()) {
            if self.may_have_rows(&lane) {
                self.lanes.entry(lane.brand()).or_default().push(lane);
            }
        }
    }

    fn may_have_rows(&self, lane: &Lane<'v>) -> bool {
        let (first, last) = lane.chunks();
        let days = lane.first_day() <= *self.days.end() && *self.days.start() <= lane.last_day();
        (first..=last).contains(&(self.consumer >> 16))
            && (days || self.orders.contains(&Some(lane.behaviour())))
    }

    /// Reads the events of a lane of all segments.
    fn read(&mut self, key: Key) -> Result<(), CorruptError> {
        let Entry::Vacant(entry) = self.events.entry(key) else { return Ok(()) };
        let lanes = self.lanes.get(&key.0).into_iter().flatten();
        let mut events = Vec::new();
        for lane in lanes.filter(|lane| lane.behaviour() == key.1) {
            lane.rows_of(self.consumer, ColumnSet::ALL, &mut self.rows)?;
            let rows = &self.rows.rows;
            events.extend((0..self.rows.len()).map(|row| Event {
                brand: key.0,
                behaviour: key.1,
                day: rows.day[row],
                second: rows.second[row],
                count: rows.count[row],
                touchpoint: rows.touchpoint[row],
                category: rows.category[row],
                item: rows.item[row],
                order: rows.order[row],
                amount: rows.amount[row],
            }));
        }
        entry.insert(events);
        Ok(())
    }

    /// The orders of a brand that are void as of a day: their refunds have reached their amount.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub(super) fn void(&mut self, brand: u32, as_of: i32) -> Result<&HashSet<u32>, CorruptError> {
        if !self.voids.contains_key(&(brand, as_of)) {
            let void = self.find_void(brand, as_of)?;
            self.voids.insert((brand, as_of), void);
        }
        Ok(self.voids.entry((brand, as_of)).or_default())
    }

    fn find_void(&mut self, brand: u32, as_of: i32) -> Result<HashSet<u32>, CorruptError> {
        let [Some(buy), Some(refund)] = self.orders else { return Ok(HashSet::new()) };
        let mut left: HashMap<u32, i128> = HashMap::new();
        let counts = |event: &&Event| event.order != 0 && event.day <= as_of;
        let choice = |behaviour| LaneChoice { brand: Some(brand), behaviours: vec![behaviour] };
        for refund in self.events(&choice(refund))?.filter(counts) {
            *left.entry(refund.order).or_default() -= i128::from(refund.amount);
        }
        if left.is_empty() {
            return Ok(HashSet::new());
        }
        for bought in self.events(&choice(buy))?.filter(counts) {
            if let Some(left) = left.get_mut(&bought.order) {
                *left += i128::from(bought.amount);
            }
        }
        let void = left.into_iter().filter(|(_, left)| *left <= 0);
        Ok(void.map(|(order, _)| order).collect())
    }
}
