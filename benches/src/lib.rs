//! What the benchmarks share: the store of the reference events.

mod stream;

use std::error::Error;
use std::path::Path;

use throng::market::{REFERENCE_BRANDS, REFERENCE_CONSUMERS, ReferenceEvents, reference_events};
use throng::storage::dictionary::KeyColumn;
use throng::storage::names::NameTable;
use throng::storage::store::{BulkOptions, KeyTable};
use throng::{CreateOptions, Database};

pub use stream::{StreamOptions, Streamed, stream};

/// The seed of every comparison.
pub const SEED: u64 = 2017;
/// Threads that make data.
pub const THREADS: usize = 2;
/// Bytes of memory a bulk load may take before it spills.
const LOAD_MEMORY: usize = 4 << 30;
/// Keys interned at a time.
const KEYS_AT_ONCE: u32 = 1 << 20;

/// What a benchmark's step gives.
pub type Outcome = Result<(), Box<dyn Error>>;

/// Makes a store of so many reference events with day resolution; consumers have the ids that the
/// events number them by.
///
/// # Errors
/// When the store cannot be written.
pub fn reference_store(path: &Path, events: u64) -> Result<Database, Box<dyn Error>> {
    let database = Database::create(path, &CreateOptions::default())?;
    let store = database.store();
    for brand in 1..=REFERENCE_BRANDS {
        let id = store.names().intern(NameTable::Brand, &ReferenceEvents::brand_name(brand))?;
        assert_eq!(id, brand, "brands are named in the order of their numbers");
    }
    let mut bulk = store.bulk(BulkOptions { token: None, memory: LOAD_MEMORY })?;
    for first in (0..REFERENCE_CONSUMERS).step_by(usize::try_from(KEYS_AT_ONCE)?) {
        let mut keys = KeyColumn::default();
        for consumer in first..REFERENCE_CONSUMERS.min(first + KEYS_AT_ONCE) {
            keys.push(consumer.to_string().as_bytes());
        }
        let mut ids = Vec::new();
        bulk.intern(KeyTable::Consumer, &keys, &mut ids)?;
        assert_eq!(ids.first(), Some(&first), "consumers are numbered in their order");
    }
    reference_events(events, SEED).for_each(
        THREADS,
        |mut events| {
            events.second.clear();
            events
        },
        |events| bulk.push(events),
    )?;
    bulk.commit(&mut |_, _| {})?;
    Ok(database)
}
