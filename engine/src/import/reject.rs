//! The list of bad rows: counted by reason, written to a file, and bounded when the load fails.

use std::fs::File;
use std::io::{self, BufWriter};
use std::ops::ControlFlow;
use std::path::PathBuf;

use throng_storage::io as files;

use super::error::{LoadError, Reject};
use super::options::{LoadMode, REJECTS_LISTED_MAX, RejectOptions};

/// Bad rows that a report repeats.
const REPEATED_MAX: usize = 10;

/// Bad rows so far.
pub(super) struct Rejects {
    options: RejectOptions,
    mode: LoadMode,
    writer: Option<csv::Writer<BufWriter<File>>>,
    pub(super) count: u64,
    pub(super) first: Vec<Reject>,
    kinds: Vec<(&'static str, u64)>,
}

impl Rejects {
    pub(super) fn new(options: &RejectOptions, mode: LoadMode) -> Self {
        Self {
            options: options.clone(),
            mode,
            writer: None,
            count: 0,
            first: Vec::new(),
            kinds: Vec::new(),
        }
    }

    /// Whether there are more than there may be.
    pub(super) fn is_failed(&self) -> bool {
        self.mode == LoadMode::Apply && self.count > self.options.max
    }

    /// Takes the bad rows of a block that has `lines` lines before it. Breaks when the load failed
    /// and enough are listed.
    pub(super) fn take(
        &mut self,
        rejects: Vec<Reject>,
        lines: u64,
    ) -> Result<ControlFlow<()>, LoadError> {
        for mut reject in rejects {
            reject.line += lines + 1;
            self.count += 1;
            if self.mode == LoadMode::Apply
                && self.count <= self.options.max.max(REJECTS_LISTED_MAX)
            {
                self.write(&reject)?;
            }
            let kind = reject.reason.kind();
            match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count += 1,
                None => self.kinds.push((kind, 1)),
            }
            if self.first.len() < REPEATED_MAX {
                self.first.push(reject);
            }
            if self.is_failed() && self.count >= REJECTS_LISTED_MAX {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn write(&mut self, reject: &Reject) -> Result<(), LoadError> {
        let Some(path) = &self.options.file else { return Ok(()) };
        let failed = |source| LoadError::RejectFile { path: path.clone(), source };
        let broken = |error: csv::Error| failed(io::Error::other(error));
        if self.writer.is_none() {
            let file = files::create(path).map_err(|error| failed(error.source))?;
            let mut writer = csv::Writer::from_writer(BufWriter::new(file));
            writer.write_record(["file", "line", "column", "value", "reason"]).map_err(broken)?;
            self.writer = Some(writer);
        }
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let (line, reason) = (reject.line.to_string(), reject.reason.to_string());
        let row = [&*reject.file, &line, &*reject.column, &reject.value, &reason];
        writer.write_record(row).map_err(broken)
    }

    /// Ends the list; an error when there were too many.
    pub(super) fn finish(&mut self) -> Result<Option<PathBuf>, LoadError> {
        let path = match (&mut self.writer, &self.options.file) {
            (Some(writer), Some(path)) => {
                let failed = |source| LoadError::RejectFile { path: path.clone(), source };
                writer.flush().map_err(failed)?;
                Some(path.clone())
            }
            _ => None,
        };
        match self.first.first() {
            Some(first) if self.is_failed() => Err(LoadError::Rejected {
                first: Box::new(first.clone()),
                count: self.count,
                max: self.options.max,
                rejects: path,
            }),
            _ => Ok(path),
        }
    }

    /// Counts by kind of reason, most first.
    pub(super) fn kinds(&self) -> Vec<(&'static str, u64)> {
        let mut kinds = self.kinds.clone();
        kinds.sort_by_key(|&(kind, count)| (std::cmp::Reverse(count), kind));
        kinds
    }
}
