//! How long questions take while segments are merged in the background, in one run.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use throng::market::{REFERENCE_BRANDS, ReferenceEvents, reference_events};
use throng::storage::dictionary::KeyColumn;
use throng::storage::names::NameTable;
use throng::storage::store::{BulkOptions, Depth, KeyTable};
use throng::{Background, CompactionOptions, CreateOptions, Database};

use crate::{Failure, Outcome, SEED, median};

/// Loads that the store is made of: each has events of every day, so that much is to be merged.
const LOADS: u64 = 16;
/// Memory of a load before it spills.
const LOAD_MEMORY: usize = 1 << 30;
/// Every brand's questions are asked this often in a state, at least.
const ROUNDS: usize = 40;
/// Merging is waited for this long at most.
const WAIT: Duration = Duration::from_secs(20);

/// The fixed mix: stages of brands of every size now and earlier, and a trend.
fn mix() -> Vec<String> {
    let mut mix = Vec::new();
    for brand in [1, 2, 5, 20, 60, 200, 500, 990] {
        let name = ReferenceEvents::brand_name(brand);
        mix.push(format!("COUNT BY {name}.stage"));
        mix.push(format!("COUNT BY {name}.stage AS OF '2017-06-13'"));
        mix.push(format!("COUNT WHERE {name} DID buy IN LAST 90 DAYS AND NOT {name}.stage = L"));
    }
    mix
}

/// Makes a store in a new directory and prints, as lines of JSON, the percentiles of a fixed mix
/// of questions: before anything is merged, while the background merges at its default share of a
/// core, and once everything is merged.
///
/// # Errors
/// When the store cannot be written, or there is no merge to ask beside.
pub fn beside(path: &Path, events: u64) -> Outcome {
    let quiet = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    store_of_loads(path, events, quiet)?;
    let database = Database::open_with(path, quiet)?;
    database.memo().set_limit(0);
    report("before merging", &mut ask(&database, &mut || true)?);
    drop(database);
    let database = Database::open(path)?;
    database.memo().set_limit(0);
    let begun = Instant::now();
    while database.store().snapshot().compaction_running().is_none() {
        if begun.elapsed() > WAIT {
            return Err("no merge began: give more --events".into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // Only questions during which something was being merged count.
    let mut running = || database.store().snapshot().compaction_running().is_some();
    report("beside merging", &mut ask(&database, &mut running)?);
    let left = database.view()?.snapshot().compaction_plan(Depth::Due).len();
    println!("{}", json!({ "state": "left to merge", "jobs": left }));
    let (_, _) = database.compact(&mut |_| ControlFlow::Continue(()))?;
    drop(database);
    let database = Database::open_with(path, quiet)?;
    database.memo().set_limit(0);
    report("once merged", &mut ask(&database, &mut || true)?);
    Ok(())
}

/// Makes a store of reference events in several loads, each with events of every day.
///
/// # Errors
/// When it cannot be written.
pub fn store_of_loads(
    path: &Path,
    events: u64,
    compaction: CompactionOptions,
) -> Result<(), Failure> {
    let database = Database::create_with(path, &CreateOptions::default(), compaction)?;
    let store = database.store();
    for brand in 1..=REFERENCE_BRANDS {
        store.names().intern(NameTable::Brand, &ReferenceEvents::brand_name(brand))?;
    }
    for load in 0..LOADS {
        let mut bulk = store.bulk(BulkOptions { token: None, memory: LOAD_MEMORY })?;
        let mut ids = Vec::new();
        let reference = reference_events(events / LOADS, SEED + load);
        for batch in 0..reference.batches() {
            let mut events = reference.batch(batch);
            let mut keys = KeyColumn::default();
            events.consumer.iter().for_each(|consumer| keys.push(&consumer.to_le_bytes()));
            ids.clear();
            bulk.intern(KeyTable::Consumer, &keys, &mut ids)?;
            events.consumer.clone_from(&ids);
            events.second.clear();
            bulk.push(events)?;
        }
        bulk.commit(&mut |_, _| {})?;
    }
    Ok(())
}

/// Times of all questions of the mix in turn, in milliseconds. A time counts when `counts` held
/// before and after it; it ends early when it no longer does.
fn ask(database: &Database, counts: &mut dyn FnMut() -> bool) -> Result<Vec<f64>, Failure> {
    let mix = mix();
    for statement in &mix {
        let _ = database.query(statement)?;
    }
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        for statement in &mix {
            let before = counts();
            let start = Instant::now();
            let _ = database.query(statement)?;
            let ms = start.elapsed().as_secs_f64() * 1e3;
            if before && counts() {
                times.push(ms);
            }
        }
        if round > 0 && !counts() && times.len() > mix.len() {
            break;
        }
    }
    Ok(times)
}

fn report(state: &str, times: &mut [f64]) {
    let p50 = median(times);
    // The times are in order now.
    let p99 = times.get((times.len() * 99).div_ceil(100).saturating_sub(1)).copied();
    println!("{}", json!({ "state": state, "questions": times.len(), "p50": p50, "p99": p99 }));
}
