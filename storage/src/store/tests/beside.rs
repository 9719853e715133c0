//! What happens between the parts of a checkpoint.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::care::Survey;
use super::super::checkpoint::advance;
use super::super::shared::{Beside, Tuning};
use super::super::{BackupOptions, BulkOptions, CompactionStep, Depth, Outcome, Store, WriteError};
use super::backup::onward;
use super::faults::Handle;
use super::model::Model;
use super::{Row, batch, columns_of, copy_dir, define, names_in, random_rows, settings, small};
use crate::io::{Disk, SystemDisk, read};
use crate::wal::MARK_BYTES;

/// Everything happens when it is asked for.
fn stepped() -> Tuning {
    Tuning { beside: Beside::Nobody, checkpoint_rows: 100_000, ..small() }
}

fn create(disk: Arc<dyn Disk>, dir: &Path) -> Store {
    Store::create_on(disk, dir, &settings(), stepped()).unwrap()
}

fn open(dir: &Path) -> Store {
    Store::open_on(Arc::new(SystemDisk), dir, stepped()).unwrap()
}

fn add(store: &Store, model: &mut Model, rows: &[Row]) {
    assert_eq!(batch(store, None, rows), model.add(None, rows));
}

fn logs(dir: &Path) -> Vec<String> {
    names_in(dir).into_iter().filter(|name| name.ends_with(".log")).collect()
}

/// A store with events in files, in what is frozen and in memory; so many parts of the checkpoint
/// are done.
fn between(dir: &Path, parts: usize, random: &mut Pcg64) -> (Store, Model) {
    let (store, mut model) = (create(Arc::new(SystemDisk), dir), Model::default());
    add(&store, &mut model, &random_rows(random, 40));
    store.checkpoint().unwrap();
    add(&store, &mut model, &random_rows(random, 40));
    for _ in 0..parts {
        advance(&store.shared).unwrap();
        add(&store, &mut model, &random_rows(random, 20));
    }
    (store, model)
}

#[test]
fn anything_between_the_parts_of_a_checkpoint() {
    let mut random = Pcg64::seed_from_u64(31);
    for number in 0..60 {
        let dir = tempfile::tempdir().unwrap();
        let live = dir.path().join("live");
        let (store, mut model) = between(&live, number % 4, &mut random);
        assert_eq!(logs(&live).len(), if [1, 2].contains(&(number % 4)) { 2 } else { 1 });
        for _ in 0..random.random_range(1..4) {
            interfere(&store, &mut model, &mut random);
            model.check(&store);
            if random.random_range(0..3) == 0 {
                advance(&store.shared).unwrap();
                model.check(&store);
            }
        }
        // A crash here, and another one after the next part.
        for part in 0..3 {
            let copy = dir.path().join(format!("copy{part}"));
            copy_dir(&live, &copy);
            let report = Survey::open(&copy).unwrap().check(&mut |_, _| {});
            assert!(report.findings.is_empty(), "{:?}", report.findings);
            let opened = open(&copy);
            model.check(&opened);
            let mut copied = model.clone();
            add(&opened, &mut copied, &random_rows(&mut random, 10));
            opened.checkpoint().unwrap();
            copied.check(&opened);
            assert_eq!(logs(&copy).len(), 1);
            drop(opened);
            copied.check(&open(&copy));
            advance(&store.shared).unwrap();
            model.check(&store);
        }
    }
}

/// Does one thing that meets a checkpoint.
fn interfere(store: &Store, model: &mut Model, random: &mut Pcg64) {
    match random.random_range(0..8) {
        0 => {
            // Some of them came before the rotation, some after it, some never.
            let keys = (0..6).map(|_| format!("consumer:{}", random.random_range(0..400)));
            model.forget(store, &keys.collect::<Vec<_>>());
        }
        1 => {
            let brand = format!("brand{}", random.random_range(0..5));
            model.delete(store, &brand, &[], (16_800, 17_100));
        }
        2 => {
            let mut load = store.bulk(BulkOptions { token: None, memory: 4_000 }).unwrap();
            let rows = random_rows(random, 60);
            let events = columns_of(&rows, store.names(), |table, keys, ids| {
                load.intern(table, keys, ids).unwrap();
            });
            load.push(events).unwrap();
            if random.random_range(0..3) > 0 {
                load.commit(&mut |_, _| {}).unwrap();
                model.add(None, &rows);
            }
        }
        3 => {
            let value = random.random_range(0..100).to_string();
            let value = (random.random_range(0..3) > 0).then_some(value.as_str());
            let name = format!("d{}", random.random_range(0..3));
            store.define(vec![define(1, &name, value)]).unwrap();
            model.define(1, &name, value);
        }
        4 => {
            let on = &mut |_| ControlFlow::Continue(());
            while store.compact_step(Depth::Full, on).unwrap() != CompactionStep::Idle {}
        }
        5 => {
            let (_, done) = store.compact_all(&mut |_| ControlFlow::Continue(())).unwrap();
            assert!(done.is_continue());
            assert!(store.snapshot().erasures().pending().is_empty());
        }
        6 => {
            let dir = tempfile::tempdir().unwrap();
            let (to, restored) = (dir.path().join("backup"), dir.path().join("restored"));
            let first = store.backup(&to, BackupOptions::default(), &mut onward).unwrap();
            let again = store.backup(&to, BackupOptions::default(), &mut onward).unwrap();
            assert_eq!(again.kept, first.linked + first.copied);
            super::super::restore(&to, &restored, &mut |_, _| {}).unwrap();
            model.check(&open(&restored));
        }
        _ => add(store, model, &random_rows(random, 30)),
    }
}

