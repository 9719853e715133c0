//! FLOW, ASSET, LEDGER and BACKTEST against plain SQL over the raw events, and their laws.

use std::cell::Cell;
use std::collections::BTreeMap;

use throng::measure::{finish, partial};
use throng::query::plan::Statement;
use throng::{DatabaseError, Date, ExecuteOptions, Value};

use crate::asked::{Asked, answer, integer, over_questions};
use crate::oracle::dice::Dice;
use crate::oracle::sql::universe;
use crate::oracle::term::{Rows, Whose, Window, some_categories, some_day};
use crate::oracle::text;
use crate::oracle::world::World;

/// The stages of aipl that are worth something, by their place in the model.
const STAGES: [&str; 4] = ["L", "P", "I", "A"];
const HORIZONS: [i32; 5] = [1, 15, 40, 90, 365];

/// A half goes away from zero: written down once more, by doubling.
fn product(money: i128, heads: i128, consumers: i128) -> i128 {
    let exact = money * consumers;
    let size = (2 * exact.abs() + heads) / (2 * heads);
    if exact < 0 { -size } else { size }
}

impl Asked<'_> {
    /// Per stages on some days, as places in the model: how many, and their net money in a window.
    fn cells(
        &self,
        within: &[usize],
        model: &str,
        on: &[i32],
        day: i32,
        window: (i32, i32),
    ) -> Cells {
        let twin = &self.pair.twin;
        twin.prepare_model(model);
        let asked = twin.asked(day).within(within);
        let stages: Vec<String> =
            on.iter().map(|on| asked.stage(self.brand, model, Some(*on))).collect();
        let rows = Rows { window: Some(Window::Between(window.0, window.1)), ..Rows::default() };
        let spent = asked.spent(Whose::Brand(self.brand), &rows);
        let keys = (1..=on.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let sql = format!(
            "SELECT {}, count(*), sum({spent}) FROM person u WHERE {} GROUP BY {keys}",
            stages.join(", "),
            universe(day)
        );
        let mut statement = twin.connection.prepare(&sql).unwrap();
        let row = |row: &rusqlite::Row<'_>| {
            let place = |at: usize| row.get::<_, i64>(at).map(|n| usize::try_from(n).unwrap());
            let key = (0..on.len()).map(place).collect::<Result<_, _>>()?;
            let numbers: (i64, i64) = (row.get(on.len())?, row.get(on.len() + 1)?);
            Ok((key, (i128::from(numbers.0), i128::from(numbers.1))))
        };
        statement.query_map([], row).unwrap().map(Result::unwrap).collect()
    }

    /// Per stage: how many were in it a horizon before a day, and what they brought since.
    fn cohort(&self, within: &[usize], day: i32, horizon: i32) -> [(i128, i128); 4] {
        let start = day - horizon;
        let cells = self.cells(within, "aipl", &[start], day, (start + 1, day));
        [0, 1, 2, 3].map(|place| cells.get(&vec![place]).copied().unwrap_or((0, 0)))
    }

    /// Whether the statement is refused, as it must be when the history is too short.
    fn is_refused(&self, statement: &str, needed: i32) -> bool {
        let result = self.pair.db.query(statement);
        if needed >= self.first {
            return false;
        }
        match result {
            Err(DatabaseError::Execute(error)) => assert_eq!(error.sqlstate(), "22023"),
            other => panic!("{other:?}\n{statement}"),
        }
        true
    }
}

/// The categories asked about, mostly all, and the brand with them as a statement names it.
fn scope(asked: &Asked<'_>, dice: &mut Dice) -> (Vec<usize>, String) {
    let within = some_categories(dice);
    let whose = format!("{}{}", asked.name, text::within(&within));
    (within, whose)
}

type Cells = BTreeMap<Vec<usize>, (i128, i128)>;

fn two_days(dice: &mut Dice, world: &World) -> [i32; 2] {
    let mut days = [some_day(dice, &world.days), some_day(dice, &world.days)];
    days.sort_unstable();
    days
}

/// Days far enough behind the first event for a valuation, mostly.
fn late_day(dice: &mut Dice, world: &World, horizon: i32) -> i32 {
    let day = some_day(dice, &world.days);
    let first = world.days.first().copied().unwrap_or(0);
    if dice.chance(80) { day.max(first + horizon) } else { day }
}

