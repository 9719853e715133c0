//! The `throng` command as a child process.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A command on a store, without anything of the environment that changes what it prints.
pub fn throng(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_throng-tested"));
    command.arg("--data").arg(data).env("NO_COLOR", "1").env_remove("RUST_BACKTRACE");
    command
}

/// What it printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// Fails unless it succeeded.
    #[track_caller]
    pub fn good(self) -> Self {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self
    }

    /// Fails unless it failed with code 1 and a clear word: these parts, and no trace of a panic.
    #[track_caller]
    pub fn bad(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{}{}", self.out, self.err);
        for part in parts {
            let found = self.err.to_lowercase().contains(&part.to_lowercase());
            assert!(found, "`{part}` is not in: {}", self.err);
        }
        for mark in ["panicked", "RUST_BACKTRACE", "unwrap()", "Error {", "Os {"] {
            assert!(!self.err.contains(mark), "`{mark}` in: {}", self.err);
        }
        self
    }
}

/// Runs it to its end.
pub fn run(data: &Path, arguments: &[&str]) -> Ended {
    let mut command = throng(data);
    Ended::of(command.args(arguments).stdin(Stdio::null()).output().unwrap())
}

/// Runs it to its end with something to read.
pub fn run_with_input(data: &Path, arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = piped(throng(data).args(arguments));
    // It may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ended::of(child.wait_with_output().unwrap())
}

/// Starts it with all three streams open.
pub fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The answer to a statement as lines of CSV, without the header.
#[track_caller]
pub fn query(data: &Path, statement: &str) -> Vec<Vec<String>> {
    let ended = run(data, &["query", statement, "--format", "csv"]).good();
    let mut reader = csv::Reader::from_reader(ended.out.as_bytes());
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}