#[test]
fn whatever_is_missing_from_a_frozen_log_is_damage_and_can_be_cut() {
    let mut random = Pcg64::seed_from_u64(32);
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let (store, mut model) = between(&live, 0, &mut random);
    for _ in 0..3 {
        add(&store, &mut model, &random_rows(&mut random, 5));
    }
    advance(&store.shared).unwrap();
    store.define(vec![define(1, "a", Some("1"))]).unwrap();
    add(&store, &mut model, &random_rows(&mut random, 5));
    let frozen = logs(&live).remove(0);
    let length = read(&live.join(&frozen)).unwrap().len() as u64;
    for cut in [0, 20, length / 2, length - 30, length - 26] {
        let copy = dir.path().join(format!("copy{cut}"));
        copy_dir(&live, &copy);
        SystemDisk.open_append(&copy.join(&frozen)).unwrap().truncate(cut).unwrap();
        let error = Store::open(&copy).unwrap_err();
        assert!(error.to_string().contains(&frozen), "{error}");
        let survey = Survey::open(&copy).unwrap();
        let report = survey.check(&mut |_, _| {});
        assert!(report.findings.iter().any(|finding| finding.path.ends_with(&frozen)));
        let diagnosis = survey.diagnose(&report);
        survey.repair(&diagnosis).unwrap();
        let survey = Survey::open(&copy).unwrap();
        let report = survey.check(&mut |_, _| {});
        assert!(report.findings.is_empty(), "{cut}: {:?}", report.findings);
        drop(survey);
        // It goes on from there, and what it takes is there the next time.
        let store = open(&copy);
        let rows = super::rows_of(&store.snapshot()).len();
        // What was in files, and a prefix of what the frozen log had.
        assert!([40, 80, 85, 90, 95].contains(&rows), "{rows}");
        assert!(cut <= length / 2 || rows >= 90, "{rows}");
        store.define(vec![define(1, "b", Some("2"))]).unwrap();
        batch(&store, Some("after"), &random_rows(&mut random, 3));
        drop(store);
        let store = open(&copy);
        assert_eq!(super::rows_of(&store.snapshot()).len(), rows + 3);
        assert!(store.snapshot().definitions().contains_key(&(1, "b".to_owned())));
        assert_eq!(batch(&store, Some("after"), &[]), Outcome::Repeated);
    }
}

/// The next log says which record it follows: what comes after that one is a mark, or its rest.
#[test]
fn what_follows_the_last_record_of_a_frozen_log_does_not_matter() {
    let mut random = Pcg64::seed_from_u64(34);
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    let (store, mut model) = between(&live, 0, &mut random);
    advance(&store.shared).unwrap();
    add(&store, &mut model, &random_rows(&mut random, 5));
    let frozen = logs(&live).remove(0);
    let length = read(&live.join(&frozen)).unwrap().len() as u64;
    let (mark, rest) = (length - MARK_BYTES as u64, [7; 12]);
    for (cut, more) in [(mark, &[][..]), (mark + 9, &[]), (length - 1, &[]), (mark, &rest)] {
        let copy = dir.path().join(format!("copy{cut}-{}", more.len()));
        copy_dir(&live, &copy);
        let file = SystemDisk.open_append(&copy.join(&frozen)).unwrap();
        file.truncate(cut).unwrap();
        file.append(more).unwrap();
        drop(file);
        let report = Survey::open(&copy).unwrap().check(&mut |_, _| {});
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        let store = open(&copy);
        model.check(&store);
        let backup = dir.path().join(format!("backup{cut}-{}", more.len()));
        store.backup(&backup, BackupOptions::default(), &mut onward).unwrap();
        model.check(&open(&backup));
        store.checkpoint().unwrap();
        drop(store);
        model.check(&open(&copy));
    }
}

