//! Definitions, SHOW, CONSUMER and MATCH on real stores.

use std::collections::BTreeMap;

use throng_query::plan::AttributeType::{Date as DateType, Decimal, Integer, Text};
use throng_query::plan::{
    AttributeRef, AttributeType, AttributeValue, Create, IfExists, Statement,
};
use throng_storage::dictionary::KeyColumn;
use throng_storage::store::{BulkOptions, KeyTable};

use crate::attribute::AttributeLoad;
use crate::{
    Answer, CreateOptions, Database, DatabaseError, DefinitionError, Event, EventBatch,
    ExecuteError, ExecuteOptions, Value, When,
};

/// A store of its own that goes away with the test.
struct Fixture {
    database: Option<Database>,
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let database = Some(Database::create(&path, &CreateOptions::default()).unwrap());
        Self { database, dir }
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.database = None;
        self.database = Some(Database::open(&self.dir.path().join("store")).unwrap());
    }

    fn run(&self, statement: &str) -> Answer {
        self.database().query(statement).unwrap_or_else(|error| panic!("{}", error.render()))
    }

    fn fails(&self, statement: &str) -> DatabaseError {
        self.database().query(statement).expect_err(statement)
    }

    /// Rows as text, nulls as `-`.
    fn rows(&self, statement: &str) -> Vec<String> {
        let answer = self.run(statement);
        for row in &answer.rows {
            assert_eq!(row.len(), answer.columns.len(), "{statement}");
        }
        let shown = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            value => value.to_string(),
        };
        let line = |row: &Vec<Value>| row.iter().map(shown).collect::<Vec<_>>().join("|");
        answer.rows.iter().map(line).collect()
    }

    fn count(&self, filter: &str) -> i64 {
        match self.run(&format!("COUNT WHERE {filter}")).rows.as_slice() {
            [row] => match row.as_slice() {
                [Value::Integer(count)] => *count,
                row => panic!("{row:?}"),
            },
            rows => panic!("{rows:?}"),
        }
    }

    fn load(&self, column: (Option<&str>, &str, AttributeType), rows: &[(&str, AttributeValue)]) {
        let (brand, name, kind) = column;
        let store = self.database().store();
        let mut bulk = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
        let mut keys = KeyColumn::default();
        rows.iter().for_each(|row| keys.push(row.0.as_bytes()));
        let mut ids = Vec::new();
        bulk.intern(KeyTable::Consumer, &keys, &mut ids).unwrap();
        let mut load = AttributeLoad::default();
        let brand = brand.map(str::to_owned);
        let column = load.column(AttributeRef { brand, name: name.to_owned() }, kind);
        for (id, row) in ids.iter().zip(rows) {
            load.value(column, *id, &row.1).unwrap();
        }
        load.write(store, &mut bulk).unwrap();
        bulk.commit(&mut |_, _| {}).unwrap();
    }
}

fn at(day: &str) -> When {
    When::day(day.parse().unwrap())
}

/// Three brands' events around 2017-11-11.
fn market() -> Fixture {
    let fixture = Fixture::new();
    let mut batch = EventBatch::new();
    batch.push(&Event {
        touchpoint: Some("live"),
        category: Some("skin care"),
        item: Some("serum"),
        order: Some("o1"),
        amount: 59_900,
        count: 2,
        ..Event::new(
            "u1",
            "estee",
            "buy",
            When::Local { day: "2017-11-11".parse().unwrap(), second: 3_661 },
        )
    });
    batch.push(&Event::new("u1", "lancome", "view", at("2017-11-01")));
    batch.push(&Event::new("u1", "雅诗兰黛", "cart", at("2017-11-10")));
    batch.push(&Event::new("taobao:u2", "estee", "cart", at("2017-11-10")));
    batch.push(&Event::new("u3", "lancome", "exposure", at("2017-11-11")));
    fixture.database().ingest(&batch, None).unwrap();
    fixture
}

