//! COUNT, SUM and PROFILE: numbers of each group of one or more partitions.

use std::borrow::Cow;
use std::collections::BTreeMap;

use throng_query::plan::{Figure, Measure, NameKind, Purchases, Query, Set};

use super::combined;
use super::counted::{Cells, Counted};
use super::groups::{Groups, TOTAL_CODE, settle};
use super::led;
use super::partial::{DayPartial, GroupKey};
use super::remembered;
use super::steps::Step;
use super::tally::{GROUP_BYTES, by_sets};
use super::timeline;
use crate::attribute::AttributeLayout;
use crate::database::Method;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::{
    Bounds, Compiler, KeyChoice, NodeId, Program, RowKey, Sources, SpendChoice, Timing, Trace,
    census, for_each_chunk, reads_few,
};
use crate::options::ExecuteOptions;
use crate::view::View;

/// What is added up over a group's members.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Summand {
    /// Nothing but the members.
    Nothing,
    /// Money; none when no row can matter.
    Spend(Option<SpendChoice>),
    /// How many different keys a consumer's rows have; none when no row can matter.
    Keys(Option<KeyChoice>),
    /// A number, at this index and counted from this value.
    Number { key: String, min: i64 },
}

/// A compiled grouping.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Grouping {
    /// The filter, and the other side of VERSUS.
    pub(super) channels: Vec<Channel>,
    /// Families of groups: in each, partitions are crossed.
    pub(super) families: Vec<Vec<Groups>>,
    pub(super) summand: Summand,
}

/// Whom the numbers are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Channel {
    /// The universe. Its members are not read: what all of it has follows from its count and from
    /// what is stored, and what the rest of a partition has from that.
    Universe,
    /// The members of a node.
    Node(NodeId),
}

/// The numbers of a step: one pass over the chunks.
///
/// # Errors
/// See [`ExecuteError`].
pub fn run(
    view: &View,
    step: &Step<'_>,
    bounds: &Bounds,
) -> Result<(Vec<DayPartial>, Program, Trace), ExecuteError> {
    let days = &step.days;
    let mut groupings: Vec<Grouping> = Vec::with_capacity(days.len());
    let first = days.first().copied().unwrap_or(0);
    let mut compiler = Compiler::new(view, first).within(bounds.clone());
    for (number, day) in days.iter().enumerate() {
        if number > 0 {
            compiler.next_day(*day);
        }
        bounds.check()?;
        let (query, parts) = (step.of_day(number), step.parts.get(number));
        groupings.push(compile(view, query, parts, &mut compiler)?);
    }
    bounds.check()?;
    let mut program = compiler.program;
    let mut sources = Sources::new(view);
    let known = remembered::asked(view, &program, &groupings, (&mut sources, bounds));
    if let Some((asked, stamp)) = &known
        && let Some(numbers) = view.memo().numbers(asked, stamp)
    {
        let parts = gather(view, days, &groupings, numbers.to_vec(), bounds)?;
        let trace = remembered::trace(&program);
        return Ok((parts, program, trace));
    }
    let short;
    let is_short = || are_of_nodes(view, &groupings) && reads_few(view, &program);
    let bounds = if bounds.is_brief() && is_short() {
        short = bounds.of_short_work();
        &short
    } else {
        bounds.begin_long()?;
        bounds
    };
    if known.is_some() {
        view.memo().miss();
    }
    program.remember(&mut sources, bounds);
    let (counted, trace) = match without_sets(view, &program, &groupings, bounds)? {
        Some(counted) => counted,
        None => by_sets(view, &program, &groupings, bounds)?,
    };
    if let Some((asked, stamp)) = known {
        view.memo().keep_numbers(asked, stamp, counted.clone());
    }
    Ok((gather(view, days, &groupings, counted, bounds)?, program, trace))
}

/// The numbers of each day with those of the universe.
fn gather(
    view: &View,
    days: &[i32],
    groupings: &[Grouping],
    counted: Vec<Counted>,
    bounds: &Bounds,
) -> Result<Vec<DayPartial>, ExecuteError> {
    let days = days.iter().zip(groupings).zip(counted);
    days.map(|((day, grouping), counted)| grouping.gather(view, *day, counted, bounds)).collect()
}

