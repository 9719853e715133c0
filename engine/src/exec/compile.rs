//! Sets of a plan to nodes of a program: names become ids, windows become days.

use std::collections::HashMap;

use throng_query::plan::{
    AtLeast, AttributeRef, AttributeTest, AttributeValue, AudienceKind, BrandRef, Comparison, Did,
    NameKind, RowFilter, Set, Spend, TargetCategories, Window,
};

use super::bounds::Bounds;
use super::leaf::keyed::{KeyChoice, RowKey};
use super::program::{LaneChoice, Leaf, Node, NodeId, PiecePrice, Program, RowChoice, SpendChoice};
use super::stages::Staged;
use super::trace::Timing;
use crate::attribute::AttributeLayout;
use crate::error::ExecuteError;
use crate::options::ExecuteOptions;
use crate::view::{AttributeInfo, View};

/// The name of the stage of those whom no rule of a model takes.
pub const NONE_STAGE: &str = "none";

/// Compiles the sets of one statement into one program.
#[derive(Debug)]
pub struct Compiler<'v> {
    pub(super) view: &'v View,
    /// What has been compiled so far.
    pub program: Program,
    /// The statement's as-of day.
    pub(super) day: i32,
    /// By index of a frozen audience, the day as of which all its members are in the universe.
    frozen: HashMap<String, i32>,
    /// The stages that the present day of the statement asked for.
    pub(super) stages: HashMap<Staged, Vec<(String, NodeId)>>,
    /// What a pass may use that is needed to make the program.
    pub(super) bounds: Bounds,
}

/// Where a set is compiled: the day its windows end, and the brand its model is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub day: i32,
    pub subject: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// Where rows are chosen: a named brand's target categories are its own.
    fn about(self, brand: &'a BrandRef) -> Self {
        match brand {
            BrandRef::Named(name) => Self { subject: Some(name), ..self },
            BrandRef::Subject | BrandRef::Any => self,
        }
    }
}

impl<'v> Compiler<'v> {
    /// A compiler for a statement as of a day.
    pub fn new(view: &'v View, day: i32) -> Self {
        let bounds = Bounds::new(&ExecuteOptions::default(), Timing::Off);
        let (frozen, stages) = Default::default();
        Self { view, program: Program::default(), day, frozen, stages, bounds }
    }

    /// The same, with what passes may use that are needed to make the program.
    #[must_use]
    pub fn within(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Goes on with another day of the statement, which is run after those before.
    pub fn next_day(&mut self, day: i32) {
        self.program.next_day();
        self.day = day;
        // What this day needs has to be noted, also where it was made for another.
        self.stages.clear();
    }

    /// The universe of the statement.
    pub fn universe(&mut self) -> NodeId {
        self.program.leaf(Leaf::Universe { day: self.day })
    }

    /// A set within the statement's universe.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn set(&mut self, set: &Set) -> Result<NodeId, ExecuteError> {
        let node = self.compile(set, Context { day: self.day, subject: None })?;
        Ok(self.within_universe(node))
    }