#[test]
fn behaviours_are_built_in_and_stay_over_a_reopening() {
    let mut fixture = Fixture::new();
    let before = fixture.rows("SHOW BEHAVIOURS");
    assert_eq!(before.len(), 21);
    assert!(before.iter().all(|row| row.ends_with("|t")));
    fixture.reopen();
    assert_eq!(fixture.rows("SHOW BEHAVIOURS"), before);
    fixture.run("CREATE BEHAVIOUR unbox");
    fixture.reopen();
    assert!(fixture.rows("SHOW BEHAVIOURS").contains(&"unbox|f".to_owned()));
    let unbox = fixture.database().view().unwrap().behaviour_id("unbox");
    assert_eq!(unbox, Some(22));
    assert_eq!(fixture.fails("CREATE BEHAVIOUR unbox").sqlstate(), "42710");
    assert_eq!(fixture.run("CREATE BEHAVIOUR IF NOT EXISTS unbox").notices.len(), 1);
    fixture.run("DROP BEHAVIOUR unbox");
    assert_eq!(fixture.rows("SHOW BEHAVIOURS"), before);
    fixture.run("CREATE BEHAVIOUR unbox");
    assert_eq!(fixture.database().view().unwrap().behaviour_id("unbox"), Some(22));
}

#[test]
fn live_audiences_follow_the_data_and_frozen_ones_do_not() {
    let mut fixture = market();
    fixture.run("CREATE AUDIENCE warm AS estee DID (cart, buy)");
    fixture.run("CREATE FROZEN AUDIENCE kept AS estee DID (cart, buy) AS OF '2017-11-10'");
    assert_eq!((fixture.count("AUDIENCE warm"), fixture.count("AUDIENCE kept")), (2, 1));
    let mut batch = EventBatch::new();
    batch.push(&Event::new("u9", "estee", "cart", at("2017-11-09")));
    fixture.database().ingest(&batch, None).unwrap();
    assert_eq!((fixture.count("AUDIENCE warm"), fixture.count("AUDIENCE kept")), (3, 1));
    fixture.reopen();
    assert_eq!((fixture.count("AUDIENCE warm"), fixture.count("AUDIENCE kept")), (3, 1));
    let shown =
        ["kept|frozen|2017-11-10|estee DID (cart, buy)", "warm|live|-|estee DID (cart, buy)"];
    assert_eq!(fixture.rows("SHOW AUDIENCES"), shown);
    // A frozen one may be replaced by a live one, and back.
    fixture.run("CREATE OR REPLACE AUDIENCE kept AS AUDIENCE warm");
    assert_eq!(fixture.count("AUDIENCE kept"), 3);
    assert!(fixture.database().view().unwrap().index("audience:kept").is_none());
    fixture.run("CREATE OR REPLACE FROZEN AUDIENCE warm AS AUDIENCE kept AND NOT lancome DID view");
    assert_eq!(fixture.count("AUDIENCE warm"), 2);
    fixture.run("DROP AUDIENCE kept");
    fixture.run("DROP AUDIENCE warm");
    assert!(fixture.rows("SHOW AUDIENCES").is_empty());
}

#[test]
fn audiences_do_not_depend_on_themselves() {
    let fixture = market();
    fixture.run("CREATE AUDIENCE a AS estee DID buy");
    fixture.run("CREATE AUDIENCE b AS AUDIENCE a OR lancome DID view");
    fixture.run("CREATE AUDIENCE c AS NOT AUDIENCE b");
    let error = fixture.fails("CREATE OR REPLACE AUDIENCE a AS AUDIENCE c AND ALL");
    if let DatabaseError::Definition(DefinitionError::Cycle { path }) = &error {
        assert_eq!(path, &["a", "c", "b", "a"]);
        assert_eq!(error.sqlstate(), "42P17");
    } else {
        panic!("{error:?}");
    }
    assert!(fixture.database().query("CREATE OR REPLACE AUDIENCE a AS AUDIENCE a").is_err());
    // Frozen members are values: nothing hangs on them any more.
    fixture.run("CREATE OR REPLACE FROZEN AUDIENCE b AS AUDIENCE a");
    fixture.run("CREATE OR REPLACE AUDIENCE a AS AUDIENCE c");
    assert_eq!(fixture.count("AUDIENCE a"), 2);
}

