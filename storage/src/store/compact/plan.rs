//! Which merges are due. It sees nothing but segments' days, sizes and extents; docs/plan.md says
//! why it decides as it does.

use std::collections::BTreeMap;

use super::blocks::{block_of, blocks_between, season_of};
use super::state::Depth;
use crate::segment::{DayBlock, Segment};

/// When runs of a block are merged.
#[derive(Debug, Clone, Copy)]
struct Tier {
    /// So many of like size.
    runs: usize,
    /// An older run is of like size when it has less than this many times the rows of all newer.
    ratio: u64,
}

/// Days that are still being written get runs all the time.
const OPEN: Tier = Tier { runs: 4, ratio: 4 };
/// Later only late data comes, which is little.
const CLOSED: Tier = Tier { runs: 2, ratio: 8 };
/// So many segments with days of several blocks are merged, or fewer with so large a part of the
/// events of their 64 days.
const SCATTERED: Tier = Tier { runs: 8, ratio: 4 };
/// Inputs of one merge at most.
pub(super) const PIECES_MAX: usize = 256;
const _: () = assert!(PIECES_MAX <= crate::segment::INPUTS_MAX);
/// Days up to the newest that are still being written: yesterday's batches come today.
const OPEN_DAYS: i32 = 2;

/// A place in the order of (brand, behaviour, chunk).
pub(super) type Place = (u32, u16, u32);

/// A segment, as far as a plan looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) number: u64,
    /// The number of the newest file whose events are in it.
    pub(super) arrival: u64,
    pub(super) first_day: i32,
    pub(super) last_day: i32,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Its first and last place.
    pub(super) extent: (Place, Place),
}

impl Piece {
    pub(super) fn of(number: u64, segment: &Segment) -> Self {
        Self {
            number,
            arrival: segment.arrival().unwrap_or(number),
            first_day: segment.first_day(),
            last_day: segment.last_day(),
            rows: segment.rows(),
            bytes: segment.bytes(),
            extent: segment.extent(),
        }
    }
}

/// A merge: pieces in the order of their arrival, and the blocks of their days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Job {
    pub(super) pieces: Vec<Piece>,
    pub(super) blocks: Vec<DayBlock>,
}

impl Job {
    /// The rewriting of one segment: its events stay in one block of days, and as old as they are.
    pub(in crate::store) fn rewriting(number: u64, segment: &Segment) -> Self {
        let piece = Piece::of(number, segment);
        let block = DayBlock { first: piece.first_day, last: piece.last_day };
        Self { pieces: vec![piece], blocks: vec![block] }
    }

    fn new(mut pieces: Vec<Piece>, newest: i32) -> Self {
        // What is left out is the newest, so the order of arrival stays.
        pieces.sort_by_key(|piece| (piece.arrival, piece.number));
        pieces.truncate(whole_runs(&pieces));
        let first = pieces.iter().map(|piece| piece.first_day).min().unwrap_or(0);
        let last = pieces.iter().map(|piece| piece.last_day).max().unwrap_or(-1);
        Self { blocks: blocks_between(first, last, newest), pieces }
    }

    pub(super) fn rows(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.rows).sum()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bytes).sum()
    }
}

/// How many pieces from the start one merge takes. Pieces that came out of one merge stay
/// together, since the presence of them all is in one of them.
fn whole_runs(pieces: &[Piece]) -> usize {
    if pieces.len() <= PIECES_MAX {
        return pieces.len();
    }
    let arrival = |at: usize| pieces.get(at).map(|piece| piece.arrival);
    let cut = (1..=PIECES_MAX).rev().find(|&at| arrival(at) != arrival(at - 1));
    cut.unwrap_or(pieces.len())
}

/// The merges that are due, the smallest first. No two of them share a segment.
pub(super) fn plan(pieces: Vec<Piece>, newest: i32, depth: Depth) -> Vec<Job> {
    let mut seasons: BTreeMap<i32, Vec<Piece>> = BTreeMap::new();
    for piece in pieces {
        seasons.entry(season_of(piece.first_day)).or_default().push(piece);
    }
    let mut jobs = Vec::new();
    for mut pieces in seasons.into_values() {
        pieces.sort_by_key(|piece| (piece.arrival, piece.number));
        let season = Season::new(pieces, newest);
        match depth {
            Depth::Due => season.due(&mut jobs),
            Depth::Full => season.full(&mut jobs),
        }
    }
    jobs.sort_by_key(Job::rows);
    jobs
}

