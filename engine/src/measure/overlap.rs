//! OVERLAP: all pairs of some sets, or all exclusive regions, in one pass over the chunks.

use throng_query::plan::{Operand, OverlapShape, Query, Set};
use throng_storage::container::{CHUNK_SIZE, ChunkBits, Container};

use super::counted::{Asked, Counted};
use super::group::universe_count;
use super::pairs::{PairTally, Positions, pair_place};
use super::partial::{DayPartial, add};
use super::regions::RegionTally;
use super::remembered;
use crate::database::Method;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::{
    Bounds, CensusPlan, ChunkSet, Combinations, Compiler, NodeBits, NodeId, Program, SPARSE_MAX,
    Sources, TOGETHER, Trace, Worker, census, for_each_chunk,
};
use crate::kernel;
use crate::view::View;

/// The most sets of which all regions may be asked: 2^16 - 1 regions.
pub const REGION_SETS_MAX: usize = 16;

/// What comparing two sets costs, where one member that is looked at costs [`MEMBER_COST`]: the
/// words of two bitsets against a few steps. Measured as 0.4 us and 4 ns.
const COMPARE_COST: u64 = 100;
const MEMBER_COST: u64 = 1;

// A set's place is a bit of a position's code.
const _: () = assert!(throng_query::limits::OVERLAP_PAIRS_OPERANDS_MAX <= 128);

/// Members of all sets of a chunk up to which each is looked at: a few steps for each of them
/// against one for each position.
const MEMBERS_FEW: u32 = 1 << 13;

/// What one worker holds.
#[derive(Debug, Default)]
struct Tally {
    counts: Vec<i128>,
    total: i128,
    /// Per position, the sets it is in, by bits; all 0 between chunks.
    codes: Vec<u16>,
    /// The same for more sets.
    wide_codes: Vec<u64>,
    /// The same for more than 64.
    widest_codes: Vec<u128>,
    lows: Vec<u16>,
    pairs: PairTally,
    regions: RegionTally,
}

/// What an index holds of a chunk for a node, where that is as its set would be; otherwise the node
/// has its set.
fn stored_as_is<'v>(
    worker: &mut Worker<'v>,
    node: NodeId,
) -> Result<Option<Container<'v>>, ExecuteError> {
    let Some(container) = worker.stored(node)? else {
        worker.set(node)?;
        return Ok(None);
    };
    match container {
        // A longer one is compared faster as a bitset.
        Some(Container::Array(list)) if list.len() <= SPARSE_MAX => Ok(container),
        Some(Container::Bitset(_)) => Ok(container),
        None | Some(Container::Array(_) | Container::Runs(_) | Container::Full) => {
            worker.put_stored(node, container);
            Ok(None)
        }
    }
}

/// The counts of an overlap as of one day, the first of those given.
///
/// # Errors
/// See [`ExecuteError`].
pub fn run(
    view: &View,
    query: &Query,
    operands: &[Operand],
    shape: OverlapShape,
    days: &[i32],
    bounds: &Bounds,
) -> Result<(Vec<DayPartial>, Program, Trace), ExecuteError> {
    let day = days.first().copied().unwrap_or(0);
    let sets = operands.len();
    if shape == OverlapShape::Regions && sets > REGION_SETS_MAX {
        return Err(ExecuteError::TooMany { what: "sets with regions", limit: REGION_SETS_MAX });
    }
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    let (filter, nodes) = compile(query, operands, &mut compiler)?;
    let mut program = compiler.program;
    let mut sources = Sources::new(view);
    let known = remembered::may_be_kept(view, bounds)
        .then(|| sources.whole(&program, &[], &[]))
        .flatten()
        .map(|stamp| {
            let overlap = Some((filter, nodes.clone(), shape == OverlapShape::Regions));
            (Asked { nodes: program.nodes().to_vec(), groupings: Vec::new(), overlap }, stamp)
        });
    if let Some((asked, stamp)) = &known
        && let Some(numbers) = view.memo().numbers(asked, stamp)
        && let [Counted { totals, .. }] = numbers.as_slice()
        && let Some((total, counts)) = totals.split_first()
    {
        let total = if filter.is_none() { universe_count(view, day, bounds)? } else { *total };
        let (totals, overlap) = (vec![total], counts.to_vec());
        let part = DayPartial { day, groups: Vec::new(), totals, overlap };
        let trace = remembered::trace(&program);
        return Ok((vec![part], program, trace));
    }
    bounds.begin_long()?;
    if known.is_some() {
        view.memo().miss();
    }
    program.remember(&mut sources, bounds);
    let (part, trace) = by_chunks(view, &program, (filter, &nodes, shape), day, bounds)?;
    if let Some((asked, stamp)) = known {
        let totals = part.totals.iter().chain(&part.overlap).copied().collect();
        view.memo().keep_numbers(asked, stamp, vec![Counted { cells: Vec::new(), totals }]);
    }
    Ok((vec![part], program, trace))
}

