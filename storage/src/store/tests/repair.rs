//! Repairs: what is damaged goes, all else stays, and what was said to be lost is what is lost.

use std::path::Path;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::shared::Tuning;
use super::super::{BulkOptions, KeyTable, Loss, Outcome, Remedy, Store, Survey};
use super::care::{check, overwrite, store_of_everything};
use super::{
    Row, batch, columns_of, copy_dir, first_days, names_in, random_rows, rows_of, settings,
};
use crate::io::{Disk, SystemDisk, read};

/// Looks, repairs, looks again; the remedies and losses told.
fn repair(dir: &Path) -> (Vec<Remedy>, Vec<Loss>) {
    let survey = Survey::open(dir).unwrap();
    let report = survey.check(&mut |_, _| {});
    let diagnosis = survey.diagnose(&report);
    assert_eq!(diagnosis.is_healthy(), report.is_clean());
    let remedies: Vec<_> = diagnosis.troubles.iter().map(|t| t.remedy.clone()).collect();
    let losses = diagnosis.troubles.iter().flat_map(|t| t.losses.clone()).collect();
    let repaired = survey.repair(&diagnosis).unwrap();
    for path in repaired.moved.iter().chain(&repaired.written) {
        assert!(SystemDisk.list(path).is_ok() || read(path).is_ok(), "{path:?}");
    }
    (remedies, losses)
}

/// Every consumer with a row is known from their first day on.
fn look(store: &Store) -> Vec<Row> {
    let snapshot = store.snapshot();
    let rows = rows_of(&snapshot);
    let mut days = std::collections::BTreeMap::new();
    for row in &rows {
        let first = days.entry(row.0.clone()).or_insert(row.3);
        *first = row.3.min(*first);
    }
    assert_eq!(first_days(&snapshot), days);
    rows
}

#[test]
fn a_damaged_file_of_any_kind_is_taken_out_and_what_is_told_lost_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    store_of_everything(&live, 11);
    let before = look(&Store::open(&live).unwrap());
    let mut random = Pcg64::seed_from_u64(12);
    let mut repaired = 0;
    for name in names_in(&live) {
        let kind = name.rsplit('.').next().unwrap();
        if !["seg", "idx", "log", "dict", "dump"].contains(&kind) {
            continue;
        }
        let length = read(&live.join(&name)).unwrap().len();
        for _ in 0..10 {
            let copy = dir.path().join("damaged");
            copy_dir(&live, &copy);
            let mut bytes = read(&copy.join(&name)).unwrap();
            bytes[random.random_range(0..length)] ^= 0x11;
            overwrite(&copy.join(&name), &bytes);
            let (remedies, losses) = repair(&copy);
            if remedies.contains(&Remedy::Restore) {
                assert!(["dict", "dump"].contains(&kind), "{name}");
                SystemDisk.remove_dir(&copy).unwrap();
                continue;
            }
            repaired += 1;
            let report = check(&copy);
            assert_eq!(report.findings, [], "{name}");
            let store = Store::open(&copy).unwrap();
            let rows = look(&store);
            let lost: u64 = losses
                .iter()
                .map(|loss| match loss {
                    Loss::Events { events, .. } | Loss::Batch { events, .. } => *events,
                    _ => 0,
                })
                .sum();
            let unknown = losses.iter().any(|loss| {
                matches!(loss, Loss::UnknownEvents { .. } | Loss::UnknownBatches { .. })
            });
            let missing = (before.len() - rows.len()) as u64;
            assert!(missing == lost || unknown && missing > lost, "{name}: {missing} {losses:?}");
            // It goes on.
            batch(&store, None, &random_rows(&mut random, 20));
            store.checkpoint().unwrap();
            drop(store);
            assert!(check(&copy).is_clean());
            SystemDisk.remove_dir(&copy).unwrap();
        }
    }
    assert!(repaired > 50, "{repaired}");
}

