//! Versions of models: how they are counted, kept and told.

use serde::Serialize;
use throng_query::plan::{AudienceKind, IfMissing, Model, Plan, Statement};
use throng_query::plan::{PLAN_VERSION, StageRule};

use crate::definition::{DefinitionKind, encode};
use crate::{
    Answer, CreateOptions, Database, DatabaseError, Event, EventBatch, ExecuteOptions, Value, When,
};

struct Fixture {
    database: Option<Database>,
    dir: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Database::create(&dir.path().join("store"), &CreateOptions::default());
        let fixture = Self { database: Some(made.unwrap()), dir };
        let mut batch = EventBatch::new();
        for (who, what, day) in [
            ("u1", "buy", "2017-11-10"),
            ("u1", "buy", "2017-11-11"),
            ("u2", "buy", "2017-11-11"),
            ("u3", "view", "2017-11-11"),
        ] {
            let when = When::day(day.parse().unwrap());
            batch.push(&Event { amount: 100, ..Event::new(who, "estee", what, when) });
        }
        fixture.database().ingest(&batch, None).unwrap();
        fixture
    }

    fn database(&self) -> &Database {
        self.database.as_ref().unwrap()
    }

    fn reopen(&mut self) {
        self.database = None;
        self.database = Some(Database::open(&self.dir.path().join("store")).unwrap());
    }

    fn run(&self, statement: &str) -> Answer {
        // 2017-11-12 08:00 in Shanghai.
        let options = ExecuteOptions { now: Some(1_510_444_800), ..ExecuteOptions::default() };
        let answer = self.database().execute(statement, &[], &options);
        answer.unwrap_or_else(|error| panic!("{statement}: {}", error.render()))
    }

    fn fails(&self, statement: &str) -> DatabaseError {
        self.database().query(statement).expect_err(statement)
    }

    fn rows(&self, statement: &str) -> Vec<String> {
        let shown = |value: &Value| match value {
            Value::Null => "-".to_owned(),
            value => value.to_string(),
        };
        let line = |row: &Vec<Value>| row.iter().map(shown).collect::<Vec<_>>().join("|");
        self.run(statement).rows.iter().map(line).collect()
    }

    fn says(&self, statement: &str, notice: &str) {
        let notices = self.run(statement).notices;
        assert!(notices.iter().any(|told| told == notice), "{statement}: {notices:?}");
    }
}

const MODEL: &str =
    "CREATE MODEL mine AS STAGE often WHEN DID buy 2 TIMES, STAGE once WHEN DID buy";

#[test]
fn versions_are_counted_over_changes_drops_and_reopenings() {
    let mut fixture = Fixture::new();
    fixture.run(MODEL);
    let changed = "2017-11-12 08:00:00";
    let of = |version: i32| format!("mine|often, once|f|{version}|{changed}");
    assert!(fixture.rows("SHOW MODELS").contains(&of(1)));
    assert!(fixture.rows("SHOW MODELS").contains(&"aipl|L, P, I, A, O|t|1|-".to_owned()));
    // The same rules, however they are laid out, are no new version.
    for same in [MODEL.replace("CREATE", "CREATE OR REPLACE"), MODEL.replace("CREATE", "ALTER")] {
        let answer = fixture.run(&same.replace("DID buy,", "DID  buy ,"));
        assert_eq!(answer.notices, ["model `mine` says the same already: nothing was changed"]);
    }
    let altered = "ALTER MODEL mine AS STAGE often WHEN DID buy 2 TIMES, STAGE once WHEN DID view";
    let answer = fixture.run(altered);
    assert_eq!(answer.tag, "ALTER MODEL");
    assert_eq!(answer.notices, ["model `mine` has version 2 now"]);
    assert_eq!(fixture.rows("COUNT BY estee.stage(mine)"), ["often|1", "once|1", "none|1"]);
    fixture.reopen();
    assert!(fixture.rows("SHOW MODELS").contains(&of(2)));
    fixture.run("DROP MODEL mine");
    assert_eq!(fixture.fails("COUNT BY estee.stage(mine)").sqlstate(), "42704");
    assert_eq!(fixture.fails(altered).sqlstate(), "42704");
    assert_eq!(fixture.rows("SHOW MODELS").len(), 4);
    fixture.reopen();
    // Made again, it goes on counting.
    assert_eq!(fixture.run(MODEL).notices, ["model `mine` has version 3 now"]);
    assert!(fixture.rows("SHOW MODELS").contains(&of(3)));
    fixture.run(&altered.replace("ALTER", "CREATE OR REPLACE"));
    let rules = |model: &str| model.split(" AS ").nth(1).unwrap().to_owned();
    let expected = [(1, MODEL), (2, altered), (3, MODEL), (4, altered)];
    let expected = expected.map(|(number, model)| {
        format!("{number}|{changed}|{}|{}", if number == 4 { 't' } else { 'f' }, rules(model))
    });
    assert_eq!(fixture.rows("SHOW VERSIONS OF MODEL mine"), expected);
    fixture.run("DROP MODEL mine");
    let dropped = fixture.rows("SHOW VERSIONS OF MODEL mine");
    assert!(dropped.len() == 4 && dropped.iter().all(|row| row.contains("|f|")), "{dropped:?}");
    assert_eq!(fixture.rows("SHOW VERSIONS OF MODEL lifecycle").len(), 1);
    assert_eq!(fixture.fails("SHOW VERSIONS OF MODEL nobody").sqlstate(), "42704");
    fixture.run("ALTER MODEL IF EXISTS mine AS STAGE a WHEN DID buy");
    assert_eq!(fixture.rows("SHOW MODELS").len(), 4);
}

