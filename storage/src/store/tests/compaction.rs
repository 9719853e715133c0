//! Merging beside everything else that happens to a store.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::files::FileType;
use super::super::{BulkOptions, CompactionStep, Depth, Store, WriteError};
use super::faults::Handle;
use super::model::Model;
use super::{
    batch, columns_of, copy_dir, first_days, names_in, random_rows, rows_of, settings, small,
};
use crate::io::{Disk, SystemDisk};

/// A store of several checkpoints and loads, some of them late.
fn filled(disk: Arc<dyn Disk>, dir: &Path, seed: u64) -> (Store, Model) {
    let store = Store::create_on(disk, dir, &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(seed);
    let mut model = Model::default();
    for _ in 0..5 {
        let rows = random_rows(&mut random, 150);
        batch(&store, None, &rows);
        model.add(None, &rows);
        store.checkpoint().unwrap();
        load(&store, &mut model, &mut random);
    }
    (store, model)
}

fn load(store: &Store, model: &mut Model, random: &mut Pcg64) {
    let rows = random_rows(random, 200);
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 1 << 30 }).unwrap();
    let events = columns_of(&rows, store.names(), |table, keys, ids| {
        bulk.intern(table, keys, ids).unwrap();
    });
    bulk.push(events).unwrap();
    bulk.commit(&mut |_, _| {}).unwrap();
    model.add(None, &rows);
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn segment_files(dir: &Path) -> usize {
    names_in(dir).iter().filter(|name| name.ends_with(".seg")).count()
}

#[test]
fn a_copy_at_any_moment_of_a_merge_opens_with_everything() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let (store, model) = filled(Arc::new(SystemDisk), &live, 41);
    let mut copies = 0;
    let mut moment = 0;
    loop {
        let step = store.compact_step(Depth::Full, &mut |_| {
            moment += 1;
            if moment % 9 == 0 {
                let copy = dir.path().join(format!("copy{copies}"));
                copy_dir(&live, &copy);
                copies += 1;
                let opened = Store::open_on(Arc::new(SystemDisk), &copy, small()).unwrap();
                model.check(&opened);
                assert_eq!(segment_files(&copy), opened.snapshot().segments_on_disk().count());
                SystemDisk.remove_dir(&copy).unwrap();
            }
            ControlFlow::Continue(())
        });
        if step.unwrap() == CompactionStep::Idle {
            break;
        }
        model.check(&store);
        assert_eq!(segment_files(&live), store.snapshot().segments_on_disk().count());
    }
    assert!(copies > 10, "{copies} copies");
    drop(store);
    model.check(&Store::open_on(Arc::new(SystemDisk), &live, small()).unwrap());
}

#[test]
fn a_full_disk_ends_a_merge_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Handle::new();
    let (store, mut model) = filled(Arc::new(disk.clone()), dir.path(), 42);
    let mut random = Pcg64::seed_from_u64(1);
    let (mut refused, mut room) = (0, 0);
    loop {
        let before = names_in(dir.path());
        disk.0.room.store(room, Ordering::SeqCst);
        let step = store.compact_step(Depth::Full, &mut go_on);
        disk.0.room.store(i64::MAX, Ordering::SeqCst);
        match step {
            Ok(CompactionStep::Idle) => break,
            Ok(_) => {}
            Err(WriteError::Full(error)) => {
                assert!(error.is_full());
                assert_eq!(names_in(dir.path()), before);
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
        model.check(&store);
        if random.random_range(0..10) == 0 {
            let rows = random_rows(&mut random, 10);
            batch(&store, None, &rows);
            model.add(None, &rows);
        }
        room += 500;
    }
    assert!(refused > 5, "{refused} refused");
    drop(store);
    model.check(&Store::open(dir.path()).unwrap());
}

#[test]
fn a_merge_whose_files_are_not_confirmed_is_given_up() {
    for allowed in 0..400 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Handle::new();
        let (store, mut model) = filled(Arc::new(disk.clone()), dir.path(), 43);
        let before = names_in(dir.path());
        disk.0.syncs.store(allowed, Ordering::SeqCst);
        let step = store.compact_step(Depth::Full, &mut go_on);
        disk.0.syncs.store(i64::MAX, Ordering::SeqCst);
        model.check(&store);
        match step {
            Err(WriteError::Io(error)) => {
                // Only files of the merge: nothing was given to the disk that counts.
                assert_eq!(error.action, crate::io::Action::Sync);
                assert_eq!(names_in(dir.path()), before);
                let rows = random_rows(&mut Pcg64::seed_from_u64(3), 10);
                batch(&store, None, &rows);
                model.add(None, &rows);
                assert!(matches!(
                    store.compact_step(Depth::Full, &mut go_on),
                    Ok(CompactionStep::Done(_))
                ));
            }
            // The directory or the manifest.
            Err(WriteError::Unconfirmed(_)) => {
                assert!(matches!(store.writer(), Err(WriteError::ReadOnly(_))));
                let again = store.compact_step(Depth::Full, &mut go_on);
                assert!(matches!(again, Err(WriteError::ReadOnly(_))));
            }
            Err(other) => panic!("{other}"),
            Ok(_) => return,
        }
        drop(store);
        model.check(&Store::open(dir.path()).unwrap());
    }
    panic!("a merge syncs less often than this");
}

