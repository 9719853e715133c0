//! How many consumers have each combination of leaves, and which nodes these are in.

use super::choice::CensusPlan;
use super::leaf_bits::{LeafBits, WORDS_MAX};
use crate::exec::program::{Node, NodeId, Program};

/// Combinations whose nodes are found together: a bit for each.
pub const TOGETHER: usize = 64;

/// The leaves some consumers are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination(pub(super) LeafBits<WORDS_MAX>);

/// How many consumers have each combination, and their money in minor units.
#[derive(Debug, Default)]
pub struct Combinations {
    members: Vec<(Combination, u64)>,
    money: Vec<(Combination, i128)>,
}

impl Combinations {
    /// Of the consumers and the money of each.
    pub(super) fn new(
        members: impl Iterator<Item = (LeafBits<WORDS_MAX>, u64)>,
        money: impl Iterator<Item = (LeafBits<WORDS_MAX>, i128)>,
    ) -> Self {
        Self {
            members: members.map(|(leaves, members)| (Combination(leaves), members)).collect(),
            money: money.map(|(leaves, money)| (Combination(leaves), money)).collect(),
        }
    }

    /// Every combination that has somebody, and how many; up to [`TOGETHER`] at a time.
    pub fn members(&self) -> impl Iterator<Item = &[(Combination, u64)]> {
        self.members.chunks(TOGETHER)
    }

    /// The money of every combination that has any, also of those without any leaf, which may come
    /// twice; up to [`TOGETHER`] at a time.
    pub fn money(&self) -> impl Iterator<Item = &[(Combination, i128)]> {
        self.money.chunks(TOGETHER)
    }
}

/// Of some combinations, the nodes that those who have them are in. Nodes that the plan does not
/// need may say anything.
#[derive(Debug)]
pub struct NodeBits<'p> {
    plan: &'p CensusPlan,
    program: &'p Program,
    /// By leaf, a bit for each of the combinations.
    leaves: Vec<u64>,
    /// By node, the same.
    nodes: Vec<u64>,
}

impl<'p> NodeBits<'p> {
    /// Of no combination yet.
    #[must_use]
    pub fn new(plan: &'p CensusPlan, program: &'p Program) -> Self {
        let nodes = Vec::with_capacity(program.nodes().len());
        Self { plan, program, leaves: vec![0; plan.leaves.len()], nodes }
    }

    /// Finds the nodes of other combinations, of [`TOGETHER`] at most.
    pub fn find<N>(&mut self, combinations: &[(Combination, N)]) {
        let Self { plan, program, leaves, nodes } = self;
        leaves.fill(0);
        let mut all = 0;
        for (at, (combination, _)) in combinations.iter().enumerate() {
            all |= 1 << at;
            combination.0.each(|leaf| leaves[leaf] |= 1 << at);
        }
        nodes.clear();
        // A node's children are before it.
        for (node, leaf) in program.nodes().iter().zip(&plan.places) {
            let of = |child: &NodeId| nodes[child.0];
            let bits = match (leaf, node) {
                (Some(leaf), _) => leaves[*leaf],
                (None, Node::And(children)) => children.iter().map(of).fold(all, |a, b| a & b),
                (None, Node::Or(children)) => children.iter().map(of).fold(0, |a, b| a | b),
                (None, Node::Minus(from, what)) => of(from) & !of(what),
                (None, Node::Nobody | Node::Leaf(_)) => 0,
            };
            nodes.push(bits);
        }
    }

    /// Whether one of the combinations, by its place among them, is in a node.
    #[inline]
    #[must_use]
    pub fn has(&self, node: NodeId, at: usize) -> bool {
        self.nodes[node.0] >> at & 1 == 1
    }

    /// Calls `visit` with the places of those of the combinations that are in a node.
    #[inline]
    pub fn each(&self, node: NodeId, mut visit: impl FnMut(usize)) {
        let mut left = self.nodes[node.0];
        while left != 0 {
            visit(left.trailing_zeros() as usize);
            left &= left - 1;
        }
    }
}
