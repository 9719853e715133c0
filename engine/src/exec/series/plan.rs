//! Whether the programs of several days are one program with other windows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;

use crate::exec::census::{Count, Counting, RowReading, counting};
use crate::exec::listed::each_lane;
use crate::exec::program::{LaneChoice, Leaf, Node, NodeId, Program, RowChoice};
use crate::view::View;

/// Days a series can have: one bit each.
pub const DAYS_MAX: usize = 64;
/// Rows of one chunk from which on sets are as good.
const ROWS_DENSE: u64 = 1 << 16;

/// One program for several days.
#[derive(Debug)]
pub struct SeriesPlan<'p> {
    view: &'p View,
    program: &'p Program,
    /// Children before parents.
    pub(super) nodes: Vec<SeriesNode>,
    /// What the nodes of each day became.
    places: HashMap<Vec<NodeId>, usize>,
    /// Rows of all lanes that are read.
    pub(super) rows: u64,
}

/// The days on which each consumer is in a node.
#[derive(Debug)]
pub(super) enum SeriesNode {
    /// None.
    Nobody,
    /// Those of every child.
    And(Vec<usize>),
    /// Those of at least one child.
    Or(Vec<usize>),
    /// Those of the first without those of the second.
    Minus(usize, usize),
    /// Read row by row.
    Rows(SeriesRows),
    /// All days for the members of a node that is the same every day.
    LookUp(NodeId),
}

/// A leaf that is read row by row.
#[derive(Debug)]
pub(super) struct SeriesRows {
    pub(super) node: NodeId,
    /// Its lanes; the days of all windows.
    pub(super) reading: RowReading,
    /// By day of the series, the days whose rows count.
    pub(super) windows: Vec<RangeInclusive<i32>>,
}

impl SeriesRows {
    /// By the bits of the days of the series, those whose windows a day is in.
    pub(super) fn days_with(&self, day: i32) -> u64 {
        let bits = (0_u32..).zip(&self.windows);
        bits.filter(|(_, window)| window.contains(&day)).fold(0, |days, (bit, _)| days | 1 << bit)
    }
}

impl<'p> SeriesPlan<'p> {
    /// A plan without nodes; none while some consumers are to be left out.
    #[must_use]
    pub fn new(view: &'p View, program: &'p Program) -> Option<Self> {
        let whole = view.snapshot().erasures().pending().is_empty();
        let (nodes, places) = (Vec::new(), HashMap::new());
        whole.then_some(Self { view, program, nodes, places, rows: 0 })
    }

    /// Adds the node that each day asks for. None when they differ in more than their windows, or
    /// are not to be found by rows.
    #[must_use]
    pub fn add(&mut self, days: &[NodeId]) -> Option<usize> {
        if let Some(place) = self.places.get(days) {
            return Some(*place);
        }
        let program = self.program;
        let node = match &program.nodes()[days.first()?.0] {
            Node::And(_) => SeriesNode::And(self.children(days, |node| match node {
                Node::And(children) => Some(children),
                _ => None,
            })?),
            Node::Or(_) => SeriesNode::Or(self.children(days, |node| match node {
                Node::Or(children) => Some(children),
                _ => None,
            })?),
            Node::Minus(..) => {
                let (mut from, mut what) = (Vec::new(), Vec::new());
                for day in days {
                    let Node::Minus(a, b) = &program.nodes()[day.0] else { return None };
                    from.push(*a);
                    what.push(*b);
                }
                SeriesNode::Minus(self.add(&from)?, self.add(&what)?)
            }
            Node::Nobody | Node::Leaf(_) => self.leaf(days)?,
        };
        self.nodes.push(node);
        self.places.insert(days.to_vec(), self.nodes.len() - 1);
        Some(self.nodes.len() - 1)
    }

    /// Whether only consumers with a row can be in a node.
    #[must_use]
    pub fn is_bounded(&self, node: usize) -> bool {
        match &self.nodes[node] {
            SeriesNode::Nobody | SeriesNode::Rows(_) => true,
            SeriesNode::And(children) => children.iter().any(|child| self.is_bounded(*child)),
            SeriesNode::Or(children) => children.iter().all(|child| self.is_bounded(*child)),
            SeriesNode::Minus(from, _) => self.is_bounded(*from),
            SeriesNode::LookUp(_) => false,
        }
    }

    /// Whether sets would be as good: most consumers of a chunk have rows.
    #[must_use]
    pub fn is_dense(&self) -> bool {
        self.rows / u64::from(self.view.chunk_end()).max(1) > ROWS_DENSE
    }