#[test]
fn a_flow_is_what_sql_counts() {
    over_questions(3_001, 10, |asked, world, dice| {
        let (within, whose) = scope(asked, dice);
        let [first, last] = two_days(dice, world);
        let model = dice.pick(&world.models);
        let names = model.stage_names();
        let (from, to) = (text::day(first), text::day(last));
        let statement =
            format!("FLOW {} FROM {from} TO {to} USING {}", whose, text::name(&model.name));
        let cells = asked.cells(&within, &model.name, &[first, last], last, (0, -1));
        let margin = |at: usize, place| -> i128 {
            cells.iter().filter(|(key, _)| key[at] == place).map(|(_, cell)| cell.0).sum()
        };
        let outside = |place: usize| {
            names[place] == "none" || (model.name.starts_with("aipl") && names[place] == "O")
        };
        let mut expected = Vec::new();
        for (key, (count, _)) in &cells {
            let (i, j) = (key[0], key[1]);
            let kind = match (outside(i), outside(j)) {
                (true, true) => continue,
                (true, false) => "new",
                (false, true) => "lost",
                _ if i == j => "stayed",
                _ if j < i => "deepened",
                _ => "shallowed",
            };
            let numbers = [*count, margin(0, i), margin(1, j)];
            expected.push((names[i].clone(), names[j].clone(), kind.to_owned(), numbers));
        }
        let found: Vec<_> = answer(&asked.pair.db, &statement)
            .rows
            .iter()
            .map(|row| {
                let word = |at: usize| row[at].to_string();
                (word(0), word(1), word(2), [&row[3], &row[4], &row[5]].map(integer))
            })
            .collect();
        assert_eq!(found, expected, "{statement}");
    });
}

#[test]
fn a_cell_of_a_flow_is_its_set() {
    over_questions(3_101, 6, |asked, world, dice| {
        let (within, whose) = scope(asked, dice);
        let days = two_days(dice, world).map(text::day);
        let [from, to] = &days;
        let statement = format!("FLOW {} FROM {from} TO {to} USING deeplink", whose);
        for row in answer(&asked.pair.db, &statement).rows {
            let cell = format!(
                "COUNT WHERE {}.moved({} TO {}, {from}, {to})(deeplink){} AS OF {to}",
                asked.name,
                row[0],
                row[1],
                text::within(&within)
            );
            let found = answer(&asked.pair.db, &cell).rows;
            assert_eq!(found[0][0], row[3], "{cell}");
        }
    });
}

#[test]
fn an_asset_is_what_sql_adds_up() {
    let with_money = Cell::new(0);
    over_questions(3_201, 8, |asked, world, dice| {
        let (within, whose) = scope(asked, dice);
        let horizon = *dice.pick(&HORIZONS);
        let day = late_day(dice, world, horizon);
        let statement = format!("ASSET {} AS OF {} HORIZON {horizon} DAYS", whose, text::day(day));
        if asked.is_refused(&statement, day - horizon) {
            return;
        }
        let told = asked.cohort(&within, day, horizon);
        let now = asked.cells(&within, "aipl", &[day], day, (0, -1));
        let found = answer(&asked.pair.db, &statement);
        let (mut total, mut all, mut known) = (0, 0, false);
        for (place, stage) in STAGES.iter().enumerate() {
            let row = &found.rows[place];
            let consumers = now.get(&vec![place]).map_or(0, |cell| cell.0);
            assert_eq!((row[0].to_string().as_str(), integer(&row[1])), (*stage, consumers));
            all += consumers;
            let (heads, money) = told[place];
            if heads == 0 && consumers > 0 {
                assert_eq!((&row[2], &row[3]), (&Value::Null, &Value::Null), "{statement}");
                assert!(found.notices.iter().any(|notice| notice.contains(stage)), "{statement}");
                continue;
            }
            let asset = if consumers == 0 { 0 } else { product(money, heads, consumers) };
            if heads > 0 {
                assert_eq!(integer(&row[2]), product(money, heads, 10_000), "{statement}");
            }
            assert_eq!(integer(&row[3]), asset, "{statement} {stage}");
            (total, known) = (total + asset, true);
        }
        let last = &found.rows[4];
        assert_eq!((last[0].to_string().as_str(), integer(&last[1])), ("total", all));
        assert_eq!(if known { integer(&last[3]) } else { 0 }, total, "{statement}");
        with_money.set(with_money.get() + usize::from(total != 0));
    });
    assert!(with_money.get() >= 10, "only {} assets were worth anything", with_money.get());
}

