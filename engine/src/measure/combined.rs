//! Numbers of groups from a census: how many consumers have each combination of leaves.

use super::counted::{Counted, Place};
use super::group::{Channel, Grouping, Summand};
use super::groups::{Groups, TOTAL_CODE};
use crate::error::ExecuteError;
use crate::exec::{CensusPlan, Combinations, NodeBits, NodeId, Program, SpendChoice};
use crate::view::View;

/// The census that gives the numbers of some groupings; none when their sets must be made.
pub fn plan(view: &View, program: &Program, groupings: &[Grouping]) -> Option<CensusPlan> {
    let mut nodes: Vec<NodeId> = Vec::new();
    for grouping in groupings {
        match grouping.summand {
            Summand::Nothing => {}
            Summand::Spend(_) if groupings.len() == 1 => {}
            Summand::Spend(_) | Summand::Keys(_) | Summand::Number { .. } => return None,
        }
        let mut everyone = false;
        for channel in &grouping.channels {
            match channel {
                Channel::Universe => everyone = true,
                Channel::Node(node) => nodes.push(*node),
            }
        }
        for groups in grouping.families.iter().flatten() {
            match groups {
                // Those outside the filter are not asked for.
                Groups::Nodes { nodes: own, .. } if everyone => {
                    nodes.extend(own.iter().map(|(_, node)| *node));
                }
                Groups::Nodes { .. } => {}
                Groups::Values { .. } | Groups::Numbers { .. } | Groups::Keys { .. } => {
                    return None;
                }
            }
        }
    }
    let mut plan = CensusPlan::new(view, program, &nodes)?;
    for groups in groupings.iter().flat_map(|grouping| grouping.families.iter().flatten()) {
        for node in groups.nodes() {
            plan.add(view, program, node)?;
        }
    }
    Some(plan)
}

/// The money that a census adds up: a grouping's, where it is asked alone.
pub fn money(groupings: &[Grouping]) -> Option<&SpendChoice> {
    match groupings {
        [Grouping { summand: Summand::Spend(choice), .. }] => choice.as_ref(),
        _ => None,
    }
}

/// The numbers of a grouping.
///
/// # Errors
/// When a number does not fit.
pub fn count(
    grouping: &Grouping,
    combinations: &Combinations,
    plan: &CensusPlan,
    program: &Program,
) -> Result<Counted, ExecuteError> {
    let mut counted = Counted::new(grouping);
    let mut nodes = NodeBits::new(plan, program);
    for some in combinations.members() {
        nodes.find(some);
        for (at, (_, members)) in some.iter().enumerate() {
            let numbers = (i128::from(*members), 0);
            add(grouping, &|node| nodes.has(node, at), numbers, &mut counted)?;
        }
    }
    for some in combinations.money() {
        nodes.find(some);
        for (at, (_, money)) in some.iter().enumerate() {
            add(grouping, &|node| nodes.has(node, at), (0, *money), &mut counted)?;
        }
    }
    Ok(counted)
}

/// Adds (members, money) of consumers who are in those nodes that `is_in` says.
pub(super) fn add(
    grouping: &Grouping,
    is_in: &impl Fn(NodeId) -> bool,
    numbers: (i128, i128),
    counted: &mut Counted,
) -> Result<(), ExecuteError> {
    for (channel, of) in grouping.channels.iter().enumerate() {
        let known = match of {
            Channel::Universe => false,
            Channel::Node(node) if is_in(*node) => true,
            Channel::Node(_) => continue,
        };
        if known {
            counted.totals[channel] += numbers.0;
        }
        for (family, groups) in grouping.families.iter().enumerate() {
            let (place, mut codes) = (Place { family, channel }, Vec::new());
            One { is_in, numbers, place, known }.add(groups, &mut codes, counted)?;
        }
    }
    Ok(())
}

/// The consumers of one combination.
struct One<'n, F> {
    /// Whether they are in a node.
    is_in: &'n F,
    /// Members, and their money.
    numbers: (i128, i128),
    place: Place,
    /// Whether the whole channel is counted so; how many everyone is, is added once.
    known: bool,
}

impl<F: Fn(NodeId) -> bool> One<'_, F> {
    /// Adds them to every group they are in, and to all groups of each partition together.
    fn add(
        &self,
        groups: &[Groups],
        codes: &mut Vec<u128>,
        counted: &mut Counted,
    ) -> Result<(), ExecuteError> {
        let Some((first, rest)) = groups.split_first() else {
            let grouped = codes.iter().any(|code| *code != TOTAL_CODE);
            let members = if grouped || self.known { self.numbers.0 } else { 0 };
            return counted.add(self.place, codes, (members, self.numbers.1));
        };
        for (code, node) in (0..).zip(first.nodes()) {
            if (self.is_in)(node) {
                codes.push(code);
                self.add(rest, codes, counted)?;
                codes.pop();
            }
        }
        codes.push(TOTAL_CODE);
        self.add(rest, codes, counted)?;
        codes.pop();
        Ok(())
    }
}
