//! The steps, each run in a process of its own: they tell what they did as lines of JSON.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use throng::storage::names::NameTable;
use throng::storage::store::{BulkOptions, KeyTable};
use throng::{Background, CompactionOptions, CreateOptions, Database};

use super::events::{BEHAVIOURS, Batch, Events};
use super::measure::{Pulse, status, with_peak};
use crate::{Failure, Outcome};

/// Times a question is asked after the first.
const ROUNDS: usize = 9;

/// A step of the measurement of one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Loads all days that are not loaded yet.
    Load,
    /// Merges until nothing is left to merge.
    Merge,
    /// Opens it once.
    Open,
    /// Asks questions.
    Ask,
}

/// One step, as the command starts it for itself.
#[derive(Debug, Clone, Args)]
pub struct Step {
    /// What to do.
    pub(super) kind: Kind,
    #[arg(long)]
    pub(super) store: PathBuf,
    #[arg(long)]
    pub(super) events: u64,
    #[arg(long)]
    pub(super) consumers: u64,
    #[arg(long)]
    pub(super) brands: u32,
    #[arg(long)]
    pub(super) days: u32,
    /// In MiB.
    #[arg(long)]
    pub(super) memory: usize,
}

impl Step {
    fn all(&self) -> Events {
        let Self { events, consumers, brands, days, .. } = *self;
        Events { count: events, consumers, brands, days }
    }

    /// The command line of this step.
    pub(super) fn arguments(&self) -> Vec<String> {
        let kind = self.kind.to_possible_value().map(|kind| kind.get_name().to_owned());
        let store = self.store.to_string_lossy().into_owned();
        let numbers = [
            ("--events", self.events),
            ("--consumers", self.consumers),
            ("--brands", self.brands.into()),
            ("--days", self.days.into()),
            ("--memory", self.memory as u64),
        ];
        let head =
            ["capacity-step".to_owned(), kind.unwrap_or_default(), "--store".to_owned(), store];
        let rest = numbers.into_iter().flat_map(|(name, n)| [name.to_owned(), n.to_string()]);
        head.into_iter().chain(rest).collect()
    }
}

/// Runs a step in this process.
///
/// # Errors
/// When the store cannot be written or read.
pub fn step(step: &Step) -> Outcome {
    let (result, own) = with_peak(|| match step.kind {
        Kind::Load => load(step),
        Kind::Merge => merge(&step.store),
        Kind::Open => open(&step.store),
        Kind::Ask => ask(&step.store, step.brands),
    });
    let mut result = result?;
    result["peak"] = status("VmHWM").into();
    result["peak_own"] = own.into();
    tell(&json!({ "result": result }));
    Ok(())
}

fn tell(line: &Value) {
    println!("{line}");
}

/// Nothing is merged but by the step that measures it.
fn quiet() -> CompactionOptions {
    CompactionOptions { background: Background::Off, ..CompactionOptions::default() }
}

fn load(step: &Step) -> Result<Value, Failure> {
    let all = step.all();
    let database = if step.store.exists() {
        Database::open_with(&step.store, quiet())?
    } else {
        Database::create_with(&step.store, &CreateOptions::default(), quiet())?
    };
    let store = database.store();
    let mut brands = Vec::new();
    for brand in 0..all.brands {
        brands.push(store.names().intern(NameTable::Brand, &brand_name(brand))?);
    }
    let mut behaviours = Vec::new();
    for (name, _) in BEHAVIOURS {
        behaviours.push(u16::try_from(store.names().intern(NameTable::Behaviour, name)?)?);
    }
    let (mut done, mut pulse) = (0, Pulse::default());
    for days in all.loads() {
        let start = Instant::now();
        let token = Some(format!("capacity:{}", days.start));
        let mut bulk = store.bulk(BulkOptions { token, memory: step.memory << 20 })?;
        let repeated = bulk.repeated();
        if !repeated {
            let mut ids = Vec::new();
            let mut take = |batch: Batch| -> Result<(), Failure> {
                let Batch { mut events, keys } = batch;
                ids.clear();
                bulk.intern(KeyTable::Consumer, &keys, &mut ids)?;
                events.consumer.clone_from(&ids);
                events.brand.iter_mut().for_each(|brand| *brand = brands[*brand as usize]);
                let place = |place: &mut u16| *place = behaviours[usize::from(*place)];
                events.behaviour.iter_mut().for_each(place);
                done += events.consumer.len() as u64;
                bulk.push(events)?;
                if pulse.is_due() {
                    tell(&json!({ "done": done, "total": all.count }));
                }
                Ok(())
            };
            beside(&all, days.clone(), &mut take)?;
            bulk.commit(&mut |_, _| {})?;
        } else {
            done += all.of_days(&days);
        }
        let seconds = (!repeated).then(|| start.elapsed().as_secs_f64());
        tell(&json!({ "load": days.start, "events": all.of_days(&days), "seconds": seconds }));
    }
    let rows: u64 = database.view()?.snapshot().segments().iter().map(|s| s.rows()).sum();
    if rows != all.count {
        return Err(format!("{rows} events are in the store instead of {}", all.count).into());
    }
    Ok(json!({}))
}

