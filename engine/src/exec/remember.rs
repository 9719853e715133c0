//! What of a program the memo has, and what it should have from now on.

use std::collections::HashMap;
use std::sync::Arc;

use throng_query::plan::Comparison;
use throng_storage::index::IndexFile;
use throng_storage::segment::Lane;

use super::bounds::Bounds;
use super::listed::each_lane;
use super::program::{LaneChoice, Leaf, Node, NodeId, Program, SpendChoice};
use crate::database::UseMemo;
use crate::memo::{Expression, Found, KeptSet, Stamp};
use crate::view::View;

/// Days of one pass up to which the memo is asked: a trend would fill it.
const DAYS_MAX: usize = 2;

/// The memo's part in a program.
#[derive(Debug, Default)]
pub struct Remembered {
    /// By node, its members where the memo has them.
    sets: Vec<Option<Arc<KeptSet>>>,
    /// What the memo should have.
    wanted: Vec<Wanted>,
}

/// A set that will be kept.
#[derive(Debug)]
pub struct Wanted {
    /// Its node.
    pub node: NodeId,
    /// What it is made of.
    pub expression: Arc<Expression>,
    /// What it is read from.
    pub stamp: Stamp,
}

impl Remembered {
    /// The members of a node, where they are known.
    pub fn set(&self, node: NodeId) -> Option<&Arc<KeptSet>> {
        self.sets.get(node.0)?.as_ref()
    }

    /// What should be kept.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Whether any node is known.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// Asks the memo for the stages, groups and audiences that a program needs.
    pub fn of(program: &Program, sources: &mut Sources<'_>, bounds: &Bounds) -> Self {
        let asked = bounds.memo != UseMemo::No
            && sources.view.memo().is_on()
            && !program.worth_keeping().is_empty();
        if !asked || program.days() > DAYS_MAX {
            return Self::default();
        }
        let seen = vec![false; program.nodes().len()];
        let mut asking = Asking { program, sources, kept: Self::default(), seen };
        for root in program.roots() {
            asking.node(*root);
        }
        asking.kept
    }
}

struct Asking<'p, 'v> {
    program: &'p Program,
    sources: &'p mut Sources<'v>,
    kept: Remembered,
    seen: Vec<bool>,
}

impl Asking<'_, '_> {
    fn node(&mut self, node: NodeId) {
        if std::mem::replace(&mut self.seen[node.0], true) {
            return;
        }
        if self.program.worth_keeping().contains(&node) && self.is_known(node) {
            return;
        }
        for child in self.program.nodes()[node.0].children() {
            self.node(child);
        }
    }

    /// Whether the memo has a node; otherwise what is to be done about it is noted.
    fn is_known(&mut self, node: NodeId) -> bool {
        let Some((expression, leaves)) = expression(self.program, node) else { return false };
        let expression = Arc::new(expression);
        let stamp = self.sources.stamp(self.program, &leaves);
        match self.sources.view.memo().find(&expression, &stamp) {
            Found::Set(set) => {
                self.kept.sets.resize(self.program.nodes().len(), None);
                self.kept.sets[node.0] = Some(set);
                true
            }
            Found::Seen => {
                self.kept.wanted.push(Wanted { node, expression, stamp });
                false
            }
            Found::Nothing => false,
        }
    }
}

/// What the leaves of one program are read from, looked up once each.
#[derive(Debug)]
pub struct Sources<'v> {
    view: &'v View,
    /// How many were forgotten, and how often events were deleted.
    erased: (u64, usize),
    /// By leaf, whether each segment has anything of it.
    segments: HashMap<NodeId, Vec<bool>>,
    /// By behaviours of any brand, the days that lanes of each segment have: passing the lanes of
    /// all brands takes longer than many a question.
    of_any_brand: HashMap<Vec<u16>, Vec<LaneDays>>,
}

/// The first and last days of the lanes of one segment.
#[derive(Debug, Clone)]
struct LaneDays {
    first: i32,
    /// By first day, from the segment's on, the last day of a lane; none where there is no lane.
    last: Vec<Option<i32>>,
}

impl LaneDays {
    /// Of no lane.
    fn new(first: i32, last: i32) -> Self {
        let days = usize::try_from(last - first + 1).unwrap_or(0);
        Self { first, last: vec![None; days] }
    }

    fn add(&mut self, (first, last): (i32, i32)) {
        let at = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        if let Some(own) = self.last.get_mut(at) {
            *own = (*own).max(Some(last));
        }
    }

