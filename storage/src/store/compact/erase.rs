//! Taking forgotten consumers out of every file: the last part of merging everything.
//!
//! Segments and indexes that still have them are written again; then, in the writer's turn, what
//! came meanwhile is looked at, their keys and those that only their events named are left out of
//! the dictionaries' parts, a new log begins, and the manifest is written anew.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::job::{self, Made};
use super::plan::Job;
use crate::block::{FileKind, rebind};
use crate::dictionary::{Dictionary, Part};
use crate::error::CorruptError;
use crate::index::{IndexBuilder, IndexFile};
use crate::manifest::EditError;
use crate::segment::Segment;
use crate::store::blocks::write_synced;
use crate::store::checkpoint::checkpoint;
use crate::store::commit::{Memory, Plan, commit};
use crate::store::error::WriteError;
use crate::store::files::{Draft, FileType};
use crate::store::shared::Shared;
use crate::store::snapshot::{DiskIndex, Snapshot};
use crate::store::trace::{holds_any, index_holds_any, strike_named};
use crate::store::turn::TurnGuard;
use crate::store::types::KeyTable;

/// Told of each rewriting: the job and what it made. `Break` of the pause ends it.
pub(super) trait Watch {
    /// Called again and again with the events read since.
    fn pause(&mut self, job: &Job, rows: u64) -> ControlFlow<()>;
    /// A segment was written again.
    fn done(&mut self, job: &Job, made: Made);
}

/// One taking out.
pub(super) struct Sweep<'s> {
    shared: &'s Shared,
    consumers: RoaringBitmap,
    /// Files that were found to have none of them.
    clean: BTreeSet<u64>,
    /// Positions of items and orders that no event looked at so far names.
    unnamed: [RoaringBitmap; 2],
    /// Segments whose events were looked at for that.
    struck: BTreeSet<u64>,
}

/// Whether everything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finish {
    Done,
    /// Files that came meanwhile have them.
    Again,
}

impl<'s> Sweep<'s> {
    /// Of everybody whom files may still hold; none when there is nobody. The caller has the right
    /// to compact.
    pub(super) fn new(shared: &'s Shared) -> Option<Self> {
        let snapshot = shared.present();
        let erasures = snapshot.erasures();
        let sweep = Self {
            shared,
            consumers: erasures.pending.clone(),
            clean: BTreeSet::new(),
            unnamed: erasures.suspects.clone(),
            struck: BTreeSet::new(),
        };
        (!sweep.consumers.is_empty()).then_some(sweep)
    }

