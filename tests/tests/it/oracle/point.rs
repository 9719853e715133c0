//! Questions about one consumer read its rows alone: they say of it what sets say of everybody.

use throng::{Database, DatabaseError, ExecuteError, Value};

use super::dice::Dice;
use super::load::Pair;
use super::run::number;
use super::term::{Term, some_day};
use super::text;
use super::world::{Size, World};

/// Stores, sets of each, and consumers asked of each set.
const STORES: u64 = 12;
const SETS: usize = 40;
const PEOPLE: usize = 12;

/// Whether a consumer is in a live and in a frozen audience; none when nobody knows it.
fn matches(db: &Database, person: &str, day: &str) -> Option<(Value, Value)> {
    let person = text::literal(person);
    let asked =
        format!("MATCH CONSUMER {person} AGAINST AUDIENCE asked_live, asked_frozen AS OF {day}");
    match db.query(&asked) {
        Ok(answer) => Some((answer.rows[0][1].clone(), answer.rows[1][1].clone())),
        Err(DatabaseError::Execute(ExecuteError::UnknownConsumer { .. })) => None,
        Err(error) => panic!("{asked}\n{error}"),
    }
}

#[test]
fn one_consumer_is_in_a_set_exactly_where_the_set_has_it() {
    let (mut held, mut asked) = (0, 0);
    for seed in 9_001..9_001 + STORES * number("THRONG_CASES").unwrap_or(1) {
        let world = World::new(seed, if seed % 8 == 0 { Size::Dense } else { Size::Small });
        let pair = Pair::build(&world);
        let mut dice = Dice::new(seed ^ 0x3C3C);
        for _ in 0..SETS {
            let depth = dice.index(4);
            let set = Term::random(&mut dice, &world.days, &world.models, &world.audiences, depth);
            let (set, day) = (text::term(&set), text::day(some_day(&mut dice, &world.days)));
            pair.db.query(&format!("CREATE OR REPLACE AUDIENCE asked_live AS {set}")).unwrap();
            let frozen =
                format!("CREATE OR REPLACE FROZEN AUDIENCE asked_frozen AS {set} AS OF {day}");
            pair.db.query(&frozen).unwrap();
            for _ in 0..PEOPLE {
                let person = dice.pick(&world.people);
                if let Some((alone, among_all)) = matches(&pair.db, person, &day) {
                    assert_eq!(alone, among_all, "seed {seed}: {person} as of {day}: {set}");
                    asked += 1;
                    held += usize::from(alone == Value::Boolean(true));
                }
            }
        }
    }
    assert!(held > asked / 10 && held < asked * 9 / 10, "{held} of {asked}");
    println!("{asked} consumers and sets, {held} in them");
}
