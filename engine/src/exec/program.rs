//! The program: nodes that each stand for one set of consumers.
//!
//! Invariant 1: a node's children have smaller ids, so a program has no cycle.
//! Invariant 2: no two nodes are equal, so what a statement says twice is computed once per chunk.

use std::ops::RangeInclusive;

use hashbrown::HashMap;
use throng_query::plan::{AtLeast, Comparison};

use super::bounds::Bounds;
use super::remember::{Remembered, Sources};

/// The position of a node in [`Program::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// A set of consumers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Node {
    /// Nobody.
    Nobody,
    /// Those in every child; two or more.
    And(Vec<NodeId>),
    /// Those in at least one child; two or more.
    Or(Vec<NodeId>),
    /// Those in the first and not in the second.
    Minus(NodeId, NodeId),
    /// Read from the store.
    Leaf(Leaf),
}

/// What is read from the store, with every name resolved and every day absolute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Leaf {
    /// The universe as of a day.
    Universe {
        /// The day.
        day: i32,
    },
    /// Those with enough rows in some lanes.
    Did {
        /// Which lanes.
        lanes: LaneChoice,
        /// How often.
        at_least: AtLeast,
        /// Which of the lanes' rows.
        rows: RowChoice,
    },
    /// Those whose net spend compares so; never those without a row.
    Spent {
        /// What is summed.
        spend: SpendChoice,
        /// How it is compared.
        comparison: Comparison,
        /// With what, in minor units.
        amount: i64,
    },
    /// Those whose latest row of two lanes is of the entering behaviour.
    State {
        /// Whose lanes; none for all brands together.
        brand: Option<u32>,
        /// The entering behaviour.
        enter: u16,
        /// The leaving behaviour.
        exit: u16,
        /// Rows up to this day.
        last: i32,
    },
    /// Those in one of some sets of an index.
    Index {
        /// The index.
        key: String,
        /// The sets, ascending.
        sets: Vec<u32>,
    },
    /// Those whose bit-sliced number lies between two values, both included.
    Range {
        /// The index.
        key: String,
        /// The smallest value, less the attribute's smallest.
        low: u64,
        /// The largest value, less the attribute's smallest.
        high: u64,
    },
    /// A sample of all ids.
    Sample {
        /// Parts per million.
        per_million: u32,
        /// The seed.
        seed: u64,
    },
}

/// Some lanes of every segment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LaneChoice {
    /// One brand; none for all.
    pub brand: Option<u32>,
    /// These behaviours, ascending; every behaviour when empty.
    pub behaviours: Vec<u16>,
}

/// Some rows of a lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RowChoice {
    /// The first day seen.
    pub first: i32,
    /// The last day seen.
    pub last: i32,
    /// The day as of which purchases may be void; at least `last`.
    pub as_of: i32,
    /// One of these touchpoints, ascending; any when empty.
    pub touchpoints: Vec<u32>,
    /// One of these categories, ascending; any when empty.
    pub categories: Vec<u32>,
    /// One of these items, ascending; any when empty.
    pub items: Vec<u32>,
}

/// Net money.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpendChoice {
    /// At one brand; none for all.
    pub brand: Option<u32>,
    /// The behaviour that adds.
    pub buy: u16,
    /// The behaviour that subtracts.
    pub refund: u16,
    /// Which rows.
    pub rows: RowChoice,
    /// Of purchases that are not void, what they are above a price, instead of net money.
    pub above: Option<PiecePrice>,
}

/// A price of a piece: so much money for so many pieces. What purchases are above it: their amounts
/// times the pieces, less their counts times the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PiecePrice {
    /// Minor units.
    pub money: i64,
    /// Pieces.
    pub pieces: i64,
}

/// Nodes in order of computation. A statement about several days has one program, made and run
/// day after day.
#[derive(Debug, Default)]
pub struct Program {
    nodes: Vec<Node>,
    ids: HashMap<Node, NodeId>,
    /// For each node, the number of the last day that needs it.
    needed: Vec<usize>,
    /// The number of the day being compiled.
    day: usize,
    /// What the statement asks for; other nodes may be left over.
    roots: Vec<NodeId>,
    /// Sets that other statements may ask for again.
    worth_keeping: Vec<NodeId>,
    /// What of them the memo has.
    remembered: Remembered,
}

