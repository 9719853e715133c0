//! Running the steps of all sizes, one after the other.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::measure::{free, machine};
use super::options::{Options, short};
use super::state::{State, write};
use super::steps::{Kind, Step};
use super::{plot, report};
use crate::{Failure, Outcome};

/// Processes that open a store.
const OPENINGS: usize = 7;
/// Bytes that a store needs on its way, generously: of each event, and of each consumer's key.
const ROOM_PER_EVENT: u64 = 7;
const ROOM_PER_CONSUMER: u64 = 70;
const TEMPLATE: &str = "{msg:28} {bar:30} {percent:>3} % {elapsed} (left {eta})";

/// Measures what is not measured yet, and writes the document and the plot.
///
/// # Errors
/// When a step fails; what was measured before stays noted.
pub fn run(options: &Options) -> Outcome {
    std::fs::create_dir_all(&options.dir)?;
    std::fs::create_dir_all(&options.out)?;
    let program = std::env::current_exe()?;
    let mut state = State::open(options)?;
    let mut sizes = options.sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    for &events in &sizes {
        Sized { options, events, program: &program }.measure(&mut state)?;
        // After each size, so that a run that is ended early leaves what it found.
        let found: Vec<_> = sizes
            .iter()
            .map(|size| state.size(*size))
            .filter(|size| !size["ask"].is_null())
            .collect();
        write(&options.out.join("capacity.svg"), plot::svg(&found).as_bytes())?;
        let text = report::markdown(options, &found, &machine());
        write(&options.out.join("capacity.md"), text.as_bytes())?;
    }
    println!("written: {}", options.out.join("capacity.md").display());
    Ok(())
}

/// The measurement of one size.
struct Sized<'o> {
    options: &'o Options,
    events: u64,
    program: &'o Path,
}

impl Sized<'_> {
    fn store(&self) -> PathBuf {
        self.options.dir.join(format!("store-{}", self.events))
    }

    fn measure(&self, state: &mut State) -> Outcome {
        let done = |state: &State, step| !state.step(self.events, step).is_null();
        if done(state, "ask") {
            println!("{} events: measured before", short(self.events));
            return self.clean();
        }
        if !done(state, "load") {
            self.room()?;
            let found = self.step(Kind::Load, "load", state)?;
            state.note(self.events, "load", found)?;
        }
        if !done(state, "merge") {
            let found = self.step(Kind::Merge, "merge", state)?;
            state.note(self.events, "merge", found)?;
        }
        if !done(state, "open") {
            let mut times = Vec::new();
            let mut found = json!({});
            for _ in 0..OPENINGS {
                found = self.step(Kind::Open, "open", state)?;
                times.push(found["ms"].as_f64().unwrap_or_default());
            }
            found["ms"] = crate::median(&mut times).into();
            state.note(self.events, "open", found)?;
        }
        let found = self.step(Kind::Ask, "ask", state)?;
        state.note(self.events, "ask", found)?;
        self.clean()
    }

    /// Removes the store unless it is to be kept.
    fn clean(&self) -> Outcome {
        if !self.options.keep && self.store().exists() {
            std::fs::remove_dir_all(self.store())?;
        }
        Ok(())
    }

    fn consumers(&self) -> u64 {
        (self.events / self.options.events_per_consumer.max(1)).clamp(1, u64::from(u32::MAX))
    }

    /// Whether there is room for the store.
    fn room(&self) -> Outcome {
        let wanted = self.events * ROOM_PER_EVENT + self.consumers() * ROOM_PER_CONSUMER;
        match free(&self.options.dir) {
            Some(free) if free < wanted => Err(format!(
                "{} events need {} MB on the disk of {}, and {} MB are free: leave the size out \
                 with --sizes, or give another --dir",
                short(self.events),
                wanted / 1_000_000,
                self.options.dir.display(),
                free / 1_000_000
            )
            .into()),
            _ => Ok(()),
        }
    }

    /// Runs a step in a process of its own and gives what it found.
    fn step(&self, kind: Kind, name: &str, state: &mut State) -> Result<Value, Failure> {
        let step = Step {
            kind,
            store: self.store(),
            events: self.events,
            consumers: self.consumers(),
            brands: self.options.brands,
            days: self.options.days,
            memory: self.options.memory,
        };
        let mut child =
            Command::new(self.program).args(step.arguments()).stdout(Stdio::piped()).spawn()?;
        let bar = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        bar.set_message(format!("{} events: {name}", short(self.events)));
        let mut result = Value::Null;
        let lines = child.stdout.take().map(BufReader::new);
        for line in lines.into_iter().flat_map(BufRead::lines) {
            let line: Value = serde_json::from_str(&line?)?;
            if let (Some(done), Some(total)) = (line["done"].as_u64(), line["total"].as_u64()) {
                bar.set_length(total);
                bar.set_position(done);
            } else if !line["load"].is_null() {
                state.note_load(self.events, &line)?;
            } else if let Some(found) = line.get("result") {
                result = found.clone();
            }
        }
        bar.finish_and_clear();
        let ended = child.wait()?;
        if !ended.success() || result.is_null() {
            return Err(format!("{name} of {} events failed: {ended}", short(self.events)).into());
        }
        Ok(result)
    }
}