#[test]
fn what_is_in_use_is_not_dropped() {
    let fixture = market();
    fixture.run("CREATE ATTRIBUTE age TEXT");
    fixture.run("CREATE BEHAVIOUR unbox");
    fixture.run("CREATE MODEL funnel AS STAGE hot WHEN DID unbox, STAGE cold WHEN DID view");
    fixture.run("CREATE AUDIENCE young AS age = '18-24'");
    fixture.run("CREATE AUDIENCE hot AS estee.stage(funnel) = hot AND AUDIENCE young");
    let refused = [
        ("DROP ATTRIBUTE age", "2BP01", "audience `young`"),
        ("DROP AUDIENCE young", "2BP01", "audience `hot`"),
        ("DROP MODEL funnel", "2BP01", "audience `hot`"),
        ("DROP BEHAVIOUR unbox", "2BP01", "model `funnel`"),
        ("DROP BRAND estee", "2BP01", "audience `hot`"),
        ("DROP BRAND lancome", "2BP01", "events"),
        ("DROP MODEL aipl", "0A000", "built in"),
        ("DROP BEHAVIOUR buy", "42939", "built in"),
    ];
    for (statement, state, because) in refused {
        let error = fixture.fails(statement);
        assert_eq!(error.sqlstate(), state, "{statement}: {error}");
        assert!(error.to_string().contains(because), "{statement}: {error}");
    }
    let error = fixture.fails("CREATE OR REPLACE MODEL funnel AS STAGE cold WHEN DID view");
    assert_eq!(error.sqlstate(), "2BP01", "{error}");
    for statement in [
        "DROP AUDIENCE hot",
        "DROP AUDIENCE young",
        "DROP ATTRIBUTE age",
        "DROP MODEL funnel",
        "DROP BEHAVIOUR unbox",
        "DROP AUDIENCE IF EXISTS young",
    ] {
        fixture.run(statement);
    }
    for missing in ["DROP AUDIENCE hot", "DROP MODEL funnel", "DROP ATTRIBUTE age"] {
        assert_eq!(fixture.fails(missing).sqlstate(), "42704", "{missing}");
    }
}

#[test]
fn brands_are_created_given_targets_and_dropped() {
    let mut fixture = market();
    fixture.run("CREATE BRAND newcomer TARGET CATEGORIES ('skin care', 'perfume', 'perfume')");
    fixture.reopen();
    assert!(fixture.rows("SHOW BRANDS").contains(&"newcomer|skin care, perfume".to_owned()));
    assert_eq!(fixture.count("newcomer.stage = O"), 1);
    let view = fixture.database().view().unwrap();
    assert_eq!(view.target_categories("newcomer").len(), 2);
    assert_eq!(
        fixture.rows("SHOW CREATE BRAND newcomer"),
        ["CREATE BRAND newcomer TARGET CATEGORIES ('skin care', 'perfume')"]
    );
    fixture.run("CREATE OR REPLACE BRAND newcomer");
    assert_eq!(fixture.count("newcomer.stage = O"), 0);
    fixture.run("DROP BRAND newcomer");
    assert!(!fixture.rows("SHOW BRANDS").iter().any(|row| row.starts_with("newcomer")));
    assert_eq!(fixture.fails("COUNT WHERE newcomer DID buy").sqlstate(), "42704");
    let mut batch = EventBatch::new();
    batch.push(&Event::new("u1", "newcomer", "buy", at("2017-11-11")));
    fixture.database().ingest(&batch, None).unwrap();
    assert_eq!(fixture.count("newcomer DID buy"), 1);
}

#[test]
fn definitions_tell_the_statement_that_makes_them() {
    let mut fixture = market();
    let statements = [
        "CREATE MODEL funnel AS STAGE hot WHEN DID buy, STAGE \"not yet\" WHEN DID cart",
        "CREATE AUDIENCE \"热 客\" AS \"雅诗兰黛\" DID cart IN LAST 7 DAYS",
    ];
    for statement in statements {
        fixture.run(statement);
    }
    fixture.reopen();
    assert_eq!(fixture.rows("SHOW CREATE MODEL funnel"), [statements[0]]);
    assert_eq!(fixture.rows("SHOW CREATE AUDIENCE \"热 客\""), [statements[1]]);
    assert!(fixture.rows("SHOW MODELS").contains(&"funnel|hot, not yet|f|1|-".to_owned()));
    assert_eq!(fixture.rows("SHOW MODELS").len(), 5);
    assert_eq!(fixture.fails("SHOW CREATE AUDIENCE nobody").sqlstate(), "42704");
}

