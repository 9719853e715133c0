//! What one statement may use, what may end it, and what it has used.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use super::memory::{Account, Held};
use super::share::{AsWorker, Turn};
use super::trace::Timing;
use super::work::{AtWork, Work};
use crate::database::{Cancel, ExecuteOptions, Method, UseMemo};
use crate::error::{ExecuteError, MemoryUse};
use crate::options::{Length, MEMORY_DEFAULT, Probe};

thread_local! {
    /// Since when this worker has worked without its being counted; none between two pieces.
    static SINCE: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Ends a piece of work when it is dropped, also by a panic: the thread may go on to others.
struct PieceOver;

impl Drop for PieceOver {
    fn drop(&mut self) {
        SINCE.set(None);
    }
}

/// What a statement may use, and what may end it. Clones are of the same statement.
#[derive(Debug, Clone)]
pub struct Bounds {
    cancel: Arc<Cancel>,
    deadline: Option<Instant>,
    account: Arc<Account>,
    work: Arc<Work>,
    probe: Probe,
    length: Length,
    /// Workers a statement may have.
    pub threads: usize,
    /// Whether nodes are timed.
    pub timing: Timing,
    /// How sets are counted.
    pub method: Method,
    /// What may come from the memo and go to it.
    pub memo: UseMemo,
}

impl Bounds {
    /// The bounds of a statement.
    pub fn new(options: &ExecuteOptions, timing: Timing) -> Self {
        Self {
            cancel: Arc::clone(&options.cancel),
            deadline: options.deadline,
            account: Arc::new(Account::new(options.memory.unwrap_or(MEMORY_DEFAULT))),
            work: Arc::new(Work::default()),
            probe: options.probe.clone(),
            length: options.length,
            threads: options.workers(),
            timing,
            method: options.method,
            memo: options.memo,
        }
    }

    /// Whether the statement may go on. Cheap: to be asked every few hundred microseconds of work,
    /// so that nobody waits for the end of what is not wanted any more.
    ///
    /// # Errors
    /// When it was cancelled or is past its deadline.
    pub fn check(&self) -> Result<(), ExecuteError> {
        if self.cancel.is_cancelled() {
            return Err(ExecuteError::Cancelled);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(ExecuteError::Deadline),
            _ => Ok(()),
        }
    }

    /// Whether the statement is to be brief.
    pub fn is_brief(&self) -> bool {
        self.length == Length::Brief
    }

    /// The bounds of what a brief statement may do whatever it is, as it was found to be short.
    pub fn of_short_work(&self) -> Self {
        Self { length: Length::Any, ..self.clone() }
    }

    /// Lets a statement go on to what takes long.
    ///
    /// # Errors
    /// [`ExecuteError::TakesLonger`] of a brief one.
    pub fn begin_long(&self) -> Result<(), ExecuteError> {
        match self.length {
            Length::Any => Ok(()),
            Length::Brief => Err(ExecuteError::TakesLonger),
        }
    }

    /// As [`Self::check`]; a statement that has worked long also waits, for some milliseconds at
    /// most, while one that has worked less is at work, and its workers for a core. For a place in
    /// a worker where nothing is locked.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn pause(&self) -> Result<(), ExecuteError> {
        loop {
            self.count_work();
            let (waited, turn) = self.work.give_way();
            if !waited.is_zero() && SINCE.get().is_some() {
                // Who gives way is not at work.
                SINCE.set(Some(Instant::now()));
            }
            self.check()?;
            if turn == Turn::Ours {
                return Ok(());
            }
        }
    }

    /// Does a piece of a worker's work, when the statement may go on and it is its turn.
    ///
    /// # Errors
    /// As [`Self::check`], or the work's.
    pub(super) fn piece<T>(
        &self,
        work: impl FnOnce() -> Result<T, ExecuteError>,
    ) -> Result<T, ExecuteError> {
        self.pause()?;
        self.probe.call();
        SINCE.set(Some(Instant::now()));
        let _over = PieceOver;
        let done = work();
        self.count_work();
        done
    }

    /// Counts what this worker has worked so far: what it is at now may go on for some pieces.
    fn count_work(&self) {
        if let Some(since) = SINCE.get() {
            let now = Instant::now();
            self.work.add(now.saturating_duration_since(since));
            SINCE.set(Some(now));
        }
    }

    /// The thread is a worker of the statement while the guard lives.
    pub(super) fn as_worker(&self) -> AsWorker {
        self.work.as_worker()
    }

    /// The statement is at work while the guard lives.
    pub(super) fn begin(&self) -> AtWork {
        self.work.begin()
    }

    /// A part of the statement that holds no memory yet.
    pub fn holds(&self, of: MemoryUse) -> Held {
        Held::new(&self.account, of)
    }

    /// Holds so many bytes of memory until the statement ends.
    ///
    /// # Errors
    /// When that is more than the limit allows.
    pub fn keep(&self, bytes: usize, of: MemoryUse) -> Result<(), ExecuteError> {
        self.account.keep(bytes, of)
    }

    /// The most memory that was held at once, in bytes.
    pub fn memory_peak(&self) -> usize {
        self.account.peak()
    }
}