/// Pieces of one block that came out of one merge, or one piece: nothing in it overlaps.
#[derive(Debug)]
struct Run {
    arrival: u64,
    rows: u64,
    pieces: Vec<Piece>,
}

/// The pieces of 64 days.
struct Season {
    newest: i32,
    rows: u64,
    /// Pieces with days of several blocks, the oldest first.
    scattered: Vec<Piece>,
    /// The runs of each block, the oldest first.
    blocks: BTreeMap<DayBlock, Vec<Run>>,
}

impl Season {
    fn new(pieces: Vec<Piece>, newest: i32) -> Self {
        let rows = pieces.iter().map(|piece| piece.rows).sum();
        let mut season = Self { newest, rows, scattered: Vec::new(), blocks: BTreeMap::new() };
        for piece in pieces {
            let block = block_of(piece.first_day, newest);
            if block.contains(piece.last_day) {
                add(season.blocks.entry(block).or_default(), piece);
            } else {
                season.scattered.push(piece);
            }
        }
        season
    }

    /// What is worth its writing.
    fn due(self, jobs: &mut Vec<Job>) {
        let rows: u64 = self.scattered.iter().map(|piece| piece.rows).sum();
        if let Some(oldest) = self.scattered.first()
            && (self.scattered.len() >= SCATTERED.runs
                || rows.saturating_mul(SCATTERED.ratio) >= self.rows)
        {
            // With all that came later, so that the order of arrival stays what it is.
            let arrival = oldest.arrival;
            let runs = self.blocks.into_values().flatten();
            let later = runs.filter(|run| run.arrival > arrival).flat_map(|run| run.pieces);
            jobs.push(Job::new(later.chain(self.scattered).collect(), self.newest));
            return;
        }
        for (block, runs) in self.blocks {
            let tier = if block.last > self.newest - OPEN_DAYS { OPEN } else { CLOSED };
            let mut stretches: BTreeMap<usize, Vec<Run>> = BTreeMap::new();
            for run in runs {
                // A scattered piece between two runs keeps them apart.
                let before = self.scattered.partition_point(|piece| piece.arrival < run.arrival);
                stretches.entry(before).or_default().push(run);
            }
            for mut stretch in stretches.into_values() {
                let from = like_sized(&stretch, tier.ratio);
                if stretch.len() - from >= tier.runs {
                    let pieces = stretch.drain(from..).flat_map(|run| run.pieces);
                    jobs.push(Job::new(pieces.collect(), self.newest));
                }
            }
        }
    }

    /// Everything that makes a block more than one run.
    fn full(self, jobs: &mut Vec<Job>) {
        let is_crossed = |block: &DayBlock| {
            let overlap =
                |piece: &Piece| piece.first_day <= block.last && block.first <= piece.last_day;
            self.scattered.iter().any(overlap)
        };
        let mut crossed = Vec::new();
        for (block, runs) in self.blocks {
            let pieces = || runs.iter().flat_map(|run| run.pieces.iter().cloned());
            if is_crossed(&block) {
                crossed.extend(pieces());
            } else if runs.len() > 1 {
                jobs.push(Job::new(pieces().collect(), self.newest));
            }
        }
        if !self.scattered.is_empty() {
            crossed.extend(self.scattered);
            jobs.push(Job::new(crossed, self.newest));
        }
    }
}

/// Adds a piece to the runs of its block; pieces come in the order of arrival.
fn add(runs: &mut Vec<Run>, piece: Piece) {
    let apart = |other: &Piece| piece.extent.1 < other.extent.0 || other.extent.1 < piece.extent.0;
    match runs.last_mut() {
        Some(run) if run.arrival == piece.arrival && run.pieces.iter().all(apart) => {
            run.rows += piece.rows;
            run.pieces.push(piece);
        }
        _ => runs.push(Run { arrival: piece.arrival, rows: piece.rows, pieces: vec![piece] }),
    }
}

/// Where the newest runs begin of which none is much larger than all that came after it.
fn like_sized(runs: &[Run], ratio: u64) -> usize {
    let mut from = runs.len();
    let mut rows = 0;
    for run in runs.iter().rev() {
        if from < runs.len() && run.rows >= ratio.saturating_mul(rows) {
            break;
        }
        rows += run.rows;
        from -= 1;
    }
    from
}
