//! The worked example of `docs/worked-example.md`: who redeemed coupons of Complete Journey.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rusqlite::Connection;
use throng::{Database, Value};

use super::source::{folder, rows};
use crate::command::run;

const PAGE: &str = include_str!("../../../../docs/worked-example.md");

/// One line of the joined file.
struct Line {
    household: String,
    behaviour: &'static str,
    day: String,
    category: String,
    touchpoint: String,
    paid: String,
    basket: String,
}

/// Purchases with their categories, who was sent which campaign on its first day, and what was
/// redeemed: the file that the page makes.
fn joined(folder: &Path) -> Vec<Line> {
    let column = |file: &str, key: &str, value: &str| -> HashMap<String, String> {
        let path = folder.join(file);
        rows(&path).map(|mut row| (row.remove(key).unwrap(), row.remove(value).unwrap())).collect()
    };
    let categories = column("products.csv.gz", "product_id", "product_category");
    let starts = column("campaign_descriptions.csv.gz", "campaign_id", "start_date");
    let types = column("campaign_descriptions.csv.gz", "campaign_id", "campaign_type");
    let line = |household: String, behaviour, day: &str| Line {
        household,
        behaviour,
        day: day.to_owned(),
        category: String::new(),
        touchpoint: String::new(),
        paid: String::new(),
        basket: String::new(),
    };
    let mut lines = Vec::new();
    for mut row in rows(&folder.join("transactions_sample.csv.gz")) {
        let category = categories.get(&row["product_id"]).cloned().unwrap_or_default();
        let paid = row.remove("sales_value").unwrap();
        let basket = row.remove("basket_id").unwrap();
        let bought =
            line(row.remove("household_id").unwrap(), "buy", &row["transaction_timestamp"][..10]);
        lines.push(Line { category, paid, basket, ..bought });
    }
    for mut row in rows(&folder.join("campaigns.csv.gz")) {
        let campaign = &row["campaign_id"];
        let (day, touchpoint) = (starts[campaign].clone(), types[campaign].clone());
        let sent = line(row.remove("household_id").unwrap(), "exposure", &day);
        lines.push(Line { touchpoint, ..sent });
    }
    for mut row in rows(&folder.join("coupon_redemptions.csv.gz")) {
        let touchpoint = types[&row["campaign_id"]].clone();
        let redeemed = line(row.remove("household_id").unwrap(), "coupon", &row["redemption_date"]);
        lines.push(Line { touchpoint, ..redeemed });
    }
    lines
}

/// The joined file, and the same in SQLite.
fn write(path: &Path, folder: &Path) -> Connection {
    let sql = Connection::open_in_memory().unwrap();
    sql.execute_batch(
        "CREATE TABLE event (household TEXT, behaviour TEXT, day TEXT, category TEXT);
         CREATE TABLE demo (household TEXT, age TEXT, income TEXT, kids_count TEXT);",
    )
    .unwrap();
    let mut csv = "household,behaviour,day,category,touchpoint,paid,basket\n".to_owned();
    sql.execute_batch("BEGIN").unwrap();
    let mut insert = sql.prepare("INSERT INTO event VALUES (?1, ?2, ?3, nullif(?4, ''))").unwrap();
    for line in joined(folder) {
        let Line { household, behaviour, day, category, touchpoint, paid, basket } = line;
        let category = category.replace('"', "\"\"");
        let _ = writeln!(
            csv,
            "{household},{behaviour},{day},\"{category}\",{touchpoint},{paid},{basket}"
        );
        insert.execute([&household, behaviour, &day, &category]).unwrap();
    }
    drop(insert);
    for row in rows(&folder.join("demographics.csv.gz")) {
        let of = |name: &str| row[name].clone();
        let values = [of("household_id"), of("age"), of("income"), of("kids_count")];
        sql.execute("INSERT INTO demo VALUES (?1, ?2, ?3, ?4)", values).unwrap();
    }
    sql.execute_batch(
        "COMMIT;
         CREATE TABLE redeemer AS SELECT DISTINCT household FROM event WHERE behaviour = 'coupon';
         CREATE TABLE other AS SELECT DISTINCT household FROM event WHERE behaviour = 'exposure'
         EXCEPT SELECT household FROM redeemer;",
    )
    .unwrap();
    fs::write(path, csv).unwrap();
    sql
}

/// TGI and z, written down once more.
#[expect(clippy::cast_precision_loss, reason = "counts of households are small")]
fn told([x1, n1, x2, n2]: [i64; 4]) -> (f64, f64) {
    let [x1, n1, x2, n2] = [x1, n1, x2, n2].map(|count| count as f64);
    let p = (x1 + x2) / (n1 + n2);
    let z = (x1 / n1 - x2 / n2) / (p * (1.0 - p) / n1 + p * (1.0 - p) / n2).sqrt();
    (100.0 * (x1 / n1) / (x2 / n2), z)
}

