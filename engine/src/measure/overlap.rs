//! OVERLAP: all pairs of some sets, or all exclusive regions, in one pass over the chunks.

use throng_query::plan::{Operand, OverlapShape, Query, Set};
use throng_storage::container::CHUNK_SIZE;

use super::partial::{DayPartial, add};
use crate::error::ExecuteError;
use crate::exec::{Bounds, ChunkSet, Compiler, NodeId, Program, Trace, Worker, for_each_chunk};
use crate::view::View;

/// The most sets of which all regions may be asked: 2^16 - 1 regions.
pub const REGION_SETS_MAX: usize = 16;

/// What one worker holds.
#[derive(Debug)]
struct Tally {
    counts: Vec<i128>,
    total: i128,
    /// Per position, the sets it is in, by bits; all 0 between chunks.
    codes: Vec<u16>,
    lows: Vec<u16>,
}

/// The place of pair (i, j), i <= j, of k sets.
pub fn pair_place(i: usize, j: usize, k: usize) -> usize {
    i * (2 * k + 1 - i) / 2 + (j - i)
}

/// The counts of an overlap as of one day.
///
/// # Errors
/// See [`ExecuteError`].
pub fn run(
    view: &View,
    query: &Query,
    operands: &[Operand],
    shape: OverlapShape,
    day: i32,
    bounds: &Bounds,
) -> Result<(DayPartial, Program, Trace), ExecuteError> {
    let sets = operands.len();
    if shape == OverlapShape::Regions && sets > REGION_SETS_MAX {
        return Err(ExecuteError::TooMany { what: "sets with regions", limit: REGION_SETS_MAX });
    }
    let mut compiler = Compiler::new(view, day);
    let (filter, nodes) = compile(query, operands, &mut compiler)?;
    let program = compiler.program;
    let (places, positions) = match shape {
        OverlapShape::Pairs => (sets * (sets + 1) / 2, 0),
        OverlapShape::Regions => (1 << sets, CHUNK_SIZE),
    };
    let (tallies, trace) = for_each_chunk(
        view,
        &program,
        bounds,
        || Tally { counts: vec![0; places], total: 0, codes: vec![0; positions], lows: Vec::new() },
        |worker, tally| {
            tally.total += i128::from(worker.set(filter)?.count());
            match shape {
                OverlapShape::Pairs => tally.pairs(worker, &nodes),
                OverlapShape::Regions => tally.regions(worker, &nodes),
            }
        },
    )?;
    let mut part =
        DayPartial { day, groups: Vec::new(), totals: vec![0], overlap: vec![0; places] };
    for tally in tallies {
        part.totals[0] += tally.total;
        add(&mut part.overlap, &tally.counts).ok_or(ExecuteError::Overflow)?;
    }
    Ok((part, program, trace))
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
) -> Result<Program, ExecuteError> {
    let mut compiler = Compiler::new(view, day);
    compile(query, operands, &mut compiler)?;
    Ok(compiler.program)
}

fn compile(
    query: &Query,
    operands: &[Operand],
    compiler: &mut Compiler<'_>,
) -> Result<(NodeId, Vec<NodeId>), ExecuteError> {
    let universe = compiler.universe();
    let filter = compiler.set(query.filter.as_ref().unwrap_or(&Set::All))?;
    let mut nodes = Vec::with_capacity(operands.len());
    for operand in operands {
        let set = compiler.set(&operand.set)?;
        let all = filter == universe;
        nodes.push(if all { set } else { compiler.program.and(vec![filter, set]) });
    }
    Ok((filter, nodes))
}

impl Tally {
    fn pairs(&mut self, worker: &mut Worker<'_>, nodes: &[NodeId]) -> Result<(), ExecuteError> {
        let sets = copies(worker, nodes)?;
        for (i, left) in sets.iter().enumerate() {
            if matches!(left, ChunkSet::Empty) {
                continue;
            }
            self.counts[pair_place(i, i, sets.len())] += i128::from(left.count());
            for (j, right) in sets.iter().enumerate().skip(i + 1) {
                self.counts[pair_place(i, j, sets.len())] += i128::from(left.count_both(right));
            }
        }
        sets.into_iter().for_each(|set| worker.pool().recycle(set));
        Ok(())
    }

    fn regions(&mut self, worker: &mut Worker<'_>, nodes: &[NodeId]) -> Result<(), ExecuteError> {
        let (codes, lows) = (&mut self.codes, &mut self.lows);
        for (bit, node) in nodes.iter().enumerate() {
            worker.set(*node)?.for_each(|low| {
                let code = &mut codes[usize::from(low)];
                if *code == 0 {
                    lows.push(low);
                }
                *code |= 1 << bit;
            });
        }
        for low in lows.drain(..) {
            let code = std::mem::take(&mut codes[usize::from(low)]);
            self.counts[usize::from(code)] += 1;
        }
        Ok(())
    }
}

fn copies(worker: &mut Worker<'_>, nodes: &[NodeId]) -> Result<Vec<ChunkSet>, ExecuteError> {
    let mut sets = Vec::with_capacity(nodes.len());
    for node in nodes {
        let (set, pool) = worker.set_and_pool(*node)?;
        sets.push(set.copied(pool));
    }
    Ok(sets)
}

#[cfg(test)]
mod tests {
    use super::pair_place;

    #[test]
    fn pairs_have_places_row_by_row() {
        for k in 1..9 {
            let places = (0..k).flat_map(|i| (i..k).map(move |j| pair_place(i, j, k)));
            assert!(places.eq(0..k * (k + 1) / 2), "{k}");
        }
    }
}
