//! Running a program over all chunks on several workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use super::eval::Worker;
use super::program::Program;
use super::trace::{Timing, Trace};
use crate::database::{Cancel, ExecuteOptions, Method};
use crate::error::ExecuteError;
use crate::view::View;

/// Chunks a worker takes at a time: enough to make taking them cheap, few enough to share the
/// work evenly and to notice a cancellation soon.
const MORSEL_CHUNKS: u32 = 8;

/// Working memory of one statement when nothing else is said.
pub const MEMORY_DEFAULT: usize = 1 << 30;

/// What a statement may use, and what may end it.
#[derive(Debug, Clone)]
pub struct Bounds {
    cancel: Arc<Cancel>,
    deadline: Option<Instant>,
    /// Bytes of working memory over all workers.
    pub memory: usize,
    /// Workers a statement may have.
    pub threads: usize,
    /// Whether nodes are timed.
    pub timing: Timing,
    /// How sets are counted.
    pub method: Method,
}

impl Bounds {
    /// The bounds of a statement.
    pub fn new(options: &ExecuteOptions, timing: Timing) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            cancel: Arc::clone(&options.cancel),
            deadline: options.deadline,
            memory: options.memory.unwrap_or(MEMORY_DEFAULT),
            threads: options.threads.unwrap_or(cores).clamp(1, 256),
            timing,
            method: options.method,
        }
    }

    /// Whether the statement may go on.
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

    /// Whether so many bytes are within the limit.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_memory(&self, bytes: usize) -> Result<(), ExecuteError> {
        if bytes > self.memory {
            return Err(ExecuteError::Memory { limit: self.memory });
        }
        Ok(())
    }
}

/// Calls `step` for every chunk of the store, on several workers; each has a state of its own,
/// made by `state`. Gives back the states and what was touched.
///
/// # Errors
/// The first error of any step, a cancellation, the deadline or the memory limit.
pub fn for_each_chunk<'v, S: Send>(
    view: &'v View,
    program: &'v Program,
    bounds: &Bounds,
    state: impl Fn() -> S + Sync,
    step: impl Fn(&mut Worker<'v>, &mut S) -> Result<(), ExecuteError> + Sync,
) -> Result<(Vec<S>, Trace), ExecuteError> {
    let start = Instant::now();
    let end = view.chunk_end();
    let morsels = end.div_ceil(MORSEL_CHUNKS);
    let workers = bounds.threads.min(usize::try_from(morsels).unwrap_or(usize::MAX)).max(1);
    bounds.check_memory(workers * Worker::memory(program))?;
    let next = AtomicU32::new(0);
    let failed = AtomicBool::new(false);
    let work = || -> Result<(S, Trace), ExecuteError> {
        let mut worker = Worker::new(view, program, bounds.timing);
        let mut own = state();
        while !failed.load(Ordering::Relaxed) {
            let first = next.fetch_add(1, Ordering::Relaxed).saturating_mul(MORSEL_CHUNKS);
            if first >= end {
                break;
            }
            let result = bounds.check().and_then(|()| {
                for chunk in first..end.min(first + MORSEL_CHUNKS) {
                    worker.start(chunk);
                    step(&mut worker, &mut own)?;
                }
                Ok(())
            });
            if let Err(error) = result {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok((own, worker.trace))
    };
    let results = on_workers(workers, &work)?;
    let mut trace = Trace::default();
    let mut states = Vec::with_capacity(results.len());
    for result in results {
        let (state, part) = result?;
        trace.merge(&part);
        states.push(state);
    }
    trace.elapsed = start.elapsed();
    Ok((states, trace))
}

/// Runs `work` on this thread and on `workers - 1` more; a panic in one becomes an error.
pub(super) fn on_workers<T: Send>(
    workers: usize,
    work: &(impl Fn() -> T + Sync),
) -> Result<Vec<T>, ExecuteError> {
    if workers == 1 {
        return Ok(vec![work()]);
    }
    crossbeam::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(|_| work())).collect();
        let mut results = vec![work()];
        for other in others {
            results.push(other.join().map_err(|_| ExecuteError::Panicked)?);
        }
        Ok(results)
    })
    .map_err(|_| ExecuteError::Panicked)?
}