#[test]
fn the_store_tells_what_it_holds() {
    let fixture = market();
    let rows = fixture.rows("SHOW STORE");
    let value = |name: &str| {
        let found = rows.iter().find_map(|row| row.strip_prefix(&format!("{name}|")));
        found.unwrap_or_else(|| panic!("{name}: {rows:?}")).to_owned()
    };
    assert_eq!(
        (value("events"), value("consumers"), value("brands")),
        ("5".into(), "3".into(), "3".into())
    );
    assert_eq!((value("first_day"), value("last_day")), ("2017-11-01".into(), "2017-11-11".into()));
    assert_eq!((value("items"), value("orders")), ("1".into(), "1".into()));
    assert_eq!((value("time_zone"), value("currency")), ("Asia/Shanghai".into(), "CNY".into()));
    assert_eq!(value("segments_on_disk"), "0");
    fixture.database().store().checkpoint().unwrap();
    let rows = fixture.rows("SHOW STORE");
    assert!(rows.iter().any(|row| row.starts_with("bytes_segments|")), "{rows:?}");
    assert!(fixture.rows("SHOW LIMITS").iter().any(|row| row == "text_values_max|65536"));
    let touchpoints = fixture.rows("SHOW TOUCHPOINTS");
    assert_eq!(touchpoints, ["live"]);
    assert_eq!(fixture.rows("SHOW CATEGORIES"), ["skin care"]);
}

#[test]
fn a_consumer_is_told_with_everything_known() {
    let fixture = market();
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    fixture.load((None, "age", Text), &[("u1", text("18-24")), ("u7", text("25-29"))]);
    fixture.load((None, "height", Decimal { scale: 2 }), &[("u1", AttributeValue::Number(-175))]);
    fixture.load((None, "born", DateType), &[("u1", AttributeValue::Number(10_957))]);
    fixture.load((Some("estee"), "points", Integer), &[("u1", AttributeValue::Number(12))]);
    fixture.run("CREATE AUDIENCE buyers AS estee DID buy");
    fixture.run("CREATE FROZEN AUDIENCE frozen AS age = '18-24' AS OF '2017-11-11'");
    fixture.run("CREATE AUDIENCE others AS lancome DID exposure");
    let all = [
        "identity|id|u1|-",
        "stage|estee|P|-",
        "stage|lancome|A|-",
        "stage|雅诗兰黛|I|-",
        "attribute|age|18-24|-",
        "attribute|born|2000-01-01|-",
        "attribute|height|-1.75|-",
        "audience|buyers|live|-",
        "audience|frozen|frozen|2017-11-11",
        "event|estee buy|touchpoint live, category skin care, item serum, order o1, count 2, \
         amount 599.00 CNY|2017-11-11 01:01:01",
        "event|雅诗兰黛 cart|-|2017-11-10 00:00:00",
        "event|lancome view|-|2017-11-01 00:00:00",
    ];
    assert_eq!(fixture.rows("CONSUMER 'id:u1'"), all);
    let one = fixture.rows("CONSUMER 'u1' FOR estee AS OF '2017-11-10'");
    assert_eq!(one[1], "stage|estee|none|-");
    assert!(one.contains(&"attribute|estee.points|12|-".to_owned()), "{one:?}");
    assert!(!one.iter().any(|row| row.starts_with("event")), "{one:?}");
    let only_known = fixture.rows("CONSUMER 'u7'");
    assert_eq!(only_known, ["identity|id|u7|-", "attribute|age|25-29|-"]);
    assert_eq!(fixture.rows("CONSUMER 'taobao:u2'")[0], "identity|taobao|u2|-");
    let matches = fixture.rows("MATCH CONSUMER 'u1' AGAINST AUDIENCE others, buyers");
    assert_eq!(matches, ["others|f", "buyers|t"]);
    for statement in ["CONSUMER 'u2'", "MATCH CONSUMER 'nobody' AGAINST AUDIENCE buyers"] {
        let error = fixture.fails(statement);
        let unknown = ExecuteError::UnknownConsumer { identity: String::new() };
        assert_eq!(error.sqlstate(), unknown.sqlstate(), "{statement}");
        assert!(error.to_string().contains("is not known"), "{error}");
    }
}

