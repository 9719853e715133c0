//! Forgetting: at once from every snapshot, after compaction from every byte on the disk.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::super::{BulkOptions, IfUnknown, KeyTable, Store, Survey, WriteError};
use super::care::check;
use super::model::Model;
use super::{Row, batch, columns_of, copy_dir, names_in, random_rows, settings, small};
use crate::erasure::{Subject, hash_of};
use crate::index::IndexBuilder;
use crate::io::{Disk, SystemDisk};

const WHO: &str = "phone:+86-139-erase-me";
const ORDER: &str = "order-only-of-his";
const ITEM: &str = "item-only-of-his";
const SHARED_ORDER: &str = "order-of-two";

fn all(store: &Store) {
    let done = store.compact_all(&mut |_| ControlFlow::Continue(())).unwrap();
    assert_eq!(done.1, ControlFlow::Continue(()));
}

/// Files with any of some texts in them.
fn holding(dir: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for name in names_in(&dir) {
            let path = dir.join(&name);
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let bytes = crate::io::read(&path).unwrap();
            for text in texts {
                if bytes.windows(text.len()).any(|part| part == text.as_bytes()) {
                    found.push(format!("{name}: {text}"));
                }
            }
        }
    }
    found
}

fn his_rows(random: &mut Pcg64) -> Vec<Row> {
    let mut rows = random_rows(random, 6);
    for (place, row) in rows.iter_mut().enumerate() {
        row.0 = WHO.into();
        row.8 = if place % 2 == 0 { ITEM } else { "item1" }.into();
        row.9 = if place % 2 == 0 { ORDER } else { SHARED_ORDER }.into();
    }
    rows
}

/// A store with him in batches, loads, parts of dictionaries and an index.
fn store_with_him(dir: &Path, model: &mut Model, random: &mut Pcg64) -> Store {
    let store = Store::create_on(Arc::new(SystemDisk), dir, &settings(), small()).unwrap();
    for round in 0..12 {
        let mut rows = random_rows(random, 60);
        if round % 3 == 0 {
            rows.extend(his_rows(random));
            rows[0].9 = SHARED_ORDER.into();
        }
        if round % 2 == 0 {
            batch(&store, None, &rows);
        } else {
            let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 30 }).unwrap();
            let events = columns_of(&rows, store.names(), |table, keys, ids| {
                load.intern(table, keys, ids).unwrap();
            });
            load.push(events).unwrap();
            load.commit(&mut |_, _| {}).unwrap();
        }
        model.add(None, &rows);
    }
    let him = store.snapshot().id(KeyTable::Consumer, WHO.as_bytes()).unwrap().unwrap();
    let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 30 }).unwrap();
    let mut builder = IndexBuilder::new(b"owner".to_vec());
    builder.add_set(him - 3..him + 4);
    load.put_index("index", builder.finish(7)).unwrap();
    load.commit(&mut |_, _| {}).unwrap();
    model.indexes.insert("index".into(), (him - 3..him + 4).collect());
    let rows = his_rows(random);
    batch(&store, None, &rows);
    model.add(None, &rows);
    store
}

/// A load with little memory writes its keys out again and again, and later parts take earlier ones
/// over: those are no files of the store, though nobody opened it again.
#[test]
fn no_key_is_left_in_a_part_that_a_load_took_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Pcg64::seed_from_u64(5);
    let path = dir.path().join("store");
    let store = Store::create_on(Arc::new(SystemDisk), &path, &settings(), small()).unwrap();
    let mut load = store.bulk(BulkOptions { token: None, memory: 4_000 }).unwrap();
    for round in 0..20 {
        let mut rows = random_rows(&mut random, 40);
        for (place, row) in rows.iter_mut().enumerate() {
            row.0 = if (round, place) == (0, 0) { WHO.into() } else { format!("r{round}p{place}") };
        }
        let events = columns_of(&rows, store.names(), |table, keys, ids| {
            load.intern(table, keys, ids).unwrap();
        });
        load.push(events).unwrap();
    }
    load.commit(&mut |_, _| {}).unwrap();
    let is_part = |name: &String| name.starts_with("dict-");
    let there: BTreeSet<_> = names_in(&path).into_iter().filter(is_part).collect();
    let named = store.snapshot().files().into_iter().map(|(name, _)| name);
    assert_eq!(there, named.filter(is_part).collect());
    store.forget(&[WHO.as_bytes()], IfUnknown::Refuse, None).unwrap();
    all(&store);
    assert_eq!(holding(&path, &[WHO]), Vec::<String>::new());
}