impl Node {
    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let ids = |rows: &RowChoice| {
            (rows.touchpoints.len() + rows.categories.len() + rows.items.len()) * size_of::<u32>()
        };
        let own = match self {
            Self::And(children) | Self::Or(children) => children.len() * size_of::<NodeId>(),
            Self::Leaf(Leaf::Did { lanes, rows, .. }) => lanes.behaviours.len() * 2 + ids(rows),
            Self::Leaf(Leaf::Spent { spend, .. }) => ids(&spend.rows),
            Self::Leaf(Leaf::Index { key, sets }) => key.len() + sets.len() * size_of::<u32>(),
            Self::Leaf(Leaf::Range { key, .. }) => key.len(),
            Self::Nobody | Self::Minus(..) | Self::Leaf(_) => 0,
        };
        own + size_of::<Self>()
    }

    /// The nodes it is made of, in their order.
    pub fn children(&self) -> impl Iterator<Item = NodeId> {
        let (list, pair): (&[NodeId], Option<[NodeId; 2]>) = match self {
            Self::And(children) | Self::Or(children) => (children, None),
            Self::Minus(from, what) => (&[], Some([*from, *what])),
            Self::Nobody | Self::Leaf(_) => (&[], None),
        };
        list.iter().copied().chain(pair.into_iter().flatten())
    }
}

impl Leaf {
    /// The lanes and the days whose rows it reads, if it reads any. Which purchases are void is
    /// another matter.
    pub fn reads(&self) -> Option<(LaneChoice, RangeInclusive<i32>)> {
        let pair = |brand: Option<u32>, one: u16, other: u16| LaneChoice {
            brand,
            behaviours: vec![one.min(other), one.max(other)],
        };
        match self {
            Self::Did { lanes, rows, .. } => Some((lanes.clone(), rows.days())),
            Self::Spent { spend, .. } => {
                Some((pair(spend.brand, spend.buy, spend.refund), spend.rows.days()))
            }
            Self::State { brand, enter, exit, last } => {
                Some((pair(*brand, *enter, *exit), i32::MIN..=*last))
            }
            Self::Universe { .. }
            | Self::Index { .. }
            | Self::Range { .. }
            | Self::Sample { .. } => None,
        }
    }
}

impl RowChoice {
    /// The days seen.
    pub fn days(&self) -> RangeInclusive<i32> {
        self.first..=self.last
    }

    /// Whether every row on the days counts.
    pub fn is_unfiltered(&self) -> bool {
        self.touchpoints.is_empty() && self.categories.is_empty() && self.items.is_empty()
    }
}

impl Program {
    /// Every node; a node's id is its position.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Notes that the statement asks for a node.
    pub fn ask(&mut self, node: NodeId) {
        if !self.roots.contains(&node) {
            self.roots.push(node);
        }
    }

    /// What the statement asks for.
    pub fn roots(&self) -> &[NodeId] {
        &self.roots
    }