/// A log of a store in use that lost its end on the disk is not copied over an earlier backup.
#[test]
fn a_short_log_is_not_backed_up_and_leaves_the_backup_before() {
    for (seed, which) in [(41, 0), (42, 1)] {
        let mut random = Pcg64::seed_from_u64(seed);
        let dir = tempfile::tempdir().unwrap();
        let (live, target) = (dir.path().join("live"), dir.path().join("backup"));
        let (store, mut model) = between(&live, 0, &mut random);
        store.backup(&target, BackupOptions::default(), &mut onward).unwrap();
        let before = model.clone();
        for _ in 0..3 {
            add(&store, &mut model, &random_rows(&mut random, 5));
        }
        advance(&store.shared).unwrap();
        for _ in 0..3 {
            add(&store, &mut model, &random_rows(&mut random, 5));
        }
        // The older log, then the present one.
        let name = logs(&live).remove(which);
        let path = live.join(&name);
        let whole = read(&path).unwrap();
        for cut in [whole.len() / 2, whole.len() - MARK_BYTES - 40] {
            SystemDisk.open_append(&path).unwrap().truncate(cut as u64).unwrap();
            let error = store.backup(&target, BackupOptions::default(), &mut onward).unwrap_err();
            assert!(error.to_string().contains(&name), "{error}");
            // Opened elsewhere: it stays as it was made.
            let copy = dir.path().join(format!("copy{cut}"));
            copy_dir(&target, &copy);
            before.check(&open(&copy));
            let file = SystemDisk.open_append(&path).unwrap();
            file.truncate(0).unwrap();
            file.append(&whole).unwrap();
        }
        store.backup(&target, BackupOptions::default(), &mut onward).unwrap();
        model.check(&open(&target));
    }
}

#[test]
fn a_full_disk_between_the_parts_of_a_checkpoint() {
    let mut random = Pcg64::seed_from_u64(33);
    let mut refused = [0; 3];
    for room in (0..6_000).step_by(61) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Handle::new();
        let store = create(Arc::new(disk.clone()), dir.path());
        let mut model = Model::default();
        add(&store, &mut model, &random_rows(&mut random, 20));
        let part = (room / 61 % 3) as usize;
        for _ in 0..part {
            advance(&store.shared).unwrap();
            add(&store, &mut model, &random_rows(&mut random, 10));
        }
        disk.0.room.store(room / 61 * if part == 1 { 61 } else { 4 }, Ordering::SeqCst);
        match advance(&store.shared) {
            Ok(()) => {}
            Err(WriteError::Full(_)) => refused[part] += 1,
            Err(other) => panic!("{other}"),
        }
        disk.0.room.store(i64::MAX, Ordering::SeqCst);
        model.check(&store);
        // With room again everything goes on: batches, and the checkpoint.
        add(&store, &mut model, &random_rows(&mut random, 10));
        let copy = tempfile::tempdir().unwrap();
        copy_dir(dir.path(), &copy.path().join("copy"));
        model.check(&open(&copy.path().join("copy")));
        store.checkpoint().unwrap();
        assert_eq!(logs(dir.path()).len(), 1);
        model.check(&store);
        drop(store);
        model.check(&open(dir.path()));
    }
    assert!(refused.iter().all(|&count| count > 0), "{refused:?}");
}

#[test]
fn writers_wait_for_memory_and_go_on_without_a_thread() {
    let dir = tempfile::tempdir().unwrap();
    let tuning = Tuning { checkpoint_rows: 60, ..stepped() };
    let disk = Handle::new();
    let store = Store::create_on(Arc::new(disk.clone()), dir.path(), &settings(), tuning).unwrap();
    let mut random = Pcg64::seed_from_u64(34);
    let mut model = Model::default();
    for _ in 0..40 {
        add(&store, &mut model, &random_rows(&mut random, 25));
        let snapshot = store.snapshot();
        let rows = |segments: &[Arc<crate::segment::Segment>]| -> u64 {
            segments.iter().map(|segment| segment.rows()).sum()
        };
        // Two generations at most, each with the batch that passed the limit.
        assert!(rows(&snapshot.memory) < 120 + 25 && rows(&snapshot.frozen) < 120 + 25);
    }
    // Memory is full, and what is frozen does not fit on the disk: that is said, nothing is lost.
    add(&store, &mut model, &random_rows(&mut random, 120));
    if store.snapshot().frozen.is_empty() {
        advance(&store.shared).unwrap();
        add(&store, &mut model, &random_rows(&mut random, 120));
    }
    disk.0.room.store(2_000, Ordering::SeqCst);
    assert!(matches!(store.writer(), Err(WriteError::Full(_))));
    assert!(matches!(store.writer(), Err(WriteError::Full(_))));
    model.check(&store);
    disk.0.room.store(i64::MAX, Ordering::SeqCst);
    add(&store, &mut model, &random_rows(&mut random, 25));
    // Whoever waits for the turn may be told to stop.
    let turn = store.writer().unwrap();
    assert!(store.writer_unless(&mut || ControlFlow::Break(())).unwrap().is_none());
    drop(turn);
    model.check(&store);
}
