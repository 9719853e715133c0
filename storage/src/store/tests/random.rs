//! Random sequences of everything a store can do.

use std::ops::ControlFlow;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use roaring::RoaringBitmap;

use super::super::{
    BulkOptions, CompactionProgress, CompactionStep, Depth, KeyTable, Outcome, Snapshot, Store,
    WriteError,
};
use super::model::Model;
use super::{batch, columns_of, define, names_in, random_rows, settings, small};
use crate::index::IndexBuilder;
use crate::io::SystemDisk;

fn reopen(store: Store, dir: &std::path::Path) -> Store {
    drop(store);
    Store::open_on(Arc::new(SystemDisk), dir, small()).unwrap()
}

/// Ids that nobody has any more.
fn load_buried(store: &Store) -> RoaringBitmap {
    store.snapshot().erasures().buried[0].clone()
}

fn bulk(store: &Store, model: &mut Model, random: &mut Pcg64, commit: bool) {
    let token =
        (random.random_range(0..2) == 0).then(|| format!("token{}", random.random_range(0..20)));
    let memory = if random.random_range(0..2) == 0 { 1 << 30 } else { 4_000 };
    let mut load = store.bulk(BulkOptions { token: token.clone(), memory }).unwrap();
    let mut all = Vec::new();
    for _ in 0..random.random_range(0..6) {
        let count = random.random_range(0..120);
        let rows = random_rows(random, count);
        let events = columns_of(&rows, store.names(), |table, keys, ids| {
            load.intern(table, keys, ids).unwrap();
        });
        load.push(events).unwrap();
        all.extend(rows);
    }
    let index = format!("index{}", random.random_range(0..3));
    let buried = load_buried(store);
    let members = 0..random.random_range(1..50);
    let members: Vec<u32> = members.filter(|&id| !buried.contains(id)).collect();
    let drops = random.random_range(0..4) == 0;
    if drops {
        load.drop_index(&index);
    } else {
        let mut builder = IndexBuilder::new(Vec::new());
        builder.add_set(members.iter().copied());
        load.put_index(&index, builder.finish(7)).unwrap();
    }
    let value = random.random_range(0..100).to_string();
    load.define(define(9, "from bulk", Some(&value)));
    if !commit {
        return;
    }
    let repeated = load.repeated();
    let mut last = (0, all.len() as u64);
    let outcome = load.commit(&mut |done, total| last = (done, total)).unwrap();
    assert_eq!(outcome == Outcome::Repeated, repeated);
    assert_eq!(outcome, model.add(token.as_deref(), &all));
    if outcome != Outcome::Repeated {
        assert_eq!(last.0, last.1);
        if drops {
            model.indexes.remove(&index);
        } else {
            model.indexes.insert(index, members);
        }
        model.define(9, "from bulk", Some(&value));
    }
}