    /// Does it. `Break` when it was stopped: what was written again stays, the rest is left.
    pub(super) fn run(mut self, watch: &mut dyn Watch) -> Result<ControlFlow<()>, WriteError> {
        loop {
            if self.segments(watch)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.indexes()?;
            let snapshot = self.shared.present();
            for (number, segment) in snapshot.disk.iter() {
                self.strike(*number, segment)?;
            }
            if self.finish()? == Finish::Done {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    /// Writes the segments again that have them, each for itself.
    fn segments(&mut self, watch: &mut dyn Watch) -> Result<ControlFlow<()>, WriteError> {
        // Segments vanish through merges alone, and whoever has this right is the only one.
        let snapshot = self.shared.present();
        for (number, segment) in snapshot.disk.iter() {
            if !self.holds(*number, segment)? {
                continue;
            }
            let job = Job::rewriting(*number, segment);
            let mut pause = |rows| watch.pause(&job, rows);
            match job::run(self.shared, &snapshot, &job, &mut pause)? {
                Some(made) => watch.done(&job, made),
                None => return Ok(ControlFlow::Break(())),
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn holds(&mut self, number: u64, segment: &Segment) -> Result<bool, CorruptError> {
        if self.clean.contains(&number) {
            return Ok(false);
        }
        let holds = holds_any(segment, &self.consumers)?;
        if !holds {
            self.clean.insert(number);
        }
        Ok(holds)
    }

    fn index_holds(&mut self, index: &DiskIndex) -> Result<bool, CorruptError> {
        if self.clean.contains(&index.number) {
            return Ok(false);
        }
        let holds = index_holds_any(&index.index, &self.consumers)?;
        if !holds {
            self.clean.insert(index.number);
        }
        Ok(holds)
    }

    /// Writes the indexes again that have them: all at once, since some of them are compared.
    fn indexes(&mut self) -> Result<(), WriteError> {
        let shared = self.shared;
        let snapshot = shared.present();
        let draft = Draft::new(&shared.files);
        let mut plan = Plan::default();
        for (key, index) in snapshot.indexes.iter() {
            if self.index_holds(index)? {
                plan.indexes_put.insert(key.clone(), self.write_index(&draft, &index.index)?);
            }
        }
        if plan.indexes_put.is_empty() {
            return Ok(());
        }
        let turn = shared.turn.take();
        let present = shared.present();
        let number = |of: &Snapshot, key: &String| of.indexes.get(key).map(|index| index.number);
        if plan.indexes_put.keys().all(|key| number(&present, key) == number(&snapshot, key)) {
            commit(shared, draft, plan)?;
        }
        // Otherwise a load replaced one meanwhile, and they are looked at again.
        drop(turn);
        Ok(())
    }

    fn write_index(&self, draft: &Draft, old: &IndexFile) -> Result<DiskIndex, WriteError> {
        let shared = self.shared;
        let mut builder = IndexBuilder::new(old.header().to_vec());
        for set in 0..old.sets() {
            builder.add_set(old.read_set(set)? - &self.consumers);
        }
        let (number, path) = draft.reserve(FileType::Index);
        let file_id = shared.files.file_id(number);
        let bytes = builder.finish(file_id);
        let bytes = rebind(&bytes, FileKind::Index, file_id).unwrap_or(bytes);
        write_synced(shared, draft, &path, &bytes)?;
        let mapping = shared.files.disk.map(&path)?;
        let index = Arc::new(IndexFile::from_mapping(mapping, path)?);
        Ok(DiskIndex { number, bytes: bytes.len() as u64, index })
    }

    /// Notes what the events of a segment name.
    fn strike(&mut self, number: u64, segment: &Segment) -> Result<(), CorruptError> {
        if self.struck.insert(number) {
            strike_named(segment, &mut self.unnamed)?;
        }
        Ok(())
    }

    /// In the writer's turn, when no file has them any more: their keys, the log, the record.
    fn finish(&mut self) -> Result<Finish, WriteError> {
        let shared = self.shared;
        let turn = shared.turn.take();
        // What is in memory has none of them, and the log that has goes with this.
        checkpoint(shared, &turn)?;
        let snapshot = shared.present();
        for (number, segment) in snapshot.disk.iter() {
            if self.holds(*number, segment)? {
                return Ok(Finish::Again);
            }
        }
        for index in snapshot.indexes.values() {
            if self.index_holds(index)? {
                return Ok(Finish::Again);
            }
        }
        for (number, segment) in snapshot.disk.iter() {
            self.strike(*number, segment)?;
        }
        self.publish(&turn, &snapshot)?;
        Ok(Finish::Done)
    }

    fn publish(&self, _turn: &TurnGuard<'_>, snapshot: &Snapshot) -> Result<(), WriteError> {
        let shared = self.shared;
        let mut erasures = snapshot.erasures().clone();
        erasures.pending -= &self.consumers;
        let [_, items, orders] = &mut erasures.buried;
        for ((buried, suspects), unnamed) in
            [items, orders].into_iter().zip(&mut erasures.suspects).zip(&self.unnamed)
        {
            *buried |= unnamed;
            *suspects -= unnamed;
            if erasures.pending.is_empty() {
                suspects.clear();
            }
        }
        let buried = erasures.buried.clone();
        let draft = Draft::new(&shared.files);
        let before: Vec<_> = shared.dictionaries.iter().map(Dictionary::parts).collect();
        let mut clean = Vec::with_capacity(before.len());
        for (table, buried) in KeyTable::ALL.into_iter().zip(&buried) {
            clean.push(self.clean_parts(&draft, table, buried)?);
        }
        for (dictionary, parts) in shared.dictionaries.iter().zip(clean) {
            dictionary.exchange(parts);
        }
        let erasures = Some(Arc::new(erasures));
        let plan = Plan { memory: Memory::None, erasures, ..Plan::default() };
        if let Err(error) = commit(shared, draft, plan) {
            for (dictionary, parts) in shared.dictionaries.iter().zip(before) {
                dictionary.exchange(parts);
            }
            return Err(error);
        }
        for (dictionary, buried) in shared.dictionaries.iter().zip(&buried) {
            dictionary.bury(buried);
        }
        let files = &shared.files;
        match shared.log().manifest.write_again(&*files.disk, &files.dir) {
            Ok(()) => Ok(()),
            Err(EditError::Undone(error)) if error.is_full() => Err(WriteError::Full(error)),
            Err(EditError::Undone(error)) => Err(error.into()),
            Err(EditError::Unknown(error)) => Err(shared.fail(error)),
            Err(EditError::Codec(error)) => Err(error.into()),
        }
    }

    /// The parts of a dictionary, those with the bytes of buried keys written again.
    fn clean_parts(
        &self,
        draft: &Draft,
        table: KeyTable,
        buried: &RoaringBitmap,
    ) -> Result<Arc<[Arc<Part>]>, WriteError> {
        let files = &self.shared.files;
        let parts = self.shared.dictionaries[table as usize].parts();
        let mut clean = Vec::with_capacity(parts.len());
        for part in parts.iter() {
            clean.push(if part.holds_any(buried)? {
                let (number, path) = draft.reserve(FileType::Part(table));
                let id = files.file_id(number);
                Arc::new(Part::write_again(part, buried, &*files.disk, &path, number, id)?)
            } else {
                Arc::clone(part)
            });
        }
        Ok(clean.into())
    }
}
