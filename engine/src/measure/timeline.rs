//! Numbers of groups on many days from one series.

use super::counted::{Counted, Place};
use super::group::{Channel, Grouping, Summand};
use super::groups::{Groups, TOTAL_CODE};
use crate::error::ExecuteError;
use crate::exec::{
    Bounds, DAYS_MAX, Later, MONEY_NODES_MAX, NodeId, Program, SeriesMoney, SeriesPlan,
    SpendChoice, Trace, series,
};
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
    nodes: Vec<Later>,
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
    let Some(money) = money(groupings) else { return Ok(None) };
    let Some(plan) = SeriesPlan::new(view, program) else { return Ok(None) };
    let mut cells = Cells { plan, groupings, with_money: money.is_some(), found: Vec::new() };
    if cells.add_all().is_none() || cells.plan.is_dense() {
        return Ok(None);
    }
    let Cells { plan, found: cells, .. } = cells;
    let asked: Vec<_> = cells.iter().map(|cell| cell.nodes.clone()).collect();
    let wanted = (asked.as_slice(), money.as_ref());
    let (counts, sums, trace) = series(view, program, &plan, wanted, bounds)?;
    let mut days: Vec<_> = groupings.iter().map(Counted::new).collect();
    for (number, (cell, counts)) in cells.iter().zip(counts).enumerate() {
        for (day, (counted, members)) in days.iter_mut().zip(counts).enumerate() {
            let members = i128::from(members);
            let sum = sums.get(number).map_or(0, |sums| sums[day]);
            match &cell.codes {
                None => counted.totals[cell.place.channel] += members,
                Some(codes) => counted.add(cell.place, codes, (members, sum))?,
            }
        }
    }
    Ok(Some((days, trace)))
}

/// The money of all days: `Some(None)` when none is asked for, none when it differs in more than
/// its windows.
fn money(groupings: &[Grouping]) -> Option<Option<SeriesMoney>> {
    let mut money: Option<SeriesMoney> = None;
    for (day, grouping) in groupings.iter().enumerate() {
        let choice = match &grouping.summand {
            Summand::Nothing if money.is_none() => continue,
            // Prices hang on what is void as of each day.
            Summand::Spend(Some(choice)) if choice.above.is_none() => choice,
            _ => return None,
        };
        let windows = match &mut money {
            None if day == 0 => {
                let new = SeriesMoney { choice: choice.clone(), windows: Vec::new() };
                &mut money.insert(new).windows
            }
            Some(money) if money.choice == with_days_of(choice, &money.choice) => {
                let rows = &mut money.choice.rows;
                rows.first = rows.first.min(choice.rows.first);
                rows.last = rows.last.max(choice.rows.last);
                rows.as_of = rows.as_of.max(choice.rows.as_of);
                &mut money.windows
            }
            _ => return None,
        };
        windows.push(choice.rows.days());
    }
    // What counts on every day begins nowhere.
    let begins = |money: &SeriesMoney| money.choice.rows.first > i32::MIN;
    money.as_ref().is_none_or(begins).then_some(money)
}

/// A choice with the days of another.
fn with_days_of(choice: &SpendChoice, other: &SpendChoice) -> SpendChoice {
    let mut choice = choice.clone();
    let (rows, days) = (&mut choice.rows, &other.rows);
    (rows.first, rows.last, rows.as_of) = (days.first, days.last, days.as_of);
    choice
}

/// The cells of several days, while they are found.
struct Cells<'p> {
    plan: SeriesPlan<'p>,
    groupings: &'p [Grouping],
    with_money: bool,
    found: Vec<Cell>,
}

impl Cells<'_> {
    /// The cells of all channels and families; none when the days differ in more than their
    /// windows.
    fn add_all(&mut self) -> Option<()> {
        let groupings = self.groupings;
        let first = groupings.first()?;
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
                let node = self.plan.add(&nodes)?;
                if !self.plan.is_bounded(node) {
                    return None;
                }
                whole.push(Later { node, days: 0 });
                let place = Place { family: 0, channel };
                self.found.push(Cell { codes: None, place, nodes: whole.clone() });
            } else if !nodes.is_empty() {
                return None;
            }
            for family in 0..first.families.len() {
                let place = Place { family, channel };
                self.add(place, &mut whole, &mut Vec::new())?;
            }
        }
        let mut nodes: Vec<Later> = Vec::new();
        for node in self.found.iter().flat_map(|cell| &cell.nodes) {
            if !nodes.contains(node) {
                nodes.push(*node);
            }
        }
        (!self.with_money || nodes.len() <= MONEY_NODES_MAX).then_some(())
    }

    /// Adds the cells of a family, partition by partition.
    fn add(&mut self, place: Place, nodes: &mut Vec<Later>, codes: &mut Vec<u128>) -> Option<()> {
        let groupings = self.groupings;
        let level = codes.len();
        let families = groupings.iter().map(|grouping| &grouping.families[place.family]);
        let Some(own) = families.map(|family| family.get(level)).collect::<Option<Vec<_>>>() else {
            // How many everyone is, is added once for all consumers.
            if !nodes.is_empty() || self.with_money {
                let (codes, nodes) = (Some(codes.clone()), nodes.clone());
                self.found.push(Cell { codes, place, nodes });
            }
            return (self.found.len() <= CELLS_MAX).then_some(());
        };
        let everyone = nodes.is_empty();
        for code in 0..own.first()?.nodes().count() {
            let node = self.node(place.family, level, code)?;
            if everyone && !self.plan.is_bounded(node.node) {
                return None;
            }
            nodes.push(node);
            codes.push(code as u128);
            self.add(place, nodes, codes)?;
            codes.pop();
            nodes.pop();
        }
        if own.iter().any(|groups| !groups.are_nodes()) {
            return None;
        }
        codes.push(TOTAL_CODE);
        self.add(place, nodes, codes)?;
        codes.pop();
        Some(())
    }

    /// A group on every day. Where the second partition of each day is the first one of the next,
    /// the rows of both are read once: what the second is on a day, the first is a day later.
    fn node(&mut self, family: usize, level: usize, code: usize) -> Option<Later> {
        let own = self.of_days(family, level, code)?;
        let other = self.of_days(family, 1 - level.min(1), code);
        let (first, second) = match (level, &other) {
            (0, Some(second)) => (&own, second),
            (1, Some(first)) => (first, &own),
            _ => return self.plan.add(&own).map(|node| Later { node, days: 0 }),
        };
        let follows = own.len() < DAYS_MAX && first.iter().skip(1).eq(second.split_last()?.1);
        if !follows {
            return self.plan.add(&own).map(|node| Later { node, days: 0 });
        }
        let all: Vec<NodeId> = first.iter().chain(second.last()).copied().collect();
        let days = u32::from(level == 1);
        self.plan.add(&all).map(|node| Later { node, days })
    }

    /// The nodes of a group, by day.
    fn of_days(&self, family: usize, level: usize, code: usize) -> Option<Vec<NodeId>> {
        let groups = self.groupings.iter().map(|grouping| grouping.families[family].get(level));
        groups.map(|groups: Option<&Groups>| groups?.nodes().nth(code)).collect()
    }
}
