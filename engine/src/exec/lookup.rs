//! The members of a set, and whether one consumer is in it.

use std::sync::Arc;

use roaring::RoaringBitmap;
use throng_query::plan::Set;
use throng_storage::container::ChunkBits;

use super::bounds::Bounds;
use super::compile::Compiler;
use super::eval::Worker;
use super::point::{self, OneConsumer};
use super::program::{NodeId, Program};
use super::remember::Sources;
use super::run::for_each_chunk;
use super::trace::Timing;
use crate::database::ExecuteOptions;
use crate::error::{ExecuteError, MemoryUse};
use crate::memo::KeptSet;
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

/// Every member of a set as of a day, in the memo from now on; none where it is not kept: it is
/// read in place as fast, or too large.
///
/// # Errors
/// See [`ExecuteError`].
pub fn kept(
    view: &View,
    set: &Set,
    day: i32,
    options: &ExecuteOptions,
) -> Result<Option<Arc<KeptSet>>, ExecuteError> {
    let bounds = Bounds::new(options, Timing::Off);
    bounds.begin_long()?;
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    let node = compiler.set(set)?;
    let mut program = compiler.program;
    program.ask(node);
    // It is asked for, is known to be asked for again, and then made.
    for _ in 0..3 {
        program.remember(&mut Sources::new(view), &bounds);
        if let Some(set) = program.remembered().set(node) {
            return Ok(Some(Arc::clone(set)));
        }
        if program.remembered().wanted().iter().any(|wanted| wanted.node == node) {
            let make = |worker: &mut Worker<'_>, (): &mut ()| worker.set(node).map(|_| ());
            for_each_chunk(view, &program, &bounds, || (), make)?;
        }
    }
    Ok(None)
}

/// Whether a consumer is in each of some sets as of a day, of whom any day may be read and
/// something was read before.
///
/// # Errors
/// See [`ExecuteError`].
pub fn contains_one(
    one: &mut OneConsumer<'_>,
    sets: &[Set],
    day: i32,
    options: &ExecuteOptions,
) -> Result<Vec<bool>, ExecuteError> {
    let (program, nodes) = compiled(one.view(), sets, day, options)?;
    point::holds(one, &program, &nodes)
}

/// A program with a node for each of some sets as of a day.
///
/// # Errors
/// See [`ExecuteError`].
pub fn compiled(
    view: &View,
    sets: &[Set],
    day: i32,
    options: &ExecuteOptions,
) -> Result<(Program, Vec<NodeId>), ExecuteError> {
    let bounds = Bounds::new(options, Timing::Off);
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    let nodes = sets.iter().map(|set| compiler.set(set)).collect::<Result<_, _>>()?;
    bounds.check()?;
    Ok((compiler.program, nodes))
}
