//! Backups by statement: what they answer, what they hold, and where they may go.

use std::path::Path;
use std::time::Instant;

use throng_storage::store::BackupError;

use crate::{
    BackupPlaces, CreateOptions, Database, DatabaseError, Date, Event, EventBatch, ExecuteError,
    ExecuteOptions, Parameter, Value, When,
};

const COLUMNS: [&str; 8] =
    ["directory", "linked", "copied", "kept", "removed", "bytes", "events", "consumers"];

fn database(dir: &Path) -> Database {
    Database::create(&dir.join("store"), &CreateOptions::default()).unwrap()
}

fn ingest(database: &Database, consumers: std::ops::Range<u32>) {
    let mut batch = EventBatch::new();
    for consumer in consumers {
        let (consumer, time) = (format!("u{consumer}"), When::day(Date(17_481)));
        batch.push(&Event::new(&consumer, "estee", "buy", time));
    }
    database.ingest(&batch, None).unwrap();
}

/// The numbers of a backup's answer, by column.
fn numbers(answer: &crate::Answer) -> [i64; 7] {
    assert_eq!(answer.rows.len(), 1);
    let names: Vec<_> = answer.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, COLUMNS);
    std::array::from_fn(|at| match answer.rows[0][at + 1] {
        Value::Integer(number) => number,
        ref other => panic!("{other:?}"),
    })
}

fn count(dir: &Path) -> i64 {
    let opened = Database::open(dir).unwrap();
    match opened.query("COUNT").unwrap().rows[0][0] {
        Value::Integer(count) => count,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn a_statement_backs_up_what_is_there_and_brings_it_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let (database, target) = (database(dir.path()), dir.path().join("all the backups/of it"));
    ingest(&database, 0..10);
    database.store().checkpoint().unwrap();
    ingest(&database, 5..15);
    let statement = format!("BACKUP TO '{}'", target.display());
    let answer = database.query(&statement).unwrap();
    assert_eq!(answer.rows[0][0], Value::Text(target.display().to_string()));
    assert_eq!(answer.tag, "BACKUP");
    let [linked, copied, kept, removed, bytes, events, consumers] = numbers(&answer);
    assert!(linked + copied > 1 && bytes > 0, "{answer:?}");
    assert_eq!([kept, removed, events, consumers], [0, 0, 20, 15]);
    assert_eq!(count(&target), 15);
    assert!(crate::care::check(&target, &mut |_, _| {}).unwrap().is_clean());
    ingest(&database, 20..21);
    database.query("FORGET CONSUMER 'u0'").unwrap();
    let parameter = Parameter::Text(target.display().to_string());
    let again =
        database.execute("backup to $1 copy verify", &[parameter], &ExecuteOptions::default());
    let [linked, copied, kept_now, removed, _, events, consumers] = numbers(&again.unwrap());
    // The log is no file of its own in the count; the one of the backup before goes.
    assert_eq!([linked, copied, removed, events, consumers], [0, 0, 1, 21, 15]);
    assert!(kept_now > 1);
    assert_eq!(count(&target), 15);
}

#[test]
fn a_backup_goes_where_the_asker_may_have_it() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path());
    ingest(&database, 0..3);
    let root = dir.path().join("backups");
    let ask = |places: &BackupPlaces, to: &str| {
        let options = ExecuteOptions { backups: places.clone(), ..ExecuteOptions::default() };
        database.execute("BACKUP TO $1", &[Parameter::Text(to.to_owned())], &options)
    };
    let refused = ask(&BackupPlaces::Nowhere, "x").unwrap_err();
    assert!(matches!(&refused, DatabaseError::Execute(ExecuteError::BackupsRefused)), "{refused}");
    assert_eq!(refused.sqlstate(), "42501");
    assert!(refused.hint().unwrap().contains("--backup-root"));
    let below = BackupPlaces::Below(root.clone());
    let outside = dir.path().join("outside").display().to_string();
    for to in [&outside, "..", "../outside", "a/../../outside", ".", "/", "./a"] {
        let refused = ask(&below, to).unwrap_err();
        let place = DatabaseError::Execute(ExecuteError::BackupPlace { dir: to.to_owned() });
        assert_eq!(refused.to_string(), place.to_string(), "{to}");
        assert_eq!(refused.sqlstate(), "42501");
    }
    assert!(!root.exists() && !dir.path().join("outside").exists());
    for to in ["nightly", "by week/雅诗兰黛 47"] {
        let answer = ask(&below, to).unwrap();
        assert_eq!(answer.rows[0][0], Value::Text(root.join(to).display().to_string()));
        assert_eq!(count(&root.join(to)), 3);
    }
    // A backup in a backup would be lost with it.
    let inside = ask(&below, "nightly/more").unwrap_err();
    assert!(matches!(&inside, DatabaseError::Backup(BackupError::Inside { .. })), "{inside}");
    assert_eq!(inside.sqlstate(), "55000");
    assert!(!root.join("nightly/more").exists());
}

#[test]
fn a_directory_that_is_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let database = database(dir.path());
    let at = |name: &str| dir.path().join(name);
    drop(Database::create(&at("other"), &CreateOptions::default()).unwrap());
    let notes = throng_storage::io::SystemDisk;
    throng_storage::io::Disk::create_dir(&notes, &at("notes")).unwrap();
    throng_storage::io::Disk::create(&notes, &at("notes/notes.txt")).unwrap();
    let cases = [
        ("store", "a store, not a backup"),
        ("other", "a store, not a backup"),
        ("notes", "holds `notes.txt`"),
        ("", "holds `notes`"),
        ("store/backup", "inside of "),
        ("store/damaged/../x/backup", "inside of "),
        ("other/backup", "inside of "),
    ];
    for (to, said) in cases {
        let error = database.query(&format!("BACKUP TO '{}'", at(to).display())).unwrap_err();
        assert!(error.to_string().contains(said), "{to}: {error}");
        assert_eq!(error.sqlstate(), "55000", "{to}: {error}");
    }
    let file = at("notes/notes.txt/x");
    let error = database.query(&format!("BACKUP TO '{}'", file.display())).unwrap_err();
    assert_eq!(error.sqlstate(), "58030", "{error}");
    assert!(error.to_string().contains("notes.txt"), "{error}");
    let other = crate::care::check(&at("other"), &mut |_, _| {}).unwrap();
    assert!(other.is_clean());
    assert!(!at("store/backup").exists() && !at("other/backup").exists());
}

#[test]
fn a_backup_is_ended_by_its_asker_and_by_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let (database, target) = (database(dir.path()), dir.path().join("backup"));
    ingest(&database, 0..10);
    database.store().checkpoint().unwrap();
    let statement = format!("BACKUP TO '{}'", target.display());
    let cancelled = ExecuteOptions::default();
    cancelled.cancel.cancel();
    let late = ExecuteOptions { deadline: Some(Instant::now()), ..ExecuteOptions::default() };
    for (options, wanted) in [(cancelled, ExecuteError::Cancelled), (late, ExecuteError::Deadline)]
    {
        let ended = database.execute(&statement, &[], &options).unwrap_err();
        assert_eq!(ended.to_string(), wanted.to_string());
        assert!(Database::open(&target).is_err(), "there is no backup in part");
    }
    database.query(&statement).unwrap();
    assert_eq!(count(&target), 10);
    let reader = database.snapshot().unwrap();
    assert!(matches!(
        reader.execute(&statement, &[], &ExecuteOptions::default()),
        Err(DatabaseError::ReadOnly)
    ));
}
