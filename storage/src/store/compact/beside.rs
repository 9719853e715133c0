//! Several merges at once: each of some threads writes the files of one, and one thread publishes
//! them. Of a plan no two merges share a segment, and segments vanish through merges alone, so
//! whatever is published first, what the others have read is still what the store has.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::job::{self, Numbered, Writing};
use super::plan::Job;
use super::run::{Compacted, CompactionProgress};
use crate::cores;
use crate::error::CorruptError;
use crate::segment::Without;
use crate::store::error::WriteError;
use crate::store::files::Draft;
use crate::store::shared::Shared;

/// Merges that are written at once at most: each needs the memory of a lane of its own.
const WRITERS_MAX: usize = 2;
/// Between two words about progress while nothing ends.
const TELL: Duration = Duration::from_millis(50);

/// What came of the merges of a plan.
#[derive(Debug)]
pub(super) enum Round {
    /// All were done, but for those with damaged segments.
    Done(Option<CorruptError>),
    /// It was told to stop.
    Stopped,
}

/// A merge whose files are written, or why they are not.
type Written<'j> = (&'j Job, Draft, Result<Option<Numbered>, WriteError>);

/// How many merges of a plan may be written at once.
pub(super) fn writers(shared: &Shared, jobs: &[Job]) -> usize {
    let rows: u64 = jobs.iter().map(Job::rows).sum();
    if rows < shared.tuning.beside_rows {
        return 1;
    }
    WRITERS_MAX.min(cores()).min(shared.tuning.builders).min(jobs.len())
}

/// Does all merges of a plan. The caller has the right to compact.
pub(super) fn run(
    shared: &Shared,
    jobs: &[Job],
    writers: usize,
    all: &mut Compacted,
    progress: &mut dyn FnMut(CompactionProgress) -> ControlFlow<()>,
) -> Result<Round, WriteError> {
    let common = Common::default();
    // A writer waits with its files until they are published: few are unpublished at any time.
    let (sender, written) = sync_channel(0);
    std::thread::scope(|scope| {
        for _ in 0..writers {
            let (sender, common) = (sender.clone(), &common);
            scope.spawn(move || write(shared, jobs, common, &sender));
        }
        drop(sender);
        // Within this, so that writers neither wait nor begin anew when `progress` panics.
        let (written, _stopping) = (written, Stopping(&common));
        Publisher { shared, common: &common, all, progress, before: Compacted::default(), jobs }
            .run(&written)
    })
}

/// Stops all threads when it goes.
struct Stopping<'c>(&'c Common);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// What the threads share.
#[derive(Debug, Default)]
struct Common {
    next: AtomicUsize,
    rows: AtomicU64,
    stop: AtomicBool,
}

impl Common {
    fn flow(&self) -> ControlFlow<()> {
        if self.stop.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Writes merges until there is none left.
fn write<'j>(shared: &Shared, jobs: &'j [Job], common: &Common, sender: &SyncSender<Written<'j>>) {
    while common.flow().is_continue()
        && let Some(job) = jobs.get(common.next.fetch_add(1, Ordering::Relaxed))
    {
        let snapshot = shared.present();
        let draft = Draft::new(&shared.files);
        let without =
            Without { consumers: snapshot.erasures().pending(), events: None, presence: None };
        let mut pause = |rows| {
            common.rows.fetch_add(rows, Ordering::Relaxed);
            common.flow()
        };
        let to = Writing { shared, snapshot: &snapshot, draft: &draft };
        let healthy = shared.healthy();
        let segments = healthy.and_then(|()| job::write(&to, job, &without, &mut pause));
        if sender.send((job, draft, segments)).is_err() {
            return;
        }
    }
}

/// Publishes what the writers have written.
struct Publisher<'p> {
    shared: &'p Shared,
    common: &'p Common,
    jobs: &'p [Job],
    all: &'p mut Compacted,
    before: Compacted,
    progress: &'p mut dyn FnMut(CompactionProgress) -> ControlFlow<()>,
}

impl<'j> Publisher<'j> {
    fn run(mut self, written: &Receiver<Written<'j>>) -> Result<Round, WriteError> {
        self.before = *self.all;
        let (mut damage, mut failed, mut stopped) = (None, None, false);
        loop {
            if !stopped && self.tell().is_break() {
                stopped = true;
                self.common.stop();
            }
            let (job, draft, segments) = match written.recv_timeout(TELL) {
                Ok(written) => written,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if stopped || failed.is_some() {
                // Dropping the draft removes its files.
                continue;
            }
            match segments.and_then(|segments| self.publish(job, draft, segments)) {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => {
                    stopped = true;
                    self.common.stop();
                }
                // Its segment is set aside now.
                Err(WriteError::Corrupt(error)) => damage = Some(error),
                Err(error) => {
                    failed = Some(error);
                    self.common.stop();
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None if stopped => Ok(Round::Stopped),
            None => Ok(Round::Done(damage)),
        }
    }

    /// Puts the segments of a merge in the place of those that it read.
    fn publish(
        &mut self,
        job: &Job,
        draft: Draft,
        segments: Option<Numbered>,
    ) -> Result<ControlFlow<()>, WriteError> {
        let Some(segments) = segments else { return Ok(ControlFlow::Break(())) };
        let shared = self.shared;
        match job::publish(shared, draft, job, segments, &mut |_| self.tell())? {
            Some(made) => self.all.add(job, made),
            None => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }

    fn tell(&mut self) -> ControlFlow<()> {
        let before = self.before;
        (self.progress)(CompactionProgress {
            rows_done: before.rows + self.common.rows.load(Ordering::Relaxed),
            rows_total: before.rows + self.jobs.iter().map(Job::rows).sum::<u64>(),
            jobs_done: self.all.jobs,
            jobs_total: before.jobs + self.jobs.len() as u64,
        })
    }
}
