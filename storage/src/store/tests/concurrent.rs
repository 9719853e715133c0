//! Many threads at one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::super::{KeyTable, Outcome, Store};
use super::model::Model;
use super::{batch, columns_of, define, random_rows, settings, small};
use crate::io::SystemDisk;

#[test]
fn four_writers_and_readers_beside_them() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create_on(Arc::new(SystemDisk), dir.path(), &settings(), small()).unwrap();
    let done = AtomicBool::new(false);
    let models: Vec<Model> = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut rows = 0;
                    let mut version = 0;
                    while !done.load(Ordering::Relaxed) {
                        let snapshot = store.snapshot();
                        assert!(snapshot.version() >= version);
                        version = snapshot.version();
                        let seen: u64 = snapshot.segments().iter().map(|s| s.rows()).sum();
                        assert!(seen >= rows, "rows went away");
                        assert_eq!(seen % 25, 0, "part of a batch is visible");
                        rows = seen;
                        if let Some(last) = snapshot.keys(KeyTable::Consumer).checked_sub(1) {
                            let key = snapshot.key(KeyTable::Consumer, last).unwrap().unwrap();
                            let id = snapshot.id(KeyTable::Consumer, &key).unwrap();
                            assert_eq!(id, Some(last));
                        }
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..4)
            .map(|number| {
                let store = &store;
                scope.spawn(move || {
                    let mut random = Pcg64::seed_from_u64(100 + number);
                    let mut model = Model::default();
                    for turn in 0..40 {
                        let rows = random_rows(&mut random, 25);
                        let token = format!("{number}/{turn}");
                        let outcome = batch(store, Some(&token), &rows);
                        assert_eq!(outcome, model.add(Some(&token), &rows));
                        assert_eq!(batch(store, Some(&token), &rows), Outcome::Repeated);
                        if turn % 10 == 0 {
                            let name = number.to_string();
                            store.define(vec![define(1, &name, Some(&token))]).unwrap();
                            model.define(1, &name, Some(&token));
                        }
                    }
                    model
                })
            })
            .collect();
        let models = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        models
    });
    let mut all = Model::default();
    for model in models {
        all.rows.extend(model.rows);
        all.definitions.extend(model.definitions);
    }
    all.check(&store);
    drop(store);
    all.check(&Store::open(dir.path()).unwrap());
}

#[test]
fn tickets_may_be_waited_for_in_any_order_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path(), &settings()).unwrap();
    let mut random = Pcg64::seed_from_u64(11);
    let mut model = Model::default();
    let mut tickets = Vec::new();
    for _ in 0..6 {
        let rows = random_rows(&mut random, 5);
        let mut writer = store.writer().unwrap();
        let events = columns_of(&rows, store.names(), |table, keys, ids| {
            writer.intern(table, keys, ids).unwrap();
        });
        tickets.push(writer.append(None, events).unwrap());
        model.add(None, &rows);
    }
    assert!(store.snapshot().segments().is_empty());
    let first = tickets.remove(0);
    drop(tickets.pop());
    assert_eq!(tickets.pop().unwrap().wait().unwrap(), Outcome::Applied { events: 5 });
    assert_eq!(first.wait().unwrap(), Outcome::Applied { events: 5 });
    drop(tickets);
    drop(store);
    model.check(&Store::open(dir.path()).unwrap());
}