#[test]
fn a_snapshot_from_before_goes_on_working() {
    let dir = tempfile::tempdir().unwrap();
    let (store, model) = filled(Arc::new(SystemDisk), dir.path(), 44);
    let before = store.snapshot();
    let (rows, days) = (rows_of(&before), first_days(&before));
    let during = &mut |_| {
        assert!(before.compaction_running().is_some());
        assert_eq!(first_days(&before), days);
        ControlFlow::Continue(())
    };
    let (done, _) = store.compact_all(during).unwrap();
    assert!(done.jobs > 0 && done.segments_out < done.segments_in);
    assert_eq!(before.compaction_running(), None);
    assert_eq!(rows_of(&before), rows);
    assert_eq!(first_days(&before), days);
    assert!(before.segments().len() > store.snapshot().segments().len());
    model.check(&store);
}

#[test]
fn writers_and_loads_beside_merges() {
    let dir = tempfile::tempdir().unwrap();
    let (store, mut model) = filled(Arc::new(SystemDisk), dir.path(), 45);
    let done = AtomicBool::new(false);
    let (written, merges) = std::thread::scope(|scope| {
        let compactor = scope.spawn(|| {
            let mut merges = 0;
            while !done.load(Ordering::Relaxed) {
                let depth = if merges % 3 == 0 { Depth::Full } else { Depth::Due };
                match store.compact_step(depth, &mut go_on).unwrap() {
                    CompactionStep::Done(_) => merges += 1,
                    _ => std::thread::yield_now(),
                }
            }
            merges
        });
        let reader = scope.spawn(|| {
            let mut rows = 0;
            while !done.load(Ordering::Relaxed) {
                let snapshot = store.snapshot();
                let seen: u64 = snapshot.segments().iter().map(|s| s.rows()).sum();
                assert!(seen >= rows && seen.is_multiple_of(50), "{seen} rows after {rows}");
                rows = seen;
                assert_eq!(rows_of(&snapshot).len() as u64, seen);
            }
        });
        let writers: Vec<_> = (0..2)
            .map(|number| {
                let store = &store;
                scope.spawn(move || {
                    let mut random = Pcg64::seed_from_u64(200 + number);
                    let mut model = Model::default();
                    for turn in 0..40 {
                        if turn % 8 == number {
                            load(store, &mut model, &mut random);
                        } else {
                            let rows = random_rows(&mut random, 50);
                            batch(store, None, &rows);
                            model.add(None, &rows);
                        }
                    }
                    model
                })
            })
            .collect();
        let models: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        (models, compactor.join().unwrap())
    });
    assert!(merges > 5, "{merges} merges");
    written.into_iter().for_each(|other| model.rows.extend(other.rows));
    model.check(&store);
    let _ = store.compact_all(&mut |_| ControlFlow::Continue(())).unwrap();
    model.check(&store);
    drop(store);
    model.check(&Store::open(dir.path()).unwrap());
}

#[test]
fn a_merge_waits_for_a_load_and_may_be_stopped_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let (store, model) = filled(Arc::new(SystemDisk), dir.path(), 46);
    let bulk = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
    let files = names_in(dir.path());
    let (mut merged, mut asked) = (0, 0);
    let job = store.snapshot().compaction_plan(Depth::Full)[0];
    let step = store.compact_step(Depth::Full, &mut |rows| {
        merged += rows;
        // All is merged, and every further question comes from waiting.
        asked += u64::from(merged == job.rows && rows == 0);
        if asked > 60 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    drop(bulk);
    assert_eq!(step.unwrap(), CompactionStep::Stopped);
    assert_eq!(names_in(dir.path()), files);
    model.check(&store);
    assert!(matches!(store.compact_step(Depth::Full, &mut go_on), Ok(CompactionStep::Done(_))));
    model.check(&store);
}

#[test]
fn a_damaged_segment_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(Arc::new(SystemDisk), dir.path(), 47);
    drop(store);
    // With segments of several blocks of bytes, so that opening does not touch all of them.
    let store = Store::open(dir.path()).unwrap();
    let mut rows = random_rows(&mut Pcg64::seed_from_u64(48), 20_000);
    rows.iter_mut().for_each(|row| row.3 = 16_832 + row.3 % 60);
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 1 << 30 }).unwrap();
    let events = columns_of(&rows, store.names(), |table, keys, ids| {
        bulk.intern(table, keys, ids).unwrap();
    });
    bulk.push(events).unwrap();
    bulk.commit(&mut |_, _| {}).unwrap();
    let largest = store.snapshot().disk.iter().max_by_key(|(_, s)| s.bytes()).unwrap().0;
    drop(store);
    let name = FileType::Segment.name(largest);
    let mut bytes = crate::io::read(&dir.path().join(&name)).unwrap();
    assert!(bytes.len() > 2 << 16);
    bytes[70] ^= 1;
    let file = SystemDisk.open_append(&dir.path().join(&name)).unwrap();
    file.truncate(0).unwrap();
    file.append(&bytes).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(store.snapshot().compaction_plan(Depth::Full).len() > 3);
    let error = store.compact_all(&mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains(&name), "{error}");
    assert!(names_in(dir.path()).contains(&name));
    // It is known by now, and everything else is merged.
    assert!(store.snapshot().compaction_plan(Depth::Full).is_empty());
    assert!(store.snapshot().segments().iter().any(|segment| segment.read_all().is_err()));
}
