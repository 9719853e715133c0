//! One worker: computes the nodes of a program for one chunk after another.

use std::time::Instant;

use roaring::RoaringBitmap;
use throng_storage::container::{ChunkBits, Container};

use super::held::{Held, put_together};
use super::leaf::{Lanes, LeafReader, Scratch, Tools, Voids};
use super::program::{Leaf, Node, NodeId, Program};
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
    /// What an AND has read in place and not put together yet.
    held: Vec<Held<'v>>,
    /// Whether nobody but one other node asks for a node.
    private: Vec<bool>,
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
            held: Vec::new(),
            private: program.private(),
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
        self.pool.ahead().turn();
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
            Node::Or(children) => self.or(node, children)?,
            Node::Minus(from, what) => self.minus(node, *from, *what)?,
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

    /// Ends at the first child that leaves nobody: the rest is not even read. What indexes hold is
    /// put to the first set that has to be made in any case, so that it is not copied.
    fn and(&mut self, node: NodeId, children: &[NodeId]) -> Result<ChunkSet, ExecuteError> {
        let mut held = std::mem::take(&mut self.held);
        held.clear();
        let mut rest = children.iter();
        let mut made = None;
        for child in rest.by_ref() {
            match self.held_of(*child)? {
                Some(Some(one)) => held.push(one),
                Some(None) => {
                    self.held = held;
                    return Ok(ChunkSet::Empty);
                }
                None => {
                    made = Some(*child);
                    break;
                }
            }
        }
        let made = made.map(|child| self.owned(node, child)).transpose()?;
        let clock = self.clock();
        let mut set = put_together(made, &mut held, &mut self.pool);
        self.account(node, clock);
        self.held = held;
        for child in rest {
            if set.is_empty() {
                break;
            }
            match self.held_of(*child)? {
                Some(Some(one)) => {
                    let clock = self.clock();
                    one.narrow(&mut set, &mut self.pool);
                    self.account(node, clock);
                }
                Some(None) => self.pool.recycle(std::mem::take(&mut set)),
                None => {
                    self.compute(*child)?;
                    let clock = self.clock();
                    let other = self.slots[child.0].get_or_insert_default();
                    set.intersect(other, &mut self.pool);
                    self.account(node, clock);
                }
            }
        }
        if set.is_empty() {
            self.pool.recycle(set);
            return Ok(ChunkSet::Empty);
        }
        Ok(set)
    }

    fn or(&mut self, node: NodeId, children: &[NodeId]) -> Result<ChunkSet, ExecuteError> {
        let Some((first, mut rest)) = children.split_first() else { return Ok(ChunkSet::Empty) };
        let mut set = if let [second, others @ ..] = rest
            && let Some(of_two) = self.either_in_place([*first, *second])?
        {
            rest = others;
            let clock = self.clock();
            let pool = &mut self.pool;
            let set = of_two.map_or(ChunkSet::Empty, |of_two| of_two.members(pool));
            self.account(node, clock);
            set
        } else {
            self.owned(node, *first)?
        };
        for child in rest {
            self.apply(node, *child, &mut set, ChunkSet::unite, |set, container, pool| {
                if let Some(container) = container {
                    set.unite_container(&container, pool);
                }
            })?;
        }
        Ok(set)
    }

    /// What indexes hold of a child of an AND, where that is all that it is: one set, or either of
    /// two. Of anything else nothing is read.
    fn held_of(&mut self, child: NodeId) -> Result<Option<Option<Held<'v>>>, ExecuteError> {
        if let Some(container) = self.in_place(child)? {
            return Ok(Some(container.map(Held::One)));
        }
        let program = self.program;
        let Node::Or(children) = &program.nodes()[child.0] else { return Ok(None) };
        let &[left, right] = children.as_slice() else { return Ok(None) };
        if !self.private[child.0] || self.is_known(child) {
            return Ok(None);
        }
        let Some(held) = self.either_in_place([left, right])? else { return Ok(None) };
        let trace = &mut self.trace.nodes[child.0];
        trace.chunks += 1;
        trace.occupied += u64::from(held.is_some());
        Ok(Some(held))
    }

    /// What indexes hold of two nodes of which either is enough, where each is one set.
    fn either_in_place(
        &mut self,
        [left, right]: [NodeId; 2],
    ) -> Result<Option<Option<Held<'v>>>, ExecuteError> {
        if !self.has_one_set(left) || !self.has_one_set(right) {
            return Ok(None);
        }
        let (Some(left), Some(right)) = (self.in_place(left)?, self.in_place(right)?) else {
            return Ok(None);
        };
        Ok(Some(match (left, right) {
            (Some(left), Some(right)) => Some(Held::Either(left, right)),
            (one, other) => one.or(other).map(Held::One),
        }))
    }

    /// Whether a node is one set of an index that [`Self::in_place`] reads.
    fn has_one_set(&self, node: NodeId) -> bool {
        let Node::Leaf(Leaf::Index { sets, .. }) = &self.program.nodes()[node.0] else {
            return false;
        };
        let is_whole = matches!(self.forgotten, ChunkSet::Empty);
        sets.len() == 1 && self.private[node.0] && is_whole && !self.is_known(node)
    }

    /// Whether a node's set in the chunk need not be read: it was computed, or the memo has it.
    fn is_known(&self, node: NodeId) -> bool {
        self.slots[node.0].is_some() || self.program.remembered().set(node).is_some()
    }

    /// What is taken away is not read where nobody is to be taken it from.
    fn minus(
        &mut self,
        node: NodeId,
        from: NodeId,
        what: NodeId,
    ) -> Result<ChunkSet, ExecuteError> {
        let mut set = self.owned(node, from)?;
        if !set.is_empty() {
            self.apply(node, what, &mut set, ChunkSet::subtract, |set, container, pool| {
                if let Some(container) = container {
                    set.subtract_container(&container, pool);
                }
            })?;
        }
        Ok(set)
    }

    /// The set of a child for its parent to change: itself where nobody else asks for it.
    fn owned(&mut self, node: NodeId, child: NodeId) -> Result<ChunkSet, ExecuteError> {
        self.compute(child)?;
        let clock = self.clock();
        let slot = &mut self.slots[child.0];
        let set = if self.private[child.0] {
            slot.take().unwrap_or_default()
        } else {
            slot.get_or_insert_default().copied(&mut self.pool)
        };
        self.account(node, clock);
        Ok(set)
    }

    /// Changes a set by that of a child, which is read in place where that can be.
    fn apply(
        &mut self,
        node: NodeId,
        child: NodeId,
        set: &mut ChunkSet,
        by_set: fn(&mut ChunkSet, &ChunkSet, &mut Pool),
        in_place: impl Fn(&mut ChunkSet, Option<Container<'v>>, &mut Pool),
    ) -> Result<(), ExecuteError> {
        if let Some(container) = self.in_place(child)? {
            let clock = self.clock();
            in_place(set, container, &mut self.pool);
            self.account(node, clock);
            return Ok(());
        }
        self.compute(child)?;
        let clock = self.clock();
        by_set(set, self.slots[child.0].get_or_insert_default(), &mut self.pool);
        self.account(node, clock);
        Ok(())
    }

    /// How many of a set are in a node, of everyone when none is given. What an index holds is
    /// counted where it lies.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub fn count_within(
        &mut self,
        node: NodeId,
        set: Option<&ChunkSet>,
    ) -> Result<u32, ExecuteError> {
        let Some(set) = set else { return Ok(self.set(node)?.count()) };
        if let Some(container) = self.stored(node)? {
            let clock = self.clock();
            let pool = &mut self.pool;
            let members = container.map_or(0, |container| set.count_container(&container, pool));
            self.account(node, clock);
            return Ok(members);
        }
        Ok(self.set(node)?.count_both(set))
    }

    /// What an index holds of the chunk for a node that nobody else asks for; none where the node
    /// is something else, or what it holds is not what the node is.
    fn in_place(&mut self, node: NodeId) -> Result<Option<Option<Container<'v>>>, ExecuteError> {
        if self.private[node.0] { self.stored(node) } else { Ok(None) }
    }

    /// The same of a node that others may ask for as well.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub fn stored(&mut self, node: NodeId) -> Result<Option<Option<Container<'v>>>, ExecuteError> {
        let program = self.program;
        let Node::Leaf(leaf @ Leaf::Index { .. }) = &program.nodes()[node.0] else {
            return Ok(None);
        };
        if !matches!(self.forgotten, ChunkSet::Empty) || self.is_known(node) {
            return Ok(None);
        }
        let clock = self.clock();
        let (view, lanes, voids) = (self.view, &mut self.lanes, &mut self.voids);
        let reader =
            self.leaves[node.0].get_or_insert_with(|| LeafReader::open(view, leaf, lanes, voids));
        let LeafReader::Index(reader) = reader else { return Ok(None) };
        let Some(container) = reader.in_place(self.chunk, &mut self.pool)? else { return Ok(None) };
        self.touched = Touched::default();
        if let Some(container) = &container {
            self.touched.container(container);
        }
        self.account(node, clock);
        let trace = &mut self.trace.nodes[node.0];
        trace.chunks += 1;
        trace.occupied += u64::from(container.is_some());
        Ok(Some(container))
    }

    /// Makes what [`Self::stored`] gave for a node its set in the chunk, without reading it again.
    pub fn put_stored(&mut self, node: NodeId, container: Option<Container<'v>>) {
        let pool = &mut self.pool;
        let set = container.map_or(ChunkSet::Empty, |of| ChunkSet::from_container(&of, pool));
        self.slots[node.0] = Some(set);
        self.filled.push(node.0);
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
