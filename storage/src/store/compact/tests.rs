//! Plans, and what they cost over the life of a store.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::blocks::{block_of, blocks_between, season_of};
use super::plan::{Job, PIECES_MAX, Piece, plan};
use super::state::Depth;
use crate::segment::DayBlock;

const NEWEST: i32 = 17_630;

fn piece(number: u64, first_day: i32, last_day: i32, rows: u64) -> Piece {
    let extent = ((1, 1, 0), (9, 9, 9));
    Piece { number, arrival: number, first_day, last_day, rows, bytes: rows * 4, extent }
}

fn numbers(jobs: &[Job]) -> Vec<Vec<u64>> {
    jobs.iter().map(|job| job.pieces.iter().map(|piece| piece.number).collect()).collect()
}

#[test]
fn blocks_cover_every_day_once_and_only_grow() {
    for newest in [0, 5, 70, NEWEST, NEWEST + 1, NEWEST + 37, 65_534] {
        for day in (0..=newest).rev().take(300) {
            let block = block_of(day, newest);
            assert!(block.contains(day));
            let length = block.last - block.first + 1;
            assert!([1, 8, 64].contains(&length) && block.first % length == 0);
            let age = newest - block.last;
            assert!(length == 1 || age >= [16, 64][usize::from(length == 64)]);
            assert!(length > 1 || newest - (day | 7) < 16);
            for inside in block.first..=block.last {
                assert_eq!(block_of(inside, newest), block);
            }
            let later = block_of(day, newest + 1);
            assert!(later.first <= block.first && block.last <= later.last);
            assert_eq!(season_of(block.first), season_of(block.last));
        }
    }
    let blocks = blocks_between(NEWEST - 200, NEWEST, NEWEST);
    assert!(blocks.is_sorted_by(|one, next| one.last + 1 == next.first));
}

#[test]
fn a_store_that_is_compact_has_nothing_due() {
    let blocks = blocks_between(NEWEST - 730, NEWEST, NEWEST);
    let pieces: Vec<_> =
        (1..).zip(&blocks).map(|(number, b)| piece(number, b.first, b.last, 1_000)).collect();
    assert_eq!(plan(pieces.clone(), NEWEST, Depth::Due), []);
    assert_eq!(plan(pieces, NEWEST, Depth::Full), []);
    assert_eq!(plan(Vec::new(), NEWEST, Depth::Full), []);
    // Several segments of one merge that do not overlap are as good as one.
    let part = |number, lanes: u32| Piece {
        arrival: 7,
        extent: ((lanes, 1, 0), (lanes, 9, 9)),
        ..piece(number, 0, 60, 1_000)
    };
    assert_eq!(plan((10..15).zip(1..).map(|(n, l)| part(n, l)).collect(), 500, Depth::Full), []);
    let overlapping = plan(vec![part(10, 1), part(11, 1)], 500, Depth::Full);
    assert_eq!(numbers(&overlapping), [[10, 11]]);
}

#[test]
fn like_sized_runs_are_merged_and_a_large_one_waits_for_many() {
    let day = NEWEST - 500;
    let late = |sizes: &[u64]| -> Vec<Vec<u64>> {
        let pieces = (1..).zip(sizes).map(|(number, &rows)| piece(number, day, day, rows));
        numbers(&plan(pieces.collect(), NEWEST, Depth::Due))
    };
    assert_eq!(late(&[100]), Vec::<Vec<u64>>::new());
    assert_eq!(late(&[100, 100]), [[1, 2]]);
    assert_eq!(late(&[1_000, 10]), Vec::<Vec<u64>>::new());
    assert_eq!(late(&[1_000, 10, 10]), [[2, 3]]);
    assert_eq!(late(&[1_000, 130]), [[1, 2]]);
    assert_eq!(late(&[1, 1_000]), [[1, 2]]);
    // A day that is still being written waits for more.
    let today = |count: u64| -> Vec<Vec<u64>> {
        let pieces = (1..=count).map(|number| piece(number, NEWEST, NEWEST, 10));
        numbers(&plan(pieces.collect(), NEWEST, Depth::Due))
    };
    assert_eq!(today(3), Vec::<Vec<u64>>::new());
    assert_eq!(today(4), [[1, 2, 3, 4]]);
}

#[test]
fn scattered_segments_are_merged_with_all_that_came_later() {
    let day = NEWEST;
    let mut pieces = vec![piece(1, day, day, 9_000), piece(2, day - 3, day, 10)];
    pieces.push(piece(3, day, day, 10));
    assert_eq!(plan(pieces.clone(), NEWEST, Depth::Due), []);
    // The runs before and after the scattered one are not mixed.
    pieces.extend((4..7).map(|number| piece(number, day, day, 10)));
    assert_eq!(numbers(&plan(pieces.clone(), NEWEST, Depth::Due)), [[3, 4, 5, 6]]);
    pieces.extend((7..14).map(|number| piece(number, day - 3, day, 10)));
    let jobs = plan(pieces.clone(), NEWEST, Depth::Due);
    assert_eq!(numbers(&jobs), [(2..14).collect::<Vec<u64>>()]);
    assert_eq!(jobs[0].blocks.len(), 4);
    let jobs = plan(pieces, NEWEST, Depth::Full);
    assert_eq!(numbers(&jobs), [(1..14).collect::<Vec<u64>>()]);
}

