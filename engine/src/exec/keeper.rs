//! Gathers the sets that the memo should have while a program runs.

use super::eval::Worker;
use super::program::{NodeId, Program};
use super::set::ChunkSet;
use crate::error::ExecuteError;
use crate::memo::{KeptChunk, KeptSet};
use crate::view::View;

/// The sets of some chunks.
#[derive(Debug)]
pub(super) struct Keeper {
    nodes: Vec<NodeId>,
    /// By node, chunks with members.
    sets: Vec<Vec<(u32, KeptChunk)>>,
    /// Bytes of all of them.
    pub(super) bytes: usize,
    bytes_max: usize,
}

impl Keeper {
    /// Nothing yet.
    pub(super) fn new(view: &View, program: &Program) -> Self {
        let nodes: Vec<_> = program.remembered().wanted().iter().map(|of| of.node).collect();
        let sets = vec![Vec::new(); nodes.len()];
        let bytes_max = view.memo().set_bytes_max().saturating_mul(nodes.len());
        Self { nodes, sets, bytes: 0, bytes_max }
    }

    /// Adds the worker's chunk.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub(super) fn chunk(&mut self, worker: &mut Worker<'_>) -> Result<(), ExecuteError> {
        let chunk = worker.chunk();
        for (node, set) in self.nodes.iter().zip(&mut self.sets) {
            let part = match worker.set(*node)? {
                ChunkSet::Empty => continue,
                ChunkSet::Sparse(list) => KeptChunk::from_list(list),
                ChunkSet::Bits(bits) => KeptChunk::from_bits(bits),
            };
            self.bytes += part.bytes();
            set.push((chunk, part));
        }
        if self.bytes > self.bytes_max {
            // They would not be kept.
            (self.nodes, self.sets, self.bytes) = (Vec::new(), Vec::new(), 0);
        }
        Ok(())
    }

    /// Adds what another worker gathered.
    pub(super) fn merge(&mut self, other: Self) {
        if other.nodes.len() < self.nodes.len() {
            self.nodes.clear();
        }
        for (mine, theirs) in self.sets.iter_mut().zip(other.sets) {
            mine.extend(theirs);
        }
    }

    /// Gives the sets to the memo.
    pub(super) fn finish(self, view: &View, program: &Program) {
        for ((_, parts), wanted) in
            self.nodes.iter().zip(self.sets).zip(program.remembered().wanted())
        {
            let mut set = KeptSet::default();
            for (chunk, part) in parts {
                set.put(chunk, part);
            }
            view.memo().keep(&wanted.expression, wanted.stamp.clone(), set);
        }
    }
}
