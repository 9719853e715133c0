//! Numbers of groups that the memo has.

use super::counted::{Asked, Counted, Place};
use super::group::{Channel, Grouping, Summand};
use crate::database::UseMemo;
use crate::error::ExecuteError;
use crate::exec::{Bounds, Node, NodeId, NodeTrace, Program, Sources, Trace, Way};
use crate::memo::Stamp;
use crate::view::View;

/// Groups of one partition up to which the numbers of a pass are kept: the key names them all.
const GROUPS_MAX: usize = 4096;

/// The numbers of the groupings of several days; none when anything must be read.
///
/// # Errors
/// When a number does not fit.
pub fn count(
    program: &Program,
    groupings: &[Grouping],
) -> Result<Option<Vec<Counted>>, ExecuteError> {
    if program.remembered().is_empty() {
        return Ok(None);
    }
    groupings.iter().map(|grouping| one(program, grouping)).collect()
}

fn one(program: &Program, grouping: &Grouping) -> Result<Option<Counted>, ExecuteError> {
    let mut counted = Counted::new(grouping);
    let is_count = matches!(grouping.summand, Summand::Nothing);
    for (channel, of) in grouping.channels.iter().enumerate() {
        match of {
            _ if !is_count => return Ok(None),
            Channel::Universe => {}
            Channel::Node(node) => {
                let Some(members) = members(program, *node) else { return Ok(None) };
                counted.totals[channel] = members;
            }
        }
        let everyone = *of == Channel::Universe;
        for (family, groups) in grouping.families.iter().enumerate() {
            let place = Place { family, channel };
            match groups.as_slice() {
                [] => {
                    counted.add(place, &[], (counted.totals[channel], 0))?;
                }
                [groups] if everyone && groups.are_nodes() => {
                    for (code, node) in (0..).zip(groups.nodes()) {
                        let Some(members) = members(program, node) else { return Ok(None) };
                        counted.add(place, &[code], (members, 0))?;
                    }
                }
                _ => return Ok(None),
            }
        }
    }
    Ok(Some(counted))
}

/// Whether the numbers of whole passes are kept at all.
pub fn may_be_kept(view: &View, bounds: &Bounds) -> bool {
    bounds.memo == UseMemo::Yes && view.memo().is_on()
}

/// What a pass counts and what it is read from, where its numbers may be kept.
pub fn asked(
    view: &View,
    program: &Program,
    groupings: &[Grouping],
    (sources, bounds): (&mut Sources<'_>, &Bounds),
) -> Option<(Asked, Stamp)> {
    if !may_be_kept(view, bounds) {
        return None;
    }
    let (mut spends, mut indexes) = (Vec::new(), Vec::new());
    for grouping in groupings {
        match &grouping.summand {
            Summand::Nothing | Summand::Spend(None) => {}
            Summand::Spend(Some(choice)) => spends.push(choice),
            Summand::Number { key, .. } => indexes.push(key.as_str()),
            Summand::Keys(_) => return None,
        }
        for groups in grouping.families.iter().flatten() {
            if groups.keys() > GROUPS_MAX {
                return None;
            }
            if let Some(key) = groups.index() {
                indexes.push(key);
            } else if !groups.are_nodes() {
                return None;
            }
        }
    }
    let stamp = sources.whole(program, &spends, &indexes)?;
    let (nodes, groupings) = (program.nodes().to_vec(), groupings.to_vec());
    Some((Asked { nodes, groupings, overlap: None }, stamp))
}

fn members(program: &Program, node: NodeId) -> Option<i128> {
    match &program.nodes()[node.0] {
        Node::Nobody => Some(0),
        _ => program.remembered().set(node).map(|set| i128::from(set.members())),
    }
}

/// What was touched then: nothing.
pub fn trace(program: &Program) -> Trace {
    let of = |number: usize| {
        let remembered = program.remembered().set(NodeId(number)).is_some();
        NodeTrace { remembered, ..NodeTrace::default() }
    };
    let nodes = (0..program.nodes().len()).map(of).collect();
    Trace { nodes, workers: 1, way: Way::Memo, ..Trace::default() }
}