#[test]
fn a_divided_asset_shrinks_small_cells() {
    over_questions(3_301, 5, |asked, world, dice| {
        let within: [usize; 0] = [];
        let horizon = *dice.pick(&HORIZONS);
        let day = late_day(dice, world, horizon).max(asked.first + horizon);
        let told = asked.cohort(&within, day, horizon);
        let (start, name) = (text::day(day - horizon), &asked.name);
        let day = text::day(day);
        let statement =
            format!("ASSET {name} AS OF {day} HORIZON {horizon} DAYS BY city_tier, oppo.stage");
        let found = answer(&asked.pair.db, &statement);
        let mut total = 0;
        for row in &found.rows {
            if row[2].to_string() == "total" {
                assert!(row[5] == Value::Null || integer(&row[5]) == total, "{statement}");
                continue;
            }
            let place = STAGES.iter().position(|stage| *stage == row[2].to_string()).unwrap();
            let (stage_heads, stage_money) = told[place];
            if stage_heads == 0 {
                assert_eq!(row[5], Value::Null, "{statement}");
                continue;
            }
            let tier = match &row[0] {
                Value::Null => "city_tier IS UNKNOWN".to_owned(),
                tier => format!("city_tier = {tier}"),
            };
            let group = format!(
                "{tier} AND {name}.stage AS OF {start} = {} AND oppo.stage AS OF {start} = {}",
                row[2], row[1]
            );
            let one = |statement: &str| integer(&answer(&asked.pair.db, statement).rows[0][0]);
            let heads = one(&format!("COUNT WHERE {group} AS OF {day}"));
            let money =
                one(&format!("SUM {name}.spend IN LAST {horizon} DAYS WHERE {group} AS OF {day}"));
            let (money, heads) = if heads >= 200 {
                (money, heads)
            } else {
                (money * stage_heads + (200 - heads) * stage_money, 200 * stage_heads)
            };
            let asset = product(money, heads, integer(&row[3]));
            assert_eq!(integer(&row[5]), asset, "{statement} {row:?}");
            total += asset;
        }
    });
}

#[test]
fn a_markov_asset_follows_from_sql_counts() {
    over_questions(3_401, 4, |asked, world, dice| {
        let (within, whose) = scope(asked, dice);
        let horizon = *dice.pick(&[7, 30, 50]);
        let day = late_day(dice, world, 15);
        let statement =
            format!("ASSET {} AS OF {} HORIZON {horizon} DAYS USING markov", whose, text::day(day));
        if asked.is_refused(&statement, day - 15) {
            return;
        }
        let periods = (horizon / 15).min((day - asked.first) / 15).max(1);
        let (mut moved, mut money) = ([[0.0_f64; 5]; 5], [0.0_f64; 5]);
        for period in 0..periods {
            let end = day - 15 * period;
            for (key, cell) in asked.cells(&within, "aipl", &[end - 15, end], end, (end - 14, end))
            {
                let (i, j) = (key[0].min(4), key[1].min(4));
                moved[i][j] += cell.0 as f64;
                money[i] += cell.1 as f64;
            }
        }
        // Where a consumer of each stage is after t periods, and what is earned there.
        let heads = moved.map(|row| row.iter().sum::<f64>());
        let found = answer(&asked.pair.db, &statement);
        for place in 0..4 {
            let row = &found.rows[place];
            let consumers = integer(&row[1]);
            if heads[place] == 0.0 {
                assert_eq!(row[2], Value::Null, "{statement}");
                continue;
            }
            let mut at = [0.0; 5];
            at[place] = 1.0;
            let mut worth = 0.0;
            for period in 0..=horizon / 15 {
                let part = f64::from((horizon - 15 * period).min(15)) / 15.0;
                let mut next = [0.0, 0.0, 0.0, 0.0, at[4]];
                for state in 0..4 {
                    if heads[state] > 0.0 {
                        worth += part * at[state] * money[state] / heads[state];
                    }
                    for (to, next) in next.iter_mut().enumerate() {
                        *next += at[state] * (moved[state][to] + 0.2) / (heads[state] + 1.0);
                    }
                }
                at = next;
            }
            let difference = integer(&row[3]) as f64 - worth * consumers as f64;
            assert!(difference.abs() <= 0.501, "{statement} {row:?} {worth}");
        }
    });
}

