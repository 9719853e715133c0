//! What the benchmarks share: the store of the reference events.

use std::error::Error;
use std::path::Path;

use throng::market::{REFERENCE_BRANDS, REFERENCE_CONSUMERS, ReferenceEvents, reference_events};
use throng::storage::dictionary::KeyColumn;
use throng::storage::names::NameTable;
use throng::storage::rows::EventColumns;
use throng::storage::store::{BulkOptions, KeyTable};
use throng::{CreateOptions, Database};

/// The seed of every comparison.
pub const SEED: u64 = 2017;
/// Threads that make data.
pub const THREADS: usize = 2;
/// Bytes of memory a bulk load may take before it spills.
const LOAD_MEMORY: usize = 4 << 30;
/// Keys interned at a time.
const KEYS_AT_ONCE: u32 = 1 << 20;

/// Why a benchmark ends early.
pub type Failure = Box<dyn Error>;
/// What a benchmark's step gives.
pub type Outcome = Result<(), Failure>;

/// The middle one of some times, the later of two; 0 when there is none.
pub fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}

/// How exact the times of events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Days.
    Days,
    /// Seconds within the day as well.
    Seconds,
}

/// Reference events of some consumers.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// How many events.
    pub events: u64,
    /// Consumers that they are of: [`REFERENCE_CONSUMERS`], or fewer, which have the same shares.
    pub people: u32,
    /// How exact the times are.
    pub times: Times,
}

impl Reference {
    /// Events of the consumers that the reference distribution has.
    pub fn of(events: u64) -> Self {
        Self { events, people: REFERENCE_CONSUMERS, times: Times::Days }
    }

    /// Makes all events on some threads; `work` runs on them, `take` here, in the batches' order.
    ///
    /// # Errors
    /// The first error of `take`.
    pub fn for_each<T: Send, E>(
        &self,
        work: impl Fn(EventColumns) -> T + Sync,
        take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let (people, all) = (u64::from(self.people), u64::from(REFERENCE_CONSUMERS));
        let folded = |mut events: EventColumns| {
            if people < all {
                for consumer in &mut events.consumer {
                    let place = u64::from(*consumer) * people / all;
                    *consumer = u32::try_from(place).unwrap_or_default();
                }
            }
            work(events)
        };
        reference_events(self.events, SEED).for_each(THREADS, folded, take)
    }

    /// Makes a store of the events; consumers have the ids that the events number them by.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn store(&self, path: &Path) -> Result<Database, Failure> {
        let database = Database::create(path, &CreateOptions::default())?;
        let store = database.store();
        for brand in 1..=REFERENCE_BRANDS {
            let id = store.names().intern(NameTable::Brand, &ReferenceEvents::brand_name(brand))?;
            assert_eq!(id, brand, "brands are named in the order of their numbers");
        }
        let mut bulk = store.bulk(BulkOptions { token: None, memory: LOAD_MEMORY })?;
        for first in (0..self.people).step_by(usize::try_from(KEYS_AT_ONCE)?) {
            let mut keys = KeyColumn::default();
            for consumer in first..self.people.min(first + KEYS_AT_ONCE) {
                keys.push(consumer.to_string().as_bytes());
            }
            let mut ids = Vec::new();
            bulk.intern(KeyTable::Consumer, &keys, &mut ids)?;
            assert_eq!(ids.first(), Some(&first), "consumers are numbered in their order");
        }
        self.for_each(
            |mut events| {
                if self.times == Times::Days {
                    events.second.clear();
                }
                events
            },
            |events| bulk.push(events),
        )?;
        bulk.commit(&mut |_, _| {})?;
        Ok(database)
    }
}
