//! What was counted: numbers of groups, before the rest of each partition is known.

use std::collections::HashMap;

use super::group::Grouping;
use super::groups::Groups;
use super::partial::GroupKey;
use super::partial::add;
use crate::error::ExecuteError;
use crate::exec::{Node, NodeId};

/// Per family, the numbers of each combination of codes.
pub(super) type Cells = Vec<HashMap<Vec<u128>, Vec<i128>>>;

/// Which family and channel is being added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) family: usize,
    pub(super) channel: usize,
}

/// What was counted of one day, over some consumers.
#[derive(Debug, Clone)]
pub struct Counted {
    pub(super) cells: Cells,
    /// By channel.
    pub(super) totals: Vec<i128>,
}

/// What a pass counts: its program and what is counted of it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    pub(super) nodes: Vec<Node>,
    pub(super) groupings: Vec<Grouping>,
    /// Of an overlap, its filter and sets; and whether their regions are counted, not their pairs.
    pub(super) overlap: Option<(Option<NodeId>, Vec<NodeId>, bool)>,
}

impl Asked {
    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        let nodes = self.nodes.iter().map(Node::bytes).sum::<usize>();
        let groups = |of: &Grouping| {
            let keys = |groups: &Groups| groups.keys() * size_of::<(GroupKey, NodeId)>();
            of.families.iter().flatten().map(keys).sum::<usize>()
        };
        let overlap = self.overlap.as_ref().map_or(0, |(_, nodes, _)| nodes.len());
        nodes + self.groupings.iter().map(groups).sum::<usize>() + overlap * size_of::<NodeId>()
    }
}

impl Counted {
    /// Bytes of memory it takes.
    pub fn bytes(&self) -> usize {
        // The codes and numbers of a cell, each a list.
        let cell = |(codes, numbers): (&Vec<u128>, &Vec<i128>)| {
            (codes.len() + numbers.len()) * size_of::<i128>() + 2 * size_of::<Vec<i128>>()
        };
        let cells = self.cells.iter().flatten().map(cell).sum::<usize>();
        self.totals.len() * size_of::<i128>() + cells
    }

    pub(super) fn new(grouping: &Grouping) -> Self {
        Self {
            cells: vec![HashMap::new(); grouping.families.len()],
            totals: vec![0; grouping.channels.len()],
        }
    }

    /// Adds the numbers of other consumers; none when a sum does not fit.
    pub(super) fn merge(&mut self, other: Self) -> Option<()> {
        add(&mut self.totals, &other.totals)?;
        for (all, own) in self.cells.iter_mut().zip(other.cells) {
            for (codes, numbers) in own {
                add(all.entry(codes).or_insert_with(|| vec![0; numbers.len()]), &numbers)?;
            }
        }
        Some(())
    }

    /// Adds (members, sum) to a group's cell; where nothing is to be added there is no cell.
    pub(super) fn add(
        &mut self,
        place: Place,
        codes: &[u128],
        (members, sum): (i128, i128),
    ) -> Result<(), ExecuteError> {
        if (members, sum) == (0, 0) {
            return Ok(());
        }
        let cells = &mut self.cells[place.family];
        let own = place.channel * 2..place.channel * 2 + 2;
        if let Some(numbers) = cells.get_mut(codes) {
            return add(&mut numbers[own], &[members, sum]).ok_or(ExecuteError::Overflow);
        }
        let mut numbers = vec![0; self.totals.len() * 2];
        numbers[own].copy_from_slice(&[members, sum]);
        cells.insert(codes.to_vec(), numbers);
        Ok(())
    }
}
