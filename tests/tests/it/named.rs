//! The measures by name against plain SQL over the raw events, and their laws.

use std::cell::Cell;
use std::collections::BTreeMap;

use throng::Value;

use crate::asked::{Asked, answer, integer, over_questions};
use crate::oracle::dice::Dice;
use crate::oracle::sql::{universe, value};
use crate::oracle::term::{Did, Often, Rows, Term, Whose, Window, some_day};
use crate::oracle::text;
use crate::oracle::world::{CATEGORIES, World};

/// Places of the stages of aipl.
const ASSETS: &str = "(0, 1, 2, 3)";
const TIER: usize = 0;

/// Numbers by the tier of the consumers' city, or of all of them under "all".
type Told = BTreeMap<String, Vec<i128>>;

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        value => value.to_string(),
    }
}

impl Asked<'_> {
    /// Sums of some expressions over the universe, by city tier where `by`.
    fn sums(&self, day: i32, expressions: &[String], by: bool) -> Told {
        let sums: Vec<String> = expressions.iter().map(|e| format!("sum({e})")).collect();
        let (key, group) = if by { (value(TIER), " GROUP BY 1") } else { ("'all'".to_owned(), "") };
        let sql = format!(
            "SELECT {key}, {} FROM person u WHERE {}{group}",
            sums.join(", "),
            universe(day)
        );
        let mut statement = self.pair.twin.connection.prepare(&sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            let key = match row.get_ref(0)? {
                rusqlite::types::ValueRef::Null => "null".to_owned(),
                rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                _ => "all".to_owned(),
            };
            let number = |at: usize| row.get::<_, Option<i64>>(at + 1);
            let numbers: rusqlite::Result<Vec<_>> =
                (0..sums.len()).map(|at| number(at).map(|n| i128::from(n.unwrap_or(0)))).collect();
            Ok((key, numbers?))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    /// Checks the counts of a statement, and that its ratio is theirs.
    fn check(&self, statement: &str, by: bool, expected: &Told, ratio: Option<(usize, usize)>) {
        let found = answer(&self.pair.db, statement);
        let mut told = Told::new();
        for row in &found.rows {
            let (key, rest) =
                if by { (shown(&row[0]), &row[1..]) } else { ("all".into(), &row[..]) };
            let counts = rest.iter().filter(|value| matches!(value, Value::Integer(_)));
            let counts: Vec<i128> = counts.map(integer).collect();
            if let Some((a, b)) = ratio {
                let expected = (counts[b] != 0).then(|| counts[a] as f64 / counts[b] as f64);
                let expected = expected.map_or(Value::Null, Value::Double);
                assert_eq!(rest[rest.len() - 1], expected, "{statement}");
            }
            told.insert(key, counts);
        }
        let some = |told: &Told| -> Told {
            let all = told.iter().filter(|(_, n)| !by || n.iter().any(|n| *n != 0));
            all.map(|(key, n)| (key.clone(), n.clone())).collect()
        };
        assert_eq!(some(&told), some(expected), "{statement}");
    }

    /// Who got nearer between two days, and who could.
    fn risen(&self, start: i32, end: i32) -> [String; 2] {
        let asked = self.pair.twin.asked(end);
        let stage = |day| asked.stage(self.brand, "aipl", Some(day));
        let could = format!("{} IN (1, 2, 3)", stage(start));
        [format!("{could} AND {} < {}", stage(end), stage(start)), could]
    }
}

/// A statement's BY, half of the time.
fn divided(dice: &mut Dice) -> (bool, &'static str) {
    if dice.chance(50) { (true, " BY city_tier") } else { (false, "") }
}

fn bought(brand: Whose, rows: &Rows) -> Term {
    Term::Did(Did { brand, behaviours: vec!["buy"], often: Often::Once, rows: rows.clone() })
}

#[test]
fn fast_and_deepening_are_what_sql_counts() {
    let risen = Cell::new(0);
    over_questions(4_001, 6, |asked, world, dice| {
        asked.pair.twin.prepare_model("aipl");
        let day = some_day(dice, &world.days);
        let n = *dice.pick(&[1, 2, 7, 12]);
        let (by, clause) = divided(dice);
        let sql = asked.pair.twin.asked(day);
        let fertile: Vec<String> = (day - n + 1..=day)
            .map(|day| format!("{} IN {ASSETS}", sql.stage(asked.brand, "aipl", Some(day))))
            .collect();
        let [deepened, start] = asked.risen(day - n, day);
        let whose = Whose::Brand(asked.brand);
        let member = Term::State { brand: whose, state: 0, negated: false };
        let active = Did {
            brand: whose,
            behaviours: vec!["cart", "favorite", "coupon", "interact"],
            often: Often::Once,
            rows: Rows { window: Some(Window::Last(180)), ..Rows::default() },
        };
        let active = Term::And(vec![member.clone(), Term::Did(active)]);
        let fertile = format!("({})", fertile.join(" OR "));
        let (member, active) = (sql.condition(&member), sql.condition(&active));
        let counts = [fertile, member, deepened.clone(), start.clone(), active];
        let (name, at) = (&asked.name, text::day(day));
        let fast = format!("FAST {name} IN LAST {n} DAYS{clause} AS OF {at}");
        let expected = asked.sums(day, &counts, by);
        asked.check(&fast, by, &expected, None);
        for row in answer(&asked.pair.db, &fast).rows {
            let row = &row[usize::from(by)..];
            let of = |a: &Value, b: &Value| match integer(b) {
                0 => Value::Null,
                b => Value::Double(integer(a) as f64 / b as f64),
            };
            assert_eq!((&row[1], &row[3]), (&of(&row[4], &row[5]), &of(&row[6], &row[2])));
        }
        let statement = format!("DEEPENING {name} IN LAST {n} DAYS{clause} AS OF {at}");
        let expected = asked.sums(day, &[deepened, start], by);
        risen.set(risen.get() + expected.values().map(|numbers| numbers[0]).sum::<i128>());
        asked.check(&statement, by, &expected, Some((0, 1)));
    });
    assert!(risen.get() >= 10, "only {} got nearer", risen.get());
}

#[test]
fn reservoir_and_penetration_are_what_sql_counts() {
    over_questions(4_101, 8, |asked, world, dice| {
        asked.pair.twin.prepare_model("aipl");
        let day = some_day(dice, &world.days);
        let (by, clause) = divided(dice);
        let sql = asked.pair.twin.asked(day);
        let stage = sql.stage(asked.brand, "aipl", None);
        let counts = [format!("{stage} IN (2, 3)"), format!("{stage} IN (0, 1)")];
        let (name, at) = (&asked.name, text::day(day));
        let statement = format!("RESERVOIR {name}{clause} AS OF {at}");
        asked.check(&statement, by, &asked.sums(day, &counts, by), Some((0, 1)));
        let rows = Rows {
            window: dice.chance(60).then(|| Window::Last(*dice.pick(&[10, 90, 365]))),
            categories: if dice.chance(60) { vec![dice.index(CATEGORIES.len())] } else { vec![] },
            ..Rows::default()
        };
        let counts = [Whose::Brand(asked.brand), Whose::Any]
            .map(|whose| sql.condition(&bought(whose, &rows)));
        let statement = format!("PENETRATION {name}{}{clause} AS OF {at}", text::rows(&rows));
        asked.check(&statement, by, &asked.sums(day, &counts, by), Some((0, 1)));
    });
}

/// Distinct things of the purchases of those who are in the universe.
fn distinct(asked: &Asked<'_>, day: i32, rows: &Rows, what: &str, within: &str) -> i128 {
    let sql = asked.pair.twin.asked(day);
    let rows = sql.rows(Whose::Brand(asked.brand), rows);
    let text = format!(
        "SELECT count(*) FROM (SELECT DISTINCT e.c, {what} FROM event e JOIN person u ON u.id = \
         e.c WHERE e.behaviour = 'buy' AND {rows} AND NOT {} AND {} AND {within})",
        sql.void(),
        universe(day)
    );
    let count = asked.pair.twin.connection.query_row(&text, [], |row| row.get::<_, i64>(0));
    i128::from(count.unwrap())
}

const CATEGORY: &str = "coalesce(e.cat, -1)";
const CATEGORY_DAY: &str = "coalesce(e.cat, -1), e.day";

#[test]
fn figures_of_purchases_are_what_sql_counts() {
    over_questions(4_201, 8, |asked, world, dice| {
        let day = some_day(dice, &world.days);
        let rows = Rows {
            window: dice.chance(60).then(|| Window::Last(*dice.pick(&[10, 90, 365]))),
            touchpoints: if dice.chance(30) { vec![dice.index(4)] } else { vec![] },
            ..Rows::default()
        };
        for (figure, what) in
            [("purchase_days", "e.day"), ("categories", CATEGORY), ("category_days", CATEGORY_DAY)]
        {
            let (name, rows_text, at) = (&asked.name, text::rows(&rows), text::day(day));
            let statement = format!("SUM {name}.{figure}{rows_text} AS OF {at}");
            let found = integer(&answer(&asked.pair.db, &statement).rows[0][0]);
            assert_eq!(found, distinct(asked, day, &rows, what, "1"), "{statement}");
        }
    });
}

/// The mean over all 24 orders of the factors: written down once more, one order after another.
fn mean_over_orders(before: [f64; 4], after: [f64; 4]) -> [f64; 4] {
    let mut sums = [0.0; 4];
    for code in 0..256 {
        let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3];
        if (0..4).any(|factor| !order.contains(&factor)) {
            continue;
        }
        let mut now = before;
        for factor in order {
            let product = now.iter().product::<f64>();
            now[factor] = after[factor];
            sums[factor] += now.iter().product::<f64>() - product;
        }
    }
    sums.map(|sum| sum / 24.0)
}

