//! What was found so far, in a file: a part that is measured is not measured again.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use throng::storage::io;

use super::options::{Options, Part};
use crate::capacity::write;
use crate::{Failure, Outcome};

const NAME: &str = "results.json";

/// The findings of the parts.
#[derive(Debug)]
pub(super) struct Results {
    path: PathBuf,
    parts: Map<String, Value>,
}

impl Results {
    /// The findings in a directory, none when there are none.
    ///
    /// # Errors
    /// When they cannot be read.
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(NAME);
        let parts = match path.exists() {
            true => serde_json::from_slice(&io::read(&path)?)
                .map_err(|error| format!("{}: {error}: remove it", path.display()))?,
            false => Map::new(),
        };
        Ok(Self { path, parts })
    }

    /// What was found of a part with these options.
    pub(super) fn part(&self, options: &Options, part: Part) -> Option<&Value> {
        let noted = self.parts.get(part.name())?;
        (noted["settings"] == options.settings(part)).then(|| &noted["found"])
    }

    /// Notes what was found of a part, durably.
    pub(super) fn note(&mut self, options: &Options, part: Part, found: Value) -> Outcome {
        let noted = json!({ "settings": options.settings(part), "found": found });
        self.parts.insert(part.name().to_owned(), noted);
        write(&self.path, Value::Object(self.parts.clone()).to_string().as_bytes())
    }

    /// Something that was found once, whatever the options.
    pub(super) fn other(&self, name: &str) -> Option<&Value> {
        self.parts.get(name)
    }

    pub(super) fn note_other(&mut self, name: &str, found: Value) {
        self.parts.insert(name.to_owned(), found);
    }
}
