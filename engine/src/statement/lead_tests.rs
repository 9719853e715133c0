//! Ways of counting that are to give what sets give: by the rows of one leaf, of many chunks at
//! once, of many days, and of what indexes hold.

use crate::{
    CreateOptions, Database, Date, Event, EventBatch, ExecuteOptions, Method, UseMemo, Value, When,
};

const DAY: i32 = 17_000;

fn ask(database: &Database, text: &str, method: Method) -> Vec<Vec<Value>> {
    let options = ExecuteOptions { method, memo: UseMemo::No, ..ExecuteOptions::default() };
    database.execute(text, &[], &options).unwrap().rows
}

/// How EXPLAIN ANALYZE says that it went.
fn way(database: &Database, text: &str, method: Method) -> String {
    let rows = ask(database, &format!("EXPLAIN ANALYZE {text}"), method);
    match &rows[0][0] {
        Value::Text(line) => line.to_string(),
        other => panic!("{other:?}"),
    }
}

fn number(rows: &[Vec<Value>]) -> i64 {
    match rows[0][0] {
        Value::Integer(number) => number,
        ref other => panic!("{other:?}"),
    }
}

struct Store {
    database: Database,
    batch: EventBatch,
    _dir: tempfile::TempDir,
}

impl Store {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let database = Database::create(&path, &CreateOptions::default()).unwrap();
        Self { database, batch: EventBatch::new(), _dir: dir }
    }

    fn add(&mut self, consumer: u32, behaviour: &str, day: i32, amount: i64) {
        let id = format!("id:{consumer}");
        let at = When::day(Date(DAY + day));
        self.batch.push(&Event { amount, ..Event::new(&id, "one", behaviour, at) });
    }

    /// Makes a segment of what was added.
    fn flush(&mut self) {
        self.database.ingest(&std::mem::take(&mut self.batch), None).unwrap();
    }
}

