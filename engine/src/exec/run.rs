//! Running a program over all chunks on several workers.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use super::eval::Worker;
use super::keeper::Keeper;
use super::program::Program;
use super::trace::{Timing, Trace};
use crate::database::{Cancel, ExecuteOptions, Method, UseMemo};
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
    /// What may come from the memo and go to it.
    pub memo: UseMemo,
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
            memo: options.memo,
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

/// The chunks of a store as they are given to workers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spans {
    /// How many chunks there are.
    pub end: u32,
    /// Chunks a worker takes at a time.
    pub span: u32,
    /// How many workers there are.
    pub workers: usize,
}

/// What a worker does with the chunks it takes.
pub(super) trait SpanWork {
    /// What is left of it in the end.
    type Made: Send;

    /// Bytes of memory it takes now.
    fn memory(&self) -> usize;

    /// Takes some chunks.
    ///
    /// # Errors
    /// Ends the work of all.
    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError>;

    /// Ends it.
    fn finish(self) -> Self::Made;
}

/// Gives the chunks to workers, span by span, and gives back what they made.
///
/// # Errors
/// The first error of any span, a cancellation, the deadline or the memory limit.
pub(super) fn for_each_span<W: SpanWork>(
    spans: Spans,
    bounds: &Bounds,
    new: impl Fn() -> W + Sync,
) -> Result<Vec<W::Made>, ExecuteError> {
    let Spans { end, span, workers } = spans;
    let next = AtomicU32::new(0);
    let failed = AtomicBool::new(false);
    let work = || -> Result<W::Made, ExecuteError> {
        let mut worker = new();
        while !failed.load(Ordering::Relaxed) {
            let first = next.fetch_add(span, Ordering::Relaxed);
            if first >= end {
                break;
            }
            let result = bounds
                .check()
                .and_then(|()| bounds.check_memory(workers * worker.memory()))
                .and_then(|()| worker.span(first..end.min(first.saturating_add(span))));
            if let Err(error) = result {
                failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(worker.finish())
    };
    on_workers(workers, &work)?.into_iter().collect()
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
    let spans = Spans { end, span: MORSEL_CHUNKS, workers };
    let results = for_each_span(spans, bounds, || ChunkWork {
        memory: Worker::memory(program),
        worker: Worker::new(view, program, bounds.timing),
        state: state(),
        step: &step,
        keeper: Keeper::new(view, program),
    })?;
    let mut trace = Trace::default();
    let mut states = Vec::with_capacity(results.len());
    let mut keeper = Keeper::new(view, program);
    for (state, part, own) in results {
        trace.merge(&part);
        states.push(state);
        keeper.merge(own);
    }
    keeper.finish(view, program);
    trace.elapsed = start.elapsed();
    Ok((states, trace))
}

/// Sets, chunk by chunk.
struct ChunkWork<'w, 'v, S, F> {
    memory: usize,
    worker: Worker<'v>,
    state: S,
    step: &'w F,
    keeper: Keeper,
}

impl<'v, S, F> SpanWork for ChunkWork<'_, 'v, S, F>
where
    S: Send,
    F: Fn(&mut Worker<'v>, &mut S) -> Result<(), ExecuteError>,
{
    type Made = (S, Trace, Keeper);

    fn memory(&self) -> usize {
        self.memory + self.keeper.bytes
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        for chunk in chunks {
            self.worker.start(chunk);
            (self.step)(&mut self.worker, &mut self.state)?;
            self.keeper.chunk(&mut self.worker)?;
        }
        Ok(())
    }

    fn finish(self) -> Self::Made {
        (self.state, self.worker.trace, self.keeper)
    }
}

/// Runs `work` on this thread and on `workers - 1` more; a panic in one becomes an error.
fn on_workers<T: Send>(
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
