//! The catalog after changes, crashes and damage.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Catalog;
use crate::io::{Disk, SystemDisk, read};

fn catalog(dir: &Path, store_id: u64) -> Catalog {
    Catalog::new(Arc::new(SystemDisk), dir, store_id)
}

fn definitions(of: &[(u8, &str, &str)]) -> Arc<BTreeMap<(u8, String), Vec<u8>>> {
    let entry = |&(kind, name, value): &(u8, &str, &str)| {
        ((kind, name.to_owned()), value.as_bytes().to_vec())
    };
    Arc::new(of.iter().map(entry).collect())
}

#[test]
fn it_follows_and_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let first = definitions(&[(1, "a", "1"), (1, "b", "2"), (0, "", "")]);
    let second = definitions(&[(1, "a", "3"), (2, "雅", "4")]);
    let mirror = catalog(dir.path(), 7);
    mirror.follow(5, &first).unwrap();
    mirror.follow(9, &second).unwrap();
    mirror.follow(8, &first).unwrap();
    drop(mirror);
    assert_eq!(catalog(dir.path(), 7).content().unwrap().0, second);
}

#[test]
fn what_a_crash_left_of_a_snapshot_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let first = definitions(&[(1, "a", "1")]);
    catalog(dir.path(), 7).follow(5, &first).unwrap();
    let left = dir.path().join("catalog").join("snap.0000000000000ABC.generating");
    SystemDisk.create(&left).unwrap().append(b"half").unwrap();
    assert_eq!(catalog(dir.path(), 7).content().unwrap().0, first);
}

#[test]
fn a_catalog_of_another_store_or_damaged_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let first = definitions(&[(1, "a", "1"), (1, "b", "2")]);
    let second = definitions(&[(1, "c", "1")]);
    catalog(dir.path(), 7).follow(5, &first).unwrap();
    catalog(dir.path(), 8).follow(6, &second).unwrap();
    assert_eq!(catalog(dir.path(), 8).content().unwrap().0, second);
    let path = dir.path().join("catalog");
    for name in ["conf", "db"] {
        let length = read(&path.join(name)).unwrap().len();
        for at in [0, length / 3, length / 2, length - 1] {
            let mut bytes = read(&path.join(name)).unwrap();
            bytes.iter_mut().skip(at).take(64).for_each(|byte| *byte ^= 0x5a);
            let file = SystemDisk.open_append(&path.join(name)).unwrap();
            file.truncate(0).unwrap();
            file.append(&bytes).unwrap();
            catalog(dir.path(), 8).follow(7, &first).unwrap();
            assert_eq!(catalog(dir.path(), 8).content().unwrap().0, first);
            catalog(dir.path(), 8).follow(8, &second).unwrap();
        }
    }
}
