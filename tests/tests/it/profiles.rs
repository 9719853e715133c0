//! Profiles by what events are about, against SQL over the raw events.

use std::cell::Cell;
use std::collections::BTreeMap;

use throng::{DatabaseError, Value};

use crate::asked::{answer, integer, over_questions};
use crate::oracle::sql::{universe, value};
use crate::oracle::term::{Rows, Term, Whose, Window, some_day};
use crate::oracle::text;
use crate::oracle::world::{ATTRIBUTES, BRANDS, CATEGORIES, ITEMS, TOUCHPOINTS};

const ABOUT: [(&str, &str, &[&str]); 4] = [
    ("CATEGORIES", "e.cat", &CATEGORIES),
    ("ITEMS", "e.item", &ITEMS),
    ("TOUCHPOINTS", "e.tp", &TOUCHPOINTS),
    ("BRANDS", "e.brand", &BRANDS),
];

#[test]
fn groups_are_what_sql_counts() {
    let told = Cell::new(0);
    over_questions(6_001, 8, |asked, world, dice| {
        let day = some_day(dice, &world.days);
        let (words, column, names) = *dice.pick(&ABOUT);
        let whose = if dice.chance(50) { Whose::Any } else { Whose::Brand(asked.brand) };
        let window = dice.chance(60).then(|| Window::Last(*dice.pick(&[10, 90, 365])));
        let rows = Rows { window, ..Rows::default() };
        let behaviour = *dice.pick(&["buy", "view", "cart"]);
        let set = Term::random(dice, &world.days, &world.models, &[], 1);
        asked.pair.twin.prepare(&set);
        let sql = asked.pair.twin.asked(day);
        let (chosen, void) = (sql.rows(whose, &rows), sql.void());
        let condition = sql.condition(&set);
        let query = format!(
            "SELECT {column}, count(DISTINCT CASE WHEN {condition} THEN e.c END), \
             count(DISTINCT e.c) FROM event e JOIN person u ON u.id = e.c \
             WHERE e.behaviour = '{behaviour}' AND {chosen} AND NOT {void} AND {} GROUP BY 1",
            universe(day)
        );
        let mut statement = asked.pair.twin.connection.prepare(&query).unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            let name = row
                .get::<_, Option<i64>>(0)?
                .map(|place| names[usize::try_from(place).unwrap()].to_owned());
            Ok((name, (i128::from(row.get::<_, i64>(1)?), i128::from(row.get::<_, i64>(2)?))))
        };
        let expected: BTreeMap<_, _> =
            statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        let who = match whose {
            Whose::Any => "ANY BRAND".to_owned(),
            _ => asked.name.clone(),
        };
        let did = format!("{words} OF {who} DID {behaviour}{}", text::rows(&rows));
        let profile = |top: &str| {
            let set = text::term(&set);
            format!("PROFILE WHERE {set} BY {top}{did} AS OF {}", text::day(day))
        };
        let all = answer(&asked.pair.db, &profile("")).rows;
        let found: BTreeMap<_, _> = all
            .iter()
            .map(|row| {
                let name = (row[1] != Value::Null).then(|| row[1].to_string());
                (name, (integer(&row[2]), integer(&row[4])))
            })
            .collect();
        assert_eq!(found, expected, "{}", profile(""));
        told.set(told.get() + found.len());
        // The most telling first, those without a z last.
        let z = |row: &Vec<Value>| match row[7] {
            Value::Double(z) => z,
            _ => f64::NEG_INFINITY,
        };
        assert!(all.is_sorted_by(|a, b| z(a) >= z(b)), "{}", profile(""));
        // The tops are the highest TGI of those that are no small samples.
        let tgi = |row: &Vec<Value>| match row[6] {
            Value::Double(tgi) => tgi,
            _ => f64::NEG_INFINITY,
        };
        let mut large: Vec<f64> =
            all.iter().filter(|row| row[8] == Value::Boolean(false)).map(tgi).collect();
        large.sort_by(|a, b| b.total_cmp(a));
        large.truncate(2);
        let top = answer(&asked.pair.db, &profile("TOP 2 ")).rows;
        assert_eq!(top.iter().map(tgi).collect::<Vec<_>>(), large, "{}", profile("TOP 2 "));
    });
    assert!(told.get() >= 100, "only {} groups", told.get());
}