/// Merges a step, everything that is due, everything, or nothing because it is stopped.
fn compact(store: &Store, random: &mut Pcg64) {
    let on = &mut |_| ControlFlow::Continue(());
    match random.random_range(0..4) {
        0 => drop(store.compact_step(Depth::Due, on).unwrap()),
        1 => while store.compact_step(Depth::Due, on).unwrap() != CompactionStep::Idle {},
        2 => {
            let files = names_in(store.dir());
            let mut left = random.random_range(0..20);
            let mut stop = |_| {
                left -= 1;
                if left < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            if store.compact_step(Depth::Full, &mut stop).unwrap() == CompactionStep::Stopped {
                assert_eq!(names_in(store.dir()), files);
            }
        }
        _ => {
            let mut rows = 0;
            let told = &mut |progress: CompactionProgress| {
                assert!(progress.rows_done >= rows && progress.rows_done <= progress.rows_total);
                rows = progress.rows_done;
                ControlFlow::Continue(())
            };
            let (done, _) = store.compact_all(told).unwrap();
            assert_eq!(done.rows, rows);
            assert!(store.snapshot().compaction_plan(Depth::Full).is_empty());
            assert!(store.snapshot().compaction_plan(Depth::Due).is_empty());
            check_blocks(&store.snapshot());
            let snapshot = store.snapshot();
            let erasures = snapshot.erasures();
            assert!(erasures.pending().is_empty());
            assert!(erasures.records().iter().all(|record| erasures.is_gone(record)));
        }
    }
}

/// Every segment on disk lies in one block of the length for its age.
fn check_blocks(snapshot: &Snapshot) {
    let Some(newest) = snapshot.segments().iter().map(|segment| segment.last_day()).max() else {
        return;
    };
    for segment in snapshot.segments_on_disk() {
        let aligned = |length: i32| {
            let first = segment.first_day() - segment.first_day() % length;
            (first + length - 1, segment.last_day() < first + length)
        };
        let (end, fits) = aligned(64);
        let (end8, fits8) = aligned(8);
        let is_right = if end <= newest - 64 {
            fits
        } else if end8 <= newest - 16 {
            fits8
        } else {
            segment.first_day() == segment.last_day()
        };
        assert!(is_right, "{}..{}", segment.first_day(), segment.last_day());
    }
}

fn step(store: &Store, model: &mut Model, random: &mut Pcg64) {
    match random.random_range(0..25) {
        0..10 => {
            let count = random.random_range(0..40);
            let rows = random_rows(random, count);
            let token = (random.random_range(0..3) == 0)
                .then(|| format!("token{}", random.random_range(0..20)));
            let outcome = batch(store, token.as_deref(), &rows);
            assert_eq!(outcome, model.add(token.as_deref(), &rows));
        }
        10..13 => {
            let name = format!("d{}", random.random_range(0..4));
            let value = random.random_range(0..100).to_string();
            let value = (random.random_range(0..3) > 0).then_some(value.as_str());
            store.define(vec![define(1, &name, value)]).unwrap();
            model.define(1, &name, value);
        }
        13 => store.checkpoint().unwrap(),
        14..17 => bulk(store, model, random, true),
        17 => bulk(store, model, random, false),
        18 => compact(store, random),
        19 | 20 => {
            let count = random.random_range(1..4);
            let key = |_| format!("consumer:{}", random.random_range(0..400));
            model.forget(store, &(0..count).map(key).collect::<Vec<_>>());
        }
        21 => {
            let brand = format!("brand{}", random.random_range(0..5));
            let did: &[&str] = [&[], &["did1"][..], &["did0", "did3"]][random.random_range(0..3)];
            let first = random.random_range(16_800..17_400);
            let length = random.random_range(0..300);
            model.delete(store, &brand, did, (first, first + length));
        }
        22 => {
            // A batch that is given up leaves no key.
            let mut writer = store.writer().unwrap();
            let rows = random_rows(random, 20);
            columns_of(&rows, store.names(), |table, keys, ids| {
                writer.intern(table, keys, ids).unwrap();
            });
        }
        _ => {
            let mut writer = store.writer().unwrap();
            let rows = random_rows(random, 5);
            let mut events = columns_of(&rows, store.names(), |table, keys, ids| {
                writer.intern(table, keys, ids).unwrap();
            });
            events.brand[3] = 1_000;
            let refused = writer.append(None, events).unwrap_err();
            assert!(matches!(refused, WriteError::Unknown { row: 3, column: "brand", id: 1_000 }));
        }
    }
}

#[test]
fn a_store_is_what_was_put_into_it() {
    for seed in 0..12 {
        let mut random = Pcg64::seed_from_u64(seed);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let disk = Arc::new(SystemDisk);
        let mut store = Store::create_on(disk, &path, &settings(), small()).unwrap();
        let mut model = Model::default();
        let mut version = store.snapshot().version();
        for number in 0..60 {
            step(&store, &mut model, &mut random);
            if random.random_range(0..8) == 0 {
                store = reopen(store, &path);
            }
            if number % 4 == 0 {
                model.check(&store);
            }
            assert!(store.snapshot().version() >= version);
            version = store.snapshot().version();
        }
        store = reopen(store, &path);
        model.check(&store);
        assert_eq!(store.settings(), &settings());
    }
}

#[test]
fn a_bulk_load_that_is_given_up_leaves_no_file_and_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(SystemDisk);
    let store = Store::create_on(disk, dir.path(), &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(3);
    let mut model = Model::default();
    let rows = random_rows(&mut random, 30);
    model.add(None, &rows);
    batch(&store, None, &rows);
    let before = names_in(dir.path());
    let ids_before: Vec<_> = rows
        .iter()
        .map(|row| store.snapshot().id(KeyTable::Consumer, row.0.as_bytes()).unwrap())
        .collect();
    let keys = store.snapshot().keys(KeyTable::Consumer);
    for _ in 0..5 {
        bulk(&store, &mut model, &mut random, false);
        assert_eq!(names_in(dir.path()), before);
        let ids: Vec<_> = rows
            .iter()
            .map(|row| store.snapshot().id(KeyTable::Consumer, row.0.as_bytes()).unwrap())
            .collect();
        assert_eq!(ids, ids_before);
        assert_eq!(store.shared.key_counts()[0], keys);
    }
    model.check(&store);
}

#[test]
fn a_bulk_load_beside_definitions() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path(), &settings()).unwrap();
    let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
    let rows = random_rows(&mut Pcg64::seed_from_u64(1), 50);
    let events = columns_of(&rows, store.names(), |table, keys, ids| {
        load.intern(table, keys, ids).unwrap();
    });
    load.push(events).unwrap();
    // It does not wait for the load, and what it leaves in the log stands after the load.
    store.define(vec![define(1, "a", Some("1"))]).unwrap();
    load.define(define(1, "a", Some("2")));
    load.commit(&mut |_, _| {}).unwrap();
    let mut model = Model::default();
    model.add(None, &rows);
    model.define(1, "a", Some("2"));
    model.check(&store);
    model.check(&reopen(store, dir.path()));
}

#[test]
fn the_catalog_follows_the_definitions_and_may_be_lost() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::create(dir.path(), &settings()).unwrap();
    let mut model = Model::default();
    for number in 0..12 {
        let value = number.to_string();
        let name = format!("d{}", number % 5);
        if number % 3 == 0 {
            let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
            load.define(define(1, &name, Some(&value)));
            load.commit(&mut |_, _| {}).unwrap();
        } else {
            store.define(vec![define(1, &name, Some(&value))]).unwrap();
        }
        model.define(1, &name, Some(&value));
        if number == 7 {
            store.checkpoint().unwrap();
        }
        let store_id = store.shared.files.store_id;
        drop(store);
        let catalog = crate::catalog::Catalog::new(Arc::new(SystemDisk), dir.path(), store_id);
        assert_eq!(*catalog.content().unwrap().0, model.definitions);
        if number % 4 == 1 {
            use crate::io::Disk;
            SystemDisk.remove_dir(&dir.path().join("catalog")).unwrap();
        }
        store = Store::open(dir.path()).unwrap();
        model.check(&store);
    }
}