    /// The children of each day's node, put together by what they have in common. Their order
    /// means nothing, and differs between days.
    fn children(
        &mut self,
        days: &[NodeId],
        of: impl Fn(&'p Node) -> Option<&'p Vec<NodeId>>,
    ) -> Option<Vec<usize>> {
        let program = self.program;
        let mut rows = Vec::with_capacity(days.len());
        for day in days {
            let mut children = of(&program.nodes()[day.0])?.clone();
            children.sort_by_cached_key(|child| (shape(program, *child), span(program, *child)));
            rows.push(children);
        }
        let count = rows.first()?.len();
        if rows.iter().any(|row| row.len() != count) {
            return None;
        }
        let child = |place: usize| rows.iter().map(|row| row[place]).collect::<Vec<_>>();
        let columns: Vec<_> = (0..count).map(child).collect();
        columns.iter().map(|column| self.add(column)).collect()
    }

    fn leaf(&mut self, days: &[NodeId]) -> Option<SeriesNode> {
        let nodes = self.program.nodes();
        let leaf = days.iter().find_map(|day| match &nodes[day.0] {
            Node::Leaf(leaf) => Some((*day, leaf)),
            _ => None,
        });
        let Some((node, first)) = leaf else {
            let nobody = days.iter().all(|day| matches!(nodes[day.0], Node::Nobody));
            return nobody.then_some(SeriesNode::Nobody);
        };
        match first {
            Leaf::Index { .. } | Leaf::Range { .. } => {
                days.iter().all(|day| *day == node).then_some(SeriesNode::LookUp(node))
            }
            Leaf::Did { lanes, at_least, rows } => {
                let mut windows = Vec::with_capacity(days.len());
                for day in days {
                    windows.push(match &nodes[day.0] {
                        Node::Nobody => RangeInclusive::new(i32::MAX, i32::MIN),
                        Node::Leaf(Leaf::Did { lanes: l, at_least: n, rows: own })
                            if (l, n) == (lanes, at_least) && alike(own, rows) =>
                        {
                            own.days()
                        }
                        _ => return None,
                    });
                }
                let start = windows.iter().map(|days| *days.start()).min()?;
                let end = windows.iter().map(|days| *days.end()).max()?;
                let mut count = Count::default();
                each_lane(self.view, lanes, &(start..=end), &mut |_, lane| count.add(lane));
                if count.is_empty() {
                    return Some(SeriesNode::Nobody);
                }
                self.rows += count.rows();
                let counting = counting(self.view, lanes, *at_least, rows, &mut count)?;
                if counting != Counting::Once && !count.share_no_day() {
                    return None;
                }
                let reading = RowReading { lanes: lanes.clone(), days: start..=end, counting };
                Some(SeriesNode::Rows(SeriesRows { node, reading, windows }))
            }
            Leaf::State { brand, enter, exit, .. } => {
                let same = |node: &Node| match node {
                    Node::Nobody => true,
                    Node::Leaf(Leaf::State { brand: b, enter: n, exit: x, .. }) => {
                        (b, n, x) == (brand, enter, exit)
                    }
                    _ => false,
                };
                if !days.iter().all(|day| same(&nodes[day.0])) {
                    return None;
                }
                let behaviours = vec![*enter, *exit];
                let lanes = LaneChoice { brand: *brand, behaviours };
                let mut count = Count::default();
                each_lane(self.view, &lanes, &(i32::MIN..=i32::MAX), &mut |_, lane| {
                    count.add(lane);
                });
                count.is_empty().then_some(SeriesNode::Nobody)
            }
            Leaf::Universe { .. } | Leaf::Sample { .. } | Leaf::Spent { .. } => None,
        }
    }
}

/// Whether two choices of rows differ in nothing but their days.
fn alike(a: &RowChoice, b: &RowChoice) -> bool {
    (&a.touchpoints, &a.categories, &a.items) == (&b.touchpoints, &b.categories, &b.items)
}

/// What a node is, but for days.
fn shape(program: &Program, node: NodeId) -> u64 {
    let mut hasher = DefaultHasher::new();
    let of = |children: &[NodeId]| {
        let mut shapes: Vec<_> = children.iter().map(|child| shape(program, *child)).collect();
        shapes.sort_unstable();
        shapes
    };
    match &program.nodes()[node.0] {
        Node::Nobody => 0.hash(&mut hasher),
        Node::And(children) => (1, of(children)).hash(&mut hasher),
        Node::Or(children) => (2, of(children)).hash(&mut hasher),
        Node::Minus(from, what) => (3, of(&[*from]), of(&[*what])).hash(&mut hasher),
        Node::Leaf(Leaf::Did { lanes, at_least, rows }) => {
            let filters = (&rows.touchpoints, &rows.categories, &rows.items);
            (4, lanes, at_least, filters).hash(&mut hasher);
        }
        Node::Leaf(Leaf::State { brand, enter, exit, .. }) => {
            (5, brand, enter, exit).hash(&mut hasher);
        }
        Node::Leaf(Leaf::Spent { spend, comparison, amount }) => {
            (6, spend.brand, comparison, amount).hash(&mut hasher);
        }
        Node::Leaf(Leaf::Universe { .. }) => 7.hash(&mut hasher),
        Node::Leaf(other) => (8, other).hash(&mut hasher),
    }
    hasher.finish()
}

/// How many days a leaf's window has, by which leaves of one shape are told apart.
fn span(program: &Program, node: NodeId) -> i64 {
    match &program.nodes()[node.0] {
        Node::Leaf(Leaf::Did { rows, .. }) => i64::from(rows.last) - i64::from(rows.first),
        _ => 0,
    }
}