/// Share, TGI and z written down once more.
fn told(counts: [f64; 4]) -> (f64, f64) {
    let [x1, n1, x2, n2] = counts;
    let p = (x1 + x2) / (n1 + n2);
    let z = (x1 / n1 - x2 / n2) / (p * (1.0 - p) / n1 + p * (1.0 - p) / n2).sqrt();
    (100.0 * (x1 / n1) / (x2 / n2), z)
}

#[test]
fn a_set_against_another_is_what_sql_counts() {
    let (compared, refused) = (Cell::new(0), Cell::new(0));
    over_questions(6_101, 10, |asked, world, dice| {
        let day = some_day(dice, &world.days);
        let attribute = dice.index(ATTRIBUTES.len());
        let terms: Vec<Term> =
            (0..3).map(|_| Term::random(dice, &world.days, &world.models, &[], 1)).collect();
        terms.iter().for_each(|term| asked.pair.twin.prepare(term));
        let restricted = dice.chance(40);
        let sql = asked.pair.twin.asked(day);
        let filter = if restricted { sql.condition(&terms[2]) } else { "1".to_owned() };
        let [a, b] = [0, 1].map(|at| sql.condition(&terms[at]));
        let query = format!(
            "SELECT {}, sum({a}), sum({b}) FROM person u WHERE {} AND {filter} GROUP BY 1",
            value(attribute),
            universe(day)
        );
        let mut statement = asked.pair.twin.connection.prepare(&query).unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            Ok([row.get::<_, i64>(1)?, row.get::<_, i64>(2)?].map(i128::from))
        };
        let groups: Vec<[i128; 2]> =
            statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        let totals = [0, 1].map(|at| groups.iter().map(|group| group[at]).sum::<i128>());
        let [a, b] = [0, 1].map(|at| text::term(&terms[at]));
        let clause =
            if restricted { format!(" WHERE {}", text::term(&terms[2])) } else { String::new() };
        let by = format!("BY {} AS OF {}", text::attribute(attribute), text::day(day));
        let statement = format!("PROFILE ({a}) AS a AGAINST ({b}) AS b{clause} {by}");
        if totals.contains(&0) {
            let name = if totals[0] == 0 { "`a`" } else { "`b`" };
            match asked.pair.db.query(&statement) {
                Err(DatabaseError::Execute(error)) => {
                    assert_eq!(error.sqlstate(), "22023", "{error}");
                    assert!(error.to_string().contains(name), "{error}");
                }
                other => panic!("{other:?}\n{statement}"),
            }
            refused.set(refused.get() + 1);
            return;
        }
        let rows = answer(&asked.pair.db, &statement).rows;
        let mut found: Vec<[i128; 2]> =
            rows.iter().map(|row| [&row[2], &row[4]].map(integer)).collect();
        let mut wanted: Vec<[i128; 2]> =
            groups.into_iter().filter(|group| *group != [0, 0]).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{statement}");
        for row in &rows {
            let counts = [integer(&row[2]), totals[0], integer(&row[4]), totals[1]];
            let (tgi, z) = told(counts.map(|count| count as f64));
            let near = |found: &Value, wanted: f64| match found {
                Value::Double(found) => (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0),
                _ => !wanted.is_finite(),
            };
            assert!(near(&row[6], tgi) && near(&row[7], z), "{statement}: {row:?} {tgi} {z}");
            compared.set(compared.get() + 1);
        }
    });
    assert!(compared.get() >= 100, "only {} rows", compared.get());
    assert!(refused.get() >= 3, "only {} refused", refused.get());
}
