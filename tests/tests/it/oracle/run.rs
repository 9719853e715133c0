//! The comparison itself: many stores, many statements each.
//!
//! `THRONG_SEED=n` runs the one store with that seed; `THRONG_CASES=n` multiplies the stores by n.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use super::compare::check;
use super::dice::Dice;
use super::load::Pair;
use super::question::Question;
use super::world::{Size, World};

/// Small stores and questions to each, dense stores and questions to each.
const SMALL: (usize, usize) = (70, 75);
const DENSE: (usize, usize) = (3, 40);
/// At least so many pairs of a store and a statement are compared.
const PAIRS_MIN: usize = 5_000;

const _: () = assert!(SMALL.0 * SMALL.1 + DENSE.0 * DENSE.1 >= PAIRS_MIN);

pub fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

fn ask(seed: u64, size: Size, questions: usize, asked: &AtomicUsize) {
    let world = World::new(seed, size);
    let pair = Pair::build(&world);
    let mut dice = Dice::new(seed ^ 0xA5A5);
    let replay = format!("THRONG_SEED={seed} ({size:?}) cargo test -p throng-tests oracle");
    for _ in 0..questions {
        let question = Question::random(&mut dice, &world);
        check(&pair.db, &pair.twin, &question, &replay);
        asked.fetch_add(1, Ordering::Relaxed);
    }
}

fn compare(size: Size, first_seed: u64, stores: usize, questions: usize) {
    let started = Instant::now();
    let asked = AtomicUsize::new(0);
    let stores = stores * usize::try_from(number("THRONG_CASES").unwrap_or(1)).unwrap();
    let mut seeds: Vec<u64> = (first_seed..).take(stores).collect();
    if let Some(seed) = number("THRONG_SEED") {
        seeds = vec![seed];
    }
    let waiting = Mutex::new(seeds.clone().into_iter());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    while let Some(seed) = { waiting.lock().unwrap().next() } {
                        ask(seed, size, questions, &asked);
                    }
                })
            })
            .collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let asked = asked.into_inner();
    assert_eq!(asked, seeds.len() * questions);
    println!(
        "{size:?}: {asked} statements over {} stores in {:.1?}",
        seeds.len(),
        started.elapsed()
    );
}

#[test]
fn small_stores_answer_as_sqlite_does() {
    compare(Size::Small, 1, SMALL.0, SMALL.1);
}

#[test]
fn dense_stores_answer_as_sqlite_does() {
    compare(Size::Dense, 1_001, DENSE.0, DENSE.1);
}
