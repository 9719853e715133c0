//! The events of one consumer, lane by lane as they are asked for.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use throng_storage::error::CorruptError;
use throng_storage::segment::{ColumnSet, ConsumerRows, Lane, RowBuffer, rows_of};

use super::wanted::Wanted;
use crate::brand_lanes::{BrandLanes, Hashed};
use crate::error::ExecuteError;
use crate::exec::bounds::Bounds;
use crate::exec::program::LaneChoice;
use crate::exec::trace::Timing;
use crate::options::ExecuteOptions;
use crate::view::View;

/// Rows that one question reads for filters of lanes: about 20 us.
const ROWS_FOR_FILTERS: u64 = 1 << 12;

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

/// What one consumer did, as far as it is wanted, read when it is first asked for.
#[derive(Debug)]
pub struct OneConsumer<'v> {
    view: &'v View,
    consumer: u32,
    wanted: Wanted,
    bounds: Bounds,
    /// Its purchases and refunds of all days, where what is void was asked for.
    ordered: Option<Box<Self>>,
    /// By brand that was asked for.
    brands: BTreeMap<u32, BrandEvents>,
    /// Whether all brands are there.
    is_whole: bool,
    /// Of a brand as of a day.
    voids: HashMap<(u32, i32), HashSet<u32>>,
    rows: ConsumerRows,
    /// Rows that may still be read for filters.
    rows_for_filters: u64,
}

/// What the consumer did at one brand.
#[derive(Debug, Default)]
struct BrandEvents {
    lanes: Arc<BrandLanes>,
    /// By behaviour that has lanes, the events once they were read.
    behaviours: Vec<(u16, Option<Vec<Event>>)>,
}

impl<'v> OneConsumer<'v> {
    /// A consumer of whom nothing was read yet. Of events that are not wanted some are told of, and
    /// some are not.
    pub fn new(view: &'v View, consumer: u32, wanted: Wanted, options: &ExecuteOptions) -> Self {
        let bounds = Bounds::new(options, Timing::Off);
        Self::within(view, consumer, wanted, bounds)
    }

    /// As [`Self::new`], in a statement that is under way.
    pub fn within(view: &'v View, consumer: u32, wanted: Wanted, bounds: Bounds) -> Self {
        Self {
            view,
            consumer,
            wanted,
            bounds,
            ordered: None,
            brands: BTreeMap::new(),
            is_whole: false,
            voids: HashMap::new(),
            rows: ConsumerRows::default(),
            rows_for_filters: ROWS_FOR_FILTERS,
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

    /// Goes on to another consumer. What was found of brands stays.
    pub fn turn_to(&mut self, consumer: u32) {
        self.consumer = consumer;
        self.voids.clear();
        if self.is_whole {
            self.brands.clear();
            self.is_whole = false;
        }
        let events = self.brands.values_mut().flat_map(|brand| &mut brand.behaviours);
        events.for_each(|(_, events)| *events = None);
        if let Some(ordered) = &mut self.ordered {
            ordered.turn_to(consumer);
        }
    }

    /// Lets the statement go on to what takes long.
    ///
    /// # Errors
    /// When it is to be brief.
    pub(super) fn begin_long(&self) -> Result<(), ExecuteError> {
        self.bounds.begin_long()
    }

    /// Its events in some lanes, by brand and behaviour, and from the oldest segment on.
    ///
    /// # Errors
    /// When the bytes are corrupt, when all brands are to be read and the statement is brief, and
    /// as [`Bounds::check`].
    pub fn events<'s>(
        &'s mut self,
        choice: &LaneChoice,
    ) -> Result<impl Iterator<Item = &'s Event> + use<'s, 'v>, ExecuteError> {
        let brands = match choice.brand {
            Some(brand) => {
                self.find(brand);
                brand..=brand
            }
            None => {
                self.find_all()?;
                0..=u32::MAX
            }
        };
        let chosen = |behaviour: u16| {
            choice.behaviours.is_empty() || choice.behaviours.binary_search(&behaviour).is_ok()
        };
        let (mut read, hashed) = (Vec::new(), Hashed::new(self.consumer));
        let segments = self.view.snapshot().segments();
        for (brand, of_brand) in self.brands.range_mut(brands) {
            self.bounds.check()?;
            let mut wanted = None;
            let BrandEvents { lanes, behaviours } = of_brand;
            let behaviours = behaviours.iter_mut().enumerate();
            for (place, (behaviour, events)) in behaviours.filter(|(_, (of, _))| chosen(*of)) {
                if events.is_none() {
                    let wanted = wanted.get_or_insert_with(|| self.wanted.of_brand(*brand));
                    let lanes = lanes.lanes_at(place, segments, hashed);
                    let lanes = lanes.filter(|lane| wanted.wants(lane));
                    let key = (*brand, *behaviour);
                    *events = Some(events_in(lanes, key, self.consumer, &mut self.rows)?);
                }
                read.push(&*events);
            }
        }
        Ok(read.into_iter().flatten().flatten())
    }