    /// Whether a lane has a day from one to another between its first and its last.
    fn overlap(&self, first: i32, last: i32) -> bool {
        let mut lanes = (self.first..).zip(&self.last).take_while(|(own, _)| *own <= last);
        lanes.any(|(_, own)| own.is_some_and(|own| first <= own))
    }
}

impl<'v> Sources<'v> {
    /// Nothing looked up yet.
    pub fn new(view: &'v View) -> Self {
        let erasures = view.snapshot().erasures();
        let erased = (erasures.forgotten().len(), erasures.deletions());
        Self { view, erased, segments: HashMap::new(), of_any_brand: HashMap::new() }
    }

    /// What a whole program is read from, with some money and some indexes besides; none where it
    /// has a sample, which is of all ids.
    pub fn whole(
        &mut self,
        program: &Program,
        spends: &[&SpendChoice],
        indexes: &[&str],
    ) -> Option<Stamp> {
        let mut copy = Copy::of(program);
        for root in program.roots() {
            copy.node(*root);
        }
        let sample = |id: &NodeId| matches!(program.nodes()[id.0], Node::Leaf(Leaf::Sample { .. }));
        if copy.leaves.iter().any(sample) {
            return None;
        }
        let mut stamp = self.stamp(program, &copy.leaves);
        for key in indexes {
            stamp.indexes.push(self.view.snapshot().index(key).map(Arc::downgrade));
        }
        for spend in spends {
            let (spend, comparison) = ((*spend).clone(), Comparison::Equal);
            let leaf = Leaf::Spent { spend, comparison, amount: 0 };
            let read = self.read_by(&leaf);
            self.add(&read, &mut stamp);
        }
        stamp.settle();
        Some(stamp)
    }

    /// Adds the segments that are read.
    fn add(&self, read: &[bool], stamp: &mut Stamp) {
        let segments = self.view.snapshot().segments().iter().zip(read);
        stamp.segments.extend(segments.filter(|(_, read)| **read).map(|(s, _)| Arc::downgrade(s)));
    }

    fn stamp(&mut self, program: &Program, leaves: &[NodeId]) -> Stamp {
        let view = self.view;
        let snapshot = view.snapshot();
        let mut stamp = Stamp { erased: self.erased, ..Stamp::default() };
        let mut all = vec![false; snapshot.segments().len()];
        let weak = |index: &Arc<IndexFile>| Arc::downgrade(index);
        for node in leaves {
            let Node::Leaf(leaf) = &program.nodes()[node.0] else { continue };
            match leaf {
                Leaf::Index { key, .. } | Leaf::Range { key, .. } => {
                    stamp.indexes.push(snapshot.index(key).map(weak));
                }
                Leaf::Universe { .. } => stamp.indexes.push(view.known().map(weak)),
                Leaf::Did { .. }
                | Leaf::Spent { .. }
                | Leaf::State { .. }
                | Leaf::Sample { .. } => {}
            }
            if !self.segments.contains_key(node) {
                let read = self.read_by(leaf);
                self.segments.insert(*node, read);
            }
            let read = self.segments.get(node).into_iter().flatten();
            all.iter_mut().zip(read).for_each(|(all, read)| *all |= *read);
        }
        self.add(&all, &mut stamp);
        stamp.settle();
        stamp
    }

    /// Whether each segment has anything of a leaf.
    fn read_by(&mut self, leaf: &Leaf) -> Vec<bool> {
        let view = self.view;
        let segments = view.snapshot().segments();
        let mut found = vec![false; segments.len()];
        match leaf {
            Leaf::Did { lanes, rows, .. } => {
                self.read(lanes, (rows.first, rows.last), &mut found);
                // Purchases may be void, which hangs on all purchases and refunds before.
                if lanes.behaviours.is_empty() || is_any(view, "buy", &lanes.behaviours) {
                    let before = (i32::MIN, rows.as_of);
                    self.read(&of(view, lanes.brand, "refund"), before, &mut found);
                    self.read(&of(view, lanes.brand, "buy"), before, &mut found);
                }
            }
            Leaf::Spent { spend, .. } => {
                let behaviours = vec![spend.buy, spend.refund];
                let lanes = LaneChoice { brand: spend.brand, behaviours };
                let last = spend.rows.as_of.max(spend.rows.last);
                self.read(&lanes, (i32::MIN, last), &mut found);
            }
            Leaf::State { brand, enter, exit, last } => {
                let lanes = LaneChoice { brand: *brand, behaviours: vec![*enter, *exit] };
                self.read(&lanes, (i32::MIN, *last), &mut found);
            }
            Leaf::Universe { day } => {
                for (found, segment) in found.iter_mut().zip(segments) {
                    *found |= segment.presence().is_some_and(|lane| lane.first_day() <= *day);
                }
            }
            Leaf::Index { .. } | Leaf::Range { .. } | Leaf::Sample { .. } => {}
        }
        found
    }