#[test]
fn every_answer_that_hangs_on_models_tells_their_versions() {
    let fixture = Fixture::new();
    fixture.run(
        "CREATE MODEL mine AS STAGE close WHEN stage(aipl) IN (P, L) AND DID buy, \
         STAGE near WHEN DID ANY",
    );
    fixture.run("CREATE AUDIENCE closest AS estee.stage(mine) = close");
    fixture.run("CREATE PARTITION halves AS GROUP a WHEN estee.stage(lifecycle) = new REST b");
    let aipl = "model `aipl` version 1 (built in)";
    let deeplink = "model `aipl` version 1 (built in), model `deeplink` version 1 (built in)";
    let lifecycle = "model `lifecycle` version 1 (built in)";
    let mine = |version: i32| format!("{aipl}, model `mine` version {version}");
    let dates = "FROM '2017-11-10' TO '2017-11-11'";
    let built_in = [
        ("COUNT BY estee.stage", aipl),
        ("COUNT WHERE estee.stage = L", aipl),
        ("COUNT VERSUS estee.stage = L", aipl),
        (&format!("COUNT BY estee.stage EVERY 1 DAY {dates}"), aipl),
        ("SUM estee.spend BY estee.stage(deeplink)", deeplink),
        (&format!("FLOW estee {dates}"), aipl),
        (&format!("FLOW estee {dates} USING deeplink"), deeplink),
        ("ASSET estee HORIZON 1 DAY", aipl),
        (
            "ASSET estee HORIZON 1 DAY BY PARTITION halves",
            "model `aipl` version 1 (built in), model `lifecycle` version 1 (built in)",
        ),
        (
            "LEDGER estee FROM '2017-11-11' TO '2017-11-11' HORIZON 1 DAY WHERE estee.stage = none",
            aipl,
        ),
        ("FAST estee", aipl),
        ("DEEPENING estee IN LAST 1 DAY", aipl),
        ("RESERVOIR estee", aipl),
        ("COUNT BY PARTITION halves", lifecycle),
        ("COUNT WHERE PARTITION halves = a", lifecycle),
        ("PROFILE BY estee.stage", aipl),
        ("PROFILE VERSUS estee.stage = L BY AUDIENCE closest", &mine(1)),
        ("OVERLAP estee, (ALL)", aipl),
        ("CONSUMER 'u1' FOR estee", &mine(1)),
        ("EXPLAIN COUNT BY estee.stage", aipl),
    ];
    for (statement, notice) in built_in {
        fixture.says(statement, notice);
    }
    for statement in ["COUNT", "COUNT WHERE estee DID buy", "SHOW MODELS", "PENETRATION estee"] {
        assert_eq!(fixture.run(statement).notices, [] as [&str; 0], "{statement}");
    }
    let asked = [
        "COUNT WHERE AUDIENCE closest",
        "COUNT BY AUDIENCE closest",
        "MATCH CONSUMER 'u1' AGAINST AUDIENCE closest",
        "COUNT BY estee.stage(mine)",
    ];
    for version in [1, 2] {
        for statement in asked {
            fixture.says(statement, &mine(version));
        }
        fixture
            .run("ALTER MODEL mine AS STAGE close WHEN stage(aipl) = L, STAGE near WHEN DID buy");
    }
    // Live: by the newest version. u1 alone is in L.
    assert_eq!(fixture.rows("COUNT WHERE AUDIENCE closest"), ["1"]);
}