/// The counts of an overlap, read from the store.
fn by_chunks(
    view: &View,
    program: &Program,
    (filter, nodes, shape): (Option<NodeId>, &[NodeId], OverlapShape),
    day: i32,
    bounds: &Bounds,
) -> Result<(DayPartial, Trace), ExecuteError> {
    let sets = nodes.len();
    let (places, lookup) = match shape {
        OverlapShape::Pairs => (sets * (sets + 1) / 2, PairTally::BYTES),
        OverlapShape::Regions => (1 << sets, CHUNK_SIZE * size_of::<u64>()),
    };
    // Of each worker, and once more where they are added up.
    let numbers = places * size_of::<i128>() + lookup;
    let mut held = bounds.holds(MemoryUse::Overlap);
    held.set((bounds.threads + 1) * (numbers + sets * size_of::<ChunkBits>()))?;
    let wanted: Vec<_> = filter.into_iter().chain(nodes.iter().copied()).collect();
    if bounds.method != Method::Sets
        && program.remembered().wanted().is_empty()
        && let Some(plan) = CensusPlan::new(view, program, &wanted)
    {
        let (combinations, trace) = census(view, program, &plan, None, bounds)?;
        let mut tally = Tally { counts: vec![0; places], ..Tally::default() };
        tally.combined(&combinations, &plan, program, (filter, nodes), shape);
        if filter.is_none() {
            tally.total = universe_count(view, day, bounds)?;
        }
        let totals = vec![tally.total];
        let part = DayPartial { day, groups: Vec::new(), totals, overlap: tally.counts };
        return Ok((part, trace));
    }
    let everyone = filter.is_none().then(|| universe_count(view, day, bounds)).transpose()?;
    let (tallies, trace) = for_each_chunk(
        view,
        program,
        bounds,
        || Tally { counts: vec![0; places], ..Tally::default() },
        |worker, tally| {
            if let Some(filter) = filter {
                tally.total += i128::from(worker.set(filter)?.count());
            }
            match shape {
                OverlapShape::Pairs => tally.pairs(worker, nodes),
                OverlapShape::Regions => tally.regions(worker, nodes),
            }
        },
    )?;
    let totals = vec![everyone.unwrap_or(0)];
    let mut part = DayPartial { day, groups: Vec::new(), totals, overlap: vec![0; places] };
    for tally in tallies {
        part.totals[0] += tally.total;
        add(&mut part.overlap, &tally.counts).ok_or(ExecuteError::Overflow)?;
    }
    Ok((part, trace))
}

/// Compiles an overlap's program without running it.
///
/// # Errors
/// See [`ExecuteError`].
pub fn program(
    view: &View,
    query: &Query,
    operands: &[Operand],
    day: i32,
    bounds: &Bounds,
) -> Result<Program, ExecuteError> {
    let mut compiler = Compiler::new(view, day).within(bounds.clone());
    compile(query, operands, &mut compiler)?;
    Ok(compiler.program)
}

/// The filter, unless it is everyone, and the sets within it.
fn compile(
    query: &Query,
    operands: &[Operand],
    compiler: &mut Compiler<'_>,
) -> Result<(Option<NodeId>, Vec<NodeId>), ExecuteError> {
    let filter = query.filter.as_ref().filter(|filter| **filter != Set::All);
    let filter = filter.map(|filter| compiler.set(filter)).transpose()?;
    filter.into_iter().for_each(|filter| compiler.program.ask(filter));
    let mut nodes = Vec::with_capacity(operands.len());
    for operand in operands {
        let set = compiler.set(&operand.set)?;
        compiler.program.keep(set);
        let node = match filter {
            Some(filter) => compiler.program.and(vec![filter, set]),
            None => set,
        };
        compiler.program.ask(node);
        nodes.push(node);
    }
    Ok((filter, nodes))
}

impl Tally {
    /// Every pair's intersection, and each set's size. Many members in few sets are compared set
    /// with set; few members in many sets by who is in which.
    fn pairs(&mut self, worker: &mut Worker<'_>, nodes: &[NodeId]) -> Result<(), ExecuteError> {
        let (mut members, mut occupied) = (0_u64, 0_u64);
        let mut stored = Vec::with_capacity(nodes.len());
        for node in nodes {
            let container = stored_as_is(worker, *node)?;
            let own = match container {
                Some(Container::Bitset(bits)) => kernel::count(bits),
                Some(container) => container.cardinality(),
                None => worker.slot(*node).count(),
            };
            occupied += u64::from(own > 0);
            members += u64::from(own);
            stored.push((container, own));
        }
        let set_by_set = occupied * occupied / 2 * COMPARE_COST;
        if members * MEMBER_COST < set_by_set {
            for (node, (container, _)) in nodes.iter().zip(stored) {
                if container.is_some() {
                    worker.put_stored(*node, container);
                }
            }
            self.pairs_by_member(worker, nodes);
            return Ok(());
        }
        let sets = nodes.iter().zip(stored).map(|(node, (container, own))| {
            let set = match (container, worker.slot(*node)) {
                (Some(Container::Array(list)), _) => Positions::List(list),
                (Some(Container::Bitset(bits)), _) => Positions::Bits(bits),
                (_, ChunkSet::Empty) => Positions::List(&[]),
                (_, ChunkSet::Sparse(list)) => Positions::List(list),
                (_, ChunkSet::Bits(bits)) => Positions::Bits(bits),
            };
            (set, own)
        });
        self.pairs.set_by_set(&sets.collect::<Vec<_>>(), &mut self.counts);
        Ok(())
    }

