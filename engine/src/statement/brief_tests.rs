//! Statements that are to be brief.

use crate::{
    CreateOptions, Database, Date, Event, EventBatch, ExecuteError, ExecuteOptions, Length, Value,
    When,
};

fn ask(database: &Database, text: &str) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let options = ExecuteOptions { length: Length::Brief, ..ExecuteOptions::default() };
    match database.execute(text, &[], &options) {
        Ok(answer) => Ok(answer.rows),
        Err(crate::DatabaseError::Execute(error)) => Err(error),
        Err(error) => panic!("{text}: {error}"),
    }
}

fn takes_longer(database: &Database, text: &str) -> bool {
    matches!(ask(database, text), Err(ExecuteError::TakesLonger))
}

fn bought(database: &Database, consumers: std::ops::Range<i32>) {
    let mut batch = EventBatch::new();
    for number in consumers {
        let day = When::day(Date(17_000 + number % 9));
        batch.push(&Event::new(&format!("id:{number}"), "one", "buy", day));
    }
    database.ingest(&batch, None).unwrap();
}

#[test]
fn what_is_not_brief_says_so_before_it_does_anything() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path, &CreateOptions::default()).unwrap();
    // More than are read at once.
    bought(&database, 0..40_000);
    let count = "COUNT WHERE one DID buy IN LAST 3 DAYS";
    assert!(takes_longer(&database, count), "nobody has resolved the view");
    database.query("SHOW BRANDS").unwrap();
    let misses = || database.memo().usage().misses;
    let before = misses();
    assert!(takes_longer(&database, count), "nobody has asked for it");
    assert_eq!(misses(), before);
    let counted = database.query(count).unwrap().rows;
    assert_eq!(misses(), before + 1);
    assert_eq!(ask(&database, count).unwrap(), counted);
    let stages = "COUNT BY one.stage";
    assert!(takes_longer(&database, stages));
    assert!(takes_longer(&database, "COUNT"), "nobody has gathered the universe");
    let staged = database.query(stages).unwrap().rows;
    assert_eq!(ask(&database, stages).unwrap(), staged);
    let person = "CONSUMER 'id:7' FOR one";
    assert_eq!(ask(&database, person).unwrap(), database.query(person).unwrap().rows);
    for long in [
        "CONSUMER 'id:7'",
        "CREATE AUDIENCE some AS SAMPLE 10 PERCENT",
        "FORGET CONSUMER 'id:7'",
        "DELETE EVENTS OF one BETWEEN '2016-07-18' AND '2016-07-20'",
        "DROP BRAND IF EXISTS one",
        "SHOW STORAGE",
        "EXPLAIN ANALYZE COUNT",
        "COUNT EVERY 1 DAY FROM '2016-07-18' TO '2016-08-20'",
        "COUNT WHERE TOP 10 PERCENT BY one.spend",
    ] {
        assert!(takes_longer(&database, long), "{long}");
    }
    assert!(database.query("SHOW AUDIENCES").unwrap().rows.is_empty());
    assert_eq!(ask(&database, count).unwrap(), counted);
    // A set over all brands is read from every lane.
    database.query("CREATE AUDIENCE anywhere AS ANY BRAND DID buy IN LAST 3 DAYS").unwrap();
    database.query("SHOW BRANDS").unwrap();
    let matched = "MATCH CONSUMER 'id:7' AGAINST AUDIENCE anywhere";
    assert!(takes_longer(&database, matched));
    let day = Value::Boolean(true);
    assert_eq!(database.query(matched).unwrap().rows[0][1], day);
    // What comes in between ends what was brief.
    bought(&database, 40_000..40_100);
    assert!(takes_longer(&database, count));
}

#[test]
fn what_reads_a_few_rows_is_brief() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path, &CreateOptions::default()).unwrap();
    bought(&database, 0..1000);
    database.query("SHOW BRANDS").unwrap();
    let (count, stages) = ("COUNT WHERE one DID buy IN LAST 3 DAYS", "COUNT BY one.stage");
    assert!(takes_longer(&database, stages), "nobody has gathered the universe");
    ask(&database, "COUNT WHERE one DID buy IN LAST 2 DAYS").unwrap();
    database.query("COUNT").unwrap();
    let misses = database.memo().usage().misses;
    let asked = [count, stages].map(|text| ask(&database, text).unwrap());
    assert!(database.memo().usage().misses > misses, "they were not there");
    database.memo().set_limit(0);
    assert_eq!([count, stages].map(|text| database.query(text).unwrap().rows), asked);
    for long in [
        "COUNT WHERE ANY BRAND DID buy IN LAST 3 DAYS",
        "COUNT WHERE SAMPLE 10 PERCENT",
        "SUM one.spend BY one.stage",
        "SUM one.purchase_days",
    ] {
        assert!(takes_longer(&database, long), "{long}");
    }
}
