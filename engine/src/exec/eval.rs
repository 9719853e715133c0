//! One worker: computes the nodes of a program for one chunk after another.

use std::time::Instant;

use roaring::RoaringBitmap;
use throng_storage::container::ChunkBits;

use super::leaf::{Lanes, LeafReader, Scratch, Tools, Voids};
use super::program::{Node, NodeId, Program};
use super::set::{ChunkSet, Pool};
use super::trace::{NodeTrace, Timing, Touched, Trace};
use crate::error::ExecuteError;
use crate::view::View;

/// The members of a bitmap in a chunk.
fn forgotten_in(pending: &RoaringBitmap, chunk: u32, pool: &mut Pool) -> ChunkSet {
    let base = chunk << 16;
    let mut lows = pool.list();
    let within = pending.range(base..=base | 0xFFFF);
    lows.extend(within.filter_map(|consumer| u16::try_from(consumer - base).ok()));
    ChunkSet::from_sorted(lows, pool)
}

/// Computes a program's nodes. Each worker has its own cursors and memory.
#[derive(Debug)]
pub struct Worker<'v> {
    view: &'v View,
    program: &'v Program,
    /// Opened when first needed, by node.
    leaves: Vec<Option<LeafReader<'v>>>,
    /// The sets computed for the present chunk, by node.
    slots: Vec<Option<ChunkSet>>,
    /// Nodes with a slot filled.
    filled: Vec<usize>,
    chunk: u32,
    /// Consumers of the chunk who are forgotten: no leaf has them. All other sets come from
    /// leaves.
    forgotten: ChunkSet,
    timing: Timing,
    pool: Pool,
    scratch: Scratch,
    lanes: Lanes<'v>,
    voids: Voids<'v>,
    touched: Touched,
    /// What has been done so far.
    pub trace: Trace,
}

impl<'v> Worker<'v> {
    /// A worker at no chunk yet.
    pub fn new(view: &'v View, program: &'v Program, timing: Timing) -> Self {
        let nodes = program.nodes().len();
        let trace =
            Trace { nodes: vec![NodeTrace::default(); nodes], workers: 1, ..Trace::default() };
        Self {
            view,
            program,
            leaves: (0..nodes).map(|_| None).collect(),
            slots: vec![None; nodes],
            filled: Vec::with_capacity(nodes),
            chunk: 0,
            forgotten: ChunkSet::Empty,
            timing,
            pool: Pool::default(),
            scratch: Scratch::default(),
            lanes: Lanes::default(),
            voids: Voids::default(),
            touched: Touched::default(),
            trace,
        }
    }

    /// Bytes of memory a worker of a program needs.
    pub fn memory(program: &Program) -> usize {
        let chunk = size_of::<ChunkBits>();
        (program.nodes().len() + 8) * chunk + 3 * 1024 * 1024
    }

    /// Goes to a chunk: all sets of the one before are forgotten.
    pub fn start(&mut self, chunk: u32) {
        for node in self.filled.drain(..) {
            if let Some(set) = self.slots[node].take() {
                self.pool.recycle(set);
            }
        }
        self.chunk = chunk;
        self.trace.chunks += 1;
        let before = std::mem::replace(&mut self.forgotten, ChunkSet::Empty);
        self.pool.recycle(before);
        let pending = self.view.snapshot().erasures().pending();
        if !pending.is_empty() {
            self.forgotten = forgotten_in(pending, chunk, &mut self.pool);
        }
    }

    /// Ends a day, counted from 0, of the chunk: sets that no later day needs are forgotten.
    pub fn end_day(&mut self, day: usize) {
        let (slots, pool, program) = (&mut self.slots, &mut self.pool, self.program);
        self.filled.retain(|node| {
            let needed = program.is_needed_after(NodeId(*node), day);
            if !needed && let Some(set) = slots[*node].take() {
                pool.recycle(set);
            }
            needed
        });
    }

    /// The chunk it is at.
    pub fn chunk(&self) -> u32 {
        self.chunk
    }

