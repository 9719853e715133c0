//! Whether a census can answer a program, and what it has to read for that.

use std::ops::RangeInclusive;

use throng_query::plan::AtLeast;
use throng_storage::segment::{ColumnSet, Lane};

use super::leaf_bits::{LeafBits, WORDS_MAX};
use super::marks::{COUNTED_MAX, COUNTERS_MAX};
use crate::exec::listed::each_lane;
use crate::exec::program::{LaneChoice, Leaf, Node, NodeId, Program, RowChoice};
use crate::view::View;

/// Leaves a census can have.
const LEAVES_MAX: usize = LeafBits::<WORDS_MAX>::LEAVES;
/// Leaves beyond which, where sets are made of most of them, marking who is in these takes longer
/// than comparing them: marks have several words.
const NARROW_LEAVES: usize = LeafBits::<1>::LEAVES;
/// Rows of one chunk from which on sets are as good: about half of its consumers.
const ROWS_DENSE: u64 = 1 << 15;
/// Lanes a leaf may have: each is walked for each span.
const LANES_MAX: usize = 4096;

/// What a census reads.
#[derive(Debug)]
pub struct CensusPlan {
    /// The leaves, in the order of their bits.
    pub(super) leaves: Vec<PlannedLeaf>,
    /// By node, its place among the leaves, if it is one.
    pub(super) places: Vec<Option<usize>>,
    /// Rows of all lanes that are read.
    pub(super) rows: u64,
    /// How many leaves are counted in marks.
    pub(super) counters: usize,
}

/// A leaf and how it is read.
#[derive(Debug)]
pub(super) struct PlannedLeaf {
    pub(super) node: NodeId,
    pub(super) reading: Reading,
}

/// How the members of a leaf are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reading {
    /// Row by row.
    Rows(RowReading),
    /// As a set of its own, or one that the memo has; its members bring marks.
    Set,
    /// As a set of its own; only those with marks are looked up in it.
    LookUp,
}

/// A leaf whose rows alone decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowReading {
    /// Whose rows.
    pub lanes: LaneChoice,
    /// On which days.
    pub days: RangeInclusive<i32>,
    /// How many.
    pub counting: Counting,
}

/// How many rows a consumer needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// One.
    Once,
    /// So many, each of which counts once.
    Times(u16),
    /// So many days; no two lanes have rows of one day.
    Days(u16),
}

impl CensusPlan {
    /// The plan for some nodes of a program; none when sets are better, or when consumers without
    /// any row could be in one of the nodes.
    #[must_use]
    pub fn new(view: &View, program: &Program, nodes: &[NodeId]) -> Option<Self> {
        if !view.snapshot().erasures().pending().is_empty() {
            return None;
        }
        let mut plan = Self {
            leaves: Vec::new(),
            places: vec![None; program.nodes().len()],
            rows: 0,
            counters: 0,
        };
        if !nodes.iter().all(|node| is_bounded(program, *node)) {
            return None;
        }
        for node in nodes {
            plan.add(view, program, *node)?;
        }
        let by_row = |leaf: &PlannedLeaf| matches!(leaf.reading, Reading::Rows(_));
        if !program.remembered().is_empty() && !plan.leaves.iter().any(by_row) {
            return None;
        }
        let by_sets = plan.leaves.iter().filter(|leaf| !by_row(leaf)).count();
        if plan.leaves.len() > NARROW_LEAVES && 2 * by_sets > plan.leaves.len() {
            return None;
        }
        let chunks = u64::from(view.chunk_end()).max(1);
        (plan.rows / chunks <= ROWS_DENSE).then_some(plan)
    }

    /// Adds a node, which need not be bounded by rows. None when there are too many leaves, or one
    /// is of everyone.
    #[must_use]
    pub fn add(&mut self, view: &View, program: &Program, node: NodeId) -> Option<()> {
        if let Some(kept) = program.remembered().set(node) {
            if self.places[node.0].is_none() {
                self.rows += kept.members();
            }
            return self.place(node, Reading::Set);
        }
        match &program.nodes()[node.0] {
            Node::Nobody => {}
            Node::And(children) | Node::Or(children) => {
                for child in children {
                    self.add(view, program, *child)?;
                }
            }
            Node::Minus(from, what) => {
                self.add(view, program, *from)?;
                self.add(view, program, *what)?;
            }
            Node::Leaf(leaf) => {
                if self.places[node.0].is_none()
                    && let Some(reading) = self.reading(view, leaf)?
                {
                    self.place(node, reading)?;
                }
            }
        }
        Some(())
    }