#[test]
fn grow_splits_the_change_of_revenue() {
    let several = Cell::new(0);
    over_questions(4_301, 8, |asked, world, dice| {
        several.set(several.get() + usize::from(grows(asked, world, dice)));
    });
    assert!(several.get() >= 5, "only {} had several parts", several.get());
}

fn grows(asked: &Asked<'_>, world: &World, dice: &mut Dice) -> bool {
    let day = some_day(dice, &world.days);
    let n = *dice.pick(&[5, 30, 120, 400]);
    let against = dice.chance(40).then(|| (day - 3 * n, day - 2 * n));
    let (name, at) = (&asked.name, text::day(day));
    let words = against.map_or(String::new(), |(first, last)| {
        format!(" AGAINST BETWEEN {} AND {}", text::day(first), text::day(last))
    });
    let tier = dice.chance(40);
    let filter = if tier { " WHERE city_tier <= 1" } else { "" };
    let statement = format!("GROW {name} IN LAST {n} DAYS{words}{filter} AS OF {at}");
    let within = if tier { format!("coalesce({} <= 1, 0)", value(TIER)) } else { "1".to_owned() };
    let numbers = |first: i32, last: i32| {
        let rows = Rows { window: Some(Window::Between(first, last)), ..Rows::default() };
        let spent = asked.pair.twin.asked(day).spent(Whose::Brand(asked.brand), &rows);
        let money = asked.sums(day, &[format!("{spent} * {within}")], false)["all"][0];
        let count = |what| distinct(asked, day, &rows, what, &within);
        [count("1"), count(CATEGORY), count(CATEGORY_DAY), money]
    };
    let before = against.unwrap_or((day - 2 * n + 1, day - n));
    let (before, after) = (numbers(before.0, before.1), numbers(day - n + 1, day));
    let rows = answer(&asked.pair.db, &statement).rows;
    let amount = |at: usize| integer(&rows[0][at]);
    assert_eq!((amount(0), amount(1)), (before[3], after[3]), "{statement}");
    assert_eq!(amount(2), after[3] - before[3]);
    assert_eq!((3..7).map(amount).sum::<i128>(), amount(2), "{statement}");
    let factors = |[b, c, t, r]: [i128; 4]| {
        [b as f64, c as f64 / b as f64, t as f64 / c as f64, r as f64 / t as f64]
    };
    if before[0] == 0 || after[0] == 0 {
        // What comes and goes with all buyers is penetration; money given back is left.
        assert_eq!((amount(4), amount(5)), (0, 0), "{statement}");
        return false;
    }
    let parts = mean_over_orders(factors(before), factors(after));
    for (place, part) in parts.iter().enumerate() {
        assert!((amount(3 + place) as f64 - part).abs() <= 2.0, "{statement} {parts:?}");
    }
    (3..7).filter(|at| amount(*at) != 0).count() >= 3
}

#[test]
fn every_day_of_a_series_is_the_day_on_its_own() {
    over_questions(4_401, 3, |asked, world, dice| {
        let day = some_day(dice, &world.days);
        let (from, to) = (text::day(day - 4), text::day(day));
        for measure in ["FAST", "DEEPENING", "RESERVOIR", "PENETRATION", "GROW"] {
            let words = if measure == "GROW" { " IN LAST 10 DAYS" } else { "" };
            let statement = format!("{measure} {}{words} BY vip", asked.name);
            let every = format!("{statement} EVERY 2 DAYS FROM {from} TO {to}");
            let series = answer(&asked.pair.db, &every).rows;
            let mut alone = Vec::new();
            for day in [day - 4, day - 2, day] {
                let one = format!("{statement} AS OF {}", text::day(day));
                alone.extend(answer(&asked.pair.db, &one).rows);
            }
            let series: Vec<_> = series.into_iter().map(|row| row[1..].to_vec()).collect();
            assert_eq!(series, alone, "{every}");
        }
    });
}
