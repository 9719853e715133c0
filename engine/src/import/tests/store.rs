//! Loading into a store: whole or not at all, and once.

use std::io::Write;

use throng_storage::store::KeyTable;

use super::{gzip, stream};
use crate::import::copy::{CopyIn, CsvDialect};
use crate::import::{
    AttributeOptions, EventOptions, EventSource, LoadError, LoadMode, load_attributes, load_events,
};
use crate::{CreateOptions, Database, Value};

const CSV: &str = "consumer,brand,behaviour,time,order,amount\n\
    u1,estee,buy,2017-11-11 20:15:00,o1,12.50\n\
    u2,estee,view,2017-11-11,,\n\
    u2,lancome,buy,2017-11-12,o2,7\n";

fn database() -> (tempfile::TempDir, Database) {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::create(directory.path(), &CreateOptions::default()).unwrap();
    (directory, database)
}

/// The one number of an answer.
fn number(database: &Database, statement: &str) -> String {
    let answer = database.query(statement).unwrap();
    answer.rows[0].last().map(Value::to_string).unwrap()
}

fn token(token: &str) -> EventOptions {
    EventOptions { token: Some(token.to_owned()), ..EventOptions::default() }
}

#[test]
fn events_answer_after_the_load_and_after_opening_again() {
    let (directory, database) = database();
    let mut steps = 0;
    let report =
        load_events(&database, stream(CSV.as_bytes()), &EventOptions::default(), &mut |_| {
            steps += 1;
        });
    let report = report.unwrap();
    assert_eq!((report.rows, report.kept, report.new_consumers), (3, 3, 2));
    assert!(steps > 0);
    let check = |database: &Database| {
        assert_eq!(number(database, "COUNT WHERE estee DID buy"), "1");
        assert_eq!(number(database, "COUNT WHERE ANY BRAND DID buy"), "2");
        assert_eq!(number(database, "SUM lancome.spend"), "7.00");
    };
    check(&database);
    drop(database);
    check(&Database::open(directory.path()).unwrap());
}

#[test]
fn a_token_is_applied_once() {
    let (_directory, database) = database();
    let load = |options: &EventOptions| {
        load_events(&database, stream(CSV.as_bytes()), options, &mut |_| {}).unwrap()
    };
    assert!(!load(&token("a")).repeated);
    let again = load(&token("a"));
    assert_eq!((again.repeated, again.rows, again.kept), (true, 0, 0));
    assert_eq!(number(&database, "COUNT WHERE estee DID view 2 TIMES"), "0");
    assert!(!load(&token("a/2")).repeated);
    assert_eq!(number(&database, "COUNT WHERE estee DID view 2 TIMES"), "1");
}

#[test]
fn a_load_that_fails_or_is_a_trial_keeps_nothing() {
    let (_directory, database) = database();
    let version = database.store().snapshot().version();
    let nothing = || {
        let snapshot = database.store().snapshot();
        assert_eq!((snapshot.version(), snapshot.keys(KeyTable::Consumer)), (version, 0));
        assert_eq!(number(&database, "COUNT AS OF '2017-12-01'"), "0");
    };
    let bad = format!("{CSV}u3,estee,buy,1800-01-01,,\n");
    let error = load_events(&database, stream(bad.as_bytes()), &token("a"), &mut |_| {});
    assert!(matches!(error, Err(LoadError::Rejected { count: 1, .. })));
    nothing();
    let whole = gzip(CSV.as_bytes());
    let cut = whole.get(..whole.len() - 5).unwrap();
    assert!(load_events(&database, stream(cut), &token("a"), &mut |_| {}).is_err());
    nothing();
    let trial = EventOptions { mode: LoadMode::DryRun, ..token("a") };
    let report = load_events(&database, stream(bad.as_bytes()), &trial, &mut |_| {}).unwrap();
    assert_eq!((report.kept, report.rejected()), (3, 1));
    nothing();
    assert!(database.store().names().get(throng_storage::names::NameTable::Brand, "x").is_none());
    // The token was not used up.
    let report = load_events(&database, stream(CSV.as_bytes()), &token("a"), &mut |_| {});
    assert_eq!(report.unwrap().kept, 3);
}