    /// Makes a node a leaf.
    fn place(&mut self, node: NodeId, reading: Reading) -> Option<()> {
        if self.places[node.0].is_none() {
            if self.leaves.len() == LEAVES_MAX {
                return None;
            }
            self.places[node.0] = Some(self.leaves.len());
            self.leaves.push(PlannedLeaf { node, reading });
        }
        Some(())
    }

    /// How a leaf is read; `Some(None)` when it has nobody, none when its members are not to be
    /// found by rows.
    fn reading(&mut self, view: &View, leaf: &Leaf) -> Option<Option<Reading>> {
        let Some((lanes, days)) = leaf.reads() else {
            return match leaf {
                Leaf::Index { .. } | Leaf::Range { .. } => Some(Some(Reading::LookUp)),
                // Sets of everyone, or of a hash of everyone.
                _ => None,
            };
        };
        let mut count = Count::default();
        each_lane(view, &lanes, &days, &mut |_, lane| count.add(lane));
        self.rows += count.rows;
        match count.lanes {
            0 => return Some(None),
            1..=LANES_MAX => {}
            _ => return None,
        }
        let Leaf::Did { at_least, rows, .. } = leaf else { return Some(Some(Reading::Set)) };
        Some(Some(match counting(view, &lanes, *at_least, rows, &mut count) {
            Some(counting @ Counting::Once) => Reading::Rows(RowReading { lanes, days, counting }),
            Some(counting @ (Counting::Times(n) | Counting::Days(n)))
                if self.counters < COUNTERS_MAX && n <= COUNTED_MAX =>
            {
                self.counters += 1;
                Reading::Rows(RowReading { lanes, days, counting })
            }
            _ => Reading::Set,
        }))
    }
}

/// Whether only consumers with a row can be in a node.
fn is_bounded(program: &Program, node: NodeId) -> bool {
    if program.remembered().set(node).is_some() {
        return true;
    }
    match &program.nodes()[node.0] {
        Node::Nobody => true,
        Node::And(children) => children.iter().any(|child| is_bounded(program, *child)),
        Node::Or(children) => children.iter().all(|child| is_bounded(program, *child)),
        Node::Minus(from, _) => is_bounded(program, *from),
        Node::Leaf(leaf) => {
            matches!(leaf, Leaf::Did { .. } | Leaf::Spent { .. } | Leaf::State { .. })
        }
    }
}

/// What some lanes have.
#[derive(Debug, Default)]
pub struct Count {
    lanes: usize,
    rows: u64,
    /// Whether a row may count for several.
    several: bool,
    /// By lane, the days it has rows of.
    days: Vec<(i32, i32)>,
}

impl Count {
    /// Adds a lane.
    pub fn add(&mut self, lane: Lane<'_>) {
        self.lanes += 1;
        self.rows += lane.rows();
        self.several |= lane.columns().has(ColumnSet::COUNT);
        self.days.push((lane.first_day(), lane.last_day()));
    }

    /// Whether there is no lane.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lanes == 0
    }

    /// How many lanes.
    #[must_use]
    pub fn lanes(&self) -> u64 {
        self.lanes as u64
    }

    /// Rows of all of them.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether no two of them can have rows of the same day.
    pub fn share_no_day(&mut self) -> bool {
        self.days.sort_unstable();
        self.days.is_sorted_by(|before, after| before.1 < after.0)
    }
}

/// How rows decide who is in a leaf; none when more than days and numbers of rows matter.
pub fn counting(
    view: &View,
    lanes: &LaneChoice,
    at_least: AtLeast,
    rows: &RowChoice,
    count: &mut Count,
) -> Option<Counting> {
    let refunds = || {
        let refund = view.behaviour_id("refund");
        let buys = lanes.behaviours.is_empty()
            || view.behaviour_id("buy").is_some_and(|buy| lanes.behaviours.contains(&buy));
        buys && refund.is_some_and(|refund| {
            let choice = LaneChoice { brand: lanes.brand, behaviours: vec![refund] };
            let mut any = false;
            each_lane(view, &choice, &(i32::MIN..=i32::MAX), &mut |_, _| any = true);
            any
        })
    };
    if !rows.is_unfiltered() || refunds() {
        return None;
    }
    match at_least {
        AtLeast::Times(1) | AtLeast::Days(1) => Some(Counting::Once),
        AtLeast::Times(n) if !count.several => u16::try_from(n).ok().map(Counting::Times),
        AtLeast::Days(n) => {
            let n = u16::try_from(n).ok()?;
            count.share_no_day().then_some(Counting::Days(n))
        }
        AtLeast::Times(_) => None,
    }
}
