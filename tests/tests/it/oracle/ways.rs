//! Every way of answering gives the same answer: by sets or by rows, with one worker or several,
//! with each kind of loops that the machine has, before and after merging.
//!
//! `THRONG_CASES=n` multiplies the stores by n: 20 ask 100,000 statements.

use std::ops::ControlFlow;

use throng::kernel::{Level, force};
use throng::{Database, ExecuteOptions, Method, UseMemo, Value};

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
    let (threads, memo) = (Some(threads), UseMemo::No);
    let options = ExecuteOptions { method, threads, memo, ..ExecuteOptions::default() };
    let answer = db.execute(text, &[], &options);
    answer.unwrap_or_else(|error| panic!("{text}\n{error}")).rows
}

#[test]
fn every_way_of_answering_gives_the_same_answer() {
    let levels: Vec<Level> = Level::ALL.into_iter().filter(|level| force(*level)).collect();
    let best = *levels.last().unwrap();
    let mut ways = vec![(Method::Best, 1, best), (Method::Best, 4, best), (Method::Sets, 3, best)];
    ways.extend([1, 3].map(|threads| (Method::Eager, threads, best)));
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

/// Statements asked again and again while the store changes, and stores.
const REPEATED: usize = 40;
const CHANGING: u64 = 20;

#[test]
fn the_memo_changes_no_answer_whatever_happens_to_the_store() {
    let mut hits = 0;
    let mut compared = 0;
    for seed in 7_001..7_001 + CHANGING * number("THRONG_CASES").unwrap_or(1) {
        let world = World::new(seed, Size::Small);
        let mut dice = Dice::new(seed ^ 0xA5A5);
        let questions: Vec<String> =
            (0..REPEATED).map(|_| Question::random(&mut dice, &world).text()).collect();
        let mut earlier = None;
        let pair = Pair::build_with(&world, &mut |db| {
            for text in &questions {
                // What is asked a second time goes to the memo, and comes from there after.
                let ask = |memo| {
                    let options = ExecuteOptions { memo, ..ExecuteOptions::default() };
                    db.execute(text, &[], &options).map(|answer| answer.rows)
                };
                let Ok(expected) = ask(UseMemo::No) else { continue };
                let ways =
                    [UseMemo::Sets, UseMemo::Sets, UseMemo::Sets, UseMemo::Yes, UseMemo::Yes];
                for memo in ways {
                    assert_eq!(expected, ask(memo).unwrap(), "seed {seed}, {memo:?}: {text}");
                }
                compared += ways.len() as u64;
            }
            let now = db.memo().usage().hits;
            // A store that was opened again begins anew.
            hits += now.checked_sub(earlier.replace(now).unwrap_or(0)).unwrap_or(now);
        });
        // With hardly any room sets come and go.
        pair.db.memo().set_limit(6_000);
        for text in questions.iter().chain(&questions) {
            let options = ExecuteOptions { memo: UseMemo::Sets, ..ExecuteOptions::default() };
            let with = pair.db.execute(text, &[], &options).unwrap().rows;
            let without = ExecuteOptions { memo: UseMemo::No, ..options };
            assert_eq!(with, pair.db.execute(text, &[], &without).unwrap().rows, "{text}");
            assert!(pair.db.memo().usage().bytes <= 6_000);
        }
    }
    assert!(hits > compared / 20, "{hits} hits in {compared} statements");
    println!("{compared} statements, {hits} sets from the memo");
}
