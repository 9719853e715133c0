//! Growth and valuation: Throng alone, over stores of several sizes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::options::Options;
use super::peers::lines;
use crate::capacity::{short, write};
use crate::{Failure, Outcome};

/// Sizes in hundredths of the largest.
const STEPS: [u64; 5] = [1, 3, 10, 30, 100];

/// Where Throng's stores are, and what makes and asks them.
pub(super) struct Own<'o> {
    pub(super) options: &'o Options,
    pub(super) programs: &'o Path,
    pub(super) data: &'o Path,
}

impl Own<'_> {
    /// The times of all growths: `over`, `question`, and its points of x, milliseconds and bytes.
    ///
    /// # Errors
    /// When a store cannot be made or asked.
    pub(super) fn growth(&self) -> Result<Value, Failure> {
        let mut found = Vec::new();
        for consumers in sizes(self.options.consumers) {
            let store = self.sets(consumers)?;
            self.ask(&mut found, &store, "consumers", Some(consumers))?;
        }
        for events in sizes(self.options.events) {
            let store = self.events(events)?;
            self.ask(&mut found, &store, "events", Some(events))?;
        }
        let largest = self.events(self.options.events)?;
        self.ask(&mut found, &largest, "brands", None)?;
        self.ask(&mut found, &largest, "cores", None)?;
        let sets = self.sets(self.options.consumers)?;
        self.ask(&mut found, &sets, "cores of sets", None)?;
        Ok(Value::Array(found))
    }

    /// Times of valuation and profiles.
    ///
    /// # Errors
    /// When the store cannot be made or asked.
    pub(super) fn valuation(&self) -> Result<Value, Failure> {
        let folder = self.events_folder(self.options.events)?;
        let events = self.options.events.to_string();
        let store = once(&folder, "valued", || {
            let path = folder.join("valued");
            self.bench(&["store", "--events", &events], &path)?;
            self.bench(&["attributes"], &path)
        })?;
        settle()?;
        Ok(Value::Array(self.bench(&["valuation", "--rounds", &self.rounds()], &store)?))
    }

    fn rounds(&self) -> String {
        self.options.rounds.to_string()
    }

    /// The folder of so many events, which the questions beside the peers share.
    pub(super) fn events_folder(&self, events: u64) -> Result<PathBuf, Failure> {
        let people = self.options.people;
        self.folder(&format!("events-{events}-of-{people}"))
    }

    /// The folder of so many consumers' sets.
    pub(super) fn sets_folder(&self, consumers: u64) -> Result<PathBuf, Failure> {
        self.folder(&format!("sets-{consumers}"))
    }

    /// A folder of data.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let folder = self.data.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn events(&self, events: u64) -> Result<PathBuf, Failure> {
        let folder = self.events_folder(events)?;
        let text = events.to_string();
        once(&folder, "store", || self.bench(&["store", "--events", &text], &folder.join("store")))
    }

    fn sets(&self, consumers: u64) -> Result<PathBuf, Failure> {
        let folder = self.sets_folder(consumers)?;
        let text = consumers.to_string();
        once(&folder, "store", || {
            self.bench(&["make-sets", "--consumers", &text], &folder.join("store"))
        })
    }

    fn bench(&self, arguments: &[&str], store: &Path) -> Result<Vec<Value>, Failure> {
        let mut bench = Command::new(self.programs.join("throng-bench"));
        let people = self.options.people.to_string();
        bench.args(arguments).arg("--data").arg(store).args(["--people", &people]);
        lines(&mut bench)
    }

    /// Adds the points of a growth; `x` where the store as a whole is what grows.
    fn ask(&self, found: &mut Vec<Value>, store: &Path, over: &str, x: Option<u64>) -> Outcome {
        let at = x.map_or(String::new(), |x| format!(" {}", short(x)));
        println!("  growth over {over}{at}");
        let rows = self.bench(&["growth", "--over", over, "--rounds", &self.rounds()], store)?;
        for row in rows {
            found.push(json!({
                "over": over,
                "question": row["question"],
                "x": x.map_or_else(|| row["x"].clone(), Value::from),
                "ms": row["ms"],
                "bytes": row["bytes"],
            }));
        }
        Ok(())
    }
}

/// Sizes up to the largest.
fn sizes(largest: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = STEPS.iter().map(|step| (largest * step / 100).max(1)).collect();
    sizes.dedup();
    sizes
}

/// Makes a part of a folder unless a note says that it is whole; what an ended run left of it is
/// removed first. `compare.py` leaves the same notes.
fn once(
    folder: &Path,
    name: &str,
    make: impl FnOnce() -> Result<Vec<Value>, Failure>,
) -> Result<PathBuf, Failure> {
    let (path, note) = (folder.join(name), folder.join(format!("{name}.done")));
    if !note.exists() {
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        println!("  making {}", path.display());
        let made = make()?;
        write(&note, Value::Array(made).to_string().as_bytes())?;
    }
    Ok(path)
}

/// Waits until what was made is on the disk: writing it takes the cores of who is asked.
fn settle() -> Outcome {
    Command::new("sync").status()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::sizes;

    #[test]
    fn sizes_lead_up_to_the_largest() {
        let million = 1_000_000;
        let expected = [million, 3 * million, 10 * million, 30 * million, 100 * million];
        assert_eq!(sizes(100 * million), expected);
        assert_eq!(sizes(1), [1]);
    }
}
