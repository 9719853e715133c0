//! COUNT, SUM and PROFILE: numbers of each group of one or more partitions.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use throng_query::plan::{Figure, Measure, NameKind, Purchases, Query, Set};

use super::combined;
use super::counted::{Cells, Counted, Place};
use super::groups::{GroupReader, Groups, Part, TOTAL_CODE, settle, split};
use super::partial::{DayPartial, GroupKey};
use super::remembered;
use super::steps::Step;
use super::timeline;
use crate::attribute::{AttributeLayout, value_of_bits};
use crate::database::Method;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::{
    Bounds, ChunkSet, Compiler, Held, KeyChoice, KeyReader, NodeId, Program, RangeReader, RowKey,
    SpendChoice, SpendReader, Timing, Trace, Worker, census, for_each_chunk,
};
use crate::options::ExecuteOptions;
use crate::view::View;

/// The most groups one statement may have as of one day.
pub const GROUPS_MAX: usize = 1_000_000;
/// Bytes one group takes while it is counted.
const GROUP_BYTES: usize = 256;

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

/// What one worker holds.
#[derive(Debug)]
struct Tally<'v> {
    readers: Vec<Vec<GroupReader<'v>>>,
    counted: Counted,
    spend: Option<SpendReader<'v>>,
    number: Option<RangeReader<'v>>,
    keys: Option<KeyReader<'v>>,
    /// The money, or the number of keys, of the chunk's consumers with rows, ascending.
    money: Vec<(u16, i128)>,
    /// What the numbers of groups take.
    held: Held,
}

/// Where a tally is in its groups.
#[derive(Debug, Clone, Copy)]
struct Descent<'g> {
    grouping: &'g Grouping,
    place: Place,
    bounds: &'g Bounds,
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
    let known = remembered::asked(view, &program, &groupings, bounds);
    if let Some((asked, stamp)) = &known
        && let Some(numbers) = view.memo().numbers(asked, stamp)
    {
        let parts = gather(view, days, &groupings, numbers.to_vec(), bounds)?;
        let trace = remembered::trace(&program);
        return Ok((parts, program, trace));
    }
    program.remember(view, bounds);
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