#[test]
fn attributes_keep_their_types_and_older_values() {
    let (_directory, database) = database();
    let load = |text: &str, change: &dyn Fn(&mut AttributeOptions)| {
        let mut out = tempfile::NamedTempFile::new().unwrap();
        out.write_all(text.as_bytes()).unwrap();
        let mut options = AttributeOptions::default();
        change(&mut options);
        let source = EventSource::File(out.path().to_owned());
        load_attributes(&database, source, &options, &mut |_| {})
    };
    let text = "household,age,tier,score,member,since\n\
                u1,18-24,1,1.5,true,2017-01-31\nu2,,2,2.25,false,\nu3,,,,,\n";
    let report = load(text, &|options| options.map("consumer=household").unwrap()).unwrap();
    assert_eq!((report.rows, report.kept, report.new_consumers), (3, 3, 3));
    let kinds: Vec<String> =
        report.understood.unwrap().columns.into_iter().skip(1).map(|column| column.kind).collect();
    assert_eq!(kinds, ["text", "integer", "decimal(2)", "boolean", "date"]);
    let count = |statement: &str| number(&database, statement);
    assert_eq!(count("COUNT AS OF '2020-01-01'"), "3");
    assert_eq!(count("COUNT WHERE age = '18-24' AS OF '2020-01-01'"), "1");
    assert_eq!(count("COUNT WHERE tier >= 1 AS OF '2020-01-01'"), "2");
    assert_eq!(count("COUNT WHERE score = 2.25 AS OF '2020-01-01'"), "1");
    assert_eq!(count("COUNT WHERE member = true AS OF '2020-01-01'"), "1");
    // An empty cell says nothing, and the store's type stands.
    load("consumer,age,tier\nu1,,5\n", &|_| {}).unwrap();
    assert_eq!(count("COUNT WHERE age = '18-24' AND tier = 5 AS OF '2020-01-01'"), "1");
    let wrong = load("consumer,tier\nu1,five\n", &|_| {}).unwrap_err().to_string();
    assert!(wrong.contains(":2:tier: `five`: not an integer"), "{wrong}");
    let wrong = load("consumer,tier\nu1,5\n", &|options| options.set_type("tier=text").unwrap());
    let wrong = wrong.unwrap_err().to_string();
    assert!(wrong.contains("attribute `tier` is integer in the store, not text"), "{wrong}");
    // Attributes at a brand are others.
    load("consumer,level\nu1,gold\n", &|options| options.brand = Some("estee".to_owned())).unwrap();
    assert_eq!(count("COUNT WHERE estee.level = 'gold' AS OF '2020-01-01'"), "1");
}

#[test]
fn attributes_from_a_stream_and_bad_files() {
    let (_directory, database) = database();
    let load = |text: &[u8]| {
        load_attributes(&database, stream(text), &AttributeOptions::default(), &mut |_| {})
    };
    assert_eq!(load(b"consumer,age\nu1,20\n").unwrap().kept, 1);
    let message = |text: &[u8]| load(text).unwrap_err().to_string();
    assert!(message(b"consumer\nu1\n").contains("no column holds an attribute"));
    assert!(message(b"consumer,age\n").contains("has a header but no rows"));
    assert!(message(b"costumer,age\nu1,1\n").contains("did you mean `costumer`?"));
    assert!(message(b"consumer,age\n,1\n").contains("stdin:2:consumer: empty"));
    assert!(message(b"").contains("is empty"));
}

#[test]
fn a_copy_is_applied_whole_and_once() {
    let (_directory, database) = database();
    let columns = ["consumer", "brand", "behaviour", "time", "order", "amount"].map(str::to_owned);
    let rows = CSV.split_once('\n').unwrap().1;
    let copy = |text: &str, token: Option<&str>| {
        let mut copy = CopyIn::new(&database, &columns, CsvDialect::csv()).unwrap();
        copy.feed(text.as_bytes())?;
        copy.finish(&database, token)
    };
    assert_eq!(copy(rows, Some("t")).unwrap(), 3);
    assert_eq!(copy(rows, Some("t")).unwrap(), 3);
    assert_eq!(number(&database, "COUNT WHERE estee DID view 2 TIMES"), "0");
    assert!(copy("u9,estee,buy,2017-11-11,,1.234\n", None).is_err());
    assert_eq!(copy("", None).unwrap(), 0);
    assert_eq!(number(&database, "COUNT"), "2");
    // More than goes through the log at once.
    let many: String = (0..120_000).map(|i| format!("m{i},estee,view,2017-11-13,,\n")).collect();
    assert_eq!(copy(&many, Some("many")).unwrap(), 120_000);
    assert_eq!(copy(&many, Some("many")).unwrap(), 120_000);
    assert_eq!(number(&database, "COUNT"), "120002");
}