#[test]
fn a_segment_whose_checksums_are_damaged_loses_what_they_stood_for() {
    let dir = tempfile::tempdir().unwrap();
    store_of_everything(dir.path(), 16);
    let before = look(&Store::open(dir.path()).unwrap());
    let segment = names_in(dir.path()).into_iter().find(|name| name.ends_with(".seg")).unwrap();
    let path = dir.path().join(&segment);
    let mut bytes = read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    overwrite(&path, &bytes);
    assert!(Store::open(dir.path()).is_err());
    let (remedies, losses) = repair(dir.path());
    assert!(matches!(remedies[..], [Remedy::RewriteSegment { .. }]), "{remedies:?}");
    assert_eq!(losses, [], "the blocks match what stands for them");
    assert!(check(dir.path()).is_clean());
    assert_eq!(look(&Store::open(dir.path()).unwrap()), before);
}

#[test]
fn a_missing_segment_is_named_by_what_the_manifest_says_of_it() {
    let dir = tempfile::tempdir().unwrap();
    store_of_everything(dir.path(), 13);
    let segment = names_in(dir.path()).into_iter().find(|name| name.ends_with(".seg")).unwrap();
    SystemDisk.remove(&dir.path().join(&segment)).unwrap();
    assert!(Store::open(dir.path()).is_err());
    let (remedies, losses) = repair(dir.path());
    // Others may have left it to this one to know their consumers.
    let dropped = remedies.iter().filter(|remedy| matches!(remedy, Remedy::DropSegment { .. }));
    assert_eq!(dropped.count(), 1, "{remedies:?}");
    assert!(check(dir.path()).is_clean());
    assert!(matches!(&losses[..], [Loss::UnknownEvents { path, .. }] if path.ends_with(&segment)));
    look(&Store::open(dir.path()).unwrap());
}

#[test]
fn a_damaged_catalog_is_made_anew_and_a_damaged_dump_is_written_from_it() {
    let dir = tempfile::tempdir().unwrap();
    store_of_everything(dir.path(), 14);
    let definitions = Store::open(dir.path()).unwrap().snapshot().definitions().clone();
    let catalog = dir.path().join("catalog");
    let mut bytes = read(&catalog.join("conf")).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    overwrite(&catalog.join("conf"), &bytes);
    let (remedies, losses) = repair(dir.path());
    assert_eq!((remedies, losses), (vec![Remedy::RebuildCatalog], vec![]));
    assert!(check(dir.path()).is_clean());
    let dump = names_in(dir.path()).into_iter().find(|name| name.ends_with(".dump")).unwrap();
    overwrite(&dir.path().join(dump), b"nothing of it is left");
    assert!(Store::open(dir.path()).is_err());
    let (remedies, losses) = repair(dir.path());
    assert_eq!((remedies, losses), (vec![Remedy::RewriteDump], vec![]));
    assert!(check(dir.path()).is_clean());
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(*store.snapshot().definitions(), definitions);
    assert!(store.snapshot().keys(KeyTable::Consumer) > 0);
}

#[test]
fn a_dictionary_whose_keys_are_whole_gets_a_new_hash_table() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path(), &settings()).unwrap();
    let keys: Vec<String> = (0..6_000).map(|n| format!("consumer:{n}")).collect();
    let rows: Vec<Row> = random_rows(&mut Pcg64::seed_from_u64(15), keys.len())
        .into_iter()
        .zip(&keys)
        .map(|(mut row, key)| {
            row.0.clone_from(key);
            row
        })
        .collect();
    batch(&store, None, &rows);
    store.checkpoint().unwrap();
    drop(store);
    let part = names_in(dir.path()).into_iter().find(|n| n.starts_with("dict-consumer")).unwrap();
    let mut bytes = read(&dir.path().join(&part)).unwrap();
    let at = bytes.len() - 3_000;
    bytes[at] ^= 4;
    overwrite(&dir.path().join(&part), &bytes);
    let (remedies, losses) = repair(dir.path());
    assert!(matches!(remedies[..], [Remedy::RebuildPart { .. }]), "{remedies:?}");
    assert_eq!(losses, []);
    assert!(check(dir.path()).is_clean());
    let store = Store::open(dir.path()).unwrap();
    let snapshot = store.snapshot();
    let id = |key: &String| snapshot.id(KeyTable::Consumer, key.as_bytes()).unwrap();
    assert!(keys.iter().zip(0..).all(|(key, position)| id(key) == Some(position)));
    // In the keys themselves nothing but a backup helps.
    drop((snapshot, store));
    let part = names_in(dir.path()).into_iter().find(|n| n.starts_with("dict-consumer")).unwrap();
    let mut bytes = read(&dir.path().join(&part)).unwrap();
    bytes[100] ^= 4;
    overwrite(&dir.path().join(&part), &bytes);
    assert_eq!(repair(dir.path()).0, [Remedy::Restore]);
}