/// The numbers of each day by sets, chunk by chunk.
fn by_sets(
    view: &View,
    program: &Program,
    groupings: &[Grouping],
    bounds: &Bounds,
) -> Result<(Vec<Counted>, Trace), ExecuteError> {
    let (workers, trace) = for_each_chunk(
        view,
        program,
        bounds,
        || groupings.iter().map(|of| Tally::open(view, of, bounds)).collect::<Vec<_>>(),
        |worker, tallies| {
            for (day, (tally, grouping)) in tallies.iter_mut().zip(groupings).enumerate() {
                bounds.pause()?;
                tally.chunk(worker, grouping, bounds)?;
                worker.end_day(day);
            }
            Ok(())
        },
    )?;
    let mut counted: Vec<_> = groupings.iter().map(Counted::new).collect();
    for tallies in workers {
        for (all, own) in counted.iter_mut().zip(tallies) {
            all.merge(own.counted).ok_or(ExecuteError::Overflow)?;
        }
    }
    Ok((counted, trace))
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
) -> Result<Program, ExecuteError> {
    let mut compiler = Compiler::new(view, day);
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

/// How many the universe has as of a day.
///
/// # Errors
/// See [`ExecuteError`].
pub fn universe_count(view: &View, day: i32, bounds: &Bounds) -> Result<i128, ExecuteError> {
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

    fn universes(&self) -> impl Iterator<Item = (usize, &Channel)> {
        let all = |(_, channel): &(usize, &Channel)| **channel == Channel::Universe;
        self.channels.iter().enumerate().filter(all)
    }
}

impl<'v> Tally<'v> {
    fn open(view: &'v View, grouping: &Grouping, bounds: &Bounds) -> Self {
        let open = |family: &Vec<Groups>| family.iter().map(|groups| groups.open(view)).collect();
        let (mut spend, mut number, mut keys) = (None, None, None);
        match &grouping.summand {
            Summand::Spend(choice) => {
                spend = choice.as_ref().map(|choice| SpendReader::new(view, choice));
            }
            Summand::Keys(choice) => {
                keys = choice.as_ref().map(|choice| KeyReader::new(view, choice));
            }
            Summand::Number { key, .. } => number = Some(RangeReader::open(view, key, 0, u64::MAX)),
            Summand::Nothing => {}
        }
        Self {
            readers: grouping.families.iter().map(open).collect(),
            counted: Counted::new(grouping),
            spend,
            number,
            keys,
            money: Vec::new(),
            held: bounds.holds(MemoryUse::Groups),
        }
    }

    fn chunk(
        &mut self,
        worker: &mut Worker<'v>,
        grouping: &Grouping,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let mut money_read = false;
        for (channel, of) in grouping.channels.iter().enumerate() {
            let set = match of {
                Channel::Universe => None,
                Channel::Node(node) => {
                    let (set, pool) = worker.set_and_pool(*node)?;
                    let set = set.copied(pool);
                    let members = set.count();
                    self.counted.totals[channel] += i128::from(members);
                    if members == 0 {
                        worker.pool().recycle(set);
                        continue;
                    }
                    Some(set)
                }
            };
            if !money_read {
                self.read_money(worker, bounds)?;
                money_read = true;
            }
            for family in 0..grouping.families.len() {
                let mut codes = Vec::with_capacity(grouping.families[family].len());
                let place = Place { family, channel };
                let part = set.as_ref().map_or(Part::All, Part::Of);
                bounds.pause()?;
                let at = Descent { grouping, place, bounds };
                self.descend(worker, at, part, &mut codes)?;
            }
            if let Some(set) = set {
                worker.pool().recycle(set);
            }
        }
        let groups: usize = self.counted.cells.iter().map(HashMap::len).sum();
        if groups > GROUPS_MAX {
            return Err(ExecuteError::TooMany { what: "groups", limit: GROUPS_MAX });
        }
        self.held.set(groups * GROUP_BYTES)
    }

    /// Splits a part by the partitions not yet applied, and adds what is left in each group, and
    /// in all groups of each partition together.
    fn descend(
        &mut self,
        worker: &mut Worker<'v>,
        at: Descent<'_>,
        part: Part<'_>,
        codes: &mut Vec<u128>,
    ) -> Result<(), ExecuteError> {
        let Descent { grouping, place, .. } = at;
        let family = &grouping.families[place.family];
        let level = codes.len();
        let Some(groups) = family.get(level) else {
            return self.add(worker, at, part, codes);
        };
        let only_counts = matches!(grouping.summand, Summand::Nothing) && level + 1 == family.len();
        match groups {
            Groups::Nodes { nodes, .. } => {
                for (code, (_, node)) in (0..).zip(nodes) {
                    codes.push(code);
                    if only_counts {
                        let group = worker.set(*node)?;
                        let members =
                            part.set().map_or_else(|| group.count(), |set| group.count_both(set));
                        self.counted.add(place, codes, (i128::from(members), 0))?;
                    } else {
                        let (group, pool) = worker.set_and_pool(*node)?;
                        let mut group = group.copied(pool);
                        if let Part::Of(set) = part {
                            group.intersect(set, pool);
                        }
                        self.descend_into(worker, at, group, codes)?;
                    }
                    codes.pop();
                }
            }
            Groups::Keys { .. } => return self.add_keys(worker, at, part),
            Groups::Values { .. } | Groups::Numbers { .. } => {
                let reader = &mut self.readers[place.family][level];
                for (code, group) in split(reader, worker, part)? {
                    codes.push(code);
                    self.descend_into(worker, at, group, codes)?;
                    codes.pop();
                }
            }
        }
        codes.push(TOTAL_CODE);
        self.descend(worker, at, part, codes)?;
        codes.pop();
        Ok(())
    }

    /// Adds a part's members to each group that their events are about.
    fn add_keys(
        &mut self,
        worker: &mut Worker<'v>,
        at: Descent<'_>,
        part: Part<'_>,
    ) -> Result<(), ExecuteError> {
        let Descent { place, bounds, .. } = at;
        let Some(GroupReader::Keys(Some(reader))) = self.readers[place.family].first_mut() else {
            return Ok(());
        };
        let mut members: HashMap<u64, i128> = HashMap::new();
        for (low, key) in reader.read(worker.chunk(), &mut worker.tools(), bounds)? {
            if part.set().is_none_or(|set| set.contains(*low)) {
                *members.entry(*key).or_default() += 1;
            }
        }
        for (key, members) in members {
            self.counted.add(place, &[u128::from(key)], (members, 0))?;
        }
        Ok(())
    }

    fn descend_into(
        &mut self,
        worker: &mut Worker<'v>,
        at: Descent<'_>,
        group: ChunkSet,
        codes: &mut Vec<u128>,
    ) -> Result<(), ExecuteError> {
        if !group.is_empty() {
            at.bounds.check()?;
            self.descend(worker, at, Part::Of(&group), codes)?;
        }
        worker.pool().recycle(group);
        Ok(())
    }

    fn add(
        &mut self,
        worker: &mut Worker<'v>,
        at: Descent<'_>,
        part: Part<'_>,
        codes: &[u128],
    ) -> Result<(), ExecuteError> {
        let Descent { grouping, place, .. } = at;
        let mut sum = 0_i128;
        if let (Summand::Number { min, .. }, Some(number)) = (&grouping.summand, &mut self.number) {
            let mut values = Vec::new();
            number.values(worker.chunk(), part.set(), worker.pool(), &mut values)?;
            sum = values.iter().map(|(_, bits)| i128::from(value_of_bits(*min, *bits))).sum();
        }
        for (low, money) in &self.money {
            if part.set().is_none_or(|set| set.contains(*low)) {
                sum = sum.checked_add(*money).ok_or(ExecuteError::Overflow)?;
            }
        }
        // How many everyone is, is added once for all chunks.
        let members = part.set().map_or(0, ChunkSet::count);
        self.counted.add(place, codes, (i128::from(members), sum))
    }

    fn read_money(&mut self, worker: &mut Worker<'v>, bounds: &Bounds) -> Result<(), ExecuteError> {
        self.money.clear();
        if let Some(reader) = &mut self.keys {
            let pairs = reader.read(worker.chunk(), &mut worker.tools(), bounds)?;
            for alike in pairs.chunk_by(|a, b| a.0 == b.0) {
                let number = i128::try_from(alike.len()).unwrap_or(i128::MAX);
                self.money.extend(alike.first().map(|(low, _)| (*low, number)));
            }
        }
        let Some(reader) = &mut self.spend else { return Ok(()) };
        let chunk = worker.chunk();
        let mut tools = worker.tools();
        let filled = reader.fill(chunk, &mut tools);
        let scratch = &mut *tools.scratch;
        scratch.lows.sort_unstable();
        scratch.lows.dedup();
        for low in scratch.lows.drain(..) {
            self.money.push((low, std::mem::take(&mut scratch.sums[usize::from(low)])));
        }
        filled
    }
}