/// Rows of a profile as the page shows them.
fn shown(rows: &[Vec<Value>]) -> Vec<String> {
    let number = |value: &Value, digits: usize| match value {
        Value::Double(number) => format!("{number:.digits$}"),
        other => other.to_string(),
    };
    let line = |row: &Vec<Value>| {
        let cells = [
            row[1].to_string(),
            row[2].to_string(),
            number(&row[3], 3),
            row[4].to_string(),
            number(&row[5], 3),
            number(&row[6], 0),
            number(&row[7], 1),
        ];
        format!("| {} |", cells.join(" | "))
    };
    rows.iter().map(line).collect()
}

/// Counts of SQLite: value, how many of the redeemers, how many of the others.
fn counted(sql: &Connection, query: &str) -> HashMap<String, [i64; 2]> {
    let mut statement = sql.prepare(query).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        let value = row.get::<_, Option<String>>(0)?.unwrap_or_default();
        Ok((value, [row.get(1)?, row.get(2)?]))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

/// Every row of a profile is what SQLite counts, and stands on the page.
fn check(rows: &[Vec<Value>], counts: &HashMap<String, [i64; 2]>, totals: [i64; 2]) {
    for (row, line) in rows.iter().zip(shown(rows)) {
        let [inside, base] = counts[&row[1].to_string()];
        assert_eq!((&row[2], &row[4]), (&Value::Integer(inside), &Value::Integer(base)), "{line}");
        let (tgi, z) = told([inside, totals[0], base, totals[1]]);
        for (found, expected) in [(&row[6], tgi), (&row[7], z)] {
            let Value::Double(found) = found else { panic!("{line}") };
            assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{line}");
        }
        println!("{line}");
        assert!(PAGE.contains(&line), "docs/worked-example.md lacks\n{line}");
    }
}

#[test]
fn coupon_redeemers_are_as_the_page_says() {
    let Some(folder) = folder("completejourney") else { return };
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("store"), dir.path().join("journey.csv"));
    let sql = write(&file, &folder);
    run(&data, &["create", "--currency", "USD", "--time-zone", "UTC"]).good();
    let mut load = vec!["load", "events", file.to_str().unwrap(), "--set", "brand=grocer"];
    load.push("--round-amounts");
    for map in ["consumer=household", "time=day", "amount=paid", "order=basket"] {
        load.extend(["--map", map]);
    }
    run(&data, &load).good();
    let demographics = folder.join("demographics.csv.gz");
    let attributes = ["load", "attributes", demographics.to_str().unwrap()];
    run(&data, &[&attributes[..], &["--map", "consumer=household_id"]].concat()).good();

    let db = Database::open(&data).unwrap();
    let statements: Vec<&str> = PAGE
        .split("```sql\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap().split_inclusive(';'))
        .map(str::trim)
        .filter(|statement| !statement.is_empty())
        .collect();
    let mut profiles = Vec::new();
    for statement in statements {
        let answer = db.query(statement).unwrap_or_else(|error| panic!("{}", error.render()));
        if statement.starts_with("PROFILE") {
            profiles.push(answer.rows);
        } else if statement.starts_with("COUNT") {
            let rows = answer.rows.iter();
            let count = rows.map(|row| row[row.len() - 1].to_string()).collect::<Vec<_>>();
            println!("{statement} {count:?}");
            assert!(count.iter().all(|count| PAGE.contains(count.as_str())), "{statement}");
        }
    }
    let [demographics, categories] = profiles.as_slice() else { panic!("two profiles") };
    let one = |query: &str| sql.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
    let known =
        |table: &str| one(&format!("SELECT count(*) FROM {table} JOIN demo USING (household)"));
    let totals = [known("redeemer"), known("other")];
    for attribute in ["age", "income", "kids_count"] {
        let counts = counted(
            &sql,
            &format!(
                "SELECT {attribute}, sum(household IN (SELECT household FROM redeemer)),
                 sum(household IN (SELECT household FROM other)) FROM demo GROUP BY 1"
            ),
        );
        let own: Vec<_> =
            demographics.iter().filter(|row| row[0].to_string() == attribute).cloned().collect();
        assert!(own.len() > 3, "{attribute}");
        check(&own, &counts, totals);
    }
    let counts = counted(
        &sql,
        "SELECT category, count(DISTINCT CASE WHEN household IN (SELECT household FROM redeemer)
         THEN household END), count(DISTINCT CASE WHEN household IN (SELECT household FROM other)
         THEN household END) FROM event WHERE behaviour = 'buy' GROUP BY 1",
    );
    let totals = [one("SELECT count(*) FROM redeemer"), one("SELECT count(*) FROM other")];
    assert_eq!(categories.len(), 12);
    check(categories, &counts, totals);
}