    /// The set of a node in the chunk.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub fn set(&mut self, node: NodeId) -> Result<&ChunkSet, ExecuteError> {
        self.compute(node)?;
        Ok(self.slots[node.0].get_or_insert_default())
    }

    /// The set of a node and the memory for more sets.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub fn set_and_pool(&mut self, node: NodeId) -> Result<(&ChunkSet, &mut Pool), ExecuteError> {
        self.compute(node)?;
        Ok((self.slots[node.0].get_or_insert_default(), &mut self.pool))
    }

    /// The memory for sets.
    pub fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    /// What a reader of values needs.
    pub fn tools(&mut self) -> Tools<'_, 'v> {
        Tools {
            pool: &mut self.pool,
            scratch: &mut self.scratch,
            lanes: &mut self.lanes,
            voids: &mut self.voids,
            touched: &mut self.touched,
        }
    }

    fn compute(&mut self, node: NodeId) -> Result<(), ExecuteError> {
        if self.slots[node.0].is_some() {
            return Ok(());
        }
        let program = self.program;
        if let Some(kept) = program.remembered().set(node) {
            let clock = self.clock();
            let part = kept.chunk(self.chunk);
            self.touched.bytes += part.own_bytes() as u64;
            let set = ChunkSet::from_kept(part, &mut self.pool);
            self.account(node, clock);
            self.trace.nodes[node.0].remembered = true;
            self.fill(node, set);
            return Ok(());
        }
        // Children first, so that a node's time is its own.
        let set = match &program.nodes()[node.0] {
            Node::Nobody => ChunkSet::Empty,
            Node::And(children) => self.and(node, children)?,
            Node::Or(children) => {
                for child in children {
                    self.compute(*child)?;
                }
                let clock = self.clock();
                let set = self.or(children);
                self.account(node, clock);
                set
            }
            Node::Minus(from, what) => {
                self.compute(*from)?;
                if !self.slot(*from).is_empty() {
                    self.compute(*what)?;
                }
                let clock = self.clock();
                let set = self.minus(*from, *what);
                self.account(node, clock);
                set
            }
            Node::Leaf(leaf) => {
                let clock = self.clock();
                let (view, lanes, voids) = (self.view, &mut self.lanes, &mut self.voids);
                let reader = self.leaves[node.0]
                    .get_or_insert_with(|| LeafReader::open(view, leaf, lanes, voids));
                self.touched = Touched::default();
                let mut tools = Tools {
                    pool: &mut self.pool,
                    scratch: &mut self.scratch,
                    lanes: &mut self.lanes,
                    voids: &mut self.voids,
                    touched: &mut self.touched,
                };
                let mut set = reader.read(self.chunk, &mut tools)?;
                if !matches!(self.forgotten, ChunkSet::Empty) {
                    set.subtract(&self.forgotten, &mut self.pool);
                }
                self.account(node, clock);
                set
            }
        };
        self.fill(node, set);
        Ok(())
    }

    fn fill(&mut self, node: NodeId, set: ChunkSet) {
        let trace = &mut self.trace.nodes[node.0];
        trace.chunks += 1;
        trace.occupied += u64::from(!matches!(set, ChunkSet::Empty));
        self.slots[node.0] = Some(set);
        self.filled.push(node.0);
    }

    /// Ends at the first child that leaves nobody: the rest is not even read.
    fn and(&mut self, node: NodeId, children: &[NodeId]) -> Result<ChunkSet, ExecuteError> {
        let mut result: Option<ChunkSet> = None;
        for child in children {
            self.compute(*child)?;
            let clock = self.clock();
            let slot = self.slots[child.0].get_or_insert_default();
            match &mut result {
                None => result = Some(slot.copied(&mut self.pool)),
                Some(set) => set.intersect(slot, &mut self.pool),
            }
            let empty = result.as_ref().is_none_or(ChunkSet::is_empty);
            self.account(node, clock);
            if empty {
                break;
            }
        }
        let set = result.unwrap_or_default();
        if set.is_empty() {
            self.pool.recycle(set);
            return Ok(ChunkSet::Empty);
        }
        Ok(set)
    }

    fn or(&mut self, children: &[NodeId]) -> ChunkSet {
        let mut result = ChunkSet::Empty;
        for child in children {
            let slot = self.slots[child.0].get_or_insert_default();
            result.unite(slot, &mut self.pool);
        }
        result
    }

    fn minus(&mut self, from: NodeId, what: NodeId) -> ChunkSet {
        let mut set = self.slots[from.0].get_or_insert_default().copied(&mut self.pool);
        if let Some(what) = &self.slots[what.0] {
            set.subtract(what, &mut self.pool);
        }
        set
    }

    /// The set of a node whose set in the chunk was asked for before.
    pub fn slot(&self, node: NodeId) -> &ChunkSet {
        const EMPTY: &ChunkSet = &ChunkSet::Empty;
        self.slots[node.0].as_ref().unwrap_or(EMPTY)
    }

    fn clock(&self) -> Option<Instant> {
        (self.timing == Timing::On).then(Instant::now)
    }

    fn account(&mut self, node: NodeId, clock: Option<Instant>) {
        let trace = &mut self.trace.nodes[node.0];
        if let Some(start) = clock {
            trace.time += start.elapsed();
        }
        trace.add(std::mem::take(&mut self.touched));
    }
}