/// The numbers of each day from the memo, or by visiting rows, not sets; none where that is no
/// better.
fn without_sets(
    view: &View,
    program: &Program,
    groupings: &[Grouping],
    bounds: &Bounds,
) -> Result<Option<(Vec<Counted>, Trace)>, ExecuteError> {
    if let Some(counted) = remembered::count(program, groupings)? {
        return Ok(Some((counted, remembered::trace(program))));
    }
    if bounds.method == Method::Sets || !program.remembered().wanted().is_empty() {
        return Ok(None);
    }
    if let Some(counted) = timeline::count(view, program, groupings, bounds)? {
        return Ok(Some(counted));
    }
    if let Some(counted) = led::count(view, program, groupings, bounds)? {
        return Ok(Some(counted));
    }
    let Some(plan) = combined::plan(view, program, groupings) else { return Ok(None) };
    let (combinations, trace) = census(view, program, &plan, combined::money(groupings), bounds)?;
    let counted = groupings.iter().map(|of| combined::count(of, &combinations, &plan, program));
    Ok(Some((counted.collect::<Result<_, _>>()?, trace)))
}

/// Compiles a query's program without running it.
///
/// # Errors
/// See [`ExecuteError`].
pub fn program(
    view: &View,
    query: &Query,
    parts: Option<&Vec<Set>>,
    day: i32,
    bounds: &Bounds,
) -> Result<Program, ExecuteError> {
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    compile(view, query, parts, &mut compiler)?;
    Ok(compiler.program)
}

fn compile(
    view: &View,
    query: &Query,
    parts: Option<&Vec<Set>>,
    compiler: &mut Compiler<'_>,
) -> Result<Grouping, ExecuteError> {
    let profile = matches!(query.measure, Measure::Profile);
    let sets = counted(query, parts);
    let mut groups = Vec::with_capacity(query.partitions.len());
    for partition in &query.partitions {
        groups.push(Groups::compile(compiler, view, partition)?);
    }
    for groups in &groups {
        groups.nodes().for_each(|node| compiler.program.ask(node));
    }
    // While files hold forgotten consumers, everyone is read: what is stored of all of a chunk is
    // then more than what the universe has.
    let whole = view.snapshot().erasures().pending().is_empty();
    let countable = whole && groups.iter().all(|groups| groups.is_within_universe(compiler));
    let mut channels = Vec::with_capacity(sets.len());
    for set in sets {
        channels.push(match &*set {
            Set::All if countable => Channel::Universe,
            set => {
                let node = compiler.set(set)?;
                compiler.program.ask(node);
                Channel::Node(node)
            }
        });
    }
    let families =
        if profile { groups.into_iter().map(|one| vec![one]).collect() } else { vec![groups] };
    let summand = match &query.measure {
        Measure::Spend(spend) => Summand::Spend(compiler.spend(spend)?),
        Measure::Purchases(Purchases { figure, of }) => {
            Summand::Keys(compiler.purchases(of, row_key(*figure))?)
        }
        Measure::AttributeSum { attribute, .. } => {
            let info = view.attribute_info(attribute).ok_or_else(|| ExecuteError::Unknown {
                kind: NameKind::Attribute,
                name: attribute.name.clone(),
            })?;
            match info.layout {
                AttributeLayout::Slices { min, .. } => {
                    Summand::Number { key: info.key.clone(), min }
                }
                _ => Summand::Nothing,
            }
        }
        _ => Summand::Nothing,
    };
    Ok(Grouping { channels, families, summand })
}

/// The sets of the channels.
fn counted<'q>(query: &'q Query, parts: Option<&'q Vec<Set>>) -> Vec<Cow<'q, Set>> {
    let filter = query.filter.as_ref();
    if let Some(parts) = parts {
        let within = |part: &'q Set| match filter {
            Some(filter) => Cow::Owned(Set::And(vec![filter.clone(), part.clone()])),
            None => Cow::Borrowed(part),
        };
        return parts.iter().map(within).collect();
    }
    let profile = matches!(query.measure, Measure::Profile);
    let base = query.versus.as_ref().or(profile.then_some(&Set::All));
    [Some(filter.unwrap_or(&Set::All)), base].into_iter().flatten().map(Cow::Borrowed).collect()
}

/// What of a purchase is counted.
fn row_key(figure: Figure) -> RowKey {
    match figure {
        Figure::PurchaseDays => RowKey::Day,
        Figure::Categories => RowKey::Category,
        Figure::CategoryDays => RowKey::CategoryDay,
    }
}

/// How many are in each of some sets as of a day, within a query's filter.
///
/// # Errors
/// See [`ExecuteError`].
pub fn counts(
    view: &View,
    query: &Query,
    day: i32,
    sets: Vec<Set>,
    options: &ExecuteOptions,
) -> Result<Vec<i128>, ExecuteError> {
    let bounds = Bounds::new(options, Timing::Off);
    let step = Step { parts: vec![sets], ..Step::new(vec![day], Cow::Borrowed(query)) };
    let (parts, ..) = run(view, &step, &bounds)?;
    Ok(parts.into_iter().next().map(|part| part.totals).unwrap_or_default())
}

