//! What is left of a store when it ends without warning.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::{BulkOptions, OpenError, Settings, Store};
use super::model::Model;
use super::{batch, columns_of, copy_dir, define, names_in, random_rows, settings, small};
use crate::io::{Disk, SystemDisk, read};

#[test]
fn a_copy_at_any_moment_opens_with_all_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let store = Store::create_on(Arc::new(SystemDisk), &live, &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(5);
    let mut model = Model::default();
    for number in 0..60 {
        let rows = random_rows(&mut random, 30);
        if number % 7 == 3 {
            let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
            let events = columns_of(&rows, store.names(), |table, keys, ids| {
                load.intern(table, keys, ids).unwrap();
            });
            load.push(events).unwrap();
            load.commit(&mut |_, _| {}).unwrap();
            model.add(None, &rows);
        } else {
            model.add(None, &rows);
            batch(&store, None, &rows);
        }
        let value = number.to_string();
        store.define(vec![define(1, "n", Some(&value))]).unwrap();
        model.define(1, "n", Some(&value));
        // A load that is under way leaves files that no one refers to.
        let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 10 }).unwrap();
        let events = columns_of(&rows, store.names(), |table, keys, ids| {
            load.intern(table, keys, ids).unwrap();
        });
        load.push(events).unwrap();
        let copy = dir.path().join(format!("copy{number}"));
        copy_dir(&live, &copy);
        drop(load);
        let opened = Store::open_on(Arc::new(SystemDisk), &copy, small()).unwrap();
        model.check(&opened);
        assert!(!names_in(&copy).iter().any(|name| name.ends_with(".tmp")));
    }
}

#[test]
fn the_log_may_end_at_any_byte_of_its_last_record() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let store = Store::create(&live, &settings()).unwrap();
    let mut random = Pcg64::seed_from_u64(6);
    let mut model = Model::default();
    let log = names_in(&live).into_iter().find(|name| name.ends_with(".log")).unwrap();
    for _ in 0..3 {
        let rows = random_rows(&mut random, 10);
        model.add(None, &rows);
        batch(&store, None, &rows);
    }
    let whole_before = read(&live.join(&log)).unwrap().len();
    batch(&store, Some("last"), &random_rows(&mut random, 3));
    // Without the mark, which says that the last record was durable.
    let whole = read(&live.join(&log)).unwrap().len() - crate::wal::MARK_BYTES;
    for end in whole_before..whole {
        let copy = dir.path().join(format!("copy{end}"));
        copy_dir(&live, &copy);
        SystemDisk.open_append(&copy.join(&log)).unwrap().truncate(end as u64).unwrap();
        let store = Store::open(&copy).unwrap();
        model.check(&store);
        // It goes on from there.
        if end % 16 == 0 {
            let mut model = model.clone();
            let rows = random_rows(&mut random, 4);
            assert_eq!(batch(&store, Some("last"), &rows), model.add(Some("last"), &rows));
            drop(store);
            model.check(&Store::open(&copy).unwrap());
        }
    }
}

#[test]
fn damage_is_named_and_never_answered_from() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let store = Store::create(&live, &settings()).unwrap();
    let mut random = Pcg64::seed_from_u64(7);
    let mut model = Model::default();
    for number in 0..4 {
        let rows = random_rows(&mut random, 20);
        model.add(None, &rows);
        batch(&store, None, &rows);
        if number == 1 {
            store.define(vec![define(1, "x", Some("y"))]).unwrap();
            model.define(1, "x", Some("y"));
            store.checkpoint().unwrap();
        }
    }
    drop(store);
    for name in names_in(&live) {
        if name == "LOCK" || name == "catalog" {
            continue;
        }
        let length = read(&live.join(&name)).unwrap().len();
        for _ in 0..15 {
            let copy = dir.path().join("damaged");
            copy_dir(&live, &copy);
            damage(&copy.join(&name), random.random_range(0..length));
            match Store::open(&copy) {
                Err(error) => assert!(error.to_string().contains(&name), "{name}: {error}"),
                Ok(store) => look(&name, &store, &model),
            }
            SystemDisk.remove_dir(&copy).unwrap();
        }
    }
}

/// Reading says that bytes are corrupt, or nothing depends on them: padding, or a mark at the end.
fn look(name: &str, store: &Store, model: &Model) {
    let snapshot = store.snapshot();
    for segment in snapshot.segments() {
        if let Err(error) = segment.read_all().and_then(|_| segment.verify()) {
            assert!(error.to_string().contains(name), "{error}");
            return;
        }
    }
    for row in &model.rows {
        if let Err(error) = snapshot.id(super::KeyTable::Consumer, row.0.as_bytes()) {
            assert!(error.to_string().contains(name), "{error}");
            return;
        }
    }
    for table in super::KeyTable::ALL {
        for position in 0..snapshot.keys(table) {
            if let Err(error) = snapshot.key(table, position + table.first_id()) {
                assert!(error.to_string().contains(name), "{error}");
                return;
            }
        }
    }
    if store.verify(&mut |_, _| {}).is_empty() {
        model.check(store);
    }
}

fn damage(path: &std::path::Path, at: usize) {
    let mut bytes = read(path).unwrap();
    bytes[at] ^= 0x20;
    let file = SystemDisk.open_append(path).unwrap();
    file.truncate(0).unwrap();
    file.append(&bytes).unwrap();
}

#[test]
fn what_is_no_store_of_ours_is_refused_clearly() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    assert!(matches!(Store::open(&path), Err(OpenError::Missing { .. })));
    let store = Store::create(&path, &settings()).unwrap();
    let pid = std::process::id();
    match Store::open(&path) {
        Err(error @ OpenError::InUse { .. }) => {
            assert!(error.to_string().ends_with(&format!("in use by process {pid}")), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(Store::create(&path, &settings()), Err(OpenError::NotEmpty { .. })));
    drop(store);
    assert!(matches!(Store::create(&path, &settings()), Err(OpenError::NotEmpty { .. })));
    let mut bytes = read(&path.join("STORE")).unwrap();
    bytes[8] = 2;
    let file = SystemDisk.open_append(&path.join("STORE")).unwrap();
    file.truncate(0).unwrap();
    file.append(&bytes).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, OpenError::Version { found: 2, newest: 1, .. }), "{error}");
    let other = Settings { time_zone: String::new(), currency: String::new(), exponent: 0 };
    assert!(Store::create(&path, &other).is_err());
}

#[test]
fn a_creation_that_did_not_end_may_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    drop(Store::create(&path, &settings()).unwrap());
    SystemDisk.remove(&path.join("STORE")).unwrap();
    assert!(matches!(Store::open(&path), Err(OpenError::Missing { .. })));
    let store = Store::create(&path, &settings()).unwrap();
    Model::default().check(&store);
}
