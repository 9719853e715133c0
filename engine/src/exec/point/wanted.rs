//! Which events of one consumer a program looks at.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use throng_storage::segment::Lane;

use crate::exec::program::{LaneChoice, Node, Program};

/// Behaviours, every one when empty, on some days.
#[derive(Debug)]
struct Part {
    behaviours: Vec<u16>,
    days: RangeInclusive<i32>,
}

/// Lanes and days that may be asked for.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Of one brand, or of all.
    parts: BTreeMap<Option<u32>, Vec<Part>>,
}

/// What may be asked for of one brand.
#[derive(Debug)]
pub(super) struct BrandWanted<'w> {
    parts: Vec<&'w Part>,
}

impl Wanted {
    /// Every event.
    pub fn everything() -> Self {
        let all = LaneChoice { brand: None, behaviours: Vec::new() };
        Self::default().and(&all, i32::MIN..=i32::MAX)
    }

    /// What the leaves of a program read. Which purchases are void is another matter.
    pub fn of(program: &Program) -> Self {
        let reads = |node: &Node| match node {
            Node::Leaf(leaf) => leaf.reads(),
            _ => None,
        };
        let read = program.nodes().iter().filter_map(reads);
        read.fold(Self::default(), |wanted, (lanes, days)| wanted.and(&lanes, days))
    }

    /// Some lanes on some days more.
    pub(super) fn and(mut self, lanes: &LaneChoice, days: RangeInclusive<i32>) -> Self {
        let behaviours = lanes.behaviours.clone();
        self.parts.entry(lanes.brand).or_default().push(Part { behaviours, days });
        self
    }

    /// What may be asked for of a brand.
    pub(super) fn of_brand(&self, brand: u32) -> BrandWanted<'_> {
        let parts = [Some(brand), None].into_iter().filter_map(|of| self.parts.get(&of)).flatten();
        BrandWanted { parts: parts.collect() }
    }
}

impl BrandWanted<'_> {
    /// Whether some days of a lane are.
    pub(super) fn wants(&self, lane: &Lane<'_>) -> bool {
        let (first, last) = (lane.first_day(), lane.last_day());
        self.parts.iter().any(|part| part.has(lane.behaviour()) && part.meets(first, last))
    }
}

impl Part {
    fn has(&self, behaviour: u16) -> bool {
        self.behaviours.is_empty() || self.behaviours.contains(&behaviour)
    }

    fn meets(&self, first: i32, last: i32) -> bool {
        first <= *self.days.end() && *self.days.start() <= last
    }
}
