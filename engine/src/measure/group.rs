//! COUNT, SUM and PROFILE: numbers of each group of one or more partitions.

use std::collections::{BTreeMap, HashMap};

use throng_query::plan::{Measure, NameKind, Query, Set};

use super::groups::{GroupReader, Groups, split};
use super::partial::{DayPartial, GroupKey, add};
use crate::attribute::{AttributeLayout, value_of_bits};
use crate::error::ExecuteError;
use crate::exec::{
    Bounds, ChunkSet, Compiler, NodeId, Program, RangeReader, SpendChoice, SpendReader, Trace,
    Worker, for_each_chunk,
};
use crate::view::View;

/// The most groups one statement may have as of one day.
pub const GROUPS_MAX: usize = 1_000_000;
/// Bytes one group takes while it is counted.
const GROUP_BYTES: usize = 256;

/// What is added up over a group's members.
#[derive(Debug)]
enum Summand {
    /// Nothing but the members.
    Nothing,
    /// Money; none when no row can matter.
    Spend(Option<SpendChoice>),
    /// A number, at this index and counted from this value.
    Number { key: String, min: i64 },
}

/// A compiled grouping.
#[derive(Debug)]
struct Grouping {
    /// The filter, and the other side of VERSUS.
    channels: Vec<NodeId>,
    /// Families of groups: in each, partitions are crossed.
    families: Vec<Vec<Groups>>,
    summand: Summand,
}

/// Per family, the numbers of each combination of codes.
type Cells = Vec<HashMap<Vec<u128>, Vec<i128>>>;

/// Which family and channel is being added up.
#[derive(Debug, Clone, Copy)]
struct Place {
    family: usize,
    channel: usize,
}

/// What one worker holds.
#[derive(Debug)]
struct Tally<'v> {
    readers: Vec<Vec<GroupReader<'v>>>,
    cells: Cells,
    totals: Vec<i128>,
    spend: Option<SpendReader<'v>>,
    number: Option<RangeReader<'v>>,
    /// The money of the chunk's consumers with rows, ascending.
    money: Vec<(u16, i128)>,
}

/// The numbers of a query as of one day.
///
/// # Errors
/// See [`ExecuteError`].
pub fn run(
    view: &View,
    query: &Query,
    day: i32,
    bounds: &Bounds,
) -> Result<(DayPartial, Program, Trace), ExecuteError> {
    let mut compiler = Compiler::new(view, day);
    let grouping = compile(view, query, &mut compiler)?;
    let program = compiler.program;
    let (tallies, trace) = for_each_chunk(
        view,
        &program,
        bounds,
        || Tally::open(view, &grouping),
        |worker, tally| tally.chunk(worker, &grouping, bounds),
    )?;
    let mut part = DayPartial {
        day,
        groups: vec![BTreeMap::new(); grouping.families.len()],
        totals: vec![0; grouping.channels.len()],
        overlap: Vec::new(),
    };
    for tally in tallies {
        add(&mut part.totals, &tally.totals).ok_or(ExecuteError::Overflow)?;
        for (family, cells) in tally.cells.into_iter().enumerate() {
            for (codes, numbers) in cells {
                let keys = grouping.keys(family, &codes);
                let all = part.groups[family].entry(keys).or_insert_with(|| vec![0; numbers.len()]);
                add(all, &numbers).ok_or(ExecuteError::Overflow)?;
            }
        }
    }
    Ok((part, program, trace))
}

/// Compiles a query's program without running it.
///
/// # Errors
/// See [`ExecuteError`].
pub fn program(view: &View, query: &Query, day: i32) -> Result<Program, ExecuteError> {
    let mut compiler = Compiler::new(view, day);
    compile(view, query, &mut compiler)?;
    Ok(compiler.program)
}

fn compile(
    view: &View,
    query: &Query,
    compiler: &mut Compiler<'_>,
) -> Result<Grouping, ExecuteError> {
    let mut channels = vec![compiler.set(query.filter.as_ref().unwrap_or(&Set::All))?];
    let profile = matches!(query.measure, Measure::Profile);
    if let Some(versus) = &query.versus {
        channels.push(compiler.set(versus)?);
    } else if profile {
        channels.push(compiler.universe());
    }
    let mut groups = Vec::with_capacity(query.partitions.len());
    for partition in &query.partitions {
        groups.push(Groups::compile(compiler, view, partition)?);
    }
    let families =
        if profile { groups.into_iter().map(|one| vec![one]).collect() } else { vec![groups] };
    let summand = match &query.measure {
        Measure::Spend(spend) => Summand::Spend(compiler.spend(spend)?),
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
        Measure::Count | Measure::Profile | Measure::Overlap { .. } => Summand::Nothing,
    };
    Ok(Grouping { channels, families, summand })
}

impl Grouping {
    fn keys(&self, family: usize, codes: &[u128]) -> Vec<GroupKey> {
        let groups = self.families[family].iter();
        groups.zip(codes).map(|(groups, code)| groups.key(*code)).collect()
    }
}