/// Whether nothing is read but the sets of nodes, as the universe is known where it is needed.
fn are_of_nodes(view: &View, groupings: &[Grouping]) -> bool {
    groupings.iter().all(|grouping| {
        let mut groups = grouping.families.iter().flatten();
        let mut channels = grouping.channels.iter();
        let is_known = |channel: &Channel| match channel {
            Channel::Universe => view.is_universe_ready(),
            Channel::Node(_) => true,
        };
        matches!(grouping.summand, Summand::Nothing)
            && groups.all(|groups| matches!(groups, Groups::Nodes { .. }))
            && channels.all(is_known)
    })
}

/// How many the universe has as of a day.
///
/// # Errors
/// See [`ExecuteError`].
pub fn universe_count(view: &View, day: i32, bounds: &Bounds) -> Result<i128, ExecuteError> {
    if !view.is_universe_ready() {
        bounds.begin_long()?;
    }
    if let Some(universe) = view.universe()? {
        return Ok(i128::from(universe.count(day)));
    }
    let mut compiler = Compiler::new(view, day);
    let node = compiler.universe();
    let (counts, _) = for_each_chunk(
        view,
        &compiler.program,
        bounds,
        || 0_i128,
        |worker, members| {
            *members += i128::from(worker.set(node)?.count());
            Ok(())
        },
    )?;
    Ok(counts.into_iter().sum())
}

impl Grouping {
    /// Of each family, how many of the universe are in each group, where indexes say so: then
    /// their sets need not be read for that.
    pub(super) fn stored(&self, view: &View, program: &Program) -> Vec<Option<Vec<i128>>> {
        let is_count = matches!(self.summand, Summand::Nothing);
        let stored = |family: &Vec<Groups>| match family.as_slice() {
            [groups] if is_count => groups.stored(view, program),
            _ => None,
        };
        self.families.iter().map(stored).collect()
    }

    /// The numbers of a day.
    fn gather(
        &self,
        view: &View,
        day: i32,
        counted: Counted,
        bounds: &Bounds,
    ) -> Result<DayPartial, ExecuteError> {
        let Counted { mut cells, totals } = counted;
        let mut part = DayPartial {
            day,
            groups: vec![BTreeMap::new(); self.families.len()],
            totals,
            overlap: Vec::new(),
        };
        if self.channels.contains(&Channel::Universe) {
            let everyone = universe_count(view, day, bounds)?;
            self.add_universe(everyone, &mut part.totals, &mut cells);
        }
        for (family, mut cells) in cells.into_iter().enumerate() {
            let levels = if self.overlaps(family) { 0 } else { self.families[family].len() };
            for level in 0..levels {
                settle(&mut cells, level).ok_or(ExecuteError::Overflow)?;
            }
            bounds.keep(cells.len() * GROUP_BYTES, MemoryUse::Groups)?;
            for (codes, numbers) in cells {
                if numbers.iter().step_by(2).any(|members| *members > 0) {
                    part.groups[family].insert(self.keys(view, family, &codes)?, numbers);
                }
            }
        }
        Ok(part)
    }

    fn keys(
        &self,
        view: &View,
        family: usize,
        codes: &[u128],
    ) -> Result<Vec<GroupKey>, ExecuteError> {
        let groups = self.families[family].iter();
        groups.zip(codes).map(|(groups, code)| groups.key(view, *code)).collect()
    }

    /// Whether a consumer may be in several groups of a family: then there is no rest.
    fn overlaps(&self, family: usize) -> bool {
        matches!(self.families.get(family).map(Vec::as_slice), Some([Groups::Keys { .. }]))
    }

    /// Adds how many the universe has to the totals of its channels, and to the cells of all
    /// groups of all partitions.
    fn add_universe(&self, everyone: i128, totals: &mut [i128], cells: &mut Cells) {
        for (channel, _) in self.universes() {
            totals[channel] = everyone;
            for (number, (family, cells)) in self.families.iter().zip(&mut *cells).enumerate() {
                if self.overlaps(number) {
                    continue;
                }
                let all = cells.entry(vec![TOTAL_CODE; family.len()]);
                all.or_insert_with(|| vec![0; self.channels.len() * 2])[channel * 2] = everyone;
            }
        }
    }

    pub(super) fn universes(&self) -> impl Iterator<Item = (usize, &Channel)> {
        let all = |(_, channel): &(usize, &Channel)| **channel == Channel::Universe;
        self.channels.iter().enumerate().filter(all)
    }
}
