//! A disk that runs full, or does not confirm.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::super::shared::{Beside, Tuning};
use super::super::{BulkOptions, Outcome, Store, WriteError};
use super::model::Model;
use super::{Row, batch, columns_of, define, names_in, random_rows, settings, small};
use crate::io::{Action, Disk, DiskFile, IoError, Locked, Mapping, SystemDisk};

/// The system's disk with switches.
#[derive(Debug)]
pub(super) struct FaultyDisk {
    /// Bytes that may still be written.
    pub(super) room: AtomicI64,
    /// Syncs that may still succeed.
    pub(super) syncs: AtomicI64,
    /// Whether cutting a file fails too.
    broken: AtomicBool,
}

#[derive(Debug)]
struct FaultyFile {
    disk: Arc<FaultyDisk>,
    file: Arc<dyn DiskFile>,
    path: std::path::PathBuf,
}

/// The disk as stores take it: it gives files that refer back to it.
#[derive(Debug, Clone)]
pub(super) struct Handle(pub(super) Arc<FaultyDisk>);

impl Handle {
    pub(super) fn new() -> Self {
        Self(Arc::new(FaultyDisk {
            room: AtomicI64::new(i64::MAX),
            syncs: AtomicI64::new(i64::MAX),
            broken: AtomicBool::new(false),
        }))
    }

    fn file(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(FaultyFile { disk: Arc::clone(&self.0), file, path: path.to_owned() })
    }

    fn sync(&self, path: &Path) -> Result<(), IoError> {
        if self.0.syncs.fetch_sub(1, Ordering::SeqCst) > 0 {
            return Ok(());
        }
        Err(IoError::new(path, Action::Sync, std::io::Error::other("the disk is gone")))
    }
}

impl DiskFile for FaultyFile {
    fn append(&self, bytes: &[u8]) -> Result<(), IoError> {
        let room = self.disk.room.fetch_sub(bytes.len() as i64, Ordering::SeqCst);
        if room >= bytes.len() as i64 {
            return self.file.append(bytes);
        }
        self.disk.room.store(0, Ordering::SeqCst);
        self.file.append(&bytes[..usize::try_from(room.max(0)).unwrap()])?;
        Err(IoError::new(&self.path, Action::Write, ErrorKind::StorageFull.into()))
    }
    fn overwrite(&self, at: u64, bytes: &[u8]) -> Result<(), IoError> {
        self.file.overwrite(at, bytes)
    }
    fn sync(&self) -> Result<(), IoError> {
        Handle(Arc::clone(&self.disk)).sync(&self.path)?;
        self.file.sync()
    }
    fn truncate(&self, length: u64) -> Result<(), IoError> {
        if self.disk.broken.load(Ordering::SeqCst) {
            let error = std::io::Error::other("the disk is gone");
            return Err(IoError::new(&self.path, Action::Truncate, error));
        }
        self.file.truncate(length)
    }
}

