//! States of one's own: what they hold, and what refuses to change or drop them.

use crate::{Answer, CreateOptions, Database, Event, EventBatch, Value, When};

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
        for (who, what, day, second) in [
            ("begun", "sample", "2017-11-10", 5),
            ("ended", "sample", "2017-11-10", 5),
            ("ended", "buy", "2017-11-10", 6),
            ("again", "deposit", "2017-11-09", 0),
            ("again", "buy", "2017-11-10", 0),
            ("again", "sample", "2017-11-11", 0),
            ("level", "buy", "2017-11-11", 9),
            ("level", "deposit", "2017-11-11", 9),
            ("other", "buy", "2017-11-11", 9),
        ] {
            let when = When::Local { day: day.parse().unwrap(), second };
            batch.push(&Event::new(who, "estee", what, when));
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
        let answer = self.database().query(statement);
        answer.unwrap_or_else(|error| panic!("{statement}: {}", error.render()))
    }

    fn count(&self, set: &str) -> Value {
        self.run(&format!("COUNT WHERE {set}")).rows[0][0].clone()
    }

    fn refused(&self, statement: &str, state: &str, because: &str) {
        let error = self.database().query(statement).expect_err(statement);
        assert_eq!(error.sqlstate(), state, "{statement}: {error}");
        assert!(error.to_string().contains(because), "{statement}: {error}");
    }
}

const TRYING: &str = "CREATE STATE \"trying it\" FROM sample, deposit UNTIL buy, refund";

#[test]
fn a_state_holds_from_its_last_beginning_until_an_end() {
    let mut fixture = Fixture::new();
    fixture.run(TRYING);
    fixture.reopen();
    // Those who began and did not end since: at the same second the beginning wins.
    assert_eq!(fixture.count("estee IS \"trying it\""), Value::Integer(3));
    assert_eq!(fixture.count("estee IS NOT \"trying it\""), Value::Integer(2));
    let before = "estee IS \"trying it\" AS OF '2017-11-10'";
    assert_eq!(fixture.count(before), Value::Integer(1));
    let shown = fixture.run("SHOW CREATE STATE \"trying it\"").rows[0][0].to_string();
    assert_eq!(shown, TRYING);
    let states = fixture.run("SHOW STATES").rows;
    let lines: Vec<String> = states.iter().map(|row| format!("{} {}", row[0], row[3])).collect();
    assert_eq!(lines, ["follower t", "member t", "trying it f"]);
    let series = fixture
        .run("COUNT WHERE estee IS \"trying it\" EVERY 1 DAY FROM '2017-11-09' TO '2017-11-11'");
    let counts: Vec<String> = series.rows.iter().map(|row| row[1].to_string()).collect();
    assert_eq!(counts, ["1", "1", "3"]);
}

#[test]
fn a_state_in_use_is_neither_dropped_nor_changed_under_a_model() {
    let mut fixture = Fixture::new();
    fixture.run("CREATE BEHAVIOUR unbox");
    fixture.run(&TRYING.replace("buy,", "unbox, buy,"));
    fixture.refused("DROP BEHAVIOUR unbox", "2BP01", "state `trying it`");
    fixture.run("CREATE AUDIENCE a AS estee IS \"trying it\"");
    fixture.refused("DROP STATE \"trying it\"", "2BP01", "audience `a`");
    let replacing = TRYING.replace("CREATE", "CREATE OR REPLACE");
    fixture.run(&replacing);
    assert_eq!(fixture.count("AUDIENCE a"), Value::Integer(3));
    assert_eq!(fixture.run(&replacing).notices.len(), 1);
    fixture.run("DROP BEHAVIOUR unbox");
    fixture.run("CREATE MODEL m AS STAGE near WHEN IS \"trying it\"");
    fixture.refused(&replacing.replace(", refund", ""), "2BP01", "model `m`");
    fixture.reopen();
    assert_eq!(fixture.count("estee.stage(m) = near"), Value::Integer(3));
    for statement in ["DROP AUDIENCE a", "DROP MODEL m", "DROP STATE \"trying it\""] {
        fixture.run(statement);
    }
    fixture.refused("DROP STATE \"trying it\"", "42704", "trying it");
    fixture.run("DROP STATE IF EXISTS \"trying it\"");
    fixture.run(TRYING);
}
