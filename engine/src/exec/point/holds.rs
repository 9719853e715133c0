//! A program computed for one consumer.

use super::events::OneConsumer;
use super::leaves;
use crate::error::ExecuteError;
use crate::exec::program::{Node, NodeId, Program};

/// Which nodes of a program one consumer is in.
///
/// # Errors
/// When bytes of the store are corrupt.
pub fn holds(
    consumer: &mut OneConsumer<'_>,
    program: &Program,
    nodes: &[NodeId],
) -> Result<Vec<bool>, ExecuteError> {
    let pending = consumer.view().snapshot().erasures().pending();
    if pending.contains(consumer.consumer()) {
        // No leaf has who is forgotten.
        return Ok(vec![false; nodes.len()]);
    }
    let found = vec![None; program.nodes().len()];
    let mut holding = Holding { consumer, program, found };
    nodes.iter().map(|node| holding.holds(*node)).collect()
}

/// Of a consumer who is in one node, for each of some others whether it is in them; who is
/// forgotten must not be asked for.
///
/// # Errors
/// When bytes of the store are corrupt.
pub fn holds_within(
    consumer: &mut OneConsumer<'_>,
    program: &Program,
    known: NodeId,
    nodes: &[NodeId],
) -> Result<Vec<bool>, ExecuteError> {
    let mut found = vec![None; program.nodes().len()];
    found[known.0] = Some(true);
    let mut holding = Holding { consumer, program, found };
    nodes.iter().map(|node| holding.holds(*node)).collect()
}

struct Holding<'p, 'v> {
    consumer: &'p mut OneConsumer<'v>,
    program: &'p Program,
    /// Whether the consumer is in a node, once it was found.
    found: Vec<Option<bool>>,
}

impl Holding<'_, '_> {
    fn holds(&mut self, node: NodeId) -> Result<bool, ExecuteError> {
        if let Some(found) = self.found[node.0] {
            return Ok(found);
        }
        let program = self.program;
        let found = match &program.nodes()[node.0] {
            Node::Nobody => false,
            Node::And(children) => !self.some(children, false)?,
            Node::Or(children) => self.some(children, true)?,
            Node::Minus(from, what) => self.holds(*from)? && !self.holds(*what)?,
            Node::Leaf(leaf) => leaves::holds(leaf, self.consumer)?,
        };
        self.found[node.0] = Some(found);
        Ok(found)
    }

    /// Whether of some nodes one holds, or one does not.
    fn some(&mut self, nodes: &[NodeId], wanted: bool) -> Result<bool, ExecuteError> {
        for node in nodes {
            if self.holds(*node)? == wanted {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