impl<'v> Tally<'v> {
    fn open(view: &'v View, grouping: &Grouping) -> Self {
        let open = |family: &Vec<Groups>| family.iter().map(|groups| groups.open(view)).collect();
        let (spend, number) = match &grouping.summand {
            Summand::Spend(Some(choice)) => (Some(SpendReader::open(view, choice)), None),
            Summand::Number { key, .. } => (None, Some(RangeReader::open(view, key, 0, u64::MAX))),
            Summand::Spend(None) | Summand::Nothing => (None, None),
        };
        Self {
            readers: grouping.families.iter().map(open).collect(),
            cells: vec![HashMap::new(); grouping.families.len()],
            totals: vec![0; grouping.channels.len()],
            spend,
            number,
            money: Vec::new(),
        }
    }

    fn chunk(
        &mut self,
        worker: &mut Worker<'v>,
        grouping: &Grouping,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let mut money_read = false;
        for (channel, node) in grouping.channels.iter().enumerate() {
            let (set, pool) = worker.set_and_pool(*node)?;
            let set = set.copied(pool);
            let members = set.count();
            self.totals[channel] += i128::from(members);
            if members > 0 {
                if !money_read {
                    self.read_money(worker)?;
                    money_read = true;
                }
                for family in 0..grouping.families.len() {
                    let mut codes = Vec::with_capacity(grouping.families[family].len());
                    let place = Place { family, channel };
                    self.descend(worker, grouping, place, &set, &mut codes)?;
                }
            }
            worker.pool().recycle(set);
        }
        let groups: usize = self.cells.iter().map(HashMap::len).sum();
        if groups > GROUPS_MAX {
            return Err(ExecuteError::TooMany { what: "groups", limit: GROUPS_MAX });
        }
        bounds.check_memory(groups * GROUP_BYTES)
    }

    /// Splits a set by the partitions not yet applied, and adds what is left in each group.
    fn descend(
        &mut self,
        worker: &mut Worker<'v>,
        grouping: &Grouping,
        place: Place,
        set: &ChunkSet,
        codes: &mut Vec<u128>,
    ) -> Result<(), ExecuteError> {
        let family = &grouping.families[place.family];
        let Some(groups) = family.get(codes.len()) else {
            return self.add(worker, grouping, place, set, codes);
        };
        let Groups::Nodes(nodes) = groups else {
            let reader = &mut self.readers[place.family][codes.len()];
            for (code, part) in split(reader, worker, set)? {
                codes.push(code);
                self.descend(worker, grouping, place, &part, codes)?;
                codes.pop();
                worker.pool().recycle(part);
            }
            return Ok(());
        };
        let only_counts =
            matches!(grouping.summand, Summand::Nothing) && codes.len() + 1 == family.len();
        for (code, (_, node)) in (0..).zip(nodes) {
            codes.push(code);
            if only_counts {
                let members = worker.set(*node)?.count_both(set);
                self.add_numbers(grouping, place, codes, (i128::from(members), 0))?;
            } else {
                let (group, pool) = worker.set_and_pool(*node)?;
                let mut part = set.copied(pool);
                part.intersect(group, pool);
                if !part.is_empty() {
                    self.descend(worker, grouping, place, &part, codes)?;
                }
                worker.pool().recycle(part);
            }
            codes.pop();
        }
        Ok(())
    }

    fn add(
        &mut self,
        worker: &mut Worker<'v>,
        grouping: &Grouping,
        place: Place,
        set: &ChunkSet,
        codes: &[u128],
    ) -> Result<(), ExecuteError> {
        let mut sum = 0_i128;
        if let (Summand::Number { min, .. }, Some(number)) = (&grouping.summand, &mut self.number) {
            let mut values = Vec::new();
            number.values(worker.chunk(), set, worker.pool(), &mut values)?;
            sum = values.iter().map(|(_, bits)| i128::from(value_of_bits(*min, *bits))).sum();
        }
        for (low, money) in &self.money {
            if set.contains(*low) {
                sum = sum.checked_add(*money).ok_or(ExecuteError::Overflow)?;
            }
        }
        self.add_numbers(grouping, place, codes, (i128::from(set.count()), sum))
    }

    /// Adds (members, sum) to a group's cell; a group without members gets no cell.
    fn add_numbers(
        &mut self,
        grouping: &Grouping,
        place: Place,
        codes: &[u128],
        (members, sum): (i128, i128),
    ) -> Result<(), ExecuteError> {
        if members == 0 {
            return Ok(());
        }
        let cells = &mut self.cells[place.family];
        if !cells.contains_key(codes) {
            cells.insert(codes.to_vec(), vec![0; grouping.channels.len() * 2]);
        }
        if let Some(numbers) = cells.get_mut(codes) {
            let own = &mut numbers[place.channel * 2..place.channel * 2 + 2];
            add(own, &[members, sum]).ok_or(ExecuteError::Overflow)?;
        }
        Ok(())
    }

    fn read_money(&mut self, worker: &mut Worker<'v>) -> Result<(), ExecuteError> {
        self.money.clear();
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
