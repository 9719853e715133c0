//! Events of a bulk load that do not fit into memory, in a temporary file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::columns::append;
use super::error::WriteError;
use super::files::{Draft, FileType};
use super::shared::Shared;
use crate::error::CorruptError;
use crate::io::{DiskFile, Mapping};
use crate::rows::EventColumns;
use crate::wal::{Reader, put_columns, take_columns};

/// Where runs of events are in the file, by block.
#[derive(Debug, Default)]
pub(super) struct Spill {
    file: Option<(PathBuf, Arc<dyn DiskFile>)>,
    length: usize,
    runs: BTreeMap<i32, Vec<(usize, usize)>>,
}

/// The complete file.
#[derive(Debug)]
pub(super) struct Spilled {
    path: PathBuf,
    map: Option<Mapping>,
    runs: BTreeMap<i32, Vec<(usize, usize)>>,
}

impl Spill {
    /// Moves events to the file.
    pub(super) fn write(
        &mut self,
        shared: &Shared,
        draft: &Draft,
        blocks: &mut BTreeMap<i32, EventColumns>,
    ) -> Result<(), WriteError> {
        let file = match &self.file {
            Some((_, file)) => Arc::clone(file),
            None => {
                let (_, path) = draft.reserve(FileType::Spill);
                let file = shared.files.disk.create(&path)?;
                self.file = Some((path, Arc::clone(&file)));
                file
            }
        };
        let mut run = Vec::new();
        while let Some((block, events)) = blocks.pop_first() {
            run.clear();
            put_columns(&mut run, &events);
            drop(events);
            file.append(&run)?;
            let end = self.length + run.len();
            self.runs.entry(block).or_default().push((self.length, end));
            self.length = end;
        }
        Ok(())
    }

    /// The file, for reading.
    pub(super) fn finish(&mut self, shared: &Shared) -> Result<Spilled, WriteError> {
        let runs = std::mem::take(&mut self.runs);
        let Some((path, _)) = &self.file else {
            return Ok(Spilled { path: PathBuf::new(), map: None, runs });
        };
        Ok(Spilled { map: Some(shared.files.disk.map(path)?), path: path.clone(), runs })
    }

    /// Removes the file.
    pub(super) fn discard(&mut self, draft: &Draft) {
        if let Some((path, _)) = self.file.take() {
            draft.discard(&path);
        }
    }
}

impl Spilled {
    /// The blocks that have events in it.
    pub(super) fn blocks(&self) -> impl Iterator<Item = i32> {
        self.runs.keys().copied()
    }

    /// The events of a block, in the order in which they came.
    pub(super) fn read(&self, block: i32) -> Result<EventColumns, WriteError> {
        let mut events = EventColumns::default();
        let map = self.map.as_deref().unwrap_or_default();
        for &(start, end) in self.runs.get(&block).into_iter().flatten() {
            let corrupt =
                |what| CorruptError { path: self.path.clone(), offset: start as u64, what };
            let bytes = map.get(start..end).ok_or_else(|| corrupt("the file ends early"))?;
            let run = take_columns(&mut Reader(bytes)).map_err(corrupt)?;
            append(&mut events, &run);
        }
        Ok(events)
    }
}