    /// Finds the lanes of a brand.
    fn find(&mut self, brand: u32) {
        if !self.is_whole && !self.brands.contains_key(&brand) {
            let lanes = self.view.brand_lanes_for_one(brand, &mut self.rows_for_filters);
            self.brands.insert(brand, BrandEvents::new(lanes));
        }
    }

    /// Reads the lanes of all brands.
    fn find_all(&mut self) -> Result<(), ExecuteError> {
        if self.is_whole {
            return Ok(());
        }
        self.bounds.begin_long()?;
        self.brands.clear();
        let (brands, consumer, wanted) = (&mut self.brands, self.consumer, &self.wanted);
        for segment in self.view.snapshot().segments() {
            self.bounds.check()?;
            // They are in the order of brands.
            let mut of_brand = None;
            let lanes = segment.lanes().filter(|lane| {
                let brand = lane.brand();
                let (_, wanted) = match of_brand.take() {
                    Some((other, wanted)) if other == brand => of_brand.insert((brand, wanted)),
                    _ => of_brand.insert((brand, wanted.of_brand(brand))),
                };
                wanted.wants(lane)
            });
            rows_of(lanes, consumer, ColumnSet::ALL, &mut self.rows, |lane, rows| {
                let key = (lane.brand(), lane.behaviour());
                let events = brands.entry(key.0).or_default().of(key.1);
                events.extend(events_of(rows, key));
            })?;
        }
        self.is_whole = true;
        Ok(())
    }

    /// The orders of a brand that are void as of a day: their refunds have reached their amount.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub(super) fn void(&mut self, brand: u32, as_of: i32) -> Result<&HashSet<u32>, ExecuteError> {
        if !self.voids.contains_key(&(brand, as_of)) {
            let void = self.find_void(brand, as_of)?;
            self.voids.insert((brand, as_of), void);
        }
        Ok(self.voids.entry((brand, as_of)).or_default())
    }

    fn find_void(&mut self, brand: u32, as_of: i32) -> Result<HashSet<u32>, ExecuteError> {
        let ids = ["buy", "refund"].map(|name| self.view.behaviour_id(name));
        let [Some(buy), Some(refund)] = ids else { return Ok(HashSet::new()) };
        let ordered = self.ordered.get_or_insert_with(|| {
            let both = LaneChoice { brand: None, behaviours: vec![buy, refund] };
            let wanted = Wanted::default().and(&both, i32::MIN..=i32::MAX);
            Box::new(Self::within(self.view, self.consumer, wanted, self.bounds.clone()))
        });
        let mut left: HashMap<u32, i128> = HashMap::new();
        let counts = |event: &&Event| event.order != 0 && event.day <= as_of;
        let choice = |behaviour| LaneChoice { brand: Some(brand), behaviours: vec![behaviour] };
        for refund in ordered.events(&choice(refund))?.filter(counts) {
            *left.entry(refund.order).or_default() -= i128::from(refund.amount);
        }
        if left.is_empty() {
            return Ok(HashSet::new());
        }
        for bought in ordered.events(&choice(buy))?.filter(counts) {
            if let Some(left) = left.get_mut(&bought.order) {
                *left += i128::from(bought.amount);
            }
        }
        let void = left.into_iter().filter(|(_, left)| *left <= 0);
        Ok(void.map(|(order, _)| order).collect())
    }
}

impl BrandEvents {
    /// Nothing read yet.
    fn new(lanes: Arc<BrandLanes>) -> Self {
        let behaviours = lanes.behaviours().map(|behaviour| (behaviour, None)).collect();
        Self { lanes, behaviours }
    }

    /// The events of a behaviour, to which those of a later segment are added.
    fn of(&mut self, behaviour: u16) -> &mut Vec<Event> {
        let found = self.behaviours.binary_search_by_key(&behaviour, |(other, _)| *other);
        let place = found.unwrap_or_else(|place| {
            self.behaviours.insert(place, (behaviour, None));
            place
        });
        self.behaviours[place].1.get_or_insert_default()
    }
}

/// The events of a consumer in lanes of one brand and behaviour.
fn events_in<'v>(
    lanes: impl Iterator<Item = Lane<'v>>,
    key: (u32, u16),
    consumer: u32,
    found: &mut ConsumerRows,
) -> Result<Vec<Event>, CorruptError> {
    let mut events = Vec::new();
    rows_of(lanes, consumer, ColumnSet::ALL, found, |_, rows| {
        events.extend(events_of(rows, key));
    })?;
    Ok(events)
}

/// Rows with all columns as events.
fn events_of(rows: &RowBuffer, (brand, behaviour): (u32, u16)) -> impl Iterator<Item = Event> {
    (0..rows.low.len()).map(move |row| Event {
        brand,
        behaviour,
        day: rows.day[row],
        second: rows.second[row],
        count: rows.count[row],
        touchpoint: rows.touchpoint[row],
        category: rows.category[row],
        item: rows.item[row],
        order: rows.order[row],
        amount: rows.amount[row],
    })
}