/// A log of three batches with tokens, two of which the manifest knows, and loads beside them.
fn store_with_tokens(dir: &Path, tuning: Tuning) -> Vec<(String, Vec<Row>)> {
    let store = Store::create_on(Arc::new(SystemDisk), dir, &settings(), tuning).unwrap();
    let mut random = Pcg64::seed_from_u64(41);
    let mut sent = Vec::new();
    for (number, is_load) in [false, true, false, true, false].into_iter().enumerate() {
        let token = format!("token-number-{number}");
        let mut rows = random_rows(&mut random, 10);
        rows.iter_mut().for_each(|row| row.10 = 1_000_000 + number as i64);
        if is_load {
            let options = BulkOptions { token: Some(token.clone()), memory: 1 << 20 };
            let mut load = store.bulk(options).unwrap();
            let events = columns_of(&rows, store.names(), |table, keys, ids| {
                load.intern(table, keys, ids).unwrap();
            });
            load.push(events).unwrap();
            load.commit(&mut |_, _| {}).unwrap();
        } else {
            batch(&store, Some(&token), &rows);
        }
        sent.push((token, rows));
    }
    sent
}

#[test]
fn what_was_lost_with_the_log_is_taken_when_it_comes_again() {
    for manifest_bytes in [1, 1 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let live = dir.path().join("live");
        let tuning = Tuning { manifest_bytes, ..Tuning::default() };
        let sent = store_with_tokens(&live, tuning);
        let log = names_in(&live).into_iter().find(|name| name.ends_with(".log")).unwrap();
        let bytes = read(&live.join(&log)).unwrap();
        for damaged in [0, 2, 4] {
            let token = sent[damaged].0.as_bytes();
            let at = bytes.windows(token.len()).position(|part| part == token).unwrap();
            let copy = dir.path().join(format!("damaged{damaged}"));
            copy_dir(&live, &copy);
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            overwrite(&copy.join(&log), &changed);
            let (remedies, losses) = repair(&copy);
            assert_eq!(remedies, [Remedy::CutLog]);
            assert!(check(&copy).is_clean());
            let store = Store::open(&copy).unwrap();
            let (mut again, mut twice) = (0, 0);
            for (number, (token, rows)) in sent.iter().enumerate() {
                let there = rows_of(&store.snapshot());
                let there = there.iter().any(|row| row.10 == 1_000_000 + number as i64);
                assert_eq!(there, number % 2 == 1 || number < damaged, "of {token}");
                match batch(&store, Some(token), rows) {
                    Outcome::Repeated => assert!(there, "{token} is lost, and called repeated"),
                    Outcome::Applied { .. } if there => twice += 1,
                    Outcome::Applied { .. } => again += 1,
                }
            }
            assert_eq!(again, (4 - damaged) / 2 + 1);
            // Loads came with the lost batches: which token is whose can no longer be read.
            let told = losses.iter().find_map(|loss| match loss {
                Loss::Tokens { count } => Some(*count),
                _ => None,
            });
            let of_lost = (2 - damaged as u64 / 2).min(2);
            assert_eq!(told.unwrap_or(0), if of_lost > 0 { of_lost + twice } else { 0 });
        }
    }
}
