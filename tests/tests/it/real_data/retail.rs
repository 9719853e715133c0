//! Online Retail: a shop's whole year, with returns as negative quantities, a quarter of its rows
//! without a customer, and prices with three digits.

use super::source::{folder, rows};
use crate::command::{query, run};

/// Thousandths of a pound.
fn thousandths(price: &str) -> i64 {
    let (sign, price) = price.strip_prefix('-').map_or((1, price), |rest| (-1, rest));
    let (whole, rest) = price.split_once('.').unwrap_or((price, ""));
    assert!(rest.len() <= 3, "{price}");
    sign * (whole.parse::<i64>().unwrap() * 1_000 + format!("{rest:0<3}").parse::<i64>().unwrap())
}

/// To the nearest penny, halves away from zero.
fn pennies(thousandths: i64) -> i64 {
    (thousandths.abs() + 5) / 10 * thousandths.signum()
}

#[test]
fn online_retail_is_exact_to_the_penny() {
    let Some(folder) = folder("online_retail") else { return };
    let file = folder.join("online_retail.csv.gz");
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("store");
    run(&data, &["create", "--currency", "GBP", "--time-zone", "Europe/London"]).good();
    let mut load = vec!["load", "events", file.to_str().unwrap()];
    for constant in ["brand=shop", "behaviour=buy"] {
        load.extend(["--set", constant]);
    }
    for map in [
        "consumer=CustomerID",
        "time=InvoiceDate",
        "item=StockCode",
        "count=Quantity",
        "amount=Quantity*UnitPrice",
    ] {
        load.extend(["--map", map]);
    }
    load.extend(["--trim-zero", "consumer", "--returns-as-refunds", "--round-amounts"]);
    let rejects = dir.path().join("rejects.csv");
    load.extend(["--rejects", rejects.to_str().unwrap()]);
    // Without leave, rows without a customer are rejected and the load fails whole.
    run(&data, &load).bad(&["CustomerID", "empty"]);
    assert_eq!(query(&data, "COUNT"), [["0"]]);
    load.push("--skip-missing-consumer");
    run(&data, &load).good();

    let (mut expected, mut exact, mut returned, mut kept) = (0, 0, 0, 0);
    let mut customers = std::collections::HashSet::new();
    for row in rows(&file).filter(|row| !row["CustomerID"].is_empty()) {
        let amount = row["Quantity"].parse::<i64>().unwrap() * thousandths(&row["UnitPrice"]);
        kept += 1;
        exact += amount;
        expected += pennies(amount);
        returned += pennies(amount).min(0);
        customers.insert(row["CustomerID"].clone());
    }
    assert_eq!((kept, exact), (406_829, 8_300_065_814), "the file is another");
    assert_eq!(pennies(exact), expected, "rounding rows adds up to nothing");
    let money = |pennies: i64| format!("{}.{:02}", pennies / 100, pennies % 100);
    assert_eq!(query(&data, "SUM shop.spend"), [[money(expected)]]);
    assert_eq!(query(&data, "COUNT"), [[customers.len().to_string()]]);
    // The same by months, each customer's returns included: months add up to the year.
    let mut months = 0;
    for (from, to) in [("2010-12-01", "2011-05-31"), ("2011-06-01", "2011-12-31")] {
        let statement = format!("SUM shop.spend BETWEEN '{from}' AND '{to}'");
        months += query(&data, &statement)[0][0].replace('.', "").parse::<i64>().unwrap();
    }
    assert_eq!(months, expected);
    assert!(returned < 0);
    println!("Online Retail: {kept} rows, net {} GBP", money(expected));
}
