//! How far a checkpoint has come, and who goes on with it.
//!
//! Whoever has the turn may always go on: files that a thread of its own has written are
//! published by whoever has the turn first. So nobody who has it waits for somebody who wants it.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::rotate::{Fill, fill, is_idle, rotate};
use super::write::{Made, write};
use crate::store::error::WriteError;
use crate::store::shared::{Beside, Shared};
use crate::store::turn::TurnGuard;

/// How long somebody who may be told to stop waits before asking.
const ASK_AGAIN: Duration = Duration::from_millis(10);
/// Threads that build segments beside the writers, whose cores they are.
const WORKERS_BESIDE: usize = 1;

/// The checkpoint of a store.
#[derive(Debug)]
pub(in crate::store) struct Checkpoints {
    phase: Mutex<Phase>,
    changed: Condvar,
    /// One that waits for the turn while another begins finds nothing to do.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Where it is.
#[derive(Debug)]
enum Phase {
    /// Nothing is frozen.
    None,
    /// Something is frozen, and nobody writes it.
    Frozen(Attempt),
    /// A thread of its own writes it.
    Writing,
    /// It is in files, to be published by whoever has the turn.
    Written(Box<Made>),
}

/// Whether writing was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    None,
    /// It is only tried again when somebody needs it: a full disk does not get room by trying.
    Failed,
}

/// What waiting came to.
enum Waited {
    Done,
    Stopped,
}

impl Checkpoints {
    /// Of a store that was opened, with or without something frozen.
    pub(in crate::store) fn new(is_frozen: bool) -> Self {
        let phase = if is_frozen { Phase::Frozen(Attempt::None) } else { Phase::None };
        Self { phase: Mutex::new(phase), changed: Condvar::new(), threads: Mutex::default() }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, phase: Phase) {
        *self.phase() = phase;
        self.changed.notify_all();
    }

    /// Takes the files of a checkpoint that are to be published.
    fn take_written(&self) -> Option<Made> {
        let mut phase = self.phase();
        match std::mem::replace(&mut *phase, Phase::Frozen(Attempt::Failed)) {
            Phase::Written(made) => Some(*made),
            other => {
                *phase = other;
                None
            }
        }
    }

