//! Random stores and what is asked of them, for tests that work answers out by SQL.

use throng::{Answer, Database, Value};

use crate::oracle::dice::Dice;
use crate::oracle::load::Pair;
use crate::oracle::text;
use crate::oracle::world::{BRANDS, Size, World};

const STORES: u64 = 8;

/// A random store, and what is asked of it.
pub struct Asked<'p> {
    pub pair: &'p Pair<'p>,
    pub brand: usize,
    pub name: String,
    /// The day of the first event.
    pub first: i32,
}

/// Asks every store so many questions.
pub fn over_questions(first_seed: u64, each: usize, law: impl Fn(&Asked<'_>, &World, &mut Dice)) {
    for seed in first_seed..first_seed + STORES {
        let world = World::new(seed, Size::Small);
        let pair = Pair::build(&world);
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let sql = "SELECT coalesce(min(day), 0) FROM event";
        let first = pair.twin.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        for _ in 0..each {
            let brand = dice.heavy(BRANDS.len());
            let name = text::name(BRANDS[brand]);
            law(&Asked { pair: &pair, brand, name, first }, &world, &mut dice);
        }
    }
}

/// An answer; its ratios are numbers.
pub fn answer(db: &Database, statement: &str) -> Answer {
    let answer = db.query(statement).unwrap_or_else(|error| panic!("{error}\n{statement}"));
    for value in answer.rows.iter().flatten() {
        assert!(!matches!(value, Value::Double(number) if !number.is_finite()), "{statement}");
    }
    answer
}

/// A count, or an amount in minor units.
pub fn integer(value: &Value) -> i128 {
    match value {
        Value::Integer(number) => i128::from(*number),
        Value::Numeric(number) => number.unscaled,
        other => panic!("{other:?} is no whole number"),
    }
}