#[test]
fn no_byte_of_a_forgotten_consumer_is_left_after_compaction() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Pcg64::seed_from_u64(1);
    let path = dir.path().join("store");
    let mut model = Model::default();
    let mut store = store_with_him(&path, &mut model, &mut random);
    assert!(holding(&path, &[WHO, ORDER, ITEM]).len() >= 3);
    let snapshot = store.snapshot();
    let id = snapshot.id(KeyTable::Consumer, WHO.as_bytes()).unwrap().unwrap();
    model.forget(&store, &[WHO.to_owned()]);
    model.check(&store);
    assert_eq!(store.snapshot().id(KeyTable::Consumer, WHO.as_bytes()).unwrap(), None);
    assert_eq!(store.snapshot().key(KeyTable::Consumer, id).unwrap(), None);
    let record = store.snapshot().erasures().records()[0].clone();
    let Subject::Consumer { id: erased, salt, hash } = record.subject else { panic!() };
    assert_eq!((erased, hash), (id, hash_of(&salt, WHO.as_bytes())));
    assert!(!store.snapshot().erasures().is_gone(&record));
    for reopened in [false, true, true] {
        if reopened {
            drop(store);
            store = Store::open_on(Arc::new(SystemDisk), &path, small()).unwrap();
            model.check(&store);
        }
        all(&store);
        model.check(&store);
        assert!(store.snapshot().erasures().is_gone(&record));
        assert_eq!(holding(&path, &[WHO, ORDER, ITEM]), Vec::<String>::new());
        assert!(!holding(&path, &[SHARED_ORDER, "item1"]).is_empty());
    }
    // Whoever comes again under the same key is somebody else.
    let rows = his_rows(&mut random);
    batch(&store, None, &rows);
    model.add(None, &rows);
    model.check(&store);
    let again = store.snapshot().id(KeyTable::Consumer, WHO.as_bytes()).unwrap().unwrap();
    assert!(again > id);
    drop(store);
    let store = Store::open_on(Arc::new(SystemDisk), &path, small()).unwrap();
    model.check(&store);
    model.forget(&store, &[WHO.to_owned()]);
    all(&store);
    model.check(&store);
    assert_eq!(holding(&path, &[WHO, ORDER, ITEM]), Vec::<String>::new());
}

#[test]
fn an_unknown_identity_refuses_all_or_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path(), &settings()).unwrap();
    let rows = random_rows(&mut Pcg64::seed_from_u64(2), 50);
    batch(&store, None, &rows);
    let known = rows[0].0.as_bytes();
    let refused = store.forget(&[known, b"nobody"], IfUnknown::Refuse, None).unwrap_err();
    assert!(matches!(refused, WriteError::UnknownIdentity { place: 1 }));
    assert!(store.snapshot().id(KeyTable::Consumer, known).unwrap().is_some());
    assert!(store.snapshot().erasures().records().is_empty());
    let done = store.forget(&[b"nobody", known, known], IfUnknown::Skip, None).unwrap();
    assert_eq!((done.consumers, &done.unknown[..]), (1, &[0][..]));
    let done = store.forget(&[known], IfUnknown::Skip, None).unwrap();
    assert_eq!((done.consumers, done.events), (0, 0));
}

