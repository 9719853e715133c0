//! Batches accepted and refused on real stores.

use throng_query::date::Date;

use super::*;
use crate::{CreateOptions, Database, DatabaseError, Outcome, Value};

fn database() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::create(&dir.path().join("s"), &CreateOptions::default()).unwrap();
    (dir, database)
}

fn count(database: &Database, filter: &str) -> Value {
    database.query(&format!("COUNT WHERE {filter}")).unwrap().rows[0][0].clone()
}

fn day(text: &str) -> When {
    When::day(text.parse().unwrap())
}

#[test]
fn a_batch_is_visible_at_once_and_still_there_after_reopening() {
    let (dir, database) = database();
    let mut batch = EventBatch::new();
    // 2017-11-10 23:30 UTC is 2017-11-11 07:30 in Shanghai.
    batch.push(&Event::new("u1", "estee", "view", When::Unix(1_510_356_600)));
    batch.extend([
        Event::new("u2", "estee", "view", day("2017-11-10")),
        Event {
            amount: 100,
            order: Some("o"),
            ..Event::new("u2", "estee", "buy", day("2017-11-11"))
        },
        Event { item: Some("i"), ..Event::new("id:u1", "estee", "cart", day("2017-11-11")) },
    ]);
    assert_eq!(batch.len(), 4);
    let outcome = database.ingest(&batch, Some("t")).unwrap();
    assert_eq!(outcome, Outcome::Applied { events: 4 });
    let check = |database: &Database| {
        let on = "BETWEEN '2017-11-11' AND '2017-11-11'";
        assert_eq!(count(database, &format!("estee DID view {on}")), Value::Integer(1));
        assert_eq!(count(database, "estee DID view AND estee DID cart"), Value::Integer(1));
        assert_eq!(count(database, "estee SPENT >= 1"), Value::Integer(1));
        assert_eq!(count(database, "estee DID cart ITEM 'i'"), Value::Integer(1));
    };
    check(&database);
    drop(database);
    let database = Database::open(&dir.path().join("s")).unwrap();
    check(&database);
    assert_eq!(database.ingest(&batch, Some("t")).unwrap(), Outcome::Repeated);
    check(&database);
    assert_eq!(count(&database, "estee DID view 2 TIMES"), Value::Integer(0));
    database.ingest(&batch, Some("t2")).unwrap();
    assert_eq!(count(&database, "estee DID view 2 TIMES"), Value::Integer(2));
}

#[test]
fn a_bad_event_is_named_and_nothing_of_its_batch_is_kept() {
    let (_dir, database) = database();
    let good = Event::new("u1", "estee", "view", day("2017-11-11"));
    let long = "x".repeat(1_025);
    let local = |day: i32, second| When::Local { day: Date(day), second };
    let cases = [
        (
            Event { behaviour: "favourite", ..good },
            EventField::Behaviour,
            "did you mean `favorite`",
        ),
        (Event { consumer: "", ..good }, EventField::Consumer, "is empty"),
        (Event { consumer: "id:", ..good }, EventField::Consumer, "is empty"),
        (Event { consumer: &long, ..good }, EventField::Consumer, "has 1025 bytes"),
        (Event { brand: "", ..good }, EventField::Brand, "is empty"),
        (Event { brand: &long, ..good }, EventField::Brand, "at most 256"),
        (Event { touchpoint: Some(""), ..good }, EventField::Touchpoint, "is empty"),
        (Event { category: Some(""), ..good }, EventField::Category, "is empty"),
        (Event { item: Some(""), ..good }, EventField::Item, "is empty"),
        (Event { order: Some(&long), ..good }, EventField::Order, "at most 1024"),
        (Event { at: local(-1, 0), ..good }, EventField::Time, "1970-01-01 to 2149-06-05"),
        (Event { at: local(65_535, 0), ..good }, EventField::Time, "1970-01-01 to 2149-06-05"),
        (Event { at: When::Unix(i64::MAX), ..good }, EventField::Time, "1970-01-01"),
        (Event { at: local(17_000, 86_400), ..good }, EventField::Time, "second 86400"),
        (Event { count: 0, ..good }, EventField::Count, "at least 1"),
        (Event { amount: -1, ..good }, EventField::Amount, "negative"),
        (Event { behaviour: "refund", amount: -1, ..good }, EventField::Amount, "negative"),
    ];
    for (bad, field, message) in cases {
        let mut batch = EventBatch::new();
        batch.push(&Event { brand: "never kept", ..good });
        batch.push(&good);
        batch.push(&bad);
        let error = database.ingest(&batch, Some("again")).unwrap_err();
        assert!(error.to_string().contains(message), "{bad:?}: {error}");
        match error {
            DatabaseError::Ingest(IngestError::Event { row: 2, field: found, .. }) => {
                assert_eq!(found, field);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(database.query("COUNT").unwrap().rows, [[Value::Integer(0)]]);
    assert!(database.query("SHOW BRANDS").unwrap().rows.is_empty());
    assert_eq!(database.store().snapshot().segments().len(), 0);
}

#[test]
fn batches_from_many_threads_are_all_kept() {
    let (dir, database) = database();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let database = &database;
            scope.spawn(move || {
                for round in 0..20 {
                    let mut batch = EventBatch::new();
                    for one in 0..5 {
                        let consumer = format!("u{}", thread * 1_000 + round * 5 + one);
                        batch.push(&Event::new(&consumer, "estee", "view", day("2017-11-11")));
                    }
                    database.ingest(&batch, None).unwrap();
                }
            });
        }
    });
    assert_eq!(count(&database, "estee DID view"), Value::Integer(400));
    drop(database);
    let database = Database::open(&dir.path().join("s")).unwrap();
    assert_eq!(count(&database, "estee DID view"), Value::Integer(400));
}