impl Disk for Handle {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        Ok(self.file(path, SystemDisk.create(path)?))
    }
    fn open_append(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        Ok(self.file(path, SystemDisk.open_append(path)?))
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, IoError> {
        SystemDisk.read(path)
    }
    fn map(&self, path: &Path) -> Result<Mapping, IoError> {
        SystemDisk.map(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        SystemDisk.rename(from, to)
    }
    fn link(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        SystemDisk.link(from, to)
    }
    fn remove(&self, path: &Path) -> Result<(), IoError> {
        SystemDisk.remove(path)
    }
    fn list(&self, dir: &Path) -> Result<Vec<String>, IoError> {
        SystemDisk.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> Result<(), IoError> {
        SystemDisk.create_dir(dir)
    }
    fn remove_dir(&self, dir: &Path) -> Result<(), IoError> {
        SystemDisk.remove_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> Result<(), IoError> {
        self.sync(dir)?;
        SystemDisk.sync_dir(dir)
    }
    fn lock(&self, path: &Path, mark: &[u8]) -> Result<Locked, IoError> {
        SystemDisk.lock(path, mark)
    }
}

fn try_batch(store: &Store, rows: &[Row]) -> Result<Outcome, WriteError> {
    let mut writer = store.writer()?;
    let events = columns_of(rows, store.names(), |table, keys, ids| {
        writer.intern(table, keys, ids).unwrap();
    });
    writer.append(None, events)?.wait()
}

fn try_bulk(store: &Store, rows: &[Row]) -> Result<Outcome, WriteError> {
    let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 10 })?;
    let mut events = columns_of(rows, store.names(), |table, keys, ids| {
        // A table of keys that cannot be written out now is written out later.
        let mut again = Vec::new();
        if load.intern(table, keys, &mut again).is_err() {
            again.clear();
            let _ = load.intern(table, keys, &mut again);
        }
        ids.extend(again);
    });
    events.amount.clear();
    events.amount.resize(events.len(), 5);
    load.push(events)?;
    load.commit(&mut |_, _| {})
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Handle::new();
    let store = Store::create_on(Arc::new(disk.clone()), dir.path(), &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(8);
    let mut model = Model::default();
    for room in (0..4_000).step_by(97) {
        let rows = random_rows(&mut random, 20);
        disk.0.room.store(room, Ordering::SeqCst);
        let outcome = match room % 3 {
            0 => try_batch(&store, &rows),
            1 => try_bulk(&store, &rows),
            _ => store.checkpoint().map(|()| Outcome::Repeated),
        };
        match outcome {
            Ok(Outcome::Applied { .. }) if room % 3 == 0 => {
                model.add(None, &rows);
            }
            Ok(Outcome::Applied { .. }) => {
                let fives = rows.into_iter().map(|mut row| {
                    row.10 = 5;
                    row
                });
                model.rows.extend(fives);
            }
            Ok(Outcome::Repeated) => {}
            Err(WriteError::Full(error)) => assert!(error.is_full()),
            Err(other) => panic!("{other}"),
        }
        disk.0.room.store(i64::MAX, Ordering::SeqCst);
        model.check(&store);
        let rows = random_rows(&mut random, 10);
        batch(&store, None, &rows);
        model.add(None, &rows);
        store.define(vec![define(1, "room", Some(&room.to_string()))]).unwrap();
        model.define(1, "room", Some(&room.to_string()));
    }
    let leftovers = names_in(dir.path()).into_iter().filter(|name| name.ends_with(".tmp")).count();
    assert_eq!(leftovers, 0);
    drop(store);
    model.check(&Store::open(dir.path()).unwrap());
}

/// Loads rows in many pieces; a piece whose keys could not be written out is tried again when there
/// is room.
fn load_in_pieces(store: &Store, disk: &Handle, rows: &[Row]) -> Result<u32, WriteError> {
    let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 30 })?;
    let mut refused = 0;
    for piece in rows.chunks(30) {
        let events = columns_of(piece, store.names(), |table, keys, ids| {
            let mut found = Vec::new();
            while let Err(error) = load.intern(table, keys, &mut found) {
                assert!(matches!(error, WriteError::Full(_)), "{error}");
                disk.0.room.store(i64::MAX, Ordering::SeqCst);
                refused += 1;
                found.clear();
            }
            ids.extend(found);
        });
        load.push(events)?;
    }
    load.commit(&mut |_, _| {})?;
    Ok(refused)
}

#[test]
fn keys_that_found_no_room_beside_a_load_are_written_later_or_taken_back() {
    let mut refused = 0;
    for (beside, seed) in [(Beside::Thread, 40), (Beside::Nobody, 41)] {
        let mut random = Pcg64::seed_from_u64(seed);
        for room in (0..40_000).step_by(1_009) {
            let dir = tempfile::tempdir().unwrap();
            let disk = Handle::new();
            let tuning = Tuning { beside, ..small() };
            let store =
                Store::create_on(Arc::new(disk.clone()), dir.path(), &settings(), tuning).unwrap();
            let mut model = Model::default();
            let rows = random_rows(&mut random, 20);
            batch(&store, None, &rows);
            model.add(None, &rows);
            let rows = random_rows(&mut random, 600);
            disk.0.room.store(room, Ordering::SeqCst);
            let loaded = load_in_pieces(&store, &disk, &rows);
            disk.0.room.store(i64::MAX, Ordering::SeqCst);
            match loaded {
                Ok(times) => {
                    refused += times;
                    model.add(None, &rows);
                }
                Err(WriteError::Full(_)) => {}
                Err(other) => panic!("{other}"),
            }
            model.check(&store);
            let rows = random_rows(&mut random, 50);
            batch(&store, None, &rows);
            model.add(None, &rows);
            drop(store);
            model.check(&Store::open(dir.path()).unwrap());
        }
    }
    assert!(refused > 10, "some were refused while the load went on: {refused}");
}

