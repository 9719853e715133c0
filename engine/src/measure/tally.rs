//! Numbers of groups by sets: each group's set of each chunk is made and counted.

use std::collections::HashMap;

use super::counted::{Counted, Place};
use super::group::{Channel, Grouping, Summand};
use super::groups::{GroupReader, Groups, Part, TOTAL_CODE, split};
use crate::attribute::value_of_bits;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::{
    Bounds, ChunkSet, Held, KeyReader, Program, RangeReader, SpendReader, Trace, Worker,
    for_each_chunk,
};
use crate::view::View;

/// The most groups one statement may have as of one day.
const GROUPS_MAX: usize = 1_000_000;
/// Bytes one group takes while it is counted.
pub const GROUP_BYTES: usize = 256;

/// What one worker holds.
#[derive(Debug)]
struct Tally<'v> {
    readers: Vec<Vec<GroupReader<'v>>>,
    counted: Counted,
    /// By family, whether the universe's numbers are known without reading.
    stored: Vec<bool>,
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

/// The numbers of each day by sets, chunk by chunk.
///
/// # Errors
/// See [`ExecuteError`].
pub fn by_sets(
    view: &View,
    program: &Program,
    groupings: &[Grouping],
    bounds: &Bounds,
) -> Result<(Vec<Counted>, Trace), ExecuteError> {
    let stored: Vec<_> = groupings.iter().map(|of| of.stored(view, program)).collect();
    let open = || {
        let tallies = groupings.iter().zip(&stored);
        tallies.map(|(of, stored)| Tally::open(view, of, stored, bounds)).collect::<Vec<_>>()
    };
    let (workers, trace) = for_each_chunk(view, program, bounds, open, |worker, tallies| {
        for (day, (tally, grouping)) in tallies.iter_mut().zip(groupings).enumerate() {
            if day > 0 {
                bounds.pause()?;
            }
            tally.chunk(worker, grouping, bounds)?;
            worker.end_day(day);
        }
        Ok(())
    })?;
    let mut counted: Vec<_> = groupings.iter().map(Counted::new).collect();
    for tallies in workers {
        for (all, own) in counted.iter_mut().zip(tallies) {
            all.merge(own.counted).ok_or(ExecuteError::Overflow)?;
        }
    }
    for ((grouping, stored), counted) in groupings.iter().zip(&stored).zip(&mut counted) {
        for (channel, _) in grouping.universes() {
            for (family, members) in stored.iter().enumerate() {
                for (code, members) in (0..).zip(members.iter().flatten()) {
                    counted.add(Place { family, channel }, &[code], (*members, 0))?;
                }
            }
        }
    }
    Ok((counted, trace))
}

impl<'v> Tally<'v> {
    fn open(
        view: &'v View,
        grouping: &Grouping,
        stored: &[Option<Vec<i128>>],
        bounds: &Bounds,
    ) -> Self {
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
            stored: stored.iter().map(Option::is_some).collect(),
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
        // Nobody is split, and nothing but members is added up.
        let is_plain = matches!(grouping.summand, Summand::Nothing)
            && grouping.families.iter().all(Vec::is_empty);
        for (channel, of) in grouping.channels.iter().enumerate() {
            let set = match of {
                Channel::Universe => None,
                Channel::Node(node) if is_plain => {
                    let members = i128::from(worker.set(*node)?.count());
                    self.counted.totals[channel] += members;
                    for family in 0..grouping.families.len() {
                        self.counted.add(Place { family, channel }, &[], (members, 0))?;
                    }
                    continue;
                }
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
                if set.is_none() && self.stored[family] {
                    continue;
                }
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
                        let members = worker.count_within(*node, part.set())?;
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