    /// How often each node is asked for by others, `usize::MAX` times where the statement itself
    /// asks, or the memo. Of some nodes others were made, and nobody asks for them any more.
    fn times_asked(&self) -> Vec<usize> {
        let mut times = vec![0_usize; self.nodes.len()];
        let wanted = self.remembered.wanted().iter().map(|wanted| wanted.node);
        for node in self.roots.iter().copied().chain(wanted) {
            times[node.0] = usize::MAX;
        }
        // Children come before their parents.
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if times[at] > 0 {
                node.children().for_each(|child| {
                    times[child.0] = times[child.0].saturating_add(1);
                });
            }
        }
        times
    }

    /// For each node, whether nobody but one other node asks for it: who computes that one may
    /// change the set in its place.
    pub fn private(&self) -> Vec<bool> {
        self.times_asked().into_iter().map(|times| times == 1).collect()
    }

    /// The leaves that are asked for.
    pub fn asked_leaves(&self) -> impl Iterator<Item = &Leaf> {
        let asked = self.nodes.iter().zip(self.times_asked()).filter(|(_, times)| *times > 0);
        asked.filter_map(|(node, _)| match node {
            Node::Leaf(leaf) => Some(leaf),
            _ => None,
        })
    }

    /// Notes that other statements may ask for a node again.
    pub fn keep(&mut self, node: NodeId) {
        if !self.worth_keeping.contains(&node) {
            self.worth_keeping.push(node);
        }
    }

    /// What other statements may ask for again.
    pub fn worth_keeping(&self) -> &[NodeId] {
        &self.worth_keeping
    }

    /// Looks up in the memo what is worth keeping; to be done when the program is whole.
    pub fn remember(&mut self, sources: &mut Sources<'_>, bounds: &Bounds) {
        self.remembered = Remembered::of(self, sources, bounds);
        // They are asked for once more when the chunk is done.
        for wanted in self.remembered.wanted() {
            self.needed[wanted.node.0] = usize::MAX;
        }
    }

    /// What the memo has of it.
    pub fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// How many days it is of.
    pub fn days(&self) -> usize {
        self.day + 1
    }

    /// What is added from now on is needed by the next day.
    pub fn next_day(&mut self) {
        self.day += 1;
    }

    /// Whether a day after this one, counted from 0, needs a node.
    pub fn is_needed_after(&self, node: NodeId, day: usize) -> bool {
        self.needed[node.0] > day
    }

    /// The node equal to this one, if there is one.
    pub fn find(&self, node: &Node) -> Option<NodeId> {
        self.ids.get(node).copied()
    }

    /// The node equal to this one, added when new.
    pub fn add(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.ids.get(&node) {
            self.needed[id.0] = self.day;
            return *id;
        }
        let id = NodeId(self.nodes.len());
        self.nodes.push(node.clone());
        self.needed.push(self.day);
        self.ids.insert(node, id);
        id
    }

    /// The union of nodes.
    pub fn or(&mut self, children: Vec<NodeId>) -> NodeId {
        let nobody = self.add(Node::Nobody);
        let mut rest: Vec<_> = children.into_iter().filter(|c| *c != nobody).collect();
        rest.sort_unstable();
        rest.dedup();
        match rest.as_slice() {
            [] => nobody,
            [one] => *one,
            _ => self.add(Node::Or(rest)),
        }
    }

    /// The intersection of nodes, two or more or one. Their order is kept: it is the order tried.
    pub fn and(&mut self, children: Vec<NodeId>) -> NodeId {
        let nobody = self.add(Node::Nobody);
        let mut rest: Vec<NodeId> = Vec::with_capacity(children.len());
        for child in children {
            if child == nobody {
                return nobody;
            }
            if !rest.contains(&child) {
                rest.push(child);
            }
        }
        match rest.as_slice() {
            [one] => *one,
            _ => self.add(Node::And(rest)),
        }
    }

    /// The first without the second.
    pub fn minus(&mut self, from: NodeId, what: NodeId) -> NodeId {
        let nobody = self.add(Node::Nobody);
        if what == nobody {
            return from;
        }
        if from == what || from == nobody {
            return nobody;
        }
        self.add(Node::Minus(from, what))
    }

    /// A node read from the store.
    pub fn leaf(&mut self, leaf: Leaf) -> NodeId {
        self.add(Node::Leaf(leaf))
    }
}

#[cfg(test)]
mod tests {
    use super::{Leaf, Program};

    #[test]
    fn nodes_that_others_replaced_ask_for_nothing() {
        let mut program = Program::default();
        let index = |key: &str| Leaf::Index { key: key.to_owned(), sets: vec![0] };
        let [some, other] = ["some", "other"].map(|key| program.leaf(index(key)));
        let universe = program.leaf(Leaf::Universe { day: 17_000 });
        // As NOT makes it, and as AND takes it off the rest instead.
        let everybody_else = program.minus(universe, other);
        let root = program.minus(some, other);
        program.ask(root);
        let private = program.private();
        assert_eq!([some, other].map(|node| private[node.0]), [true, true]);
        assert!(!private[root.0], "the statement asks for it");
        let asked: Vec<_> = program.asked_leaves().cloned().collect();
        assert_eq!(asked, [index("some"), index("other")]);
        program.ask(everybody_else);
        assert!(!program.private()[other.0], "two ask for it");
    }
}
