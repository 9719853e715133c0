//! MATCH asked again and again.

use crate::{
    CreateOptions, Database, DatabaseError, Date, Event, EventBatch, ExecuteError, ExecuteOptions,
    Length, UseMemo, Value, When,
};

fn ask(database: &Database, consumer: u32, memo: UseMemo) -> Vec<Vec<Value>> {
    let text = format!("MATCH CONSUMER 'id:{consumer}' AGAINST AUDIENCE few, many, kept, some");
    let options = ExecuteOptions { memo, ..ExecuteOptions::default() };
    database.execute(&text, &[], &options).unwrap().rows
}

fn buy(database: &Database, consumers: impl Iterator<Item = u32>, day: i32) {
    let mut batch = EventBatch::new();
    for number in consumers {
        let at = When::day(Date(17_000 + day));
        batch.push(&Event::new(&format!("id:{number}"), "one", "buy", at));
    }
    database.ingest(&batch, None).unwrap();
}

#[test]
fn sets_of_audiences_are_made_once_they_pay_and_follow_every_event() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path, &CreateOptions::default()).unwrap();
    buy(&database, 0..500, 0);
    buy(&database, (0..500).step_by(7), 1);
    for statement in [
        "CREATE AUDIENCE few AS one DID buy ON 2 DAYS",
        "CREATE AUDIENCE many AS one.stage = P",
        "CREATE FROZEN AUDIENCE kept AS one DID buy",
        "CREATE AUDIENCE some AS AUDIENCE many AND SAMPLE 50 PERCENT",
    ] {
        database.query(statement).unwrap();
    }
    let sets = || database.memo().usage().sets;
    let same = |rounds: u32| {
        for round in 0..rounds {
            let consumer = round * 13 % 500;
            let expected = ask(&database, consumer, UseMemo::No);
            assert_eq!(ask(&database, consumer, UseMemo::Yes), expected, "{round}");
        }
    };
    same(256);
    assert_eq!(sets(), 0);
    // Each question makes one; what is frozen, or has a sample, is not kept.
    let brief = ExecuteOptions { length: Length::Brief, ..ExecuteOptions::default() };
    let text = "MATCH CONSUMER 'id:7' AGAINST AUDIENCE few, many, kept, some";
    let early = database.execute(text, &[], &brief);
    assert!(matches!(early, Err(DatabaseError::Execute(ExecuteError::TakesLonger))), "{early:?}");
    same(4);
    let made = sets();
    assert!(made >= 2, "{made}");
    assert_eq!(database.execute(text, &[], &brief).unwrap().rows, ask(&database, 7, UseMemo::No));
    // An event ends what was made before, and an audience made anew is another.
    buy(&database, 3..4, 2);
    assert_eq!(ask(&database, 3, UseMemo::Yes)[0][1], Value::Boolean(true));
    same(300);
    database.query("CREATE OR REPLACE AUDIENCE few AS one DID buy ON 3 DAYS").unwrap();
    assert_eq!(ask(&database, 3, UseMemo::Yes)[0][1], Value::Boolean(false));
    same(300);
    // What the memo had no room for is made again, after twice as many questions.
    assert!(sets() >= 2);
    let room = database.memo().usage().limit;
    database.memo().set_limit(1);
    assert_eq!(sets(), 0);
    database.memo().set_limit(room);
    same(512);
    assert_eq!(sets(), 0);
    same(4);
    assert!(sets() >= 2);
    // Without room nothing stays, and the answers are the same.
    database.memo().set_limit(600);
    same(600);
    database.memo().set_limit(0);
    same(20);
}

#[test]
fn a_set_that_cannot_be_made_ends_no_question() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path, &CreateOptions::default()).unwrap();
    buy(&database, 0..500, 0);
    for name in ["few", "many", "kept", "some"] {
        database.query(&format!("CREATE AUDIENCE {name} AS one DID buy")).unwrap();
    }
    let text = "MATCH CONSUMER 'id:7' AGAINST AUDIENCE few, many, kept, some";
    let soon = std::time::Duration::from_millis(900);
    for round in 0..600 {
        // Enough for one consumer, not for a worker; or hardly any time.
        let deadline = (round % 2 == 1).then(|| std::time::Instant::now() + soon);
        let memory = Some(if deadline.is_some() { 1 << 30 } else { 1 << 20 });
        let options = ExecuteOptions { deadline, memory, ..ExecuteOptions::default() };
        let rows = database.execute(text, &[], &options).unwrap().rows;
        assert!(rows.iter().all(|row| row[1] == Value::Boolean(true)), "{round}");
    }
    assert_eq!(database.memo().usage().sets, 0);
}