/// What a ledger must say.
struct Split {
    opening: i128,
    closing: i128,
    /// How many, and what they changed.
    parts: BTreeMap<&'static str, (i128, i128)>,
}

/// The change of an asset by the flow between two days; none where a value that is needed is not
/// told. Prices are heads and money, as of the first day and the second.
fn split(prices: &[[(i128, i128); 4]; 2], cells: &Cells) -> Option<Split> {
    let worth = |at: usize, place: usize, count: i128| match place {
        0..=3 if prices[at][place].0 == 0 && count > 0 => None,
        0..=3 if count > 0 => Some(product(prices[at][place].1, prices[at][place].0, count)),
        _ => Some(0),
    };
    let (mut start, mut end) = ([0; 5], [0; 5]);
    let mut parts: BTreeMap<&str, (i128, i128)> = BTreeMap::new();
    for (key, (count, _)) in cells {
        let (i, j) = (key[0].min(4), key[1].min(4));
        let kind = match (i, j) {
            (4, 4) => continue,
            (4, _) => "new",
            (_, 4) => "lost",
            _ if i == j => "kept",
            _ if j < i => "deepened",
            _ => "shallowed",
        };
        start[i] += count;
        end[j] += count;
        let part = parts.entry(kind).or_insert((0, 0));
        *part = (part.0 + count, part.1 + worth(0, j, *count)? - worth(0, i, *count)?);
    }
    let sum = |at: usize, counts: [i128; 5]| -> Option<i128> {
        (0..4).map(|place| worth(at, place, counts[place])).sum()
    };
    Some(Split { opening: sum(0, start)?, closing: sum(1, end)?, parts })
}

#[test]
fn a_ledger_adds_up_to_the_last_minor_unit() {
    let moved = Cell::new(0);
    over_questions(3_501, 10, |asked, world, dice| {
        let (within, whose) = scope(asked, dice);
        let horizon = *dice.pick(&HORIZONS);
        let days = [late_day(dice, world, horizon), late_day(dice, world, horizon)];
        let (first, last) = (days[0].min(days[1]), days[0].max(days[1]));
        let (from, to) = (text::day(first), text::day(last));
        let statement = format!("LEDGER {} FROM {from} TO {to} HORIZON {horizon} DAYS", whose);
        if asked.is_refused(&statement, first - horizon) {
            return;
        }
        let prices = [asked.cohort(&within, first, horizon), asked.cohort(&within, last, horizon)];
        let cells = asked.cells(&within, "aipl", &[first, last], last, (0, -1));
        let Some(Split { opening, closing, parts }) = split(&prices, &cells) else {
            let error = asked.pair.db.query(&statement).unwrap_err();
            assert_eq!(error.sqlstate(), "22023", "{statement}");
            assert!(error.to_string().contains("no value"), "{statement}");
            return;
        };
        let found = answer(&asked.pair.db, &statement).rows;
        let amount = |at: usize| integer(&found[at][2]);
        assert_eq!((amount(0), amount(7)), (opening, closing), "{statement}");
        assert_eq!((0..7).map(amount).sum::<i128>(), closing, "{statement}");
        for (at, name) in ["new", "deepened", "kept", "shallowed", "lost"].iter().enumerate() {
            let row = &found[at + 1];
            assert_eq!(row[0].to_string(), *name);
            let expected = parts.get(name).copied().unwrap_or((0, 0));
            assert_eq!((integer(&row[1]), integer(&row[2])), expected, "{statement} {name}");
        }
        let parts = (1..7).filter(|at| amount(*at) != 0).count();
        moved.set(moved.get() + usize::from(parts >= 2));
        let asset = format!("ASSET {} AS OF {to} HORIZON {horizon} DAYS", whose);
        let total = &answer(&asked.pair.db, &asset).rows[4];
        assert_eq!((&total[1], &total[3]), (&found[7][1], &found[7][2]), "{statement}");
    });
    assert!(moved.get() >= 5, "only {} ledgers had several parts", moved.get());
}

