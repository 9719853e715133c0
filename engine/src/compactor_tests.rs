//! Merging in the background and on demand, as a program sees it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use throng_storage::store::{BackupOptions, Depth};

use crate::{
    Background, CompactionOptions, CreateOptions, Database, Event, EventBatch, Value, When,
};

/// Batches of two consumers a day, each in a file of its own.
fn fill(database: &Database, days: std::ops::Range<i32>) {
    for day in days {
        let mut batch = EventBatch::new();
        for consumer in ["u1", &format!("d{day}")] {
            let at = When::Local { day: crate::Date(day), second: 60 };
            batch.push(&Event::new(consumer, "estee", "view", at));
        }
        let _ = database.ingest(&batch, None).unwrap();
        database.store().checkpoint().unwrap();
    }
}

fn open(options: CompactionOptions) -> (Database, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let made = Database::create_with(&path, &CreateOptions::default(), options).unwrap();
    (made, dir)
}

fn segments(database: &Database) -> usize {
    database.store().snapshot().segments_on_disk().count()
}

#[test]
fn segments_are_merged_while_nobody_asks() {
    let (database, _dir) = open(CompactionOptions { core_percent: 100, ..Default::default() });
    // A file a day, were it not for the merging.
    fill(&database, 17_000..17_070);
    let answer = database.query("COUNT BY estee.stage").unwrap();
    let end = Instant::now() + Duration::from_secs(120);
    while !database.store().snapshot().compaction_plan(Depth::Due).is_empty() {
        assert!(Instant::now() < end, "{} segments", segments(&database));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(segments(&database) < 60, "{} segments", segments(&database));
    assert_eq!(database.query("COUNT BY estee.stage").unwrap(), answer);
}

#[test]
fn a_backup_that_is_looked_at_is_not_merged() {
    let off = CompactionOptions { background: Background::Off, ..Default::default() };
    let (database, dir) = open(off);
    fill(&database, 17_000..17_040);
    let (target, options) = (dir.path().join("backup"), BackupOptions::default());
    let _ = database.backup(&target, options, &mut |_, _| {}).unwrap();
    let on = CompactionOptions { core_percent: 100, ..Default::default() };
    let backup = Database::open_with(&target, on).unwrap();
    assert!(!backup.store().snapshot().compaction_plan(Depth::Due).is_empty());
    let before = segments(&backup);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(segments(&backup), before);
    drop(backup);
    let again = database.backup(&target, options, &mut |_, _| {}).unwrap();
    assert_eq!(again.copied + again.linked, 0, "{again:?}");
    // Once it was written to it is a store as any other.
    let backup = Database::open_with(&target, on).unwrap();
    fill(&backup, 17_040..17_041);
    let end = Instant::now() + Duration::from_secs(120);
    while segments(&backup) > before {
        assert!(Instant::now() < end, "{} segments", segments(&backup));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_may_be_left_to_the_program() {
    let off = CompactionOptions { background: Background::Off, ..Default::default() };
    let (database, dir) = open(off);
    fill(&database, 17_000..17_040);
    let answer = database.query("COUNT AS OF '2016-08-01'").unwrap();
    let before = segments(&database);
    let mut told = 0;
    let stop = &mut |_| {
        told += 1;
        ControlFlow::Break(())
    };
    let (done, flow) = database.compact(stop).unwrap();
    assert_eq!((done.jobs, flow, told), (0, ControlFlow::Break(()), 1));
    assert_eq!(segments(&database), before);
    let (done, flow) = database.compact(&mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(flow, ControlFlow::Continue(()));
    assert!(done.jobs > 0 && segments(&database) < before);
    assert_eq!(database.query("COUNT AS OF '2016-08-01'").unwrap(), answer);
    drop(database);
    let database = Database::open_with(&dir.path().join("store"), off).unwrap();
    assert_eq!(database.query("COUNT AS OF '2016-08-01'").unwrap(), answer);
}

#[test]
fn closing_ends_a_merge_at_once() {
    let slow = CompactionOptions { core_percent: 1, ..Default::default() };
    let (database, _dir) = open(slow);
    fill(&database, 17_000..17_070);
    let end = Instant::now() + Duration::from_secs(20);
    while database.store().snapshot().compaction_running().is_none() && Instant::now() < end {
        std::thread::yield_now();
    }
    let start = Instant::now();
    drop(database);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn the_bytes_of_a_store_are_told() {
    let off = CompactionOptions { background: Background::Off, ..Default::default() };
    let (database, _dir) = open(off);
    fill(&database, 17_000..17_040);
    for merged in [false, true] {
        if merged {
            let _ = database.compact(&mut |_| ControlFlow::Continue(())).unwrap();
        }
        let answer = database.query("SHOW STORAGE").unwrap();
        let number = |value: &Value| match value {
            Value::Integer(number) => *number,
            other => panic!("{other:?} is no integer"),
        };
        // Count, events and bytes of the rows of a section.
        let sums = |section: &str, chosen: &dyn Fn(&str) -> bool| {
            let mut sums = [0; 3];
            for row in &answer.rows {
                assert_eq!(row.len(), answer.columns.len());
                if row[0].to_string() == section && chosen(&row[1].to_string()) {
                    for (sum, value) in sums.iter_mut().zip(&row[2..]) {
                        *sum += number(value);
                    }
                }
            }
            sums
        };
        let all = sums("segments", &|name| name == "all");
        let parts = sums("segments", &|name| name.contains("day") || name == "in memory");
        assert_eq!(all, parts);
        assert_eq!(all[1], 80);
        let lanes = sums("behaviours", &|_| true);
        assert_eq!(lanes[1], 80);
        assert_eq!(sums("columns", &|_| true)[2], lanes[2]);
        let presence = sums("presence", &|_| true);
        let beside = sums("segments", &|name| name.starts_with("directories"));
        assert_eq!(lanes[2] + presence[2] + beside[2], all[2]);
        let due = sums("compaction", &|name| name == "to the last");
        assert_eq!(due[0] == 0, merged);
        assert_eq!(sums("dictionaries", &|name| name == "consumers")[1], 41);
        assert!(sums("log", &|_| true)[2] > 0);
    }
}