    /// For each position the sets it is in, as bits; then each of its pairs.
    fn pairs_by_member(&mut self, worker: &Worker<'_>, nodes: &[NodeId]) {
        let Self { counts, lows, wide_codes, widest_codes, .. } = self;
        let sets = nodes.len();
        if sets <= 64 {
            each_code(worker, nodes, wide_codes, lows, |code| {
                each_pair(code, sets, |place| counts[place] += 1);
            });
        } else {
            each_code(worker, nodes, widest_codes, lows, |code| {
                each_pair(code, sets, |place| counts[place] += 1);
            });
        }
    }

    /// The same from a census.
    fn combined(
        &mut self,
        combinations: &Combinations,
        plan: &CensusPlan,
        program: &Program,
        (filter, operands): (Option<NodeId>, &[NodeId]),
        shape: OverlapShape,
    ) {
        let mut nodes = NodeBits::new(plan, program);
        for some in combinations.members() {
            nodes.find(some);
            if let Some(filter) = filter {
                nodes.each(filter, |at| self.total += i128::from(some[at].1));
            }
            let mut codes = [0_u128; TOGETHER];
            for (bit, operand) in operands.iter().enumerate() {
                nodes.each(*operand, |at| codes[at].set(bit));
            }
            for (code, (_, members)) in codes.into_iter().zip(some) {
                self.add(code, i128::from(*members), operands.len(), shape);
            }
        }
    }

    /// Adds so many consumers who are in the sets whose bits are set, of so many sets.
    fn add(&mut self, code: u128, members: i128, sets: usize, shape: OverlapShape) {
        match shape {
            OverlapShape::Pairs => each_pair(code, sets, |place| self.counts[place] += members),
            OverlapShape::Regions if code == 0 => {}
            OverlapShape::Regions => {
                let place = usize::try_from(code).unwrap_or(usize::MAX);
                if let Some(count) = self.counts.get_mut(place) {
                    *count += members;
                }
            }
        }
    }

    fn regions(&mut self, worker: &mut Worker<'_>, nodes: &[NodeId]) -> Result<(), ExecuteError> {
        let mut members = 0;
        for node in nodes {
            members += worker.set(*node)?.count();
        }
        if members > MEMBERS_FEW {
            self.regions.chunk(worker, nodes, &mut self.counts);
            return Ok(());
        }
        let Self { counts, codes, lows, .. } = self;
        each_code(worker, nodes, codes, lows, |code| counts[usize::from(code)] += 1);
        Ok(())
    }
}

/// Calls `visit` with the place of every pair (i, j), i <= j, of the sets whose bits are set, of
/// so many sets.
fn each_pair(code: impl Code, sets: usize, mut visit: impl FnMut(usize)) {
    let mut first = code;
    while let Some((i, rest)) = first.split() {
        let mut others = first;
        while let Some((j, rest)) = others.split() {
            visit(pair_place(i, j, sets));
            others = rest;
        }
        first = rest;
    }
}

/// Calls `visit` with the code of every position that is in some set.
fn each_code<C: Code>(
    worker: &Worker<'_>,
    nodes: &[NodeId],
    codes: &mut Vec<C>,
    lows: &mut Vec<u16>,
    mut visit: impl FnMut(C),
) {
    codes.resize(CHUNK_SIZE, C::default());
    for (bit, node) in nodes.iter().enumerate() {
        worker.slot(*node).for_each(|low| {
            let code = &mut codes[usize::from(low)];
            if *code == C::default() {
                lows.push(low);
            }
            code.set(bit);
        });
    }
    for low in lows.drain(..) {
        visit(std::mem::take(&mut codes[usize::from(low)]));
    }
}

/// The sets that a position is in, by bits.
trait Code: Copy + Default + Eq {
    fn set(&mut self, bit: usize);

    /// The lowest bit, and the others.
    fn split(self) -> Option<(usize, Self)>;
}

macro_rules! code {
    ($($width:ty),*) => {$(
        impl Code for $width {
            #[inline]
            fn set(&mut self, bit: usize) {
                *self |= 1 << bit;
            }

            #[inline]
            fn split(self) -> Option<(usize, Self)> {
                (self != 0).then(|| (self.trailing_zeros() as usize, self & (self - 1)))
            }
        }
    )*};
}
code!(u16, u64, u128);