    /// Money to sum.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn spend(&mut self, spend: &Spend) -> Result<Option<SpendChoice>, ExecuteError> {
        self.spend_in(spend, Context { day: self.day, subject: None })
    }

    /// What a brand's purchases are about; none when no row can matter.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn purchases(
        &mut self,
        of: &Spend,
        key: RowKey,
    ) -> Result<Option<KeyChoice>, ExecuteError> {
        self.purchases_in(of, key, Context { day: self.day, subject: None })
    }

    pub(super) fn purchases_in(
        &mut self,
        of: &Spend,
        key: RowKey,
        at: Context<'_>,
    ) -> Result<Option<KeyChoice>, ExecuteError> {
        let behaviours = vec![self.behaviour("buy")?];
        let Some(brand) = self.brand(&of.brand, at) else { return Ok(None) };
        let Some(rows) = self.rows(of.window, &of.rows, at.about(&of.brand))? else {
            return Ok(None);
        };
        Ok(Some(KeyChoice { lanes: LaneChoice { brand, behaviours }, rows, key }))
    }

    /// Cuts a node that may hold consumers from after the statement's day.
    pub(super) fn within_universe(&mut self, node: NodeId) -> NodeId {
        if self.is_within(node) {
            return node;
        }
        let universe = self.universe();
        self.program.and(vec![node, universe])
    }

    /// Whether nobody of a node can be outside the statement's universe.
    pub fn is_within(&self, node: NodeId) -> bool {
        !self.may_exceed(node)
    }

    /// Whether a node can hold somebody outside the statement's universe: a sample of all ids, a
    /// frozen audience, or rows from after the statement's day.
    fn may_exceed(&self, node: NodeId) -> bool {
        match &self.program.nodes()[node.0] {
            Node::Nobody => false,
            Node::And(children) => children.iter().all(|c| self.may_exceed(*c)),
            Node::Or(children) => children.iter().any(|c| self.may_exceed(*c)),
            Node::Minus(from, _) => self.may_exceed(*from),
            Node::Leaf(leaf) => match leaf {
                Leaf::Universe { day } => *day > self.day,
                Leaf::Did { rows, .. } => rows.last > self.day,
                Leaf::Spent { spend, .. } => spend.rows.last > self.day,
                Leaf::State { last, .. } => *last > self.day,
                Leaf::Sample { .. } => true,
                Leaf::Index { key, .. } => self.frozen.get(key).is_some_and(|day| *day > self.day),
                Leaf::Range { .. } => false,
            },
        }
    }

    pub(super) fn compile(&mut self, set: &Set, at: Context<'_>) -> Result<NodeId, ExecuteError> {
        match set {
            Set::All => Ok(self.universe()),
            Set::And(sets) => {
                let nodes = self.compile_all(sets, at)?;
                Ok(self.and(nodes))
            }
            Set::Or(sets) => {
                let nodes = self.compile_all(sets, at)?;
                Ok(self.program.or(nodes))
            }
            Set::Not(inner) => {
                let node = self.compile(inner, at)?;
                let universe = self.universe();
                Ok(self.program.minus(universe, node))
            }
            Set::Stage { brand, model, stages, categories, as_of } => {
                let subject = match brand {
                    BrandRef::Named(name) => Some(name.as_str()),
                    BrandRef::Subject | BrandRef::Any => at.subject,
                };
                let Some(brand) = subject else { return Ok(self.nobody()) };
                let day = as_of.map_or(at.day, |day| day.0);
                let all = self.stages(brand, model, categories, Some(day))?;
                Ok(self.chosen(&all, stages, NONE_STAGE))
            }
            Set::Group { partition, groups, as_of } => {
                let day = Some(as_of.map_or(at.day, |day| day.0));
                let (all, rest) = self.groups(partition, day)?;
                Ok(self.chosen(&all, groups, &rest))
            }
            Set::Top(top) => self.top(top, at),
            Set::Did(did) => self.did(did, at),
            Set::Spent { spend, comparison, amount } => self.spent(spend, *comparison, *amount, at),
            Set::State { brand, state } => self.state(brand, state, at),
            Set::Price { of, comparison, amount } => {
                let price = PiecePrice { money: *amount, pieces: 1 };
                self.priced(of, *comparison, price, at)
            }
            Set::Attribute { attribute, test } => self.attribute(attribute, test),
            Set::Audience(name) => self.audience(name, at),
            Set::Sample { per_million, seed } => {
                Ok(self.program.leaf(Leaf::Sample { per_million: *per_million, seed: *seed }))
            }
        }
    }

    /// The intersection of nodes. Complements in it are taken off the others: then the universe
    /// need not be read.
    pub(super) fn and(&mut self, nodes: Vec<NodeId>) -> NodeId {
        let universe = self.program.find(&Node::Leaf(Leaf::Universe { day: self.day }));
        let (mut within, mut without) = (Vec::new(), Vec::new());
        for node in nodes {
            match self.program.nodes()[node.0] {
                Node::Minus(from, what) if Some(from) == universe => without.push(what),
                _ if Some(node) == universe => {}
                _ => within.push(node),
            }
        }
        within.sort_by_key(|node| self.cost(*node));
        if within.is_empty() {
            within.push(self.universe());
        }
        let within = self.program.and(within);
        let without = self.program.or(without);
        self.program.minus(within, without)
    }

    fn compile_all(&mut self, sets: &[Set], at: Context<'_>) -> Result<Vec<NodeId>, ExecuteError> {
        sets.iter().map(|set| self.compile(set, at)).collect()
    }

    /// The order in which the members of an AND are tried: what is read in place first, what
    /// must be decoded row by row last.
    fn cost(&self, node: NodeId) -> u32 {
        match &self.program.nodes()[node.0] {
            Node::Nobody => 0,
            Node::And(children) => children.iter().map(|c| self.cost(*c)).min().unwrap_or(0),
            Node::Or(children) => children.iter().map(|c| self.cost(*c)).sum(),
            Node::Minus(from, what) => self.cost(*from) + self.cost(*what),
            Node::Leaf(leaf) => match leaf {
                Leaf::Index { sets, .. } => u32::try_from(sets.len()).unwrap_or(u32::MAX).min(99),
                Leaf::Universe { .. } => 15,
                Leaf::Range { .. } => 20,
                Leaf::Sample { .. } => 120,
                Leaf::Did { at_least: AtLeast::Times(1) | AtLeast::Days(1), rows, .. }
                    if rows.is_unfiltered() =>
                {
                    50
                }
                Leaf::Did { .. } | Leaf::Spent { .. } | Leaf::State { .. } => 100,
            },
        }
    }

    pub(super) fn did(&mut self, did: &Did, at: Context<'_>) -> Result<NodeId, ExecuteError> {
        let Some((lanes, rows)) = self.chosen_rows(did, at)? else { return Ok(self.nobody()) };
        let at_least = match did.at_least {
            AtLeast::Days(1) => AtLeast::Times(1),
            other => other,
        };
        Ok(self.program.leaf(Leaf::Did { lanes, at_least, rows }))
    }

    /// The lanes and rows of events; none when there can be none.
    pub(super) fn chosen_rows(
        &self,
        did: &Did,
        at: Context<'_>,
    ) -> Result<Option<(LaneChoice, RowChoice)>, ExecuteError> {
        let mut behaviours = Vec::with_capacity(did.behaviours.len());
        for name in &did.behaviours {
            behaviours.push(self.behaviour(name)?);
        }
        behaviours.sort_unstable();
        behaviours.dedup();
        let Some(brand) = self.brand(&did.brand, at) else { return Ok(None) };
        let rows = self.rows(did.window, &did.rows, at.about(&did.brand))?;
        Ok(rows.map(|rows| (LaneChoice { brand, behaviours }, rows)))
    }

    pub(super) fn spent(
        &mut self,
        spend: &Spend,
        comparison: Comparison,
        amount: i64,
        at: Context<'_>,
    ) -> Result<NodeId, ExecuteError> {
        let zero_holds = comparison_holds(comparison, 0, i128::from(amount));
        let spend = self.spend_in(spend, at)?;
        let universe = self.universe();
        match (spend, zero_holds) {
            (None, true) => Ok(universe),
            (None, false) => Ok(self.nobody()),
            (Some(spend), false) => {
                Ok(self.program.leaf(Leaf::Spent { spend, comparison, amount }))
            }
            // Who has no row spent 0, so the set is everyone but those whose rows say otherwise.
            (Some(spend), true) => {
                let comparison = opposite(comparison);
                let others = self.program.leaf(Leaf::Spent { spend, comparison, amount });
                Ok(self.program.minus(universe, others))
            }
        }
    }

    pub(super) fn spend_in(
        &mut self,
        spend: &Spend,
        at: Context<'_>,
    ) -> Result<Option<SpendChoice>, ExecuteError> {
        let (buy, refund) = (self.behaviour("buy")?, self.behaviour("refund")?);
        let Some(brand) = self.brand(&spend.brand, at) else { return Ok(None) };
        let Some(rows) = self.rows(spend.window, &spend.rows, at.about(&spend.brand))? else {
            return Ok(None);
        };
        Ok(Some(SpendChoice { brand, buy, refund, rows, above: None }))
    }

    fn audience(&mut self, name: &str, at: Context<'_>) -> Result<NodeId, ExecuteError> {
        let view = self.view;
        let audience = view.audience(name).ok_or_else(|| unknown(NameKind::Audience, name))?;
        match audience.kind {
            AudienceKind::Live => {
                let node = self.compile(&audience.set, Context { subject: None, ..at })?;
                self.program.keep(node);
                Ok(node)
            }
            AudienceKind::Frozen { as_of } => {
                let key = audience.index_key.clone().unwrap_or_default();
                // Who was in the universe stays in it, unless events were deleted.
                let whole = view.snapshot().erasures().deletions() == 0;
                let day = if whole { view.as_of(as_of).0 } else { i32::MAX };
                self.frozen.insert(key.clone(), day);
                Ok(self.index(&key, vec![0]))
            }
        }
    }

    fn attribute(
        &mut self,
        attribute: &AttributeRef,
        test: &AttributeTest,
    ) -> Result<NodeId, ExecuteError> {
        let view = self.view;
        let info = view
            .attribute_info(attribute)
            .ok_or_else(|| unknown(NameKind::Attribute, &attribute.name))?;
        let key = info.key.clone();
        let known = known_sets(&info);
        let node = match test {
            AttributeTest::Known => self.index(&key, known),
            AttributeTest::Unknown => {
                let (known, universe) = (self.index(&key, known), self.universe());
                self.program.minus(universe, known)
            }
            AttributeTest::In(values) => self.values(&info, values),
            AttributeTest::NotIn(values) => {
                let (known, these) = (self.index(&key, known), self.values(&info, values));
                self.program.minus(known, these)
            }
            AttributeTest::Between(low, high) => match (low, high) {
                (AttributeValue::Number(low), AttributeValue::Number(high)) => {
                    self.range(&info, *low, *high)
                }
                _ => self.nobody(),
            },
            AttributeTest::Compare(comparison, value) => {
                let one = std::slice::from_ref(value);
                match (comparison, value) {
                    (Comparison::Equal, _) => self.values(&info, one),
                    (Comparison::NotEqual, _) => {
                        let (known, these) = (self.index(&key, known), self.values(&info, one));
                        self.program.minus(known, these)
                    }
                    (comparison, AttributeValue::Number(number)) => {
                        self.compare(&info, *comparison, *number)
                    }
                    _ => self.nobody(),
                }
            }
        };
        Ok(node)
    }

    fn compare(&mut self, info: &AttributeInfo, comparison: Comparison, number: i64) -> NodeId {
        let (low, high) = match comparison {
            Comparison::Less => (Some(i64::MIN), number.checked_sub(1)),
            Comparison::LessOrEqual => (Some(i64::MIN), Some(number)),
            Comparison::Greater => (number.checked_add(1), Some(i64::MAX)),
            Comparison::GreaterOrEqual => (Some(number), Some(i64::MAX)),
            Comparison::Equal | Comparison::NotEqual => (Some(number), Some(number)),
        };
        match (low, high) {
            (Some(low), Some(high)) => self.range(info, low, high),
            _ => self.nobody(),
        }
    }

    /// Those with one of some values.
    fn values(&mut self, info: &AttributeInfo, values: &[AttributeValue]) -> NodeId {
        let mut sets = Vec::new();
        let mut nodes = Vec::new();
        for value in values {
            match value {
                AttributeValue::Number(number) => {
                    nodes.push(self.range(info, *number, *number));
                }
                other => sets.extend(set_of(info, other)),
            }
        }
        sets.sort_unstable();
        sets.dedup();
        nodes.push(self.index(&info.key, sets));
        self.program.or(nodes)
    }

    /// Those whose number is between two values, both included.
    fn range(&mut self, info: &AttributeInfo, low: i64, high: i64) -> NodeId {
        let AttributeLayout::Slices { min, bits } = info.layout else { return self.nobody() };
        let top = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        let offset = |value: i64| i128::from(value) - i128::from(min);
        let (low, high) = (offset(low).max(0), offset(high).min(i128::from(top)));
        match (u64::try_from(low), u64::try_from(high)) {
            (Ok(low), Ok(high)) if low <= high => {
                self.program.leaf(Leaf::Range { key: info.key.clone(), low, high })
            }
            _ => self.nobody(),
        }
    }

    /// Those in one of some sets of an index.
    pub fn index(&mut self, key: &str, sets: Vec<u32>) -> NodeId {
        if sets.is_empty() || self.view.index(key).is_none() {
            return self.nobody();
        }
        self.program.leaf(Leaf::Index { key: key.to_owned(), sets })
    }

    pub(super) fn nobody(&mut self) -> NodeId {
        self.program.add(Node::Nobody)
    }

    pub(super) fn behaviour(&self, name: &str) -> Result<u16, ExecuteError> {
        self.view.behaviour_id(name).ok_or_else(|| unknown(NameKind::Behaviour, name))
    }

    /// The id of a brand: `Some(None)` is all brands, `None` a brand without events.
    #[expect(clippy::option_option, reason = "the two absences mean different things")]
    pub(super) fn brand(&self, brand: &BrandRef, at: Context<'_>) -> Option<Option<u32>> {
        match brand {
            BrandRef::Any => Some(None),
            BrandRef::Named(name) => self.view.brand_id(name).map(Some),
            BrandRef::Subject => self.view.brand_id(at.subject?).map(Some),
        }
    }

    /// The rows a window and a filter choose; none when they can choose no row.
    fn rows(
        &self,
        window: Window,
        filter: &RowFilter,
        at: Context<'_>,
    ) -> Result<Option<RowChoice>, ExecuteError> {
        let day = at.day;
        let (first, last) = match window {
            Window::Always => (i32::MIN, day),
            Window::LastDays(n) => (day.saturating_sub_unsigned(n).saturating_add(1), day),
            Window::BeforeLastDays(n) => (i32::MIN, day.saturating_sub_unsigned(n)),
            Window::Between(first, last) => (first.0, last.0.min(day)),
        };
        let categories = ids(&filter.categories, |name| Ok(self.view.category_id(name)))?;
        let categories = match filter.target_categories {
            TargetCategories::Ignored => categories,
            TargetCategories::Only => {
                let targets =
                    at.subject.map_or(&[][..], |brand| self.view.target_categories(brand));
                narrow(categories, targets)
            }
        };
        let touchpoints = ids(&filter.touchpoints, |name| Ok(self.view.touchpoint_id(name)))?;
        let items = ids(&filter.items, |name| Ok(self.view.item_id(name)?))?;
        let (Some(touchpoints), Some(categories), Some(items)) = (touchpoints, categories, items)
        else {
            return Ok(None);
        };
        let rows = RowChoice { first, last, as_of: day, touchpoints, categories, items };
        Ok((rows.first <= rows.last).then_some(rows))
    }
}