    /// Notes the segments that have anything of some lanes on some days.
    fn read(&mut self, choice: &LaneChoice, (first, last): (i32, i32), found: &mut [bool]) {
        let view = self.view;
        if choice.brand.is_some() {
            each_lane(view, choice, &(first..=last), &mut |segment, _: Lane<'_>| {
                found[segment] = true;
            });
            return;
        }
        let days = self.of_any_brand.entry(choice.behaviours.clone()).or_insert_with(|| {
            let segments = view.snapshot().segments().iter();
            let none = segments.map(|of| LaneDays::new(of.first_day(), of.last_day()));
            let mut days: Vec<LaneDays> = none.collect();
            each_lane(view, choice, &(i32::MIN..=i32::MAX), &mut |segment, lane: Lane<'_>| {
                days[segment].add((lane.first_day(), lane.last_day()));
            });
            days
        });
        for (found, days) in found.iter_mut().zip(days) {
            *found |= days.overlap(first, last);
        }
    }
}

fn is_any(view: &View, name: &str, behaviours: &[u16]) -> bool {
    view.behaviour_id(name).is_some_and(|id| behaviours.contains(&id))
}

/// The lanes of one behaviour by name; of none where there is no such behaviour.
fn of(view: &View, brand: Option<u32>, name: &str) -> LaneChoice {
    LaneChoice { brand, behaviours: vec![view.behaviour_id(name).unwrap_or(u16::MAX)] }
}

/// What a node is made of, and its leaves; none when it is not worth keeping: what is read in place
/// is as fast without, and a sample is of all ids, whoever they belong to.
fn expression(program: &Program, node: NodeId) -> Option<(Expression, Vec<NodeId>)> {
    let mut copy = Copy::of(program);
    copy.node(node);
    let leaf = |id: &NodeId| match &program.nodes()[id.0] {
        Node::Leaf(leaf) => Some(leaf),
        _ => None,
    };
    let mut leaves = copy.leaves.iter().filter_map(leaf);
    let reads =
        |leaf: &Leaf| matches!(leaf, Leaf::Did { .. } | Leaf::Spent { .. } | Leaf::State { .. });
    let samples = copy.leaves.iter().filter_map(leaf).any(|l| matches!(l, Leaf::Sample { .. }));
    (leaves.any(reads) && !samples).then(|| (copy.nodes.into_boxed_slice(), copy.leaves))
}

/// Copies a node with what is below it, children first.
struct Copy<'p> {
    program: &'p Program,
    ids: HashMap<NodeId, NodeId>,
    nodes: Vec<Node>,
    leaves: Vec<NodeId>,
}

impl<'p> Copy<'p> {
    fn of(program: &'p Program) -> Self {
        Self { program, ids: HashMap::new(), nodes: Vec::new(), leaves: Vec::new() }
    }

    fn node(&mut self, id: NodeId) -> NodeId {
        if let Some(copied) = self.ids.get(&id) {
            return *copied;
        }
        let copied = match &self.program.nodes()[id.0] {
            Node::And(children) => Node::And(children.iter().map(|c| self.node(*c)).collect()),
            Node::Or(children) => Node::Or(children.iter().map(|c| self.node(*c)).collect()),
            Node::Minus(from, what) => Node::Minus(self.node(*from), self.node(*what)),
            Node::Leaf(leaf) => {
                self.leaves.push(id);
                Node::Leaf(leaf.clone())
            }
            Node::Nobody => Node::Nobody,
        };
        let place = NodeId(self.nodes.len());
        self.nodes.push(copied);
        self.ids.insert(id, place);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::LaneDays;

    #[test]
    fn days_of_lanes_overlap_those_of_a_window_as_one_of_the_lanes_does() {
        let lanes = [(3, 3), (3, 5), (9, 9), (0, 1), (12, 15)];
        let mut days = LaneDays::new(0, 15);
        assert!(!days.overlap(i32::MIN, i32::MAX));
        lanes.iter().for_each(|lane| days.add(*lane));
        for first in -2..18 {
            for last in first..18 {
                let expected = lanes.iter().any(|lane| lane.0 <= last && first <= lane.1);
                assert_eq!(days.overlap(first, last), expected, "{first} to {last}");
            }
        }
    }
}
