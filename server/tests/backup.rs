//! A served store backed up by its clients, beside those that write.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use postgres::error::SqlState;
use postgres::{Client, NoTls};
use throng::{BackupPlaces, CreateOptions, Database, Value};
use throng_server::wire::{Running, ServeOptions, start};

fn serve(dir: &Path, backups: BackupPlaces) -> Running {
    let database = Database::create(&dir.join("store"), &CreateOptions::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    start(Arc::new(database), listener, ServeOptions { backups, ..ServeOptions::default() })
        .unwrap()
}

fn client(served: &Running) -> Client {
    let port = served.address().port();
    Client::connect(&format!("host=127.0.0.1 port={port} user=ann dbname=shop"), NoTls).unwrap()
}

/// Buys of one consumer each, from a number on.
fn copy(client: &mut Client, first: u64, count: u64) {
    let statement = "COPY events (consumer, brand, behaviour, time) FROM STDIN WITH (FORMAT csv)";
    let mut writer = client.copy_in(statement).unwrap();
    for consumer in first..first + count {
        writeln!(writer, "u{consumer},estee,buy,2017-11-11").unwrap();
    }
    assert_eq!(writer.finish().unwrap(), count);
}

#[test]
fn a_running_server_is_backed_up_beside_its_writers() {
    const BATCH: u64 = 20;
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("backups");
    let served = serve(dir.path(), BackupPlaces::Below(root.clone()));
    copy(&mut client(&served), 0, BATCH);
    let (acknowledged, stop) = (AtomicU64::new(BATCH), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = client(&served);
            while !stop.load(Ordering::SeqCst) {
                let first = acknowledged.load(Ordering::SeqCst);
                copy(&mut client, first, BATCH);
                acknowledged.store(first + BATCH, Ordering::SeqCst);
            }
        });
        let mut client = client(&served);
        let mut last = 0;
        for round in 0..8 {
            let least = acknowledged.load(Ordering::SeqCst);
            let statement =
                ["BACKUP TO 'nightly/shop'", "BACKUP TO 'nightly/shop' COPY VERIFY"][round % 2];
            let row = client.query_one(statement, &[]).unwrap();
            let target = root.join("nightly/shop");
            assert_eq!(row.get::<_, String>("directory"), target.display().to_string());
            let consumers: i64 = row.get("consumers");
            assert_eq!(row.get::<_, i64>("events"), consumers);
            // A batch is in it whole or not at all.
            assert!(consumers >= least as i64 && consumers % BATCH as i64 == 0, "{consumers}");
            assert!(consumers >= last);
            last = consumers;
            let opened = Database::open(&target).unwrap();
            assert_eq!(opened.query("COUNT").unwrap().rows[0][0], Value::Integer(consumers));
            drop(opened);
            assert!(throng::care::check(&target, &mut |_, _| {}).unwrap().is_clean());
        }
        stop.store(true, Ordering::SeqCst);
    });
    // A transaction that only reads may: it changes nothing in the store.
    let mut client = client(&served);
    client.batch_execute("BEGIN READ ONLY; BACKUP TO 'nightly/shop'; COMMIT").unwrap();
    let text = "nightly/other".to_owned();
    let row = client.query_one("BACKUP TO $1 COPY", &[&text]).unwrap();
    assert_eq!((row.get::<_, i64>("linked"), row.get::<_, i64>("consumers") > 0), (0, true));
}

#[test]
fn clients_write_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let state = |client: &mut Client, statement: &str| {
        client.batch_execute(statement).unwrap_err().code().unwrap().clone()
    };
    let inner = dir.path().join("a");
    let served = serve(&inner, BackupPlaces::Nowhere);
    let mut asking = client(&served);
    let outside = dir.path().join("outside");
    let absolute = format!("BACKUP TO '{}'", outside.display());
    let denied = SqlState::INSUFFICIENT_PRIVILEGE;
    assert_eq!(state(&mut asking, &absolute), denied);
    assert_eq!(state(&mut asking, "BACKUP TO 'x'"), denied);
    let inner = dir.path().join("b");
    let served = serve(&inner, BackupPlaces::Below(inner.join("backups")));
    let mut asking = client(&served);
    assert_eq!(state(&mut asking, &absolute), denied);
    assert_eq!(state(&mut asking, "BACKUP TO '../store/x'"), denied);
    assert_eq!(state(&mut asking, "BACKUP TO 'x/../../y'"), denied);
    assert_eq!(state(&mut asking, "BACKUP TO ''"), SqlState::INVALID_PARAMETER_VALUE);
    assert!(!outside.exists() && !inner.join("backups").exists() && !inner.join("y").exists());
    let names = |dir: &Path| std::fs::read_dir(dir).unwrap().count();
    asking.batch_execute("BACKUP TO 'x'").unwrap();
    assert_eq!(names(&inner.join("backups")), 1);
    let served = serve(&dir.path().join("c"), BackupPlaces::Below(inner.join("backups")));
    // Another store's backups are not written over.
    let other = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
    assert_eq!(state(&mut client(&served), "BACKUP TO 'x'"), other);
}