/// The sets of an attribute's index that together hold everyone whose value is known.
pub fn known_sets(info: &AttributeInfo) -> Vec<u32> {
    match &info.layout {
        AttributeLayout::Empty => Vec::new(),
        AttributeLayout::Values(values) => (0..).take(values.len()).collect(),
        AttributeLayout::Flags => vec![0, 1],
        AttributeLayout::Slices { .. } => vec![0],
    }
}

/// The set of a text's or boolean's value; none when nobody has it.
fn set_of(info: &AttributeInfo, value: &AttributeValue) -> Option<u32> {
    match (&info.layout, value) {
        (AttributeLayout::Values(values), AttributeValue::Text(text)) => {
            u32::try_from(values.binary_search(text).ok()?).ok()
        }
        (AttributeLayout::Flags, AttributeValue::Boolean(flag)) => Some(u32::from(*flag)),
        _ => None,
    }
}

pub(super) fn unknown(kind: NameKind, name: &str) -> ExecuteError {
    ExecuteError::Unknown { kind, name: name.to_owned() }
}

/// Ids of names, ascending; none when names were given and no one is known.
fn ids(
    names: &[String],
    find: impl Fn(&str) -> Result<Option<u32>, ExecuteError>,
) -> Result<Option<Vec<u32>>, ExecuteError> {
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        found.extend(find(name)?);
    }
    found.sort_unstable();
    found.dedup();
    Ok((names.is_empty() || !found.is_empty()).then_some(found))
}

/// The chosen categories that are targets, or all targets; none when that leaves no category.
fn narrow(chosen: Option<Vec<u32>>, targets: &[u32]) -> Option<Vec<u32>> {
    let mut chosen = chosen?;
    if chosen.is_empty() {
        chosen = targets.to_vec();
        chosen.sort_unstable();
    } else {
        chosen.retain(|id| targets.contains(id));
    }
    (!chosen.is_empty()).then_some(chosen)
}

/// Whether `left comparison right`.
pub fn comparison_holds<T: Ord>(comparison: Comparison, left: T, right: T) -> bool {
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => left < right,
        Comparison::LessOrEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterOrEqual => left >= right,
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterOrEqual,
        Comparison::LessOrEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessOrEqual,
        Comparison::GreaterOrEqual => Comparison::Less,
    }
}
