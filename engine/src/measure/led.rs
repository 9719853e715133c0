//! Numbers of groups where one leaf has everybody who is counted.

use super::combined;
use super::counted::Counted;
use super::group::{Channel, Grouping, Summand};
use super::groups::Groups;
use crate::error::ExecuteError;
use crate::exec::{Bounds, Lead, NodeId, Program, Trace, lead, others};
use crate::view::View;

/// The numbers of one grouping; none when another way is better.
///
/// # Errors
/// When bytes of the store are corrupt or a number does not fit; a cancellation, the deadline or
/// the memory limit.
pub fn count(
    view: &View,
    program: &Program,
    groupings: &[Grouping],
    bounds: &Bounds,
) -> Result<Option<(Vec<Counted>, Trace)>, ExecuteError> {
    let [grouping @ Grouping { channels, families, summand: Summand::Nothing }] = groupings else {
        return Ok(None);
    };
    let [Channel::Node(whole)] = *channels.as_slice() else { return Ok(None) };
    let by_nodes = |groups: &Groups| matches!(groups, Groups::Nodes { .. });
    if !families.iter().flatten().all(by_nodes) {
        return Ok(None);
    }
    let parts: Vec<NodeId> = families.iter().flatten().flat_map(Groups::nodes).collect();
    let Some(leading) = Lead::new(view, program, (whole, &parts), bounds.method) else {
        return Ok(None);
    };
    let Some(mut led) = lead(view, program, &leading, bounds)? else { return Ok(None) };
    let mut counted = Counted::new(grouping);
    let mut nodes = vec![false; program.nodes().len()];
    if leading.is_all() {
        let numbers = (i128::from(led.members), 0);
        combined::add(grouping, &|node| node == whole, numbers, &mut counted)?;
        return Ok(Some((vec![counted], led.trace)));
    }
    let asked: Vec<NodeId> = std::iter::once(whole).chain(parts).collect();
    others(view, program, (&leading, &mut led), &asked, bounds, |holds| {
        for (node, holds) in asked.iter().zip(holds) {
            nodes[node.0] = *holds;
        }
        if nodes[whole.0] {
            combined::add(grouping, &|node| nodes[node.0], (1, 0), &mut counted)?;
        }
        Ok(())
    })?;
    Ok(Some((vec![counted], led.trace)))
}
