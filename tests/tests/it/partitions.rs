//! Partitions of one's own against SQL over the raw events, and their laws.

use std::cell::Cell;

use throng::{Answer, DatabaseError, Value};

use crate::asked::{Asked, answer, integer, over_questions};
use crate::oracle::dice::Dice;
use crate::oracle::sql::universe;
use crate::oracle::term::{Rows, Term, Top, Whose, Window, some_day};
use crate::oracle::text;
use crate::oracle::world::World;

/// Rules, and a partition of them in the store.
fn divided(asked: &Asked<'_>, world: &World, dice: &mut Dice) -> Vec<Term> {
    let count = 1 + dice.index(4);
    let rule = |dice: &mut Dice| Term::random(dice, &world.days, &world.models, &[], 2);
    let rules: Vec<Term> = (0..count).map(|_| rule(dice)).collect();
    // Who comes after everybody is refused, as is who comes twice.
    let rules: Vec<Term> = rules.into_iter().filter(|rule| !matches!(rule, Term::All)).collect();
    rules.iter().for_each(|rule| asked.pair.twin.prepare(rule));
    rules
}

fn create(asked: &Asked<'_>, rules: &[Term]) -> Option<Answer> {
    let groups: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(n, rule)| format!("GROUP g{n} WHEN {}", text::term(rule)))
        .collect();
    let groups = groups.join(", ");
    let statement = format!("CREATE OR REPLACE PARTITION own AS {groups} REST others");
    match asked.pair.db.query(&statement) {
        Ok(answer) => Some(answer),
        // Two rules that say the same.
        Err(DatabaseError::Query { source, .. }) => {
            assert_eq!(source.sqlstate(), "42P17", "{source}\n{statement}");
            None
        }
        Err(other) => panic!("{other}\n{statement}"),
    }
}

/// How many are in each group, the rest last, as of a day of a statement.
fn expected(asked: &Asked<'_>, rules: &[Term], own: i32, day: i32) -> Vec<i128> {
    let sql = asked.pair.twin.asked(own);
    let cases: Vec<String> = rules
        .iter()
        .enumerate()
        .map(|(n, rule)| format!("WHEN {} THEN {n}", sql.condition(rule)))
        .collect();
    let text = format!(
        "SELECT (CASE {} ELSE {} END), count(*) FROM person u WHERE {} GROUP BY 1",
        cases.join(" "),
        rules.len(),
        universe(day)
    );
    let mut counts = vec![0; rules.len() + 1];
    let mut statement = asked.pair.twin.connection.prepare(&text).unwrap();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let place = usize::try_from(row.get::<_, i64>(0).unwrap()).unwrap();
        counts[place] = i128::from(row.get::<_, i64>(1).unwrap());
    }
    counts
}

#[test]
fn groups_are_what_sql_counts_and_cover_everybody_once() {
    let several = Cell::new(0);
    over_questions(5_001, 8, |asked, world, dice| {
        let rules = divided(asked, world, dice);
        if rules.is_empty() || create(asked, &rules).is_none() {
            return;
        }
        let db = &asked.pair.db;
        let day = some_day(dice, &world.days);
        let (own, clause) = match dice.chance(30) {
            true => {
                let own = some_day(dice, &world.days);
                (own, format!("(PARTITION own AS OF {})", text::day(own)))
            }
            false => (day, "PARTITION own".to_owned()),
        };
        let statement = format!("COUNT BY {clause} AS OF {}", text::day(day));
        let found = answer(db, &statement).rows;
        let counts = expected(asked, &rules, own, day);
        let named = |place: usize| match place == rules.len() {
            true => "others".to_owned(),
            false => format!("g{place}"),
        };
        let some: Vec<_> = (0..).zip(&counts).filter(|(_, count)| **count > 0).collect();
        let told: Vec<_> = found.iter().map(|row| (row[0].to_string(), integer(&row[1]))).collect();
        let wanted: Vec<_> = some.iter().map(|(place, count)| (named(*place), **count)).collect();
        assert_eq!(told, wanted, "{statement}");
        several.set(several.get() + usize::from(some.len() > 1));
        let all = answer(db, &format!("COUNT AS OF {}", text::day(day))).rows;
        assert_eq!(counts.iter().sum::<i128>(), integer(&all[0][0]), "{statement}");
        // Each group is its set.
        for (place, count) in counts.iter().enumerate() {
            let set = format!("PARTITION own AS OF {} = {}", text::day(own), named(place));
            let one = format!("COUNT WHERE {set} AS OF {}", text::day(day));
            assert_eq!(integer(&answer(db, &one).rows[0][0]), *count, "{one}");
            let others = format!("COUNT WHERE NOT {set} AS OF {}", text::day(day));
            let rest = counts.iter().sum::<i128>() - count;
            assert_eq!(integer(&answer(db, &others).rows[0][0]), rest, "{others}");
        }
    });
    assert!(several.get() >= 20, "only {} had several groups", several.get());
}

