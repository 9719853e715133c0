//! Compaction as a program asks for it: the plan, one step, or all.

use std::ops::ControlFlow;

use super::beside::{self, Round};
use super::erase::{Sweep, Watch};
use super::job::{self, Made};
use super::plan::{self, Job, Piece};
use super::state::{CompactionJob, Depth, Running};
use crate::store::error::WriteError;
use crate::store::handle::Store;
use crate::store::snapshot::Snapshot;

/// What merges did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Merges.
    pub jobs: u64,
    /// Events written again.
    pub rows: u64,
    /// Segments that are gone.
    pub segments_in: u64,
    /// Segments in their place.
    pub segments_out: u64,
    /// Bytes of the segments that are gone.
    pub bytes_in: u64,
    /// Bytes of those in their place.
    pub bytes_out: u64,
}

impl Compacted {
    pub(super) fn add(&mut self, job: &Job, made: Made) {
        self.jobs += 1;
        self.rows += job.rows();
        self.segments_in += job.pieces.len() as u64;
        self.segments_out += made.segments as u64;
        self.bytes_in += job.bytes();
        self.bytes_out += made.bytes;
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactionStep {
    /// Nothing was due.
    Idle,
    /// One merge.
    Done(Compacted),
    /// It was told to stop; everything is as before.
    Stopped,
}

/// How far merging everything has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompactionProgress {
    /// Events merged so far.
    pub rows_done: u64,
    /// Events to merge, as far as is known.
    pub rows_total: u64,
    /// Merges done so far.
    pub jobs_done: u64,
    /// Merges in all, as far as is known.
    pub jobs_total: u64,
}

impl Snapshot {
    /// The merges that are due, the smallest first.
    #[must_use]
    pub fn compaction_plan(&self, depth: Depth) -> Vec<CompactionJob> {
        self.compaction_jobs(depth).iter().map(CompactionJob::from).collect()
    }

    /// The merge that is going on, not in this snapshot's moment but now.
    #[must_use]
    pub fn compaction_running(&self) -> Option<Running> {
        self.compaction.running()
    }

    fn compaction_jobs(&self, depth: Depth) -> Vec<Job> {
        let Some(newest) = self.segments().iter().map(|segment| segment.last_day()).max() else {
            return Vec::new();
        };
        let pieces = self.disk.iter().map(|(number, segment)| Piece::of(*number, segment));
        let pieces = pieces.collect();
        plan::plan(self.compaction.sound(pieces), newest, depth)
    }
}

impl Store {
    /// Does the smallest merge that is due, if any. Nobody waits for it but who compacts as well:
    /// only to publish its result it takes the writer's turn. `pause` is called again and again
    /// with the events merged since, and may sleep; `Break` stops the merge.
    ///
    /// # Errors
    /// When bytes are corrupt or a file cannot be written; then everything is as before.
    pub fn compact_step(
        &self,
        depth: Depth,
        pause: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<CompactionStep, WriteError> {
        let shared = &*self.shared;
        let snapshot = shared.present();
        let _work = snapshot.compaction.work();
        // Whoever compacted before may have changed everything.
        let snapshot = shared.present();
        let Some(job) = snapshot.compaction_jobs(depth).into_iter().next() else {
            return Ok(CompactionStep::Idle);
        };
        let Some(made) = job::run(shared, &snapshot, &job, pause)? else {
            return Ok(CompactionStep::Stopped);
        };
        let mut done = Compacted::default();
        done.add(&job, made);
        Ok(CompactionStep::Done(done))
    }

    /// Merges until every block of days is one run of segments, and takes forgotten consumers out
    /// of every file. What is put into the store meanwhile is left for the next time. `progress`
    /// is called again and again; `Break` stops the merge that is going on, what was merged before
    /// stays.
    ///
    /// # Errors
    /// When a file cannot be written, or, after everything else was merged, when a segment is
    /// corrupt.
    pub fn compact_all(
        &self,
        progress: &mut dyn FnMut(CompactionProgress) -> ControlFlow<()>,
    ) -> Result<(Compacted, ControlFlow<()>), WriteError> {
        let shared = &*self.shared;
        let snapshot = shared.present();
        let _work = snapshot.compaction.work();
        if !snapshot.erasures().pending().is_empty() {
            // What is in memory would be written when they are taken out: it is merged as well.
            self.checkpoint()?;
        }
        let newer = shared.files.next_number();
        let mut all = Compacted::default();
        let mut damage = None;
        loop {
            let snapshot = shared.present();
            let mut jobs = snapshot.compaction_jobs(Depth::Full);
            jobs.retain(|job| job.pieces.iter().any(|piece| piece.number < newer));
            let Some(job) = jobs.first() else { break };
            let writers = beside::writers(shared, &jobs);
            if writers > 1 {
                match beside::run(shared, &jobs, writers, &mut all, progress)? {
                    Round::Done(found) => damage = found.or(damage),
                    Round::Stopped => return Ok((all, ControlFlow::Break(()))),
                }
                continue;
            }
            let mut told = CompactionProgress {
                rows_done: all.rows,
                rows_total: all.rows + jobs.iter().map(Job::rows).sum::<u64>(),
                jobs_done: all.jobs,
                jobs_total: all.jobs + jobs.len() as u64,
            };
            let mut pause = |rows| {
                told.rows_done += rows;
                progress(told)
            };
            match job::run(shared, &snapshot, job, &mut pause) {
                Ok(Some(made)) => all.add(job, made),
                Ok(None) => return Ok((all, ControlFlow::Break(()))),
                // Its segment is set aside now.
                Err(WriteError::Corrupt(error)) => damage = Some(error),
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = damage {
            return Err(error.into());
        }
        let mut watch = Told { all, progress, rows: 0 };
        let done = match Sweep::new(shared) {
            Some(sweep) => sweep.run(&mut watch)?,
            None => ControlFlow::Continue(()),
        };
        if done.is_continue() {
            let removed = shared.files.remove_left();
            // They may hold who was forgotten; otherwise they only take room.
            if !shared.present().erasures().records().is_empty() {
                removed?;
            }
        }
        Ok((watch.all, done))
    }
}

/// Passes on how far taking out has come.
struct Told<'p> {
    all: Compacted,
    progress: &'p mut dyn FnMut(CompactionProgress) -> ControlFlow<()>,
    /// Events of the present segment so far.
    rows: u64,
}

impl Watch for Told<'_> {
    fn pause(&mut self, job: &Job, rows: u64) -> ControlFlow<()> {
        self.rows += rows;
        (self.progress)(CompactionProgress {
            rows_done: self.all.rows + self.rows,
            rows_total: self.all.rows + job.rows(),
            jobs_done: self.all.jobs,
            jobs_total: self.all.jobs + 1,
        })
    }

    fn done(&mut self, job: &Job, made: Made) {
        self.rows = 0;
        self.all.add(job, made);
    }
}