    /// Waits while a thread of its own writes.
    fn wait(&self, stop: &mut dyn FnMut() -> ControlFlow<()>) -> Waited {
        let mut phase = self.phase();
        while matches!(*phase, Phase::Writing) {
            let waited = self.changed.wait_timeout(phase, ASK_AGAIN);
            phase = waited.unwrap_or_else(PoisonError::into_inner).0;
            if matches!(*phase, Phase::Writing) {
                drop(phase);
                if stop().is_break() {
                    return Waited::Stopped;
                }
                phase = self.phase();
            }
        }
        Waited::Done
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end of the thread. The caller does not have the turn.
    pub(in crate::store) fn join(&self) {
        let threads = std::mem::take(&mut *self.threads());
        for thread in threads {
            // A thread that panicked has published nothing, and says so itself.
            let _ = thread.join();
        }
    }

    /// Whether something is frozen.
    pub(in crate::store) fn is_under_way(&self) -> bool {
        !matches!(*self.phase(), Phase::None)
    }
}

/// Writes everything in memory to files. On return nothing is frozen.
pub(in crate::store) fn checkpoint(
    shared: &Shared,
    turn: &TurnGuard<'_>,
) -> Result<(), WriteError> {
    complete(shared, turn)?;
    // Events come only from whoever has the turn, so after this memory stands still.
    shared.lead().flush()?;
    if is_idle(shared) {
        return Ok(());
    }
    begin(shared, turn)?;
    complete(shared, turn)
}

/// Waits until nothing is frozen any more, writing and publishing what is.
pub(in crate::store) fn complete(shared: &Shared, turn: &TurnGuard<'_>) -> Result<(), WriteError> {
    complete_unless(shared, turn, &mut || ControlFlow::Continue(())).map(drop)
}

fn complete_unless(
    shared: &Shared,
    turn: &TurnGuard<'_>,
    stop: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Waited, WriteError> {
    let checkpoints = &shared.checkpoints;
    loop {
        shared.healthy()?;
        if let Waited::Stopped = checkpoints.wait(stop) {
            return Ok(Waited::Stopped);
        }
        if let Some(made) = checkpoints.take_written() {
            publish(shared, made, turn)?;
            return Ok(Waited::Done);
        }
        if !checkpoints.is_under_way() {
            return Ok(Waited::Done);
        }
        let made = write(shared, shared.tuning.builders)?;
        checkpoints.set(Phase::Written(Box::new(made)));
    }
}

fn begin(shared: &Shared, turn: &TurnGuard<'_>) -> Result<(), WriteError> {
    rotate(shared, turn)?;
    shared.checkpoints.set(Phase::Frozen(Attempt::None));
    Ok(())
}

fn publish(shared: &Shared, made: Made, _turn: &TurnGuard<'_>) -> Result<(), WriteError> {
    made.publish(shared)?;
    shared.checkpoints.set(Phase::None);
    shared.present().compaction.note_checkpoint();
    Ok(())
}

/// Sees to it that memory has room for a batch, before it is put together: begins a checkpoint
/// when one is due, and waits for the one before when memory is full. `None` when it was told to
/// stop.
pub(in crate::store) fn make_room(
    shared: &Arc<Shared>,
    turn: &TurnGuard<'_>,
    stop: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<Option<()>, WriteError> {
    match fill(shared) {
        Fill::Little => {}
        Fill::Due => {
            if let Some(made) = shared.checkpoints.take_written() {
                publish(shared, made, turn)?;
            }
            // While the one before is still written, this one grows.
            if !shared.checkpoints.is_under_way() {
                begin(shared, turn)?;
            }
        }
        Fill::Full => {
            if let Waited::Stopped = complete_unless(shared, turn, stop)? {
                return Ok(None);
            }
            begin(shared, turn)?;
        }
    }
    if shared.tuning.beside == Beside::Thread {
        start(shared);
    }
    Ok(Some(()))
}

/// Begins to write what is frozen, in a thread of its own, unless that was tried already.
fn start(shared: &Arc<Shared>) {
    let checkpoints = &shared.checkpoints;
    let mut phase = checkpoints.phase();
    if !matches!(*phase, Phase::Frozen(Attempt::None)) {
        return;
    }
    *phase = Phase::Writing;
    drop(phase);
    let mut threads = checkpoints.threads();
    threads.retain(|thread| !thread.is_finished());
    let ours = Arc::clone(shared);
    let named = std::thread::Builder::new().name("checkpoint".to_owned());
    match named.spawn(move || run(&ours)) {
        Ok(thread) => threads.push(thread),
        // Without a thread it is written when memory is full.
        Err(_) => checkpoints.set(Phase::Frozen(Attempt::Failed)),
    }
}

/// What the thread does.
fn run(shared: &Shared) {
    let writing = Writing(&shared.checkpoints);
    match write(shared, WORKERS_BESIDE) {
        Ok(made) => shared.checkpoints.set(Phase::Written(Box::new(made))),
        // Whoever needs it tries again, and is told.
        Err(_) => shared.checkpoints.set(Phase::Frozen(Attempt::Failed)),
    }
    drop(writing);
    let turn = shared.turn.take();
    if let Some(made) = shared.checkpoints.take_written() {
        // The same.
        let _ = publish(shared, made, &turn);
    }
}

/// Says that nobody writes any more when a thread panics.
struct Writing<'c>(&'c Checkpoints);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if matches!(*self.0.phase(), Phase::Writing) {
            self.0.set(Phase::Frozen(Attempt::Failed));
        }
    }
}

/// Goes one phase on, for tests that look between them.
#[cfg(any(test, feature = "faults"))]
pub(in crate::store) fn advance(shared: &Shared) -> Result<(), WriteError> {
    let turn = shared.turn.take();
    let checkpoints = &shared.checkpoints;
    if let Some(made) = checkpoints.take_written() {
        return publish(shared, made, &turn);
    }
    if checkpoints.is_under_way() {
        let made = write(shared, 1)?;
        checkpoints.set(Phase::Written(Box::new(made)));
        return Ok(());
    }
    shared.lead().flush()?;
    if is_idle(shared) { Ok(()) } else { begin(shared, &turn) }
}
