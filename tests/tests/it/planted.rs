//! What is planted in a stationary market, found again: the chances to move between stages, what a
//! consumer of each is worth, and what makes revenue grow.

use std::collections::HashMap;

use throng::market::{Growth, Stationary};
use throng::{CreateOptions, Database, Date, Value};

use crate::asked::{answer, integer};

const STAGES: [&str; 5] = ["A", "I", "P", "L", "none"];
/// Days of a horizon: six periods.
const HORIZON: u32 = 90;

/// Consumers who come in a period; `THRONG_PLANTED=20000` asks for more.
fn arrivals() -> u32 {
    std::env::var("THRONG_PLANTED").map_or(2_000, |text| text.parse().unwrap())
}

fn market(growth: Growth) -> Stationary {
    let start: Date = "2017-01-01".parse().unwrap();
    Stationary { arrivals: arrivals(), periods: 24, seed: 7, start, growth }
}

fn store(market: &Stationary, dir: &std::path::Path) -> Database {
    let db = Database::create(dir, &CreateOptions::default()).unwrap();
    for batch in market.batches().unwrap() {
        db.ingest(&batch, None).unwrap();
    }
    db
}

#[expect(clippy::cast_precision_loss, reason = "counts and money of a market are small")]
fn float(value: i128) -> f64 {
    value as f64
}

/// The planted value of each state over some periods: the chances to be in each state later times
/// what is earned there.
fn planted_values(periods: u32) -> [f64; 4] {
    let rewards = Stationary::rewards();
    [0, 1, 2, 3].map(|begin| {
        let mut at = [0.0; 5];
        at[begin] = 1.0;
        let mut value = 0.0;
        for _ in 0..periods {
            let mut next = [0.0; 5];
            for (from, chance) in at.into_iter().enumerate() {
                value += chance * rewards[from];
                for (to, next) in next.iter_mut().enumerate() {
                    *next += chance * Stationary::TRANSITIONS[from][to];
                }
            }
            at = next;
        }
        value
    })
}

fn money(value: &Value) -> f64 {
    float(integer(value))
}

#[test]
fn planted_rates_and_values_are_found_again() {
    let market = market(Growth::Nothing);
    let dir = tempfile::tempdir().unwrap();
    let db = store(&market, dir.path());
    // The moves of the last half of the market, pooled.
    let mut moved: HashMap<(usize, usize), i128> = HashMap::new();
    for period in 11..23 {
        let (from, to) = (market.end_of(period), market.end_of(period + 1));
        let flow = format!("FLOW steady FROM '{from}' TO '{to}'");
        for row in answer(&db, &flow).rows {
            let place = |at: usize| STAGES.iter().position(|one| *one == row[at].to_string());
            *moved.entry((place(0).unwrap(), place(1).unwrap())).or_default() += integer(&row[3]);
        }
    }
    let mut found = Vec::new();
    for (from, begin) in STAGES.iter().enumerate().take(4) {
        let all = float((0..5).map(|to| moved.get(&(from, to)).copied().unwrap_or(0)).sum());
        for (to, end) in STAGES.iter().enumerate() {
            let planted = Stationary::TRANSITIONS[from][to];
            let rate = float(moved.get(&(from, to)).copied().unwrap_or(0)) / all;
            // Four standard errors: one run in 800 of 20 rates would exceed it by chance.
            let error = 4.0 * (planted * (1.0 - planted) / all).sqrt();
            assert!((rate - planted).abs() <= error, "{from} to {to}: {rate} not {planted}");
            if planted > 0.0 && planted < 1.0 {
                found.push(format!("{begin} to {end} {rate:.4} ({planted})"));
            }
        }
    }
    println!("rates: {}", found.join(", "));
    // By cohort and by chain a consumer is worth what is planted.
    let end = market.end_of(23);
    let planted = planted_values(HORIZON / Stationary::PERIOD_DAYS);
    for method in ["cohort", "markov"] {
        let asset = format!("ASSET steady AS OF '{end}' HORIZON {HORIZON} DAYS USING {method}");
        for row in answer(&db, &asset).rows.iter().take(4) {
            let place = STAGES.iter().position(|one| *one == row[0].to_string()).unwrap();
            // Four digits more than minor units.
            let value = money(&row[2]) / 1e4;
            println!("{method} {}: {value:.0} (planted {:.0})", row[0], planted[place]);
            // Awareness is worth little and varies much: one in ten of its people ever buys.
            let tolerance = if place < 2 { 0.15 } else { 0.04 };
            let error = (value / planted[place] - 1.0).abs();
            assert!(error <= tolerance, "{method} {}: {value} {}", row[0], planted[place]);
        }
        let test = format!("BACKTEST steady AS OF '{end}' HORIZON {HORIZON} DAYS USING {method}");
        let rows = answer(&db, &test).rows;
        let Value::Double(error) = rows.last().unwrap()[5] else { panic!("{test}") };
        println!("{method}: the back-test is off by {:.2} %", 100.0 * error);
        assert!(error.abs() < 0.05, "{test}: {error}");
    }
}

/// The parts of GROW between the two periods before and after another.
fn drivers(growth: Growth) -> (f64, HashMap<String, f64>) {
    let market = market(growth);
    let dir = tempfile::tempdir().unwrap();
    let db = store(&market, dir.path());
    let day = |date: Date| date.to_string();
    let [first, last] = [market.end_of(17).plus_days(1), market.end_of(19)];
    let [earlier, before] = [market.end_of(15).plus_days(1), market.end_of(17)];
    let grow = format!(
        "GROW steady BETWEEN '{}' AND '{}' AGAINST BETWEEN '{}' AND '{}'",
        day(first),
        day(last),
        day(earlier),
        day(before)
    );
    let answer = answer(&db, &grow);
    let cells = answer.columns.iter().zip(&answer.rows[0]);
    let parts: HashMap<String, f64> =
        cells.map(|(column, cell)| (column.name.clone(), money(cell))).collect();
    (parts["before"], parts)
}

#[test]
fn the_planted_driver_of_growth_is_found_again() {
    let (before, steady) = drivers(Growth::Nothing);
    // Loyal consumers pile up, so revenue grows by people alone, even in the steady market.
    assert!(steady["penetration"] > 0.8 * steady["change"], "{steady:?}");
    assert!(steady["price"].abs() < 0.05 * before, "{steady:?}");
    let factor = 1.3;
    let (_, dearer) = drivers(Growth::Price { from: 18, factor });
    let (_, fuller) = drivers(Growth::Arrivals { from: 16, factor: 3.0 });
    println!("steady {steady:?}\ndearer {dearer:?}\nfuller {fuller:?}");
    // The same purchases at 1.3 times the price: the change is 0.3 times what came after.
    let planted = (factor - 1.0) * steady["after"];
    let change = dearer["change"] - steady["change"];
    assert!((change / planted - 1.0).abs() < 0.001, "{change} {planted}");
    // Of what the rise makes of the growth by people, price has half: Shapley's value of two.
    let planted = (factor - 1.0) * (steady["before"] + steady["after"]) / 2.0;
    let price = dearer["price"] - steady["price"];
    assert!((price / planted - 1.0).abs() < 0.03, "{price} {planted}");
    // More people: penetration grows, price does not.
    assert!(fuller["penetration"] > 1.5 * steady["penetration"], "{fuller:?}");
    assert!(fuller["price"] <= steady["price"] + 0.02 * before, "{fuller:?}");
}
