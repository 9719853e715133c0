//! Questions about one consumer, asked by one thread within the engine.

use std::path::Path;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde_json::{Value, json};
use throng::market::ReferenceEvents;
use throng::{Background, CompactionOptions, Database, ExecuteOptions, UseMemo};

use crate::{Failure, Outcome};

/// Asked before anything is timed, so that files are in memory and mapped.
const WARM: usize = 5_000;
/// Audiences of the longest question.
const AUDIENCES: u32 = 100;
/// Consumers of the reference data with small numbers have the most events.
const CONSUMERS: u32 = 1_000_000;

/// Tells percentiles of CONSUMER at brands of three sizes and of MATCH against 10 and 100
/// audiences, of the latter also when the memo has their sets, or of those whose name has some
/// words, of random consumers. The audiences are made, and dropped again.
///
/// # Errors
/// When the store cannot be opened or asked.
pub fn point(
    path: &Path,
    rounds: usize,
    only: Option<&str>,
    tell: &mut dyn FnMut(&Value),
) -> Outcome {
    let wanted = |what: &str| only.is_none_or(|only| what.contains(only));
    let quiet = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    let database = Database::open_with(path, quiet)?;
    for (size, brand) in [("largest", 1), ("medium", 100), ("small", 990)] {
        let name = ReferenceEvents::brand_name(brand);
        let what = format!("one person at the {size} brand");
        if !wanted(&what) {
            continue;
        }
        let question = |consumer| format!("CONSUMER '{consumer}' FOR {name}");
        let times = timed(&database, rounds, UseMemo::No, question)?;
        tell(&told(&what, times));
    }
    for number in 0..AUDIENCES {
        database.query(&format!("CREATE OR REPLACE AUDIENCE point_{number} AS {}", set(number)))?;
    }
    for (count, memo) in [(10, UseMemo::No), (AUDIENCES, UseMemo::No), (AUDIENCES, UseMemo::Yes)] {
        let again = if memo == UseMemo::Yes { ", asked again and again" } else { "" };
        let what = format!("one person against {count} audiences{again}");
        if !wanted(&what) {
            continue;
        }
        let names: Vec<_> = (0..count).map(|number| format!("point_{number}")).collect();
        let names = names.join(", ");
        let times = timed(&database, rounds / 10, memo, |consumer| {
            format!("MATCH CONSUMER '{consumer}' AGAINST AUDIENCE {names}")
        })?;
        tell(&told(&what, times));
    }
    for number in 0..AUDIENCES {
        database.query(&format!("DROP AUDIENCE point_{number}"))?;
    }
    Ok(())
}

/// Sets of the kinds that are saved, each of another brand.
fn set(number: u32) -> String {
    let brand = ReferenceEvents::brand_name(1 + number * 7);
    match number % 5 {
        0 => format!("{brand}.stage IN (P, L)"),
        1 => format!(
            "{brand} DID cart 2 TIMES IN LAST 30 DAYS AND NOT {brand} DID buy IN LAST 30 DAYS"
        ),
        2 => format!("{brand} SPENT >= 500 IN LAST 365 DAYS"),
        3 => format!("{brand} DID view ON 3 DAYS IN LAST 15 DAYS"),
        _ => format!("{brand} DID buy AND NOT {brand}.stage = L"),
    }
}

/// Microseconds of each question, ascending.
fn timed(
    database: &Database,
    rounds: usize,
    memo: UseMemo,
    question: impl Fn(u32) -> String,
) -> Result<Vec<f64>, Failure> {
    let mut random = Pcg64::seed_from_u64(7);
    let mut times = Vec::with_capacity(rounds);
    for round in 0..rounds + WARM.min(rounds) {
        let text = question(random.random_range(0..CONSUMERS));
        let options = ExecuteOptions { memo, ..ExecuteOptions::default() };
        let start = Instant::now();
        database.execute(&text, &[], &options)?;
        if round >= WARM.min(rounds) {
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn told(what: &str, times: Vec<f64>) -> Value {
    let at = |percent: usize| {
        let place = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(place).copied().unwrap_or(0.0)
    };
    json!({ "what": what, "asked": times.len(), "p50_us": at(50), "p99_us": at(99) })
}
