//! Running a program over all chunks on several workers.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Instant;

use super::bounds::Bounds;
use super::crew::on_workers;
use super::eval::Worker;
use super::keeper::Keeper;
use super::program::Program;
use super::trace::Trace;
use crate::error::{ExecuteError, MemoryUse};
use crate::view::View;

/// Chunks that are worth a worker.
const WORKER_CHUNKS: u32 = 8;
/// Chunks that a worker takes at a time, at most, when there are so many spans for each worker.
const SPAN_CHUNKS: u32 = 8;
const SPANS: u32 = 16;

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

    /// What its memory is for.
    const MEMORY_OF: MemoryUse;

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
    bounds.begin_long()?;
    let Spans { end, span, workers } = spans;
    let next = AtomicU32::new(0);
    let failed = AtomicBool::new(false);
    let _at_work = bounds.begin();
    let work = || -> Result<W::Made, ExecuteError> {
        let mut worker = new();
        let _as_worker = bounds.as_worker();
        let mut held = bounds.holds(W::MEMORY_OF);
        while !failed.load(Ordering::Relaxed) {
            let first = next.fetch_add(span, Ordering::Relaxed);
            if first >= end {
                break;
            }
            held.set(worker.memory())?;
            bounds.piece(|| worker.span(first..end.min(first.saturating_add(span))))?;
        }
        Ok(worker.finish())
    };
    // A panic of one worker is an error of the statement, and the others need not go on.
    let work = || {
        let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(ExecuteError::Panicked));
        if done.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        done
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
    let useful = usize::try_from(end.div_ceil(WORKER_CHUNKS)).unwrap_or(usize::MAX);
    let workers = bounds.threads.min(useful).max(1);
    // Neighbours together, as what they read lies together; each worker has several spans, so that
    // all end at about the same time.
    let shares = u32::try_from(workers).unwrap_or(u32::MAX).saturating_mul(SPANS);
    let spans = Spans { end, span: (end / shares).clamp(1, SPAN_CHUNKS), workers };
    let results = for_each_span(spans, bounds, || ChunkWork {
        memory: Worker::memory(program),
        worker: Worker::new(view, program, bounds.timing),
        state: state(),
        step: &step,
        keeper: Keeper::new(view, program, bounds),
        bounds,
    })?;
    let mut trace = Trace::default();
    let mut states = Vec::with_capacity(results.len());
    let mut keeper = Keeper::new(view, program, bounds);
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
    bounds: &'w Bounds,
}

impl<'v, S, F> SpanWork for ChunkWork<'_, 'v, S, F>
where
    S: Send,
    F: Fn(&mut Worker<'v>, &mut S) -> Result<(), ExecuteError>,
{
    type Made = (S, Trace, Keeper);

    const MEMORY_OF: MemoryUse = MemoryUse::Sets;

    fn memory(&self) -> usize {
        self.memory
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        for chunk in chunks {
            // With many sets or days one chunk is work enough: between two of them a statement can
            // be ended or give way.
            self.bounds.pause()?;
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
