//! The members of a set, and whether one consumer is in it.

use roaring::RoaringBitmap;
use throng_query::plan::Set;
use throng_storage::container::ChunkBits;

use super::bounds::Bounds;
use super::compile::Compiler;
use super::eval::Worker;
use super::remember::Sources;
use super::run::for_each_chunk;
use super::trace::Timing;
use crate::database::ExecuteOptions;
use crate::error::{ExecuteError, MemoryUse};
use crate::view::View;

/// Every member of a set as of a day.
///
/// # Errors
/// See [`ExecuteError`].
pub fn members(
    view: &View,
    set: &Set,
    day: i32,
    options: &ExecuteOptions,
) -> Result<RoaringBitmap, ExecuteError> {
    let bounds = Bounds::new(options, Timing::Off);
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    let node = compiler.set(set)?;
    compiler.program.ask(node);
    compiler.program.remember(&mut Sources::new(view), &bounds);
    let (parts, _) = for_each_chunk(
        view,
        &compiler.program,
        &bounds,
        || (RoaringBitmap::new(), 0),
        |worker, (members, bytes)| {
            let base = worker.chunk() << 16;
            let set = worker.set(node)?;
            // As bits, or as a list of the low halves.
            let more = (set.count() as usize * 2).min(size_of::<ChunkBits>());
            bounds.keep(more, MemoryUse::Members)?;
            *bytes += more;
            set.for_each(|low| {
                members.insert(base | u32::from(low));
            });
            Ok(())
        },
    )?;
    // Where they are put together, they are there twice.
    bounds.keep(parts.iter().map(|(_, bytes)| bytes).sum(), MemoryUse::Members)?;
    Ok(parts.into_iter().fold(RoaringBitmap::new(), |all, (part, _)| all | part))
}

/// Whether a consumer is in each of some sets as of a day. Only the consumer's chunk is read.
///
/// # Errors
/// See [`ExecuteError`].
pub fn contains(
    view: &View,
    sets: &[Set],
    day: i32,
    consumer: u32,
    options: &ExecuteOptions,
) -> Result<Vec<bool>, ExecuteError> {
    let bounds = Bounds::new(options, Timing::Off);
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    let nodes: Vec<_> = sets.iter().map(|set| compiler.set(set)).collect::<Result<_, _>>()?;
    bounds.check()?;
    let mut worker = Worker::new(view, &compiler.program, Timing::Off);
    worker.start(consumer >> 16);
    let low = u16::try_from(consumer & 0xFFFF).unwrap_or(0);
    nodes.into_iter().map(|node| Ok(worker.set(node)?.contains(low))).collect()
}
