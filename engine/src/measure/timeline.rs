//! Numbers of groups on many days from one series.

use super::counted::{Counted, Place};
use super::group::{Channel, Grouping, Summand};
use super::groups::{Groups, TOTAL_CODE};
use crate::error::ExecuteError;
use crate::exec::{Bounds, DAYS_MAX, NodeId, Program, SeriesPlan, Trace, series};
use crate::view::View;

/// Days from which on a series is worth it.
const DAYS_MIN: usize = 3;

/// Groups up to which each is counted on every day: each takes a pass over a chunk's consumers.
const CELLS_MAX: usize = 1024;

/// Consumers who are counted in one group.
#[derive(Debug)]
struct Cell {
    /// None where they count for the channel alone.
    codes: Option<Vec<u128>>,
    place: Place,
    /// The nodes that all of them are in.
    nodes: Vec<usize>,
}

/// The numbers of the groupings of several days; none when the days must be answered one by one.
///
/// # Errors
/// See [`ExecuteError`].
pub fn count(
    view: &View,
    program: &Program,
    groupings: &[Grouping],
    bounds: &Bounds,
) -> Result<Option<(Vec<Counted>, Trace)>, ExecuteError> {
    if !(DAYS_MIN..=DAYS_MAX).contains(&groupings.len()) {
        return Ok(None);
    }
    let Some(mut plan) = SeriesPlan::new(view, program) else { return Ok(None) };
    let Some(cells) = cells(&mut plan, groupings) else { return Ok(None) };
    if plan.is_dense() {
        return Ok(None);
    }
    let asked: Vec<_> = cells.iter().map(|cell| cell.nodes.clone()).collect();
    let (counts, trace) = series(view, program, &plan, &asked, bounds)?;
    let mut days: Vec<_> = groupings.iter().map(Counted::new).collect();
    for (cell, counts) in cells.iter().zip(counts) {
        for (counted, members) in days.iter_mut().zip(counts) {
            let members = i128::from(members);
            match &cell.codes {
                None => counted.totals[cell.place.channel] += members,
                Some(codes) => counted.add(cell.place, codes, (members, 0))?,
            }
        }
    }
    Ok(Some((days, trace)))
}

/// The cells of all channels and families; none when the days differ in more than their windows.
fn cells(plan: &mut SeriesPlan<'_>, groupings: &[Grouping]) -> Option<Vec<Cell>> {
    let first = groupings.first()?;
    if groupings.iter().any(|grouping| !matches!(grouping.summand, Summand::Nothing)) {
        return None;
    }
    let mut cells = Vec::new();
    for channel in 0..first.channels.len() {
        let mut nodes = Vec::with_capacity(groupings.len());
        for grouping in groupings {
            match grouping.channels.get(channel)? {
                Channel::Universe => {}
                Channel::Node(node) => nodes.push(*node),
            }
        }
        let mut whole = Vec::new();
        if nodes.len() == groupings.len() {
            let node = plan.add(&nodes)?;
            if !plan.is_bounded(node) {
                return None;
            }
            whole.push(node);
            let place = Place { family: 0, channel };
            cells.push(Cell { codes: None, place, nodes: whole.clone() });
        } else if !nodes.is_empty() {
            return None;
        }
        for family in 0..first.families.len() {
            let place = Place { family, channel };
            add(plan, groupings, (place, &mut whole), &mut Vec::new(), &mut cells)?;
        }
    }
    Some(cells)
}

/// Adds the cells of a family, partition by partition.
fn add(
    plan: &mut SeriesPlan<'_>,
    groupings: &[Grouping],
    (place, nodes): (Place, &mut Vec<usize>),
    codes: &mut Vec<u128>,
    cells: &mut Vec<Cell>,
) -> Option<()> {
    let families = groupings.iter().map(|grouping| &grouping.families[place.family]);
    let Some(own) = families.map(|family| family.get(codes.len())).collect::<Option<Vec<_>>>()
    else {
        // How many everyone is, is added once for all consumers.
        if !nodes.is_empty() {
            cells.push(Cell { codes: Some(codes.clone()), place, nodes: nodes.clone() });
        }
        return (cells.len() <= CELLS_MAX).then_some(());
    };
    let everyone = nodes.is_empty();
    for code in 0..own.first()?.nodes().count() {
        let of = |groups: &&Groups| groups.nodes().nth(code);
        let days: Option<Vec<NodeId>> = own.iter().map(of).collect();
        let node = plan.add(&days?)?;
        if everyone && !plan.is_bounded(node) {
            return None;
        }
        nodes.push(node);
        codes.push(code as u128);
        add(plan, groupings, (place, nodes), codes, cells)?;
        codes.pop();
        nodes.pop();
    }
    if own.iter().any(|groups| !matches!(groups, Groups::Nodes { .. })) {
        return None;
    }
    codes.push(TOTAL_CODE);
    add(plan, groupings, (place, nodes), codes, cells)?;
    codes.pop();
    Some(())
}
