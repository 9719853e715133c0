//! Profiles by what events are about, against SQL over the raw events.

use std::cell::Cell;
use std::collections::BTreeMap;

use throng::Value;

use crate::asked::{answer, integer, over_questions};
use crate::oracle::sql::universe;
use crate::oracle::term::{Rows, Term, Whose, Window, some_day};
use crate::oracle::text;
use crate::oracle::world::{BRANDS, CATEGORIES, ITEMS, TOUCHPOINTS};

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
