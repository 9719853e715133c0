//! Several merges that are written at once.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::super::shared::Tuning;
use super::super::{BulkOptions, IfUnknown, Store, WriteError};
use super::care::check;
use super::faults::Handle;
use super::model::Model;
use super::{Row, batch, columns_of, copy_dir, names_in, random_rows, settings, small};
use crate::io::{Disk, SystemDisk};

/// However few events there are.
fn at_once() -> Tuning {
    Tuning { beside_rows: 0, ..small() }
}

/// Events of many blocks of days.
fn rows_of_years(random: &mut Pcg64, count: usize) -> Vec<Row> {
    let mut rows = random_rows(random, count);
    for (row, place) in rows.iter_mut().zip(0..) {
        row.3 = 16_300 + (row.3 * 7 + place * 13).rem_euclid(700);
    }
    rows
}

fn filled(disk: Arc<dyn Disk>, dir: &Path, seed: u64) -> (Store, Model) {
    let store = Store::create_on(disk, dir, &settings(), at_once()).unwrap();
    let (mut random, mut model) = (Pcg64::seed_from_u64(seed), Model::default());
    for _ in 0..3 {
        let rows = rows_of_years(&mut random, 300);
        let mut bulk = store.bulk(BulkOptions { token: None, memory: 1 << 30 }).unwrap();
        let events = columns_of(&rows, store.names(), |table, keys, ids| {
            bulk.intern(table, keys, ids).unwrap();
        });
        bulk.push(events).unwrap();
        bulk.commit(&mut |_, _| {}).unwrap();
        model.add(None, &rows);
    }
    (store, model)
}

/// Segments on the disk: days, events and bytes.
fn segments(store: &Store) -> Vec<(i32, i32, u64, u64)> {
    let snapshot = store.snapshot();
    let on_disk = snapshot.segments_on_disk();
    let mut segments: Vec<_> =
        on_disk.map(|s| (s.first_day(), s.last_day(), s.rows(), s.bytes())).collect();
    segments.sort_unstable();
    segments
}

/// There is no file that nothing refers to.
fn is_tidy(dir: &Path, store: &Store) {
    let files = names_in(dir).into_iter().filter(|name| name.ends_with(".seg")).count();
    assert_eq!(files, store.snapshot().segments_on_disk().count());
    assert_eq!(store.snapshot().compaction_running(), None);
}

#[test]
fn merges_at_once_make_what_merges_in_turn_make() {
    let dir = tempfile::tempdir().unwrap();
    for seed in 0..4 {
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        let (store, model) = filled(Arc::new(SystemDisk), &one, seed);
        drop(store);
        copy_dir(&one, &two);
        let all = |dir: &Path, tuning| {
            let store = Store::open_on(Arc::new(SystemDisk), dir, tuning).unwrap();
            let mut told = Vec::new();
            let (done, flow) = store
                .compact_all(&mut |progress| {
                    told.push((progress.rows_done, progress.jobs_done));
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(flow.is_continue() && told.is_sorted());
            model.check(&store);
            is_tidy(dir, &store);
            (done, segments(&store))
        };
        let in_turn = all(&one, Tuning { beside_rows: u64::MAX, ..small() });
        let at_once = all(&two, at_once());
        assert_eq!(at_once, in_turn);
        assert!(at_once.0.jobs > 5, "{at_once:?}");
        assert!(check(&two).is_clean());
        [one, two].iter().for_each(|dir| SystemDisk.remove_dir(dir).unwrap());
    }
}

#[test]
fn a_copy_at_any_moment_of_merges_at_once_opens_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (live, copy) = (dir.path().join("live"), dir.path().join("copy"));
    for seed in 10..13 {
        let (store, model) = filled(Arc::new(SystemDisk), &live, seed);
        let mut copies = 0;
        let merged = store.compact_all(&mut |_| {
            // The writers go on meanwhile; nothing is published but after this.
            copy_dir(&live, &copy);
            copies += 1;
            let opened = Store::open_on(Arc::new(SystemDisk), &copy, at_once()).unwrap();
            model.check(&opened);
            is_tidy(&copy, &opened);
            drop(opened);
            SystemDisk.remove_dir(&copy).unwrap();
            ControlFlow::Continue(())
        });
        assert!(merged.unwrap().1.is_continue());
        assert!(copies > 5, "{copies}");
        drop(store);
        SystemDisk.remove_dir(&live).unwrap();
    }
}

#[test]
fn a_full_disk_ends_merges_at_once_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Handle::new();
    let (store, mut model) = filled(Arc::new(disk.clone()), dir.path(), 20);
    let mut random = Pcg64::seed_from_u64(5);
    let (mut refused, mut done) = (0, 0);
    for room in (0..).step_by(2_500) {
        disk.0.room.store(room, Ordering::SeqCst);
        let merged = store.compact_all(&mut |_| ControlFlow::Continue(()));
        disk.0.room.store(i64::MAX, Ordering::SeqCst);
        match merged {
            Ok(_) => done += 1,
            Err(WriteError::Full(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        model.check(&store);
        is_tidy(dir.path(), &store);
        if done == 2 {
            break;
        }
        let rows = rows_of_years(&mut random, 5);
        batch(&store, None, &rows);
        model.add(None, &rows);
    }
    assert!(refused > 2, "{refused}");
    drop(store);
    model.check(&Store::open(dir.path()).unwrap());
}

#[test]
fn merges_at_once_that_are_not_confirmed_are_given_up() {
    let (mut given_up, mut read_only) = (0, 0);
    for allowed in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let disk = Handle::new();
        let (store, model) = filled(Arc::new(disk.clone()), dir.path(), 21);
        disk.0.syncs.store(allowed, Ordering::SeqCst);
        let merged = store.compact_all(&mut |_| ControlFlow::Continue(()));
        disk.0.syncs.store(i64::MAX, Ordering::SeqCst);
        model.check(&store);
        match merged {
            Ok(_) => break,
            Err(WriteError::Io(_)) => {
                is_tidy(dir.path(), &store);
                given_up += 1;
            }
            Err(WriteError::Unconfirmed(_) | WriteError::ReadOnly(_)) => read_only += 1,
            Err(other) => panic!("{other}"),
        }
        drop(store);
        model.check(&Store::open_on(Arc::new(SystemDisk), dir.path(), at_once()).unwrap());
    }
    assert!(given_up > 5 && read_only > 5, "{given_up} {read_only}");
}

#[test]
fn merges_at_once_are_stopped_and_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut model) = filled(Arc::new(SystemDisk), dir.path(), 22);
    let mut random = Pcg64::seed_from_u64(6);
    for stop in 0.. {
        let mut asked = 0;
        let merged = store.compact_all(&mut |_| {
            asked += 1;
            if asked > stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        model.check(&store);
        is_tidy(dir.path(), &store);
        if merged.unwrap().1.is_continue() {
            assert!(stop > 3, "{stop}");
            break;
        }
        let rows = rows_of_years(&mut random, 5);
        batch(&store, None, &rows);
        model.add(None, &rows);
        let who = model.rows[0].0.clone();
        model.forget(&store, &[who]);
    }
    let nobody = store.forget(&[b"nobody"], IfUnknown::Skip, None).unwrap();
    assert_eq!(nobody.consumers, 0);
    assert!(store.snapshot().erasures().pending().is_empty());
    drop(store);
    assert!(check(dir.path()).is_clean());
}
