//! Which leaf leads.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use throng_query::plan::Comparison;

use crate::exec::census::{Count, Counting, counting};
use crate::exec::listed::each_lane;
use crate::exec::program::{LaneChoice, Leaf, Node, NodeId, Program};
use crate::options::Method;
use crate::view::View;

/// Nanoseconds of a row, and of a consumer and of a lane or index that is looked up for it.
// Measured over 100 million events: docs/benchmarks.md, "What binds".
const ROW: u64 = 3;
const CONSUMER: u64 = 1_000;
const LANE: u64 = 150;

/// A leaf whose rows are read first.
#[derive(Debug)]
pub struct Lead {
    pub(super) node: NodeId,
    pub(super) lanes: LaneChoice,
    pub(super) days: RangeInclusive<i32>,
    pub(super) test: Test,
    /// Rows of its lanes.
    pub(super) rows: u64,
    /// How many lanes they are.
    pub(super) lanes_read: u64,
    /// How many consumers may be looked up, so that it takes no longer than the rows of the other
    /// leaves; none when there is nothing to look up.
    pub(super) most: Option<u64>,
}

/// What brings consumers into the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// One row.
    Once,
    /// So many rows, or so many days, of which no two lanes have the same.
    Often { wanted: u8, by_day: bool },
    /// Money that compares so with so much.
    Money { comparison: Comparison, amount: i64, refund: u16 },
}

/// A leaf that could lead.
struct Candidate {
    lead: Lead,
    /// How many consumers are in it, roughly.
    expected: u64,
}

impl Lead {
    /// The leaf that leads where the members of one node are asked for, and which of them are in
    /// some others; none when reading all rows, or making sets, is better.
    pub fn new(
        view: &View,
        program: &Program,
        (whole, parts): (NodeId, &[NodeId]),
        method: Method,
    ) -> Option<Self> {
        let erasing = !view.snapshot().erasures().pending().is_empty();
        if erasing || !program.remembered().is_empty() {
            return None;
        }
        let mut implied = Vec::new();
        implied_by(program, whole, &mut implied);
        let candidates = implied.into_iter().filter_map(|node| candidate(view, program, node));
        let best = candidates.min_by_key(|candidate| candidate.expected)?;
        let (mut lead, expected) = (best.lead, best.expected);
        if lead.node == whole && parts.is_empty() {
            return Some(lead);
        }
        if method == Method::Eager {
            lead.most = Some(u64::MAX);
            return Some(lead);
        }
        let rest = Rest::new(view, program, (whole, parts), lead.node)?;
        // All threads read rows, one looks up.
        let most = rest.rows * ROW / 2 / (CONSUMER + rest.lanes * LANE);
        lead.most = Some(most);
        (expected <= most && lead.rows / 2 <= rest.rows).then_some(lead)
    }

    /// Whether its members are all that is asked for.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.most.is_none()
    }
}

/// The leaves that everybody in a node is in, as far as that is easily told.
fn implied_by(program: &Program, node: NodeId, found: &mut Vec<NodeId>) {
    match &program.nodes()[node.0] {
        Node::Nobody | Node::Or(_) => {}
        Node::And(children) => {
            children.iter().for_each(|child| implied_by(program, *child, found));
        }
        Node::Minus(from, _) => implied_by(program, *from, found),
        Node::Leaf(_) => found.push(node),
    }
}

/// A leaf as the one that leads, when its rows alone decide.
fn candidate(view: &View, program: &Program, node: NodeId) -> Option<Candidate> {
    let Node::Leaf(leaf) = &program.nodes()[node.0] else { return None };
    let (lanes, days) = leaf.reads()?;
    lanes.brand?;
    let (mut count, mut within) = (Count::default(), 0);
    each_lane(view, &lanes, &days, &mut |_, lane| {
        count.add(lane);
        let (first, last) = (i64::from(lane.first_day()), i64::from(lane.last_day()));
        let from = first.max(i64::from(*days.start()));
        let to = last.min(i64::from(*days.end()));
        let share = |days: i64| u64::try_from(days + 1).unwrap_or(0);
        within += lane.rows() * share(to - from) / share(last - first).max(1);
    });
    let (test, expected) = match leaf {
        Leaf::Did { at_least, rows, .. } => {
            let often = |n: u16, by_day| {
                // The largest is kept for those who were found.
                let wanted = u8::try_from(n).ok().filter(|wanted| *wanted < u8::MAX)?;
                // Guessed; too many are noticed.
                Some((Test::Often { wanted, by_day }, within / 1024))
            };
            match counting(view, &lanes, *at_least, rows, &mut count)? {
                Counting::Once => (Test::Once, within),
                Counting::Times(n) => often(n, false)?,
                Counting::Days(n) => often(n, true)?,
            }
        }
        Leaf::Spent { spend, comparison, amount } => {
            if spend.above.is_some() || !spend.rows.is_unfiltered() {
                return None;
            }
            let (comparison, amount, refund) = (*comparison, *amount, spend.refund);
            (Test::Money { comparison, amount, refund }, within / 1024)
        }
        _ => return None,
    };
    let (rows, lanes_read) = (count.rows(), count.lanes());
    let lead = Lead { node, lanes, days, test, rows, lanes_read, most: None };
    Some(Candidate { lead, expected })
}

/// What the other leaves read.
struct Rest {
    rows: u64,
    /// Lanes, and what is looked up like one.
    lanes: u64,
}

impl Rest {
    /// None where leaves are of all brands: their lanes would take long to find.
    fn new(
        view: &View,
        program: &Program,
        (whole, parts): (NodeId, &[NodeId]),
        lead: NodeId,
    ) -> Option<Self> {
        let mut reached = vec![false; program.nodes().len()];
        let mut left: Vec<NodeId> = parts.iter().copied().chain([whole]).collect();
        let mut read: HashMap<LaneChoice, RangeInclusive<i32>> = HashMap::new();
        let mut rest = Self { rows: 0, lanes: 0 };
        while let Some(node) = left.pop() {
            if node == lead || std::mem::replace(&mut reached[node.0], true) {
                continue;
            }
            let of = &program.nodes()[node.0];
            left.extend(of.children());
            let Node::Leaf(leaf) = of else { continue };
            let Some((lanes, days)) = leaf.reads() else {
                rest.lanes += 1;
                continue;
            };
            lanes.brand?;
            let all = read.entry(lanes).or_insert_with(|| days.clone());
            *all = *all.start().min(days.start())..=*all.end().max(days.end());
        }
        for (lanes, days) in read {
            each_lane(view, &lanes, &days, &mut |_, lane| {
                rest.rows += lane.rows();
                rest.lanes += 1;
            });
        }
        Some(rest)
    }
}