#[test]
fn a_job_has_a_bounded_number_of_segments() {
    let many = PIECES_MAX as u64 * 2;
    let pieces = (1..=many).map(|number| piece(number, NEWEST, NEWEST, 10)).collect();
    let jobs = plan(pieces, NEWEST, Depth::Full);
    assert_eq!(jobs[0].pieces.len(), PIECES_MAX);
    assert_eq!(jobs[0].pieces[0].number, 1);
}

/// A store of rows without content: how much is written, and how many segments there are.
struct Life {
    pieces: BTreeMap<u64, (Piece, BTreeMap<i32, u64>)>,
    next: u64,
    newest: i32,
    put: u64,
    written: u64,
    extra: u64,
}

impl Life {
    /// A checkpoint: one segment for each 64 days.
    fn flush(&mut self, days: &BTreeMap<i32, u64>) {
        let mut seasons: BTreeMap<i32, BTreeMap<i32, u64>> = BTreeMap::new();
        for (&day, &rows) in days {
            *seasons.entry(season_of(day)).or_default().entry(day).or_default() += rows;
            self.newest = self.newest.max(day);
            self.put += rows;
        }
        for days in seasons.into_values() {
            self.add(days, None);
        }
    }

    fn add(&mut self, days: BTreeMap<i32, u64>, arrival: Option<u64>) {
        let rows = days.values().sum();
        self.written += rows;
        let (Some((&first, _)), Some((&last, _))) = (days.first_key_value(), days.last_key_value())
        else {
            return;
        };
        let mut made = piece(self.next, first, last, rows);
        made.arrival = arrival.unwrap_or(made.arrival);
        self.pieces.insert(self.next, (made, days));
        self.next += 1;
    }

    fn compact(&mut self, depth: Depth) {
        loop {
            let pieces = self.pieces.values().map(|(piece, _)| piece.clone()).collect();
            let Some(job) = plan(pieces, self.newest, depth).into_iter().next() else { return };
            self.extra = self.extra.max(job.rows());
            let mut blocks: BTreeMap<DayBlock, BTreeMap<i32, u64>> = BTreeMap::new();
            for piece in &job.pieces {
                for (day, rows) in self.pieces.remove(&piece.number).unwrap().1 {
                    let block = *job.blocks.iter().find(|block| block.contains(day)).unwrap();
                    *blocks.entry(block).or_default().entry(day).or_default() += rows;
                }
            }
            let arrival = job.pieces.iter().map(|piece| piece.arrival).max();
            blocks.into_values().for_each(|days| self.add(days, arrival));
        }
    }
}

#[test]
fn a_year_of_batches_are_written_a_bounded_number_of_times() {
    let mut random = Pcg64::seed_from_u64(21);
    let mut life =
        Life { pieces: BTreeMap::new(), next: 1, newest: 0, put: 0, written: 0, extra: 0 };
    let mut most = 0;
    for day in 17_330..17_630 {
        for _ in 0..3 {
            // Nine of ten events are of today or yesterday, the others up to 400 days late.
            let mut days = BTreeMap::from([(day, 600_000), (day - 1, 300_000)]);
            for _ in 0..25 {
                let late = random.random_range(0_i32..20).pow(2);
                *days.entry(day - late).or_default() += 4_000;
            }
            life.flush(&days);
            life.compact(Depth::Due);
            most = most.max(life.pieces.len());
        }
    }
    let factor = life.written as f64 / life.put as f64;
    println!("written {factor:.2} times, {most} segments at most, now {}", life.pieces.len());
    assert!(factor < 7.0, "every event was written {factor:.2} times");
    assert!(most < 160, "{most} segments");
    assert!(life.extra < 64 * 3_100_000, "a merge of {} events", life.extra);
    life.compact(Depth::Full);
    let blocks = blocks_between(16_900, life.newest, life.newest).len();
    assert!(life.pieces.len() <= blocks, "{} segments", life.pieces.len());
}

#[test]
fn one_large_load_is_written_once_more_at_most() {
    let mut life =
        Life { pieces: BTreeMap::new(), next: 1, newest: 0, put: 0, written: 0, extra: 0 };
    let days: BTreeMap<i32, u64> = (16_900..17_630).map(|day| (day, 1_000_000)).collect();
    life.flush(&days);
    life.compact(Depth::Due);
    let factor = life.written as f64 / life.put as f64;
    println!("written {factor:.2} times");
    assert!(factor < 1.3, "every event was written {factor:.2} times");
    let blocks = blocks_between(16_900, 17_629, 17_629).len();
    assert_eq!(life.pieces.len(), blocks);
}