#[test]
fn bands_are_what_sql_ranks() {
    over_questions(5_101, 6, |asked, world, dice| {
        let count = *dice.pick(&[1, 2, 3, 5, 10]);
        let by = *dice.pick(&["spend", "frequency", "recency", "price", "price"]);
        let days = *dice.pick(&[30, 365]);
        let rows = Rows { window: Some(Window::Last(days)), ..Rows::default() };
        let rules: Vec<Term> = (1..=count)
            .map(|band| {
                let per_million = 1_000_000 * band / count;
                let (rows, brand) = (rows.clone(), Whose::Brand(asked.brand));
                Term::Top(Top { per_million, among: None, by, brand, rows })
            })
            .collect();
        let db = &asked.pair.db;
        let name = &asked.name;
        let create = format!(
            "CREATE OR REPLACE PARTITION bands AS {count} BANDS BY {name}.{by} IN LAST {days} DAYS"
        );
        db.query(&create).unwrap();
        let day = some_day(dice, &world.days);
        let found = answer(db, &format!("COUNT BY PARTITION bands AS OF {}", text::day(day)));
        let counts = expected(asked, &rules, day, day);
        let told: Vec<_> =
            found.rows.iter().map(|row| (row[0].to_string(), integer(&row[1]))).collect();
        let named = |place: usize| match place == rules.len() {
            true => "rest".to_owned(),
            false => (place + 1).to_string(),
        };
        let wanted: Vec<_> = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
            .map(|(place, count)| (named(place), *count))
            .collect();
        assert_eq!(told, wanted, "{create} as of {day}");
    });
}

#[test]
fn partitions_stand_wherever_attributes_do() {
    over_questions(5_201, 3, |asked, world, dice| {
        let rules = divided(asked, world, dice);
        if rules.is_empty() || create(asked, &rules).is_none() {
            return;
        }
        let db = &asked.pair.db;
        let day = some_day(dice, &world.days).max(asked.first + 30);
        let (name, at, before) = (&asked.name, text::day(day), text::day(day - 9));
        let sum = |rows: &[Vec<Value>], at: usize| -> i128 {
            rows.iter().map(|row| integer(&row[at])).sum()
        };
        let flow = format!("COUNT BY {name}.stage AS OF {before}, ({name}.stage AS OF {at})");
        let whole = answer(db, &format!("{flow} AS OF {at}")).rows;
        let parts = answer(db, &format!("{flow}, PARTITION own AS OF {at}")).rows;
        assert_eq!(sum(&whole, 2), sum(&parts, 3), "{flow}");
        let spend = format!("SUM {name}.spend");
        let whole = answer(db, &format!("{spend} AS OF {at}")).rows;
        let parts = answer(db, &format!("{spend} BY PARTITION own AS OF {at}")).rows;
        assert_eq!(sum(&whole, 0), sum(&parts, 1), "{spend}");
        let profile = format!("PROFILE WHERE {name} DID ANY BY PARTITION own AS OF {at}");
        let counted = answer(db, &format!("COUNT WHERE {name} DID ANY AS OF {at}")).rows;
        assert_eq!(sum(&answer(db, &profile).rows, 2), sum(&counted, 0), "{profile}");
        // Assets divide their consumers by the partition's groups of the day.
        let asset = format!("ASSET {name} HORIZON 30 DAYS");
        let whole = answer(db, &format!("{asset} AS OF {at}")).rows;
        let parts = answer(db, &format!("{asset} BY PARTITION own AS OF {at}")).rows;
        let last = |rows: &[Vec<Value>], back: usize| {
            let row = rows.last().unwrap();
            integer(&row[row.len() - back])
        };
        assert_eq!(last(&whole, 4), last(&parts, 4), "{asset}");
        let total: i128 = parts[..parts.len() - 1]
            .iter()
            .filter(|row| row[4] != Value::Null)
            .map(|row| integer(&row[4]))
            .sum();
        if parts.last().unwrap()[4] != Value::Null {
            assert_eq!(total, last(&parts, 2), "{asset}");
        }
    });
}
