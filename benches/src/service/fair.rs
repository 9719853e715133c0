//! What heavy statements do to the times of a light one, in one run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use throng::market::ReferenceEvents;
use throng::{Background, CompactionOptions, Database, ExecuteOptions, UseMemo};

use super::heavy::{self, Heavy};
use crate::{Failure, Outcome, median};

/// Between two light statements of the same asker.
const PAUSE: Duration = Duration::from_millis(2);

/// Tells the percentiles of a light statement, the stages of a small brand with or without the
/// memo, alone and beside heavy statements asked in a loop; `seconds` for each. What the heavy ones
/// do is told too.
///
/// # Errors
/// When the store cannot be opened or asked.
pub fn fair(
    path: &Path,
    seconds: Duration,
    memo: UseMemo,
    tell: &mut dyn FnMut(&Value),
) -> Outcome {
    let quiet = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    let database = Database::open_with(path, quiet)?;
    let light = format!("COUNT BY {}.stage", ReferenceEvents::brand_name(500));
    database.query(&light)?;
    let light =
        Light { text: light, options: ExecuteOptions { memo, ..ExecuteOptions::default() } };
    let alone = beside(&database, &light, &[], seconds)?;
    tell(&json!({ "beside": "nothing", "light": alone.report(None) }));
    let (trend, overlap) = (heavy::trend(), heavy::overlap());
    let several = [trend.clone(), overlap.clone(), trend.clone(), overlap.clone()];
    for heavies in [&[trend][..], &[overlap][..], &several[..]] {
        for one in heavies {
            database.query(&one.text)?;
        }
        let times = beside(&database, &light, heavies, seconds)?;
        let names: Vec<_> = heavies.iter().map(|heavy| heavy.name).collect();
        tell(&json!({ "beside": names, "light": times.report(Some(&alone)) }));
    }
    Ok(())
}

/// The light statement.
struct Light {
    text: String,
    options: ExecuteOptions,
}

/// Times in milliseconds, ascending.
struct Times {
    light: Vec<f64>,
    heavy: Vec<f64>,
}

impl Times {
    fn per_cent(&self, percent: usize) -> f64 {
        let place = (self.light.len() * percent).div_ceil(100).saturating_sub(1);
        self.light.get(place).copied().unwrap_or(0.0)
    }

    fn report(&self, alone: Option<&Self>) -> Value {
        let mut heavy = self.heavy.clone();
        let mut report = json!({
            "asked": self.light.len(),
            "p50_ms": self.per_cent(50),
            "p99_ms": self.per_cent(99),
            "heavy_asked": heavy.len(),
            "heavy_p50_ms": median(&mut heavy),
        });
        if let Some(alone) = alone {
            report["p50_ratio"] = json!(self.per_cent(50) / alone.per_cent(50));
            report["p99_ratio"] = json!(self.per_cent(99) / alone.per_cent(99));
        }
        report
    }
}

/// Asks the light statement for some time, while each heavy one has a thread that asks it.
fn beside(
    database: &Database,
    light: &Light,
    heavies: &[Heavy],
    time: Duration,
) -> Result<Times, Failure> {
    let over = AtomicBool::new(false);
    // What the memo has is not heavy.
    let heavily = ExecuteOptions { memo: UseMemo::No, ..ExecuteOptions::default() };
    let heavily = &heavily;
    let ask = |heavy: &str| {
        let mut times = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let start = Instant::now();
            database.execute(heavy, &[], heavily)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        Ok::<_, throng::DatabaseError>(times)
    };
    let ask = &ask;
    std::thread::scope(|scope| {
        let askers: Vec<_> =
            heavies.iter().map(|heavy| scope.spawn(move || ask(&heavy.text))).collect();
        let asked = lights(database, light, time);
        over.store(true, Ordering::Relaxed);
        let mut heavy = Vec::new();
        for asker in askers {
            heavy.extend(asker.join().map_err(|_| "an asker panicked")??);
        }
        Ok::<_, Failure>(Times { light: asked?, heavy })
    })
}

fn lights(database: &Database, light: &Light, time: Duration) -> Result<Vec<f64>, Failure> {
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        database.execute(&light.text, &[], &light.options)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
