//! A store with something to lose.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::{Ended, query, run};

/// What is loaded before the trial.
pub const GOOD: &str = "\
consumer,brand,behaviour,time,amount
u1,estee,buy,2017-11-11 00:00:01,100.00
u2,estee,view,2017-11-11 09:30:00,
u3,oppo,buy,2017-11-10,19.90
";

/// A store, and a place for bad files beside it.
pub struct Trial {
    pub dir: TempDir,
    pub data: PathBuf,
}

impl Trial {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let trial = Self { data: dir.path().join("store"), dir };
        let good = trial.file("good.csv", GOOD.as_bytes());
        run(&trial.data, &["load", "events", good.to_str().unwrap()]).good();
        trial.nothing_lost();
        trial
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Loads a file that must be refused, with these words, and nothing of it be kept.
    #[track_caller]
    pub fn refuses(&self, path: &Path, words: &[&str]) -> Ended {
        self.refuses_with(path, &[], words)
    }

    #[track_caller]
    pub fn refuses_with(&self, path: &Path, options: &[&str], words: &[&str]) -> Ended {
        let mut arguments = vec!["load", "events", path.to_str().unwrap()];
        arguments.extend(options);
        let ended = run(&self.data, &arguments).bad(words);
        self.nothing_lost();
        ended
    }

    /// The store answers as it did before.
    #[track_caller]
    pub fn nothing_lost(&self) {
        assert_eq!(query(&self.data, "COUNT"), [["3"]]);
        assert_eq!(query(&self.data, "SUM ANY BRAND.spend"), [["119.90"]]);
    }
}