#[test]
fn a_backtest_compares_an_asset_with_what_came() {
    over_questions(3_601, 6, |asked, world, dice| {
        let (within, whose) = scope(asked, dice);
        let horizon = *dice.pick(&HORIZONS);
        let day = late_day(dice, world, 2 * horizon);
        let test = format!("BACKTEST {} AS OF {} HORIZON {horizon} DAYS", whose, text::day(day));
        if asked.is_refused(&test, day - 2 * horizon) {
            return;
        }
        let realised = asked.cohort(&within, day, horizon);
        let asked_then = text::day(day - horizon);
        let asset = format!("ASSET {} AS OF {asked_then} HORIZON {horizon} DAYS", whose);
        let predicted = answer(&asked.pair.db, &asset).rows;
        for (place, row) in answer(&asked.pair.db, &test).rows.iter().take(4).enumerate() {
            assert_eq!((integer(&row[1]), integer(&row[3])), realised[place], "{test}");
            assert_eq!((&row[1], &row[2]), (&predicted[place][1], &predicted[place][3]), "{test}");
            if row[2] != Value::Null {
                assert_eq!(integer(&row[4]), integer(&row[2]) - integer(&row[3]), "{test}");
            }
        }
    });
}

#[test]
fn assets_of_disjoint_sets_add_up() {
    over_questions(3_701, 5, |asked, world, dice| {
        let horizon = *dice.pick(&HORIZONS);
        let day = late_day(dice, world, horizon).max(asked.first + horizon);
        let ask = |filter: &str| {
            let day = Date(day);
            let ask = format!("ASSET {} {filter} AS OF '{day}' HORIZON {horizon} DAYS", asked.name);
            answer(&asked.pair.db, &ask).rows
        };
        let all = ask("");
        let parts = [ask("WHERE city_tier <= 1"), ask("WHERE NOT city_tier <= 1")];
        for place in 0..4 {
            let sum = |at: usize| parts.iter().map(|rows| integer(&rows[place][at])).sum::<i128>();
            assert_eq!(integer(&all[place][1]), sum(1));
            if parts.iter().chain([&all]).all(|rows| rows[place][3] != Value::Null) {
                // Each part is rounded on its own.
                assert!((integer(&all[place][3]) - sum(3)).abs() <= 1);
            }
        }
    });
}

#[test]
fn partial_results_of_two_stores_add_up() {
    over_questions(3_801, 3, |asked, world, dice| {
        let horizon = *dice.pick(&HORIZONS);
        let day = late_day(dice, world, 2 * horizon).max(asked.first + 2 * horizon);
        let (day, before) = (text::day(day), text::day(day - 1));
        let reader = asked.pair.db.snapshot().unwrap();
        for statement in [
            format!("FLOW {} FROM {before} TO {day}", asked.name),
            format!("ASSET {} AS OF {day} HORIZON {horizon} DAYS BY city_tier", asked.name),
            format!("ASSET {} AS OF {day} HORIZON 30 DAYS USING markov", asked.name),
            format!("BACKTEST {} AS OF {day} HORIZON {horizon} DAYS", asked.name),
        ] {
            let plan = reader.bind(&statement, &[]).unwrap();
            let Statement::Query(query) = &plan.statement else { panic!("{statement}") };
            let part = || partial(reader.view(), query, &ExecuteOptions::default()).unwrap();
            let once = finish(query, &plan.columns, &part()).unwrap();
            let twice = finish(query, &plan.columns, &part().merge(part()).unwrap()).unwrap();
            assert_eq!(once.rows.len(), twice.rows.len());
            for (one, two) in once.rows.iter().zip(&twice.rows) {
                for ((column, one), two) in plan.columns.iter().zip(one).zip(two) {
                    // People add up; money of undivided stages follows them.
                    if ["count", "start", "end", "consumers"].contains(&column.name.as_str()) {
                        assert_eq!(2 * integer(one), integer(two), "{statement}");
                    }
                    if ["kind", "rate"].contains(&column.name.as_str()) {
                        assert_eq!(one, two, "{statement}");
                    }
                }
            }
        }
    });
}
