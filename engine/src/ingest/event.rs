//! One event with its names as text, and a batch of them.

use hashbrown::HashMap;
use throng_query::date::Date;
use throng_storage::dictionary::KeyColumn;

use crate::identity::key_of;

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The consumer's identity, `namespace:value`; `u1` is `id:u1`. Created when new.
    pub consumer: &'a str,
    /// The brand. Created when new.
    pub brand: &'a str,
    /// The behaviour, which must exist.
    pub behaviour: &'a str,
    /// When it happened.
    pub at: When,
    /// Where it happened. Created when new.
    pub touchpoint: Option<&'a str>,
    /// The category of what it was about. Created when new.
    pub category: Option<&'a str>,
    /// What it was about. Created when new.
    pub item: Option<&'a str>,
    /// The order that a purchase or refund belongs to. Created when new.
    pub order: Option<&'a str>,
    /// How often it happened, at least 1.
    pub count: u32,
    /// Its total money in minor units, not negative, also for a refund.
    pub amount: i64,
}

/// When an event happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// An instant, in seconds since 1970-01-01 00:00:00 UTC.
    Unix(i64),
    /// A day and a time of the clock on the wall, in the store's time zone.
    Local {
        /// The day.
        day: Date,
        /// Seconds from midnight, as the clock shows them.
        second: u32,
    },
}

impl When {
    /// The beginning of a day.
    #[must_use]
    pub fn day(day: Date) -> Self {
        Self::Local { day, second: 0 }
    }
}

impl<'a> Event<'a> {
    /// An event without any detail.
    #[must_use]
    pub fn new(consumer: &'a str, brand: &'a str, behaviour: &'a str, at: When) -> Self {
        Self {
            consumer,
            brand,
            behaviour,
            at,
            touchpoint: None,
            category: None,
            item: None,
            order: None,
            count: 1,
            amount: 0,
        }
    }
}

/// Events to ingest together.
#[derive(Debug, Default, Clone)]
pub struct EventBatch {
    pub(super) consumers: KeyColumn,
    pub(super) brands: Words,
    pub(super) behaviours: Words,
    pub(super) touchpoints: Words,
    pub(super) categories: Words,
    pub(super) items: Keys,
    pub(super) orders: Keys,
    pub(super) at: Vec<When>,
    pub(super) count: Vec<u32>,
    pub(super) amount: Vec<i64>,
}

/// A column of few different names; position 0 is none.
#[derive(Debug, Default, Clone)]
pub(super) struct Words {
    /// Name `i` has code `i + 1`.
    pub names: Vec<String>,
    codes: HashMap<String, u32>,
    pub rows: Vec<u32>,
}

/// A column of many different keys, kept for the rows that have one.
#[derive(Debug, Default, Clone)]
pub(super) struct Keys {
    pub keys: KeyColumn,
    pub rows: Vec<u32>,
}

impl Words {
    fn push(&mut self, name: Option<&str>) {
        let code = match name {
            None => 0,
            Some(name) => match self.codes.get(name) {
                Some(code) => *code,
                None => {
                    self.names.push(name.to_owned());
                    let code = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
                    self.codes.insert(name.to_owned(), code);
                    code
                }
            },
        };
        self.rows.push(code);
    }
}

impl Keys {
    fn push(&mut self, row: usize, key: Option<&str>) {
        if let Some(key) = key {
            self.keys.push(key.as_bytes());
            self.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
    }
}

impl EventBatch {
    /// A batch without events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an event. It is checked when the batch is ingested.
    pub fn push(&mut self, event: &Event<'_>) {
        let row = self.len();
        self.consumers.push(key_of(event.consumer).as_bytes());
        self.brands.push(Some(event.brand));
        self.behaviours.push(Some(event.behaviour));
        self.touchpoints.push(event.touchpoint);
        self.categories.push(event.category);
        self.items.push(row, event.item);
        self.orders.push(row, event.order);
        self.at.push(event.at);
        self.count.push(event.count);
        self.amount.push(event.amount);
    }

    /// How many events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

impl<'a> Extend<Event<'a>> for EventBatch {
    fn extend<I: IntoIterator<Item = Event<'a>>>(&mut self, events: I) {
        events.into_iter().for_each(|event| self.push(&event));
    }
}
