//! Complete Journey: a year of purchases of US households, the brand being the manufacturer, with
//! the households' demographics.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use throng::{Database, Value};

use super::source::{Names, Sides, bare_world, event, folder, largest, rows};
use crate::command::{query, run};
use crate::oracle::sqlite::Twin;
use crate::oracle::world::Event;

/// 2017-01-01.
const YEAR_DAY: i32 = 17_167;
/// Rows of products that the list of products does not have.
const UNKNOWN_PRODUCTS: usize = 222;

/// A purchase of the file.
struct Purchase {
    household: String,
    manufacturer: String,
    time: String,
    /// Cents, rounded half up.
    cents: i64,
    basket: String,
}

/// Joins the purchases to their manufacturers.
fn purchases(folder: &Path) -> Vec<Purchase> {
    let products: HashMap<String, String> = rows(&folder.join("products.csv.gz"))
        .map(|mut row| (row.remove("product_id").unwrap(), row.remove("manufacturer_id").unwrap()))
        .collect();
    let mut joined = Vec::new();
    let mut unknown = 0;
    for mut row in rows(&folder.join("transactions_sample.csv.gz")) {
        let Some(manufacturer) = products.get(&row["product_id"]) else {
            unknown += 1;
            continue;
        };
        joined.push(Purchase {
            household: row.remove("household_id").unwrap(),
            manufacturer: manufacturer.clone(),
            time: row.remove("transaction_timestamp").unwrap(),
            cents: cents(&row["sales_value"]),
            basket: row.remove("basket_id").unwrap(),
        });
    }
    assert_eq!(unknown, UNKNOWN_PRODUCTS);
    joined
}

fn cents(text: &str) -> i64 {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{rest:0<3}");
    let hundredths: i64 = digits[..2].parse().unwrap();
    whole.parse::<i64>().unwrap() * 100 + hundredths + i64::from(digits.as_bytes()[2] >= b'5')
}

/// Days from 2017-01-01 of a time in 2017 or on the first of January 2018.
fn day_of(time: &str) -> i32 {
    const MONTH_STARTS: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let number = |range: std::ops::Range<usize>| time[range].parse::<i32>().unwrap();
    let month = usize::try_from(number(5..7)).unwrap();
    YEAR_DAY + (number(0..4) - 2017) * 365 + MONTH_STARTS[month - 1] + number(8..10) - 1
}

fn second_of(time: &str) -> u32 {
    let number = |range: std::ops::Range<usize>| time[range].parse::<u32>().unwrap();
    number(11..13) * 3_600 + number(14..16) * 60 + number(17..19)
}

fn write_csv(path: &Path, purchases: &[Purchase]) {
    let mut csv = "household,manufacturer,bought,paid,basket\n".to_owned();
    for Purchase { household, manufacturer, time, cents, basket } in purchases {
        let paid = format!("{}.{:02}", cents / 100, cents % 100);
        csv += &format!("{household},{manufacturer},{time},{paid},{basket}\n");
    }
    fs::write(path, csv).unwrap();
}

