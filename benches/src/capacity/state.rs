//! What was measured so far, in a file: a step that is done is not done again.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use throng::storage::io;

use super::options::Options;
use crate::{Failure, Outcome};

const NAME: &str = "state.json";

/// The state of a measurement.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    value: Value,
}

impl State {
    /// The state in a directory, empty when there is none.
    ///
    /// # Errors
    /// When it was measured with other settings, or cannot be read.
    pub(super) fn open(options: &Options) -> Result<Self, Failure> {
        let path = options.dir.join(NAME);
        let settings = json!({
            "events_per_consumer": options.events_per_consumer,
            "brands": options.brands,
            "days": options.days,
            "memory": options.memory,
        });
        if !path.exists() {
            return Ok(Self { path, value: json!({ "settings": settings, "sizes": {} }) });
        }
        let value: Value = serde_json::from_slice(&io::read(&path)?)?;
        if value["settings"] != settings {
            let found = &value["settings"];
            return Err(format!(
                "{} was begun with {found}: go on with the same flags, or give another --dir",
                path.display()
            )
            .into());
        }
        Ok(Self { path, value })
    }

    /// What was found of a step of a size; null when it is not done.
    pub(super) fn step(&self, events: u64, step: &str) -> &Value {
        &self.value["sizes"][events.to_string()][step]
    }

    /// Everything found of a size.
    pub(super) fn size(&self, events: u64) -> &Value {
        &self.value["sizes"][events.to_string()]
    }

    /// Notes what was found, durably.
    pub(super) fn note(&mut self, events: u64, step: &str, found: Value) -> Outcome {
        let size = &mut self.value["sizes"][events.to_string()];
        if !size.is_object() {
            *size = Value::Object(Map::new());
        }
        size[step] = found;
        write(&self.path, self.value.to_string().as_bytes())
    }

    /// Notes what was found of one load of a size.
    pub(super) fn note_load(&mut self, events: u64, line: &Value) -> Outcome {
        let mut loads = self.step(events, "loads").clone();
        if !loads.is_object() {
            loads = Value::Object(Map::new());
        }
        let name = line["load"].to_string();
        // Loaded by an earlier run, which may have noted how long it took.
        if loads[&name].is_null() || !line["seconds"].is_null() {
            loads[&name] = line.clone();
        }
        self.note(events, "loads", loads)
    }
}

/// Writes a file whole, by way of another.
#[expect(clippy::disallowed_methods, reason = "a file of a measurement, not of a store")]
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Outcome {
    let temporary = path.with_extension("tmp");
    let mut file = io::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}
