//! Looking at stores: whole ones are found to be so, and what was changed is named.

use std::path::Path;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::super::{BulkOptions, Report, Store, Survey};
use super::{batch, columns_of, copy_dir, define, names_in, random_rows, settings, small};
use crate::block::{FileKind, rebind};
use crate::index::IndexBuilder;
use crate::io::{Disk, SystemDisk, read};

/// A store with files of every kind, and batches in its log.
pub(super) fn store_of_everything(dir: &Path, seed: u64) {
    let store = Store::create_on(Arc::new(SystemDisk), dir, &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(seed);
    for number in 0..6 {
        let rows = random_rows(&mut random, 200);
        if number % 2 == 0 {
            batch(&store, Some(&number.to_string()), &rows);
            continue;
        }
        let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
        let events = columns_of(&rows, store.names(), |table, keys, ids| {
            load.intern(table, keys, ids).unwrap();
        });
        let mut members = events.consumer.clone();
        members.sort_unstable();
        members.dedup();
        let mut index = IndexBuilder::new(vec![1, 2, 3]);
        index.add_set(members);
        load.push(events).unwrap();
        load.put_index(&format!("index{number}"), index.finish(5)).unwrap();
        load.define(define(1, "n", Some(&number.to_string())));
        load.commit(&mut |_, _| {}).unwrap();
    }
    store.checkpoint().unwrap();
    store.define(vec![define(1, "late", Some("x"))]).unwrap();
    batch(&store, None, &random_rows(&mut random, 30));
}

pub(super) fn check(dir: &Path) -> Report {
    Survey::open(dir).unwrap().check(&mut |done, total| assert!(done <= total))
}

#[test]
fn whole_stores_are_found_whole() {
    for seed in 0..8 {
        let dir = tempfile::tempdir().unwrap();
        store_of_everything(dir.path(), seed);
        let before: Vec<_> =
            names_in(dir.path()).into_iter().filter(|name| name != "catalog").collect();
        let contents = |name: &String| read(&dir.path().join(name)).unwrap();
        let bytes: Vec<_> = before.iter().map(contents).collect();
        let report = check(dir.path());
        assert_eq!(report.findings, [], "seed {seed}");
        assert_eq!(report.notes, [], "seed {seed}");
        assert_eq!(report.events, 1230);
        assert!(bytes == before.iter().map(contents).collect::<Vec<_>>(), "nothing is written");
        drop(Store::open(dir.path()).unwrap());
    }
}

#[test]
fn a_store_in_use_is_not_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::create(dir.path(), &settings()).unwrap();
    assert!(Survey::open(dir.path()).is_err());
    drop(store);
    assert!(check(dir.path()).is_clean());
}

#[test]
fn a_changed_byte_of_any_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    store_of_everything(&live, 3);
    let mut random = Pcg64::seed_from_u64(7);
    for name in names_in(&live) {
        if name == "LOCK" || name == "catalog" {
            continue;
        }
        let length = read(&live.join(&name)).unwrap().len();
        for _ in 0..12 {
            let copy = dir.path().join("damaged");
            copy_dir(&live, &copy);
            let at = random.random_range(0..length);
            change(&copy.join(&name), at);
            match Survey::open(&copy) {
                Err(error) => assert!(error.to_string().contains(&name), "{name}: {error}"),
                Ok(survey) => {
                    let report = survey.check(&mut |_, _| {});
                    let named = report.findings.iter().any(|f| f.path.ends_with(&name));
                    // The mark at the end of a file of records may be torn as well.
                    let torn = !report.notes.is_empty();
                    assert!(named || torn, "{name} at {at}: {report:?}");
                }
            }
            SystemDisk.remove_dir(&copy).unwrap();
        }
    }
}

fn change(path: &Path, at: usize) {
    let mut bytes = read(path).unwrap();
    bytes[at] ^= 0x21;
    overwrite(path, &bytes);
}

pub(super) fn overwrite(path: &Path, bytes: &[u8]) {
    let file = SystemDisk.open_append(path).unwrap();
    file.truncate(0).unwrap();
    file.append(bytes).unwrap();
}

/// Files whose checksums are right and whose content is not what others say.
#[test]
fn contradictions_behind_right_checksums_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("live");
    store_of_everything(&live, 4);
    let mut random = Pcg64::seed_from_u64(9);
    let mut found = 0;
    let names: Vec<_> = names_in(&live)
        .into_iter()
        .filter(|name| name.ends_with(".seg") || name.ends_with(".idx"))
        .collect();
    for _ in 0..300 {
        let name = &names[random.random_range(0..names.len())];
        let kind = if name.ends_with(".seg") { FileKind::Segment } else { FileKind::Index };
        let mut bytes = read(&live.join(name)).unwrap();
        let id = u64::from_le_bytes(*bytes[16..].first_chunk().unwrap());
        let body = usize::try_from(u64::from_le_bytes(*bytes[24..].first_chunk().unwrap()));
        let at = random.random_range(64..body.unwrap());
        bytes[at] ^= 1 << random.random_range(0..8);
        let Some(bytes) = rebind(&bytes, kind, id) else { continue };
        let copy = dir.path().join("damaged");
        copy_dir(&live, &copy);
        overwrite(&copy.join(name), &bytes);
        let report = check(&copy);
        found += u64::from(report.findings.iter().any(|f| f.path.ends_with(name)));
        SystemDisk.remove_dir(&copy).unwrap();
    }
    // The rest changed values that only the rows themselves know, or padding.
    assert!(found > 150, "{found} of 300");
}