#[test]
fn complete_journey_answers_as_sqlite_does() {
    let Some(folder) = folder("completejourney") else { return };
    let purchases = purchases(&folder);
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("store"), dir.path().join("joined.csv"));
    write_csv(&file, &purchases);
    run(&data, &["create", "--currency", "USD", "--time-zone", "UTC"]).good();
    let mut load = vec!["load", "events", file.to_str().unwrap(), "--set", "behaviour=buy"];
    for map in ["consumer=household", "brand=manufacturer", "time=bought", "amount=paid"] {
        load.extend(["--map", map]);
    }
    load.extend(["--map", "order=basket"]);
    run(&data, &load).good();
    let demographics = folder.join("demographics.csv.gz");
    let attributes = ["load", "attributes", demographics.to_str().unwrap()];
    run(&data, &[&attributes[..], &["--map", "consumer=household_id"]].concat()).good();

    let (mut people, mut brands) = (Names::default(), Names::default());
    let mut baskets = Names::default();
    let events: Vec<Event> = purchases
        .iter()
        .map(|purchase| {
            let person = people.number(&purchase.household);
            let brand = brands.number(&purchase.manufacturer);
            let order = Some(u32::try_from(baskets.number(&purchase.basket)).unwrap());
            Event {
                second: second_of(&purchase.time),
                amount: purchase.cents,
                order,
                ..event(person, brand, "buy", day_of(&purchase.time))
            }
        })
        .collect();
    spend_and_people(&data, &purchases, &folder, &mut people);
    let world = bare_world(people.names.len());
    let twin = Twin::new(&world);
    twin.events(&events, |person| u32::try_from(person).unwrap());
    known_people(&twin, &folder, &mut people);
    let sides = Sides { db: Database::open(&data).unwrap(), twin, brands };
    let largest = largest(&events, 20);
    let last = events.iter().map(|event| event.day).max().unwrap();
    let compared = sides.every_week(&largest, YEAR_DAY, last);
    sides.flow(&largest, YEAR_DAY + 30, YEAR_DAY + 364);
    sides.overlap(&largest[..10], last);
    back_tests(&sides, largest[0]);
    println!("Complete Journey: {} events, {compared} distributions", events.len());
}

/// What was expected of the largest brand's buyers, against what they then brought. The panel
/// begins with the year, so early stages are too shallow and later ones look worth too much.
fn back_tests(sides: &Sides<'_>, brand: usize) {
    let name = &sides.brands.names[brand];
    for (horizon, method) in [(90, "cohort"), (120, "cohort"), (90, "markov"), (120, "markov")] {
        let statement =
            format!("BACKTEST \"{name}\" AS OF '2017-12-31' HORIZON {horizon} DAYS USING {method}");
        let rows = sides.db.query(&statement).unwrap().rows;
        let total = rows.last().unwrap();
        let Value::Double(error) = total[5] else { panic!("{statement}: {total:?}") };
        let money = |at: usize| total[at].to_string();
        println!(
            "{method} over {horizon} days: {} predicted, {} came, off by {:.1} %",
            money(2),
            money(3),
            100.0 * error
        );
        assert!(error.abs() < 0.35, "{statement}: {error}");
    }
}

/// Households with demographics are known even before their first purchase.
fn known_people(twin: &Twin<'_>, folder: &Path, people: &mut Names) {
    for row in rows(&folder.join("demographics.csv.gz")) {
        let person = people.number(&row["household_id"]);
        let id = u32::try_from(person).unwrap();
        twin.person(person, id);
        twin.connection.execute("UPDATE person SET known = 1 WHERE id = ?1", [id]).unwrap();
    }
}

/// Money to the cent, and every demographic value.
fn spend_and_people(data: &Path, purchases: &[Purchase], folder: &Path, people: &mut Names) {
    let total: i64 = purchases.iter().map(|purchase| purchase.cents).sum();
    let total = format!("{}.{:02}", total / 100, total % 100);
    assert_eq!(query(data, "SUM ANY BRAND.spend"), [[total]]);
    let mut columns: BTreeMap<&str, BTreeMap<String, i64>> = BTreeMap::new();
    for row in rows(&folder.join("demographics.csv.gz")) {
        people.number(&row["household_id"]);
        for column in ["age", "income", "home_ownership", "household_comp"] {
            let value = row[column].clone();
            if !value.is_empty() {
                *columns.entry(column).or_default().entry(value).or_default() += 1;
            }
        }
    }
    for (column, values) in columns {
        let statement = format!("COUNT WHERE {column} IS NOT UNKNOWN BY {column}");
        let expected: Vec<Vec<String>> =
            values.into_iter().map(|(value, count)| vec![value, count.to_string()]).collect();
        assert_eq!(query(data, &statement), expected, "{statement}");
    }
}
