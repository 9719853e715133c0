//! Gathers the sets that the memo should have while a program runs.

use super::bounds::Bounds;
use super::eval::Worker;
use super::memory::Held;
use super::program::{NodeId, Program};
use super::set::ChunkSet;
use crate::error::{ExecuteError, MemoryUse};
use crate::memo::{KeptChunk, KeptSet};
use crate::view::View;

/// The sets of some chunks.
#[derive(Debug)]
pub(super) struct Keeper {
    sets: Vec<Gathered>,
    /// Bytes that one set may take.
    bytes_max: usize,
    /// What all of them take: where that is more than the statement may, they are not gathered.
    held: Held,
    /// Whether there is no room for them.
    gave_up: bool,
}

/// One of them.
#[derive(Debug)]
struct Gathered {
    node: NodeId,
    /// Chunks with members.
    parts: Vec<(u32, KeptChunk)>,
    bytes: usize,
}

impl Keeper {
    /// Nothing yet.
    pub(super) fn new(view: &View, program: &Program, bounds: &Bounds) -> Self {
        let gathered = |node| Gathered { node, parts: Vec::new(), bytes: 0 };
        Self {
            sets: program.remembered().wanted().iter().map(|of| gathered(of.node)).collect(),
            bytes_max: view.memo().set_bytes_max(),
            held: bounds.holds(MemoryUse::Sets),
            gave_up: false,
        }
    }

    /// Adds the worker's chunk.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub(super) fn chunk(&mut self, worker: &mut Worker<'_>) -> Result<(), ExecuteError> {
        if self.gave_up || self.sets.is_empty() {
            return Ok(());
        }
        let chunk = worker.chunk();
        for set in self.sets.iter_mut().filter(|set| set.bytes <= self.bytes_max) {
            let part = match worker.set(set.node)? {
                ChunkSet::Empty => continue,
                ChunkSet::Sparse(list) => KeptChunk::from_list(list),
                ChunkSet::Bits(bits) => KeptChunk::from_bits(bits),
            };
            set.bytes += part.own_bytes() + size_of::<(u32, KeptChunk)>();
            set.parts.push((chunk, part));
            if set.bytes > self.bytes_max {
                set.parts = Vec::new();
            }
        }
        let fits = |set: &&Gathered| set.bytes <= self.bytes_max;
        let bytes = self.sets.iter().filter(fits).map(|set| set.bytes).sum();
        if self.held.set(bytes).is_err() {
            self.give_up();
        }
        Ok(())
    }

    fn give_up(&mut self) {
        self.gave_up = true;
        self.sets.iter_mut().for_each(|set| set.parts = Vec::new());
    }

    /// Adds what another worker gathered.
    pub(super) fn merge(&mut self, other: Self) {
        if other.gave_up {
            self.give_up();
        }
        for (mine, theirs) in self.sets.iter_mut().zip(other.sets) {
            mine.bytes += theirs.bytes;
            mine.parts.extend(theirs.parts);
        }
    }

    /// Gives the sets to the memo.
    pub(super) fn finish(self, view: &View, program: &Program) {
        if self.gave_up {
            return;
        }
        for (gathered, wanted) in self.sets.into_iter().zip(program.remembered().wanted()) {
            let set = (gathered.bytes <= self.bytes_max).then(|| {
                let mut set = KeptSet::default();
                gathered.parts.into_iter().for_each(|(chunk, part)| set.put(chunk, part));
                set
            });
            view.memo().keep(&wanted.expression, wanted.stamp.clone(), set);
        }
    }
}
