//! Statements about so many sets that the marks of a census have several words, which are to give
//! what sets give.

use crate::{
    CreateOptions, Database, Date, Event, EventBatch, ExecuteOptions, Method, UseMemo, Value, When,
};

const DAY: i32 = 17_000;
const CONSUMERS: u32 = 1_500;
const BRANDS: u32 = 128;

fn ask(database: &Database, text: &str, method: Method) -> Vec<Vec<Value>> {
    let options = ExecuteOptions { method, memo: UseMemo::No, ..ExecuteOptions::default() };
    let answer = database.execute(text, &[], &options);
    answer.unwrap_or_else(|error| panic!("{text}: {error}")).rows
}

/// Whether it is answered by a census.
fn is_census(database: &Database, text: &str, method: Method) -> bool {
    let rows = ask(database, &format!("EXPLAIN ANALYZE {text}"), method);
    match &rows[0][0] {
        // Not that of one set or of many days.
        Value::Text(line) => line.contains(", row by row") && !line.contains("row by row "),
        other => panic!("{other:?}"),
    }
}

/// Asserts that a statement is answered by a census, if `census`, and as by sets.
fn is_as_by_sets(database: &Database, text: &str, census: bool) {
    let sets = ask(database, text, Method::Sets);
    assert!(!is_census(database, text, Method::Sets), "{text}");
    for method in [Method::Best, Method::Eager] {
        assert_eq!(ask(database, text, method), sets, "{method:?}: {text}");
        assert_eq!(is_census(database, text, method), census, "{method:?}: {text}");
    }
}

/// Adds what a consumer did at one of the brands.
fn did(batch: &mut EventBatch, consumer: u32, brand: u32, behaviour: &str, day: u32) {
    let (id, brand) = (format!("id:{consumer}"), format!("b{brand:03}"));
    let at = When::day(Date(DAY + day.cast_signed()));
    let amount = i64::from(consumer % 90 + day);
    batch.push(&Event { amount, ..Event::new(&id, &brand, behaviour, at) });
}

/// A store of many brands, whose buyers have bought at one of them or at several, often at the next
/// one as well.
fn store() -> (Database, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path, &CreateOptions::default()).unwrap();
    for part in 0..2 {
        let mut batch = EventBatch::new();
        for consumer in 0..CONSUMERS {
            // A number that looks like chance.
            let chance = |of: u32| (consumer + of * 7_919).wrapping_mul(2_654_435_761) >> 16;
            for number in 0..chance(part) % 6 {
                let brand = (chance(number + 10) % BRANDS + part * 31) % BRANDS;
                did(&mut batch, consumer, brand, "buy", part * 40 + chance(brand) % 30);
                if number % 3 == 0 {
                    did(&mut batch, consumer, brand, "view", part * 40 + chance(number) % 30);
                }
                if number % 3 == 1 {
                    did(&mut batch, consumer, (brand + 1) % BRANDS, "buy", part * 40 + 3);
                }
                if number == 4 {
                    did(&mut batch, consumer, brand, "buy", part * 40 + 31);
                }
            }
        }
        database.ingest(&batch, None).unwrap();
    }
    ask(&database, "CREATE FROZEN AUDIENCE some AS SAMPLE 40 PERCENT SEED 3", Method::Best);
    (database, dir)
}

/// Such a condition about each of the first brands, `brand` standing for its name.
fn of_brands(brands: u32, condition: &str) -> Vec<String> {
    let of = |brand: u32| condition.replace("brand", &format!("b{brand:03}"));
    (0..brands).map(of).collect()
}

fn overlap(brands: u32, condition: &str) -> String {
    let sets = of_brands(brands, condition).into_iter().map(|set| format!("({set})"));
    format!("OVERLAP {}", sets.collect::<Vec<_>>().join(", "))
}

#[test]
fn pairs_of_more_sets_than_a_word_has_bits_are_those_of_sets() {
    let (database, _dir) = store();
    // About where marks become wider: one bit says that there is a row.
    for brands in [62, 63, 64, 100, 126, 127, 128] {
        let text = overlap(brands, "brand DID buy");
        is_as_by_sets(&database, &text, true);
        let rows = ask(&database, &text, Method::Best);
        let pairs = brands as usize * (brands as usize - 1) / 2;
        assert_eq!(rows.len(), pairs);
        // The last two sets have both common and own members.
        let [left, right, both] = [2, 3, 4].map(|column| match rows[pairs - 1][column] {
            Value::Integer(number) => number,
            ref other => panic!("{other:?}"),
        });
        assert!(0 < both && both < left.min(right), "{left} {right} {both}");
    }
}

#[test]
fn many_sets_within_a_filter_are_those_of_sets() {
    let (database, _dir) = store();
    for (filter, census) in [
        ("b001 DID view", true),
        ("b000 DID buy IN LAST 50 DAYS", true),
        ("b003 DID view AND NOT AUDIENCE some", true),
        // A set of its own, whose members bring marks.
        ("b004 SPENT > 20 IN LAST 365 DAYS", true),
        // Somebody without any row may be in it.
        ("AUDIENCE some", false),
        ("NOT b002 DID buy", false),
    ] {
        for brands in [63, 100, 127, 128] {
            let text = overlap(brands, "brand DID buy");
            is_as_by_sets(&database, &format!("{text} WHERE {filter}"), census);
        }
    }
}

#[test]
fn sets_of_several_conditions_and_of_days_are_those_of_sets() {
    let (database, _dir) = store();
    for (brands, condition, census) in [
        // Not all rows of a lane bring the same.
        (100, "brand DID buy BETWEEN '2016-07-22' AND '2016-08-30'", true),
        (64, "brand DID buy AND NOT brand DID view", true),
        (127, "brand DID buy AND NOT brand DID view", true),
        // More leaves than the widest marks have.
        (128, "brand DID buy AND NOT brand DID view", false),
    ] {
        is_as_by_sets(&database, &overlap(brands, condition), census);
    }
    // Some of them are counted in marks; of the others sets are made.
    for brands in [3, 60, 100, 123] {
        let mut sets = of_brands(brands, "(brand DID buy)");
        sets.extend(of_brands(5, "(brand DID buy ON 2 DAYS)"));
        is_as_by_sets(&database, &format!("OVERLAP {}", sets.join(", ")), true);
        sets.truncate(brands as usize + 4);
        is_as_by_sets(&database, &format!("OVERLAP {}", sets.join(", ")), true);
    }
    // Sets are made of most of them, which pays while marks have one word.
    for (brands, census) in [(60, true), (70, false)] {
        is_as_by_sets(&database, &overlap(brands, "brand DID buy ON 2 DAYS"), census);
    }
}

#[test]
fn counts_and_money_of_many_conditions_are_those_of_sets() {
    let (database, _dir) = store();
    let any = |brands: u32, condition: &str| of_brands(brands, condition).join(" OR ");
    for brands in [20, 63, 64, 100, 128] {
        let buyers = any(brands, "brand DID buy");
        let viewers = any(brands, "brand DID view IN LAST 60 DAYS");
        for text in [
            format!("COUNT WHERE {buyers}"),
            format!("COUNT WHERE ({buyers}) AND NOT ({viewers})"),
            format!("SUM b000.spend WHERE {buyers}"),
            format!("SUM ANY BRAND.spend IN LAST 90 DAYS WHERE ({buyers}) AND NOT b002 DID view"),
            format!("SUM ANY BRAND.spend WHERE ({viewers}) AND AUDIENCE some BY b000.stage"),
        ] {
            is_as_by_sets(&database, &text, brands < 128 || !text.contains("NOT ("));
        }
    }
}