#[test]
fn a_copy_at_any_moment_has_forgotten_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Pcg64::seed_from_u64(3);
    let path = dir.path().join("store");
    let mut model = Model::default();
    let store = store_with_him(&path, &mut model, &mut random);
    let copies = std::cell::Cell::new(0);
    let check = |model: &Model| {
        let copy = dir.path().join(format!("copy{}", copies.get()));
        copies.set(copies.get() + 1);
        copy_dir(&path, &copy);
        let copied = Store::open_on(Arc::new(SystemDisk), &copy, small()).unwrap();
        model.check(&copied);
        all(&copied);
        model.check(&copied);
        assert_eq!(holding(&copy, &[WHO, ORDER, ITEM]), Vec::<String>::new());
    };
    model.forget(&store, &[WHO.to_owned()]);
    check(&model);
    store.checkpoint().unwrap();
    check(&model);
    let mut calls = 0;
    let mut paused = |_| {
        calls += 1;
        if calls % 25 == 0 {
            check(&model);
        }
        if calls == 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let _ = store.compact_all(&mut paused).unwrap();
    let mut calls = 0;
    let mut paused = |_| {
        calls += 1;
        if calls % 40 == 0 {
            check(&model);
        }
        ControlFlow::Continue(())
    };
    let _ = store.compact_all(&mut paused).unwrap();
    check(&model);
    assert!(copies.get() > 4);
}

#[test]
fn deleted_events_are_in_no_answer_and_in_no_file_and_later_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Pcg64::seed_from_u64(5);
    let path = dir.path().join("store");
    let mut model = Model::default();
    let mut store = store_with_him(&path, &mut model, &mut random);
    let days = (16_900, 17_200);
    for round in 0..8 {
        let did: &[&str] = if round % 2 == 0 { &["did2"] } else { &[] };
        model.delete(&store, &format!("brand{}", round % 5), did, days);
        model.check(&store);
        if round == 1 {
            model.forget(&store, &[WHO.to_owned()]);
        }
        let rows = random_rows(&mut random, 40);
        batch(&store, None, &rows);
        model.add(None, &rows);
        model.check(&store);
        if round % 3 == 0 {
            drop(store);
            let report = Survey::open(&path).unwrap().check(&mut |_, _| {});
            assert!(report.findings.is_empty(), "{:?}", report.findings);
            store = Store::open_on(Arc::new(SystemDisk), &path, small()).unwrap();
            model.check(&store);
        }
        if round % 3 == 1 {
            all(&store);
            model.check(&store);
        }
    }
    let records = store.snapshot().erasures().records().len();
    assert!(records > 4);
    drop(store);
    let store = Store::open_on(Arc::new(SystemDisk), &path, small()).unwrap();
    model.check(&store);
    assert_eq!(store.snapshot().erasures().records().len(), records);
    for brand in 0..5 {
        model.delete(&store, &format!("brand{brand}"), &[], (0, 60_000));
    }
    model.check(&store);
    assert!(model.rows.is_empty() && store.snapshot().segments().is_empty());
}

#[test]
fn a_store_is_found_whole_while_people_are_taken_out_of_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let (live, copy) = (dir.path().join("live"), dir.path().join("copy"));
    let (mut model, mut random) = (Model::default(), Pcg64::seed_from_u64(9));
    let store = store_with_him(&live, &mut model, &mut random);
    all(&store);
    let others: BTreeSet<_> = model.rows.iter().take(5).map(|row| row.0.clone()).collect();
    model.forget(&store, &others.into_iter().chain([WHO.to_owned()]).collect::<Vec<_>>());
    drop(store);
    let mut partly = 0;
    for stop in (0..).step_by(7) {
        copy_dir(&live, &copy);
        let store = Store::open_on(Arc::new(SystemDisk), &copy, small()).unwrap();
        let mut asked = 0;
        let merged = store.compact_all(&mut |_| {
            asked += 1;
            if asked > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        let (done, flow) = merged.unwrap();
        partly += usize::from(flow.is_break() && done.jobs > 0);
        model.check(&store);
        drop(store);
        let report = check(&copy);
        assert!(report.is_clean(), "stopped at {stop}: {:?}", report.findings);
        SystemDisk.remove_dir(&copy).unwrap();
        if flow.is_continue() {
            break;
        }
    }
    assert!(partly > 5, "{partly}");
}