/// Makes batches on a thread of their own and takes them here.
fn beside(
    all: &Events,
    days: std::ops::Range<u32>,
    take: &mut dyn FnMut(Batch) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (sender, batches) = std::sync::mpsc::sync_channel(2);
    std::thread::scope(|scope| {
        // Dropped when taking fails: then the maker ends as well.
        let batches = batches;
        scope.spawn(move || all.for_each(days, |batch| sender.send(batch).map_err(drop)));
        batches.iter().try_for_each(take)
    })
}

pub(super) fn brand_name(brand: u32) -> String {
    format!("brand_{:04}", brand + 1)
}

fn merge(path: &Path) -> Result<Value, Failure> {
    let database = Database::open_with(path, quiet())?;
    let (start, mut pulse) = (Instant::now(), Pulse::default());
    let (merged, _) = database.compact(&mut |progress| {
        if pulse.is_due() {
            tell(&json!({ "done": progress.rows_done, "total": progress.rows_total }));
        }
        ControlFlow::Continue(())
    })?;
    Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "merged": merged.rows }))
}

/// Opens a store as the first thing that the process does with it.
fn open(path: &Path) -> Result<Value, Failure> {
    let start = Instant::now();
    let database = Database::open_with(path, quiet())?;
    let view = database.view()?;
    let ms = start.elapsed().as_secs_f64() * 1e3;
    let (resident, own) = (status("VmRSS"), status("RssAnon"));
    let snapshot = view.snapshot();
    let mut bytes = [("seg", 0), ("dict", 0), ("idx", 0)];
    for (name, size) in snapshot.files() {
        for (kind, sum) in &mut bytes {
            *sum += if name.split('-').next() == Some(*kind) { size } else { 0 };
        }
    }
    let [(_, segments), (_, dictionaries), (_, indexes)] = bytes;
    Ok(json!({
        "ms": ms,
        "resident": resident,
        "own": own,
        "segments": snapshot.segments().len(),
        "events": snapshot.segments().iter().map(|segment| segment.rows()).sum::<u64>(),
        "consumers": snapshot.keys(KeyTable::Consumer),
        "segment_bytes": segments,
        "dictionary_bytes": dictionaries,
        "index_bytes": indexes,
    }))
}

/// The questions: name and statement.
fn questions(brands: u32) -> [(&'static str, String); 3] {
    let asked = |brand: u32| format!("COUNT BY {}.stage", brand_name(brand));
    // Brand k of n has a share of the events that falls with k^(-2/3).
    [("largest", asked(0)), ("medium", asked(brands * 6 / 100)), ("smallest", asked(brands - 1))]
}

fn ask(path: &Path, brands: u32) -> Result<Value, Failure> {
    let database = Database::open_with(path, quiet())?;
    database.memo().set_limit(0);
    let mut told = serde_json::Map::new();
    for (name, statement) in questions(brands) {
        let mut times = Vec::new();
        let mut counted = 0;
        for _ in 0..=ROUNDS {
            let start = Instant::now();
            let answer = database.query(&statement)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            counted = answer.rows.len();
        }
        let first = times.remove(0);
        let ms = crate::median(&mut times);
        told.insert(name.to_owned(), json!({ "first_ms": first, "ms": ms, "rows": counted }));
    }
    Ok(json!({ "questions": told }))
}