#[test]
fn a_checkpoint_that_found_no_room_leaves_no_trace_in_the_next() {
    let mut random = Pcg64::seed_from_u64(12);
    for room in (0..6_000).step_by(119) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Handle::new();
        let store =
            Store::create_on(Arc::new(disk.clone()), dir.path(), &settings(), small()).unwrap();
        let mut model = Model::default();
        let rows = random_rows(&mut random, 20);
        batch(&store, None, &rows);
        model.add(None, &rows);
        disk.0.room.store(room, Ordering::SeqCst);
        let written = store.checkpoint();
        assert!(matches!(written, Ok(()) | Err(WriteError::Full(_))), "{written:?}");
        disk.0.room.store(i64::MAX, Ordering::SeqCst);
        model.check(&store);
        // No new key comes that would have the dictionaries written again.
        store.checkpoint().unwrap();
        drop(store);
        model.check(&Store::open(dir.path()).unwrap());
    }
}

#[test]
fn a_sync_that_fails_makes_the_store_read_only_until_it_is_opened_again() {
    let mut random = Pcg64::seed_from_u64(9);
    for allowed in 0..14 {
        let dir = tempfile::tempdir().unwrap();
        let disk = Handle::new();
        let store =
            Store::create_on(Arc::new(disk.clone()), dir.path(), &settings(), small()).unwrap();
        let mut model = Model::default();
        let rows = random_rows(&mut random, 20);
        batch(&store, None, &rows);
        model.add(None, &rows);
        disk.0.syncs.store(allowed, Ordering::SeqCst);
        let attempts: [&dyn Fn() -> Result<(), WriteError>; 3] =
            [&|| try_batch(&store, &rows).map(|_| ()), &|| store.checkpoint(), &|| {
                store.define(vec![define(1, "x", None)])
            }];
        let mut acknowledged = 0;
        let failed = attempts.iter().position(|attempt| match attempt() {
            Ok(()) => {
                acknowledged += 1;
                false
            }
            Err(WriteError::Unconfirmed(_)) => true,
            Err(other) => panic!("{other}"),
        });
        if acknowledged > 0 {
            model.add(None, &rows);
        }
        disk.0.syncs.store(i64::MAX, Ordering::SeqCst);
        if failed.is_some() {
            assert!(matches!(store.writer(), Err(WriteError::ReadOnly(_))));
            assert!(matches!(
                store.define(vec![define(1, "y", None)]),
                Err(WriteError::ReadOnly(_))
            ));
            // What was visible stays readable.
            model.check(&store);
        }
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        let rows_found = super::rows_of(&store.snapshot()).len();
        if failed == Some(0) {
            // Unconfirmed: all of the batch, or nothing.
            assert!([model.rows.len(), model.rows.len() + rows.len()].contains(&rows_found));
        } else {
            model.check(&store);
        }
    }
}

#[test]
fn a_log_that_cannot_be_cut_makes_the_store_read_only() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Handle::new();
    let store = Store::create_on(Arc::new(disk.clone()), dir.path(), &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(10);
    let mut model = Model::default();
    let rows = random_rows(&mut random, 20);
    batch(&store, None, &rows);
    model.add(None, &rows);
    disk.0.room.store(10, Ordering::SeqCst);
    disk.0.broken.store(true, Ordering::SeqCst);
    assert!(matches!(try_batch(&store, &rows), Err(WriteError::Unconfirmed(_))));
    assert!(matches!(store.writer(), Err(WriteError::ReadOnly(_))));
    drop(store);
    model.check(&Store::open(dir.path()).unwrap());
}