#[test]
fn few_who_do_something_often_are_looked_up() {
    let mut store = Store::new();
    for round in 0..3 {
        for consumer in 0..40_000 {
            store.add(consumer, "cart", (consumer % 20).cast_signed(), 0);
            store.add(consumer, "buy", (consumer % 17).cast_signed(), 100);
        }
        // One row in each of three segments, and on two days in all.
        for consumer in (0..40).map(|number| 50_000 + number) {
            store.add(consumer, "cart", round / 2, 0);
        }
        store.flush();
        if round == 0 {
            // Those before have one row of carts only.
            for consumer in (0..40_000).step_by(4_000) {
                store.add(consumer, "view", 3, 0);
                store.add(consumer, "view", 4, 0);
            }
        }
    }
    let database = &store.database;
    let (_, flow) = database.compact(&mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(flow.is_continue());
    for (text, expected, led) in [
        ("COUNT WHERE one DID view ON 2 DAYS", 10, true),
        ("COUNT WHERE one DID view ON 3 DAYS", 0, true),
        ("COUNT WHERE one DID view 2 TIMES AND NOT one DID cart", 0, true),
        ("COUNT WHERE one DID view 2 TIMES AND one DID buy 3 TIMES", 10, true),
        ("COUNT WHERE one DID cart 3 TIMES", 40_040, true),
        ("COUNT WHERE one DID cart ON 2 DAYS", 40, true),
        // Too many to be looked up, which is noticed on the way.
        ("COUNT WHERE one DID cart 2 TIMES AND NOT one DID buy", 40, false),
    ] {
        let sets = ask(database, text, Method::Sets);
        assert_eq!(number(&sets), expected, "{text}");
        for method in [Method::Best, Method::Eager] {
            assert_eq!(ask(database, text, method), sets, "{text}");
            let way = way(database, text, method);
            let is_led = way.contains("row by row of one set");
            assert_eq!(is_led, led || method == Method::Eager, "{text}: {way}");
        }
    }
}

#[test]
fn money_is_added_up_for_those_with_several_rows() {
    let mut store = Store::new();
    for consumer in 0..3_000_u32 {
        let amount = i64::from(consumer % 100);
        store.add(consumer, "buy", 1, amount);
        if consumer % 7 == 0 {
            store.add(consumer, "buy", 2, amount);
            store.flush();
        }
        if consumer % 5 == 0 {
            store.add(consumer, "refund", 3, amount);
        }
        // Somebody who gave back and has no purchase in the store.
        store.add(consumer + 100_000, "refund", 2, amount);
    }
    store.flush();
    let database = &store.database;
    for days in ["IN LAST 3 DAYS", "BETWEEN '2016-07-19' AND '2016-07-20'", "IN LAST 365 DAYS"] {
        for comparison in ["=", "<>", "<", "<=", ">", ">="] {
            for money in ["0", "0.5", "0.98", "1.2", "-0.3"] {
                let text = format!("COUNT WHERE one SPENT {comparison} {money} {days}");
                let sets = ask(database, &text, Method::Sets);
                let best = ask(database, &text, Method::Best);
                assert_eq!(best, sets, "{text}");
            }
        }
    }
    let text = "COUNT WHERE one SPENT > 0 IN LAST 365 DAYS";
    assert!(way(database, text, Method::Best).contains("row by row of one set"));
    // A sum that needs more than 64 bits.
    for day in 0..3 {
        store.add(1, "buy", day, i64::MAX - 5);
    }
    store.flush();
    let text = "COUNT WHERE one SPENT >= 100000 IN LAST 365 DAYS";
    assert_eq!(number(&ask(&store.database, text, Method::Best)), 1);
    assert!(!way(&store.database, text, Method::Best).contains("row by row of one set"));
}

#[test]
fn more_consumers_with_several_rows_than_there_are_marks_are_counted() {
    let mut store = Store::new();
    for consumer in 0..90_000_u32 {
        let day = |of: u32| (consumer % of).cast_signed();
        store.add(consumer, "buy", day(13), 100);
        store.add(consumer, if consumer % 3 == 0 { "view" } else { "buy" }, day(40), 100);
        if consumer % 5 == 0 {
            store.add(consumer, "view", day(40) + 1, 0);
        }
        // Whoever has one row.
        store.add(consumer + 200_000, "view", day(40), 0);
    }
    store.flush();
    for text in [
        "COUNT BY one.stage",
        "COUNT BY one.stage AS OF '2016-07-30', one.stage AS OF '2016-08-20'",
        "OVERLAP (one DID buy), (one DID view), (one DID buy ON 2 DAYS) REGIONS",
        "COUNT WHERE one DID buy ON 2 DAYS OR one DID view ON 2 DAYS",
    ] {
        let sets = ask(&store.database, text, Method::Sets);
        for method in [Method::Best, Method::Eager] {
            assert_eq!(ask(&store.database, text, method), sets, "{text}");
        }
    }
}

/// Rows of a few consumers in 600 days, in blocks of days; with refunds or without.
fn long_store(with_refunds: bool) -> Store {
    let mut store = Store::new();
    for part in 0..12 {
        for consumer in 0..400_u32 {
            // Every few days for the first of them, for others one day or none.
            for day in (0..50).filter(|day| (consumer * 7 + day * 3) % (3 + consumer * 2) == 0) {
                let day = part * 50 + day.cast_signed();
                if (consumer.cast_signed() + day) % 3 == 0 {
                    store.add(consumer, "buy", day, i64::from(consumer) + i64::from(day));
                } else {
                    store.add(consumer, "cart", day, 0);
                }
                if with_refunds && consumer % 11 == 0 {
                    store.add(consumer + 11 * (day % 3).cast_unsigned(), "refund", day, 40);
                }
            }
        }
        store.flush();
    }
    let (_, flow) = store.database.compact(&mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(flow.is_continue());
    store
}

#[test]
fn days_of_a_series_are_those_of_sets() {
    let narrow = "one DID buy ON 2 DAYS IN LAST 60 DAYS";
    for (with_refunds, asked) in [
        (false, format!("COUNT WHERE {narrow}")),
        // One condition reads lanes that the other does not, which are older.
        (false, format!("COUNT WHERE {narrow} OR one DID buy ON 3 DAYS")),
        (false, format!("COUNT WHERE {narrow} OR one DID buy ON 4 DAYS IN LAST 200 DAYS")),
        (false, format!("COUNT WHERE one DID buy ON 3 DAYS AND NOT {narrow}")),
        (false, format!("COUNT WHERE {narrow} AND NOT one DID buy ON 6 DAYS IN LAST 300 DAYS")),
        (false, format!("COUNT WHERE one DID cart 3 TIMES IN LAST 20 DAYS AND NOT {narrow}")),
        (false, "COUNT WHERE one DID buy ON 4 DAYS AND one DID cart IN LAST 7 DAYS".into()),
        (false, "COUNT WHERE one DID buy IN LAST 9 DAYS OR one DID cart IN LAST 4 DAYS".into()),
        (false, "COUNT BY one.stage".into()),
        (false, "SUM one.spend IN LAST 30 DAYS BY one.stage".into()),
        (true, "SUM one.spend IN LAST 30 DAYS WHERE one DID cart IN LAST 9 DAYS".into()),
        (true, "SUM one.spend IN LAST 9 DAYS".into()),
    ] {
        let store = long_store(with_refunds);
        for step in [1, 5] {
            let text = format!("{asked} EVERY {step} DAYS FROM '2017-08-01' TO '2017-10-02'");
            let sets = ask(&store.database, &text, Method::Sets);
            for method in [Method::Best, Method::Eager] {
                assert_eq!(ask(&store.database, &text, method), sets, "{text}");
            }
            let way = way(&store.database, &text, Method::Eager);
            assert!(way.contains("row by row for all days"), "{text}: {way}");
        }
    }
}

#[test]
fn a_chain_gives_the_same_asset_by_sets_and_by_days() {
    let store = long_store(true);
    let text = "ASSET one AS OF '2017-12-20' HORIZON 30 DAYS USING markov";
    let sets = ask(&store.database, text, Method::Sets);
    for method in [Method::Best, Method::Eager] {
        assert_eq!(ask(&store.database, text, method), sets);
    }
}

#[test]
fn pairs_of_stored_sets_are_counted_and_each_is_read_once() {
    let mut store = Store::new();
    (0..70_000).for_each(|consumer| store.add(consumer, "buy", 0, 1));
    store.flush();
    let database = &store.database;
    // Lists, short and long, bitsets and whole chunks; and some whom the second chunk lacks.
    let sets = [("few", "0.1"), ("some", "1.5"), ("many", "4"), ("most", "60"), ("all", "100")];
    for (name, percent) in sets {
        let text = format!("CREATE FROZEN AUDIENCE {name} AS SAMPLE {percent} PERCENT SEED 7");
        ask(database, &text, Method::Best);
    }
    let names = sets.map(|(name, _)| format!("AUDIENCE {name}"));
    let apart = "(one DID buy AND SAMPLE 3 PERCENT SEED 9) AS apart";
    for operands in
        [names[..4].to_vec(), names[1..].to_vec(), [&names[..], &[apart.into()]].concat()]
    {
        let text = format!("OVERLAP {}", operands.join(", "));
        for (i, row) in ask(database, &text, Method::Best).iter().enumerate() {
            let (left, right) = pairs(operands.len()).nth(i).unwrap();
            let of = |at: usize| operands[at].split(" AS ").next().unwrap().to_owned();
            let both = format!("COUNT WHERE {} AND {}", of(left), of(right));
            assert_eq!(Some(&row[4]), ask(database, &both, Method::Sets)[0].first(), "{both}");
        }
        for line in ask(database, &format!("EXPLAIN ANALYZE {text}"), Method::Best) {
            let Value::Text(line) = &line[0] else { panic!("{line:?}") };
            if line.contains("index audience") {
                assert!(line.contains(" of 2 chunks"), "{line}");
            }
        }
    }
}

/// The pairs of so many, in their order.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(move |left| (left + 1..count).map(move |right| (left, right)))
}
