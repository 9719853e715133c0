//! Every way of answering gives the same answer: by sets or by rows, with one worker or several,
//! with each kind of loops that the machine has, before and after merging.
//!
//! `THRONG_CASES=n` multiplies the stores by n: 20 ask 100,000 statements.

use std::ops::ControlFlow;

use throng::kernel::{Level, force};
use throng::{Database, ExecuteOptions, Method, Value};

use super::dice::Dice;
use super::load::Pair;
use super::question::Question;
use super::run::number;
use super::world::{Size, World};

/// Stores, and statements to each.
const STORES: u64 = 50;
const STATEMENTS: usize = 100;

fn answer(db: &Database, text: &str, way: (Method, usize, Level)) -> Vec<Vec<Value>> {
    let (method, threads, level) = way;
    assert!(force(level));
    let options = ExecuteOptions { method, threads: Some(threads), ..ExecuteOptions::default() };
    let answer = db.execute(text, &[], &options);
    answer.unwrap_or_else(|error| panic!("{text}\n{error}")).rows
}

#[test]
fn every_way_of_answering_gives_the_same_answer() {
    let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| force(*level)).collect();
    let best = *levels.last().unwrap();
    let mut ways = vec![(Method::Best, 1, best), (Method::Best, 4, best), (Method::Sets, 3, best)];
    ways.extend(levels.iter().map(|level| (Method::Sets, 1, *level)));
    let mut asked = 0;
    for seed in 3_001..3_001 + STORES * number("THRONG_CASES").unwrap_or(1) {
        let world = World::new(seed, Size::Small);
        let pair = Pair::build(&world);
        let mut dice = Dice::new(seed ^ 0x5A5A);
        let questions: Vec<String> =
            (0..STATEMENTS).map(|_| Question::random(&mut dice, &world).text()).collect();
        let first: Vec<_> =
            questions.iter().map(|text| answer(&pair.db, text, (Method::Sets, 1, best))).collect();
        let check = |when: &str| {
            for (text, first) in questions.iter().zip(&first) {
                for way in &ways {
                    let other = answer(&pair.db, text, *way);
                    assert_eq!(*first, other, "seed {seed}, {when}, {way:?}: {text}");
                }
            }
        };
        check("as loaded");
        let merged = pair.db.compact(&mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(merged.1, ControlFlow::Continue(()));
        check("merged");
        asked += questions.len();
    }
    println!("{asked} statements in {} ways, before and after merging", ways.len());
}
