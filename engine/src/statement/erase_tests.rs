//! A store that has forgotten and deleted answers as one that never had it.

use std::ops::ControlFlow;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use throng_query::date::Date;
use throng_query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng_storage::dictionary::KeyColumn;
use throng_storage::store::{BulkOptions, KeyTable};

use crate::attribute::AttributeLoad;
use crate::compactor::{Background, CompactionOptions};
use crate::{CreateOptions, Database, Event, EventBatch, ExecuteOptions, When};

const BEHAVIOURS: [&str; 7] = ["exposure", "click", "buy", "refund", "join", "leave", "cart"];
const BRANDS: [&str; 3] = ["estee", "lancome", "kiehls"];
const FIRST_DAY: i32 = 17_100;

/// An event: consumer, brand, behaviour, day, order, amount.
type Row = (usize, &'static str, &'static str, i32, usize, i64);

/// What a store is made of, step by step.
#[derive(Clone)]
enum Step {
    Events(Vec<Row>),
    /// Values of a number, a text and a flag.
    Attributes(Vec<(usize, i64)>),
    Freeze(&'static str),
    Forget(Vec<usize>),
    Delete(&'static str, &'static [&'static str], i32, i32),
}

fn name(consumer: usize) -> String {
    format!("u{consumer}")
}

fn random_rows(random: &mut Pcg64, count: usize) -> Vec<Row> {
    let mut one = || {
        let order = random.random_range(0..40);
        (
            random.random_range(0..90),
            BRANDS[random.random_range(0..3)],
            BEHAVIOURS[random.random_range(0..7)],
            FIRST_DAY + random.random_range(0..200),
            order,
            random.random_range(1..50_000),
        )
    };
    (0..count).map(|_| one()).collect()
}

fn database(dir: &std::path::Path) -> Database {
    let off = CompactionOptions { background: Background::Off, core_percent: 100 };
    Database::create_with(dir, &CreateOptions::default(), off).unwrap()
}

fn ingest(database: &Database, rows: &[Row]) {
    let mut batch = EventBatch::new();
    for (consumer, brand, behaviour, day, order, amount) in rows {
        let (consumer, order) = (name(*consumer), format!("o{order}"));
        let has_order = ["buy", "refund"].contains(behaviour);
        batch.push(&Event {
            order: has_order.then_some(order.as_str()),
            amount: if has_order { *amount } else { 0 },
            ..Event::new(&consumer, brand, behaviour, When::day(Date(*day)))
        });
    }
    database.ingest(&batch, None).unwrap();
}

fn load_attributes(database: &Database, rows: &[(usize, i64)]) {
    let store = database.store();
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
    let mut keys = KeyColumn::default();
    rows.iter().for_each(|row| keys.push(name(row.0).as_bytes()));
    let mut ids = Vec::new();
    bulk.intern(KeyTable::Consumer, &keys, &mut ids).unwrap();
    let mut load = AttributeLoad::default();
    let of = |name: &str| AttributeRef { brand: None, name: name.to_owned() };
    let age = load.column(of("age"), AttributeType::Integer);
    let city = load.column(of("city"), AttributeType::Text);
    let vip = load.column(of("vip"), AttributeType::Boolean);
    for (id, (_, value)) in ids.iter().zip(rows) {
        load.value(age, *id, &AttributeValue::Number(*value)).unwrap();
        load.text(city, *id, ["Shanghai", "Beijing"][usize::from(value % 2 == 0)]).unwrap();
        if value % 3 > 0 {
            load.value(vip, *id, &AttributeValue::Boolean(value % 3 == 1)).unwrap();
        }
    }
    load.write(store, &mut bulk).unwrap();
    bulk.commit(&mut |_, _| {}).unwrap();
}

fn apply(database: &Database, step: &Step) {
    match step {
        Step::Events(rows) => ingest(database, rows),
        Step::Attributes(rows) if rows.is_empty() => {}
        Step::Attributes(rows) => load_attributes(database, rows),
        Step::Freeze(audience) => {
            let text = "FROZEN AUDIENCE";
            let set = "estee DID ANY OR age > 40 OR NOT lancome.stage = L";
            let day = Date(FIRST_DAY + 120);
            let text = format!("CREATE {text} {audience} AS {set} AS OF '{day}'");
            database.query(&text).unwrap();
        }
        Step::Forget(consumers) => {
            let listed: Vec<_> = consumers.iter().map(|one| format!("'{}'", name(*one))).collect();
            let text = format!("FORGET CONSUMER IF EXISTS {}", listed.join(", "));
            let options = ExecuteOptions { now: Some(1_700_000_000), ..Default::default() };
            database.execute(&text, &[], &options).unwrap();
        }
        Step::Delete(brand, behaviours, first, last) => {
            let (first, last) = (Date(*first), Date(*last));
            let mut text = format!("DELETE EVENTS OF {brand} BETWEEN '{first}' AND '{last}'");
            if !behaviours.is_empty() {
                text += &format!(" DID ({})", behaviours.join(", "));
            }
            database.query(&text).unwrap();
        }
    }
}

/// The steps as they would have been, had nobody come who was forgotten, nor what was deleted.
fn without_erased(steps: &[Step]) -> Vec<Step> {
    let mut left: Vec<Step> = Vec::new();
    for step in steps {
        match step {
            Step::Forget(consumers) => {
                for earlier in &mut left {
                    match earlier {
                        Step::Events(rows) => rows.retain(|row| !consumers.contains(&row.0)),
                        Step::Attributes(rows) => rows.retain(|row| !consumers.contains(&row.0)),
                        _ => {}
                    }
                }
            }
            Step::Delete(brand, behaviours, first, last) => {
                let taken = |row: &Row| {
                    row.1 == *brand
                        && (behaviours.is_empty() || behaviours.contains(&row.2))
                        && (*first..=*last).contains(&row.3)
                };
                for earlier in &mut left {
                    if let Step::Events(rows) = earlier {
                        rows.retain(|row| !taken(row));
                    }
                }
            }
            step => left.push(step.clone()),
        }
    }
    left
}

fn questions() -> Vec<String> {
    let mut questions = Vec::new();
    for tail in ["", " AS OF '2017-01-15'", " EVERY 3 WEEKS FROM '2016-11-01' TO '2017-05-01'"] {
        for question in [
            "COUNT",
            "COUNT BY estee.stage",
            "COUNT BY estee.stage, city, vip",
            "COUNT BY age",
            "COUNT BY city, AUDIENCE kept",
            "COUNT WHERE NOT estee DID buy BY vip",
            "COUNT WHERE estee DID ANY 3 TIMES OR lancome DID (buy, click) ON 2 DAYS",
            "COUNT WHERE estee IS MEMBER OR age BETWEEN 20 AND 50",
            "COUNT WHERE estee SPENT <= 100 VERSUS city = 'Beijing' BY lancome.stage",
            "COUNT WHERE AUDIENCE kept OR ANY BRAND DID buy IN LAST 60 DAYS",
            "SUM estee.spend",
            "SUM estee.spend BY city",
            "SUM age BY lancome.stage",
            "OVERLAP estee, lancome, kiehls",
            "OVERLAP estee, lancome, kiehls REGIONS",
            "PROFILE WHERE estee DID buy BY city, age, vip",
        ] {
            questions.push(format!("{question}{tail}"));
        }
    }
    questions
}

fn answers(database: &Database) -> Vec<String> {
    let told = |text: &String| match database.query(text) {
        Ok(answer) => format!("{text}: {:?}", answer.rows),
        Err(error) => format!("{text}: {}", error.sqlstate()),
    };
    questions().iter().map(told).collect()
}

fn random_steps(random: &mut Pcg64) -> Vec<Step> {
    let people = |random: &mut Pcg64| {
        let count = random.random_range(1..5);
        (0..count).map(|_| random.random_range(0..90)).collect::<Vec<_>>()
    };
    let ages = |random: &mut Pcg64| {
        let count = random.random_range(5..60);
        (0..count).map(|_| (random.random_range(0..110), random.random_range(18..70))).collect()
    };
    // Everything that a question names is there in both stores.
    let mut steps = vec![Step::Events(random_rows(random, 300)), Step::Attributes(ages(random))];
    let named = BRANDS.iter().flat_map(|brand| {
        BEHAVIOURS.map(|behaviour| (95, *brand, behaviour, FIRST_DAY + 100, 50, 100))
    });
    steps.push(Step::Events(named.collect()));
    steps.push(Step::Attributes(vec![(95, 30), (96, 31), (97, 32)]));
    steps.push(Step::Forget(people(random)));
    steps.push(Step::Freeze("kept"));
    for _ in 0..8 {
        steps.push(match random.random_range(0..6) {
            0 | 1 => Step::Events(random_rows(random, 40)),
            2 => Step::Attributes(ages(random)),
            3 | 4 => Step::Forget(people(random)),
            _ => Step::Events(random_rows(random, 5)),
        });
    }
    steps
}

fn compare(steps: &[Step], seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let never = database(&dir.path().join("never"));
    without_erased(steps).iter().for_each(|step| apply(&never, step));
    let expected = answers(&never);
    let path = dir.path().join("erased");
    let mut erased = database(&path);
    for (number, step) in steps.iter().enumerate() {
        apply(&erased, step);
        // A view that has gathered the universe is handed on.
        erased.query("COUNT").unwrap();
        if number % 4 == 3 {
            erased.store().checkpoint().unwrap();
        }
    }
    assert_eq!(answers(&erased), expected, "seed {seed}");
    drop(erased);
    erased = Database::open(&path).unwrap();
    assert_eq!(answers(&erased), expected, "seed {seed}, opened again");
    let done = erased.compact(&mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(done.1, ControlFlow::Continue(()));
    assert_eq!(answers(&erased), expected, "seed {seed}, compacted");
    let gone = erased.query("SHOW ERASURES").unwrap();
    let is_gone = |row: &Vec<crate::Value>| row.last() == Some(&crate::Value::Boolean(true));
    assert!(!gone.rows.is_empty() && gone.rows.iter().all(is_gone));
}

#[test]
fn a_store_answers_as_if_those_forgotten_had_never_come() {
    for seed in 0..6 {
        compare(&random_steps(&mut Pcg64::seed_from_u64(seed)), seed);
    }
}

#[test]
fn a_store_answers_as_if_what_was_deleted_had_never_been_loaded() {
    for seed in 20..24 {
        let mut random = Pcg64::seed_from_u64(seed);
        let mut steps = random_steps(&mut random);
        // What is frozen stays as it was; so it is frozen after the deletion.
        for _ in 0..2 {
            let brand = BRANDS[random.random_range(0..3)];
            let did: &[&str] = if random.random_range(0..2) == 0 { &[] } else { &["click", "buy"] };
            let first = FIRST_DAY + random.random_range(0..90);
            let last = first + random.random_range(0..100);
            // The events that name everything stay.
            let last =
                if (first..=last).contains(&(FIRST_DAY + 100)) { FIRST_DAY + 99 } else { last };
            steps.insert(5, Step::Delete(brand, did, first.min(last), last));
        }
        compare(&steps, seed);
    }
}

#[test]
fn forgetting_says_what_it_did_and_keeps_no_name() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(&dir.path().join("store"));
    ingest(
        &database,
        &[(1, "estee", "buy", FIRST_DAY, 1, 100), (2, "estee", "click", 17_105, 1, 0)],
    );
    let fails = |text: &str| database.query(text).unwrap_err();
    let error = fails("FORGET CONSUMER 'u1', 'u99'");
    assert_eq!(error.sqlstate(), "42704");
    assert_eq!(error.to_string(), "nobody has the identity `u99`, so it cannot be forgotten");
    assert!(database.query("CONSUMER 'u1'").is_ok());
    let options = ExecuteOptions { now: Some(1_510_329_600), ..Default::default() };
    let done = database.execute("FORGET CONSUMER 'id:u1'", &[], &options).unwrap();
    assert_eq!(format!("{:?} {}", done.rows, done.tag), "[[Integer(1), Integer(1)]] FORGET 1");
    assert_eq!(fails("CONSUMER 'u1'").sqlstate(), "02000");
    assert_eq!(fails("FORGET CONSUMER 'u1'").sqlstate(), "42704");
    let none = database.query("FORGET CONSUMER IF EXISTS 'u1'").unwrap();
    assert_eq!((none.tag.as_str(), none.notices.len()), ("FORGET 0", 1));
    let deleted = database
        .query("DELETE EVENTS OF estee BETWEEN '2016-10-01' AND '2017-10-01' DID click")
        .unwrap();
    assert_eq!(format!("{:?}", deleted.rows), "[[Integer(1), Integer(1)]]");
    let nothing = database.query("DELETE EVENTS OF estee BETWEEN '2016-10-01' AND '2017-10-01'");
    assert_eq!(format!("{:?}", nothing.unwrap().rows), "[[Integer(0), Integer(0)]]");
    let shown = database.query("SHOW ERASURES").unwrap();
    let shown = format!("{:?}", shown.rows);
    assert!(shown.contains("2017-11-11") && shown.contains("sha256:"), "{shown}");
    assert!(shown.contains("estee DID click") && !shown.contains("u1\""), "{shown}");
    let reader = database.snapshot().unwrap();
    assert_eq!(reader.query("FORGET CONSUMER 'u2'").unwrap_err().sqlstate(), "25006");
}