#[test]
fn a_frozen_audience_tells_the_versions_it_was_made_by() {
    let mut fixture = Fixture::new();
    fixture.run(MODEL);
    fixture.run("CREATE AUDIENCE live AS estee.stage(mine) = often");
    fixture.run("CREATE FROZEN AUDIENCE kept AS AUDIENCE live OR estee.stage = A");
    fixture.run("ALTER MODEL mine AS STAGE often WHEN DID view");
    fixture.reopen();
    fixture.says(
        "COUNT WHERE AUDIENCE kept",
        "audience `kept` was frozen as of 2017-11-11 by model `aipl` version 1 (built in), \
         model `mine` version 1",
    );
    assert_eq!(fixture.rows("COUNT WHERE AUDIENCE kept"), ["2"]);
    fixture.run("DROP AUDIENCE live");
    fixture.run("DROP MODEL mine");
    assert_eq!(fixture.rows("COUNT WHERE AUDIENCE kept"), ["2"]);
    let view = fixture.database().view().unwrap();
    let audience = view.audience("kept").unwrap();
    assert!(matches!(audience.kind, AudienceKind::Frozen { .. }));
}

#[test]
fn a_stage_that_a_partition_names_is_kept() {
    let mut fixture = Fixture::new();
    fixture.run(MODEL);
    fixture.run("CREATE PARTITION p AS GROUP a WHEN estee.stage(mine) = once REST b");
    for verb in ["ALTER", "CREATE OR REPLACE"] {
        let error = fixture.fails(&format!("{verb} MODEL mine AS STAGE often WHEN DID buy"));
        assert_eq!(error.sqlstate(), "2BP01", "{error}");
        assert!(error.to_string().contains("partition `p`"), "{error}");
    }
    fixture.reopen();
    assert_eq!(fixture.rows("COUNT BY PARTITION p"), ["a|1", "b|2"]);
}

#[test]
fn a_model_of_before_versions_is_its_first() {
    #[derive(Serialize)]
    struct Record {
        text: &'static str,
    }
    let mut fixture = Fixture::new();
    let record = Record { text: "STAGE near WHEN DID ANY" };
    let definition = encode(DefinitionKind::Model, "old", &record);
    fixture.database().store().define(vec![definition]).unwrap();
    fixture.reopen();
    fixture.says("COUNT BY estee.stage(old)", "model `old` version 1");
    assert!(fixture.rows("SHOW MODELS").contains(&"old|near|f|1|-".to_owned()));
    fixture.run("ALTER MODEL old AS STAGE near WHEN DID buy");
    fixture.says("COUNT BY estee.stage(old)", "model `old` version 2");
}

#[test]
fn the_rules_of_the_newest_versions_are_kept() {
    let fixture = Fixture::new();
    for n in 1..=70 {
        fixture.run(&format!("CREATE OR REPLACE MODEL m AS STAGE s WHEN DID buy {n} TIMES"));
    }
    let versions = fixture.rows("SHOW VERSIONS OF MODEL m");
    assert_eq!(versions.len(), 64);
    assert!(versions[0].starts_with("7|") && versions[63].starts_with("70|"), "{versions:?}");
}

#[test]
fn a_plan_bound_elsewhere_is_checked_too() {
    let fixture = Fixture::new();
    let altered = |name: &str, missing| {
        let rule = StageRule { stage: "s".into(), rule: throng_query::plan::Set::All };
        let model = Model { name: name.into(), stages: vec![rule], text: String::new() };
        let statement = Statement::AlterModel { model, missing };
        let plan = Plan { version: PLAN_VERSION, statement, columns: Vec::new() };
        fixture.database().execute_plan(&plan, &ExecuteOptions::default())
    };
    assert_eq!(altered("aipl", IfMissing::Error).unwrap_err().sqlstate(), "42939");
    assert_eq!(altered("mine", IfMissing::Error).unwrap_err().sqlstate(), "42704");
    assert_eq!(altered("mine", IfMissing::Ignore).unwrap().notices.len(), 1);
    fixture.run(MODEL);
    altered("mine", IfMissing::Error).unwrap();
    assert_eq!(fixture.rows("SHOW CREATE MODEL mine"), ["CREATE MODEL mine AS STAGE s WHEN ALL"]);
}