#[test]
fn attributes_are_counted_and_the_latest_load_wins() {
    let mut fixture = market();
    let text = |text: &str| AttributeValue::Text(text.to_owned());
    fixture.load((None, "age", Text), &[("u1", text("18-24")), ("u7", text("18-24"))]);
    assert_eq!(fixture.count("age = '18-24'"), 2);
    fixture.load((None, "age", Text), &[("u7", text("25-29")), ("u8", text("25-29"))]);
    fixture.reopen();
    assert_eq!((fixture.count("age = '18-24'"), fixture.count("age = '25-29'")), (1, 2));
    assert_eq!(fixture.count("age IS UNKNOWN"), 2);
    assert_eq!(fixture.rows("SHOW ATTRIBUTES"), ["age|-|TEXT"]);
    fixture.run("DROP ATTRIBUTE age");
    assert!(fixture.database().view().unwrap().index("attr:age").is_none());
    fixture.run("CREATE ATTRIBUTE age INTEGER");
    fixture.load((None, "age", Integer), &[("u1", AttributeValue::Number(31))]);
    assert_eq!(fixture.count("age > 30"), 1);
    // Who was once known stays in the universe.
    assert_eq!(fixture.count("age IS UNKNOWN"), 4);
    let reader = fixture.database().snapshot().unwrap();
    let mut plan = reader.bind("CREATE ATTRIBUTE IF NOT EXISTS age TEXT", &[]).unwrap();
    if let Statement::Create(Create::Attribute { exists, .. }) = &mut plan.statement {
        *exists = IfExists::Replace;
    }
    let error = fixture.database().execute_plan(&plan, &ExecuteOptions::default()).unwrap_err();
    assert_eq!(error.sqlstate(), "42804", "{error}");
}

#[test]
fn a_snapshot_does_not_change() {
    let fixture = market();
    let before = fixture.database().snapshot().unwrap();
    let mut batch = EventBatch::new();
    batch.push(&Event::new("u99", "estee", "buy", at("2017-11-12")));
    fixture.database().ingest(&batch, None).unwrap();
    fixture.run("CREATE AUDIENCE later AS estee DID buy");
    let count = "COUNT WHERE estee DID buy";
    assert_eq!(before.query(count).unwrap().rows, [[Value::Integer(1)]]);
    assert_eq!(fixture.run(count).rows, [[Value::Integer(2)]]);
    assert!(before.query("COUNT WHERE AUDIENCE later").is_err());
    let error = before.query("CREATE BRAND b").unwrap_err();
    assert_eq!(error.sqlstate(), "25006");
}

#[test]
fn plans_travel_as_bytes_and_another_version_is_refused() {
    let fixture = market();
    let reader = fixture.database().snapshot().unwrap();
    let mut plans = BTreeMap::new();
    for text in ["COUNT WHERE estee DID buy", "SHOW BRANDS", "CREATE AUDIENCE x AS estee DID buy"] {
        let plan = reader.bind(text, &[]).unwrap();
        plans.insert(text, serde_json::to_vec(&plan).unwrap());
    }
    for (text, bytes) in plans {
        let mut plan: throng_query::plan::Plan = serde_json::from_slice(&bytes).unwrap();
        let options = ExecuteOptions::default();
        fixture.database().execute_plan(&plan, &options).unwrap_or_else(|_| panic!("{text}"));
        plan.version += 1;
        let error = fixture.database().execute_plan(&plan, &options).unwrap_err();
        assert_eq!(error.sqlstate(), "0A000");
    }
    assert_eq!(fixture.count("AUDIENCE x"), 1);
}
