//! Backups: of stores that are written to, of which only what is new is copied, and of which
//! anything may be stopped at any step.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rand::SeedableRng;
use rand_pcg::Pcg64;

use super::super::{
    BackupError, BackupOptions, BackupReport, BulkOptions, Links, OpenError, Store, Verify, restore,
};
use super::care::{check, overwrite};
use super::faults::Handle;
use super::model::Model;
use super::{Row, batch, columns_of, define, names_in, random_rows, settings, small};
use crate::io::{Action, Disk, DiskFile, IoError, Locked, Mapping, SystemDisk, read};

fn load(store: &Store, rows: &[Row]) {
    let mut load = store.bulk(BulkOptions { token: None, memory: 1 << 20 }).unwrap();
    let events = columns_of(rows, store.names(), |table, keys, ids| {
        load.intern(table, keys, ids).unwrap();
    });
    load.push(events).unwrap();
    load.commit(&mut |_, _| {}).unwrap();
}

fn backup(store: &Store, dir: &Path) -> Result<BackupReport, BackupError> {
    store.backup(dir, BackupOptions::default(), &mut |done, total| {
        assert!(done <= total);
        ControlFlow::Continue(())
    })
}

/// Goes on to the end.
pub(super) fn onward(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn copying() -> BackupOptions {
    BackupOptions { links: Links::Never, verify: Verify::All }
}

#[test]
fn a_second_backup_adds_what_is_new_and_removes_what_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (live, target) = (dir.path().join("live"), dir.path().join("backup"));
    let store = Store::create_on(Arc::new(SystemDisk), &live, &settings(), small()).unwrap();
    let mut random = Pcg64::seed_from_u64(1);
    let mut model = Model::default();
    for round in 0..8 {
        let rows = random_rows(&mut random, 120);
        model.add(None, &rows);
        if round % 2 == 0 {
            load(&store, &rows);
        } else {
            batch(&store, None, &rows);
        }
        store.define(vec![define(1, "round", Some(&round.to_string()))]).unwrap();
        model.define(1, "round", Some(&round.to_string()));
        let options = if round % 3 == 2 { copying() } else { BackupOptions::default() };
        let report = store.backup(&target, options, &mut onward).unwrap();
        assert!(report.linked == 0 || options.links == Links::Allowed);
        let again = backup(&store, &target).unwrap();
        assert_eq!((again.linked, again.copied, again.removed), (0, 0, 1), "only the log is new");
        assert_eq!(again.kept, report.linked + report.copied + report.kept);
        assert!(check(&target).is_clean(), "{:?}", check(&target));
        // Opening a backup to look at it leaves it as it was.
        model.check(&Store::open(&target).unwrap());
        if round == 5 {
            store.checkpoint().unwrap();
        }
        let copy = dir.path().join(format!("restored{round}"));
        restore(&target, &copy, &mut |_, _| {}).unwrap();
        assert!(check(&copy).is_clean());
        let restored = Store::open(&copy).unwrap();
        model.check(&restored);
        let mut more = model.clone();
        let rows = random_rows(&mut random, 20);
        more.add(None, &rows);
        batch(&restored, None, &rows);
        load(&restored, &rows);
        more.rows.extend(rows);
        more.check(&restored);
    }
}

#[test]
fn a_backup_beside_writers_is_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let (live, target) = (dir.path().join("live"), dir.path().join("backup"));
    let store = Store::create_on(Arc::new(SystemDisk), &live, &settings(), small()).unwrap();
    let stop = AtomicBool::new(false);
    let done = [AtomicU64::new(0), AtomicU64::new(0)];
    // Each writer's batch number n is the row with amount n, so that a moment is a prefix of each.
    let row = |writer: usize, n: u64| -> Row {
        let (brand, empty) = (format!("writer{writer}"), String::new);
        let (day, n) = (17_000 + (n % 200) as i32, n as i64);
        let consumer = format!("c{}", n % 97);
        (consumer, brand, "did".into(), day, 5, 1, empty(), empty(), empty(), empty(), n)
    };
    std::thread::scope(|scope| {
        for (writer, done) in done.iter().enumerate() {
            let (store, stop) = (&store, &stop);
            scope.spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if (writer, n % 5) == (1, 0) {
                        load(store, &[row(writer, n)]);
                    } else {
                        batch(store, None, &[row(writer, n)]);
                    }
                    done.store(n + 1, Ordering::SeqCst);
                }
            });
        }
        for round in 0..25 {
            let before = [0, 1].map(|writer: usize| done[writer].load(Ordering::SeqCst));
            let options = if round % 2 == 0 { copying() } else { BackupOptions::default() };
            store.backup(&target, options, &mut onward).unwrap();
            let opened = Store::open(&target).unwrap();
            let rows = super::rows_of(&opened.snapshot());
            for (writer, before) in before.into_iter().enumerate() {
                let brand = format!("writer{writer}");
                let mut found: Vec<_> =
                    rows.iter().filter(|row| row.1 == brand).map(|row| row.10 as u64).collect();
                found.sort_unstable();
                assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>());
                assert!(found.len() as u64 >= before, "what was acknowledged before is in it");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// The system's disk, of which one step fails, and all after it.
#[derive(Debug, Clone)]
struct Steps(Arc<AtomicU64>);

#[derive(Debug)]
struct StepFile(Steps, Arc<dyn DiskFile>);

impl Steps {
    fn step(&self) -> Result<(), IoError> {
        let left = self.0.load(Ordering::SeqCst);
        if left == 0 {
            let error = std::io::Error::other("the machine is gone");
            return Err(IoError::new(Path::new("disk"), Action::Write, error));
        }
        self.0.store(left - 1, Ordering::SeqCst);
        Ok(())
    }
}

impl DiskFile for StepFile {
    fn append(&self, bytes: &[u8]) -> Result<(), IoError> {
        if let Err(error) = self.0.step() {
            // Half of it is there.
            self.1.append(&bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        self.1.append(bytes)
    }
    fn overwrite(&self, at: u64, bytes: &[u8]) -> Result<(), IoError> {
        self.0.step().and_then(|()| self.1.overwrite(at, bytes))
    }
    fn sync(&self) -> Result<(), IoError> {
        self.0.step().and_then(|()| self.1.sync())
    }
    fn truncate(&self, length: u64) -> Result<(), IoError> {
        self.0.step().and_then(|()| self.1.truncate(length))
    }
}

impl Disk for Steps {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        self.step()?;
        Ok(Arc::new(StepFile(self.clone(), SystemDisk.create(path)?)))
    }
    fn open_append(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        self.step()?;
        Ok(Arc::new(StepFile(self.clone(), SystemDisk.open_append(path)?)))
    }
    fn read(&self, path: &Path) -> Result<Vec<u8>, IoError> {
        SystemDisk.read(path)
    }
    fn map(&self, path: &Path) -> Result<Mapping, IoError> {
        SystemDisk.map(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        self.step().and_then(|()| SystemDisk.rename(from, to))
    }
    fn link(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        self.step().and_then(|()| SystemDisk.link(from, to))
    }
    fn remove(&self, path: &Path) -> Result<(), IoError> {
        self.step().and_then(|()| SystemDisk.remove(path))
    }
    fn list(&self, dir: &Path) -> Result<Vec<String>, IoError> {
        SystemDisk.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> Result<(), IoError> {
        self.step().and_then(|()| SystemDisk.create_dir(dir))
    }
    fn remove_dir(&self, dir: &Path) -> Result<(), IoError> {
        self.step().and_then(|()| SystemDisk.remove_dir(dir))
    }
    fn sync_dir(&self, dir: &Path) -> Result<(), IoError> {
        self.step().and_then(|()| SystemDisk.sync_dir(dir))
    }
    fn lock(&self, path: &Path, mark: &[u8]) -> Result<Locked, IoError> {
        SystemDisk.lock(path, mark)
    }
}

/// What stops a backup leaves no store, the backup before, or the new one; and the next one works.
#[test]
fn a_backup_may_stop_at_any_step() {
    for links in [Links::Allowed, Links::Never] {
        let dir = tempfile::tempdir().unwrap();
        let (live, target) = (dir.path().join("live"), dir.path().join("backup"));
        let disk = Steps(Arc::new(AtomicU64::new(u64::MAX)));
        let store = Store::create_on(Arc::new(disk.clone()), &live, &settings(), small()).unwrap();
        let mut random = Pcg64::seed_from_u64(2);
        let mut models = vec![Model::default()];
        let options = BackupOptions { links, ..BackupOptions::default() };
        for round in 0..3 {
            let mut model = models.last().unwrap().clone();
            let rows = random_rows(&mut random, 60);
            load(&store, &rows);
            batch(&store, None, &rows);
            store.checkpoint().unwrap();
            batch(&store, None, &rows[..5]);
            model.rows.extend(rows.iter().chain(&rows).chain(&rows[..5]).cloned());
            models.push(model);
            let mut steps = 0;
            loop {
                disk.0.store(steps, Ordering::SeqCst);
                let outcome = store.backup(&target, options, &mut onward);
                disk.0.store(u64::MAX, Ordering::SeqCst);
                match Store::open(&target) {
                    Err(OpenError::Missing { .. }) => assert_eq!(round, 0, "at step {steps}"),
                    Err(error) => panic!("at step {steps}: {error}"),
                    Ok(opened) => {
                        let rows = super::rows_of(&opened.snapshot()).len();
                        let [.., before, after] = models.as_slice() else { unreachable!() };
                        let model = if rows == after.rows.len() { after } else { before };
                        assert!(outcome.is_err() || rows == after.rows.len());
                        model.check(&opened);
                    }
                }
                if outcome.is_ok() {
                    break;
                }
                steps += 1;
            }
            assert!(steps > 10);
            assert!(check(&target).is_clean());
            let strays = names_in(&target).into_iter().filter(|name| name.ends_with(".tmp"));
            assert_eq!(strays.count(), 0);
        }
    }
}

#[test]
fn directories_that_hold_something_else_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let store = Store::create(&at("live"), &settings()).unwrap();
    drop(Store::create(&at("other"), &settings()).unwrap());
    SystemDisk.create_dir(&at("notes")).unwrap();
    SystemDisk.create(&at("notes").join("notes.txt")).unwrap();
    assert!(matches!(backup(&store, &at("live")), Err(BackupError::Live { .. })));
    assert!(matches!(backup(&store, &at("other")), Err(BackupError::Live { .. })));
    assert!(matches!(backup(&store, &at("notes")), Err(BackupError::NotEmpty { .. })));
    assert_eq!(names_in(&at("notes")), ["notes.txt"]);
    backup(&store, &at("backup")).unwrap();
    let second = Store::create(&at("second"), &settings()).unwrap();
    assert!(matches!(backup(&second, &at("backup")), Err(BackupError::Other { .. })));
    for to in ["live", "other", "notes"] {
        let refused = restore(&at("backup"), &at(to), &mut |_, _| {});
        assert!(matches!(refused, Err(BackupError::NotEmpty { .. })), "{to}");
    }
    // Written to: from then on it is a store of its own.
    let opened = Store::open(&at("backup")).unwrap();
    assert!(matches!(
        backup(&store, &at("backup")),
        Err(BackupError::Open(OpenError::InUse { .. }))
    ));
    batch(&opened, None, &random_rows(&mut Pcg64::seed_from_u64(3), 5));
    drop(opened);
    assert!(matches!(backup(&store, &at("backup")), Err(BackupError::Changed { .. })));
}

#[test]
fn damage_is_not_copied_and_a_damaged_copy_is_renewed() {
    let dir = tempfile::tempdir().unwrap();
    let (live, target) = (dir.path().join("live"), dir.path().join("backup"));
    let store = Store::create(&live, &settings()).unwrap();
    let mut random = Pcg64::seed_from_u64(4);
    load(&store, &random_rows(&mut random, 300));
    store.backup(&target, copying(), &mut onward).unwrap();
    let damage = |dir: &Path, name: &str| {
        let mut bytes = read(&dir.join(name)).unwrap();
        bytes[200] ^= 1;
        // In place of the old one: a store that is open goes on with what it has mapped.
        SystemDisk.remove(&dir.join(name)).unwrap();
        drop(SystemDisk.create(&dir.join(name)).unwrap());
        overwrite(&dir.join(name), &bytes);
    };
    let segment = names_in(&target).into_iter().find(|name| name.ends_with(".seg")).unwrap();
    damage(&target, &segment);
    assert!(!check(&target).is_clean());
    assert_eq!(store.backup(&target, copying(), &mut onward).unwrap().copied, 1);
    assert!(check(&target).is_clean());
    load(&store, &random_rows(&mut random, 300));
    let newest = names_in(&live).into_iter().rfind(|name| name.ends_with(".seg")).unwrap();
    damage(&live, &newest);
    let error = store.backup(&target, BackupOptions::default(), &mut onward).unwrap_err();
    assert!(matches!(&error, BackupError::Damaged(_)), "{error}");
    assert!(error.to_string().contains(&newest), "{error}");
    assert!(check(&target).is_clean());
    drop(store);
    let error = restore(&live, &dir.path().join("restored"), &mut |_, _| {}).unwrap_err();
    assert!(matches!(&error, BackupError::Damaged(_)), "{error}");
    assert!(matches!(Store::open(&dir.path().join("restored")), Err(OpenError::Missing { .. })));
}

/// A store on a disk of one's own, with its model, and where its backups go.
struct Filled {
    disk: Handle,
    store: Store,
    model: Model,
    random: Pcg64,
    dir: tempfile::TempDir,
}

impl Filled {
    fn new(seed: u64) -> Self {
        let (dir, disk) = (tempfile::tempdir().unwrap(), Handle::new());
        let live = dir.path().join("live");
        let store = Store::create_on(Arc::new(disk.clone()), &live, &settings(), small()).unwrap();
        let random = Pcg64::seed_from_u64(seed);
        Self { disk, store, model: Model::default(), random, dir }
    }

    /// Events in files, and events in the log.
    fn add(&mut self) {
        let rows = random_rows(&mut self.random, 60);
        load(&self.store, &rows[..50]);
        batch(&self.store, None, &rows[50..]);
        self.model.rows.extend(rows);
    }

    /// A backup with so much room. When that does not do it the store is as before, writing goes
    /// on as far as there is room, and what was copied is gone.
    fn try_in(&mut self, room: i64, target: &Path, options: BackupOptions) -> bool {
        let files = |dir: &Path| -> Vec<String> {
            let names = if dir.exists() { names_in(dir) } else { Vec::new() };
            names.into_iter().filter(|name| !["BACKUP", "LOCK"].contains(&name.as_str())).collect()
        };
        let before = files(target);
        self.disk.0.room.store(room, Ordering::SeqCst);
        let outcome = self.store.backup(target, options, &mut onward);
        let done = match outcome {
            Ok(_) => true,
            Err(error) => {
                assert!(error.is_full(), "{error}");
                assert!(error.to_string().contains(" /"), "it names the file: {error}");
                let unmade = !error.to_string().contains("STORE");
                assert!(!unmade || files(target) == before, "{before:?} {:?}", files(target));
                false
            }
        };
        self.disk.0.room.store(i64::MAX, Ordering::SeqCst);
        self.model.check(&self.store);
        done
    }
}

#[test]
fn a_full_disk_leaves_the_store_and_the_backup_before() {
    for (seed, links, step) in [(21, Links::Allowed, 211), (22, Links::Never, 1_499)] {
        let options = BackupOptions { links, ..BackupOptions::default() };
        let mut filled = Filled::new(seed);
        filled.add();
        // Where there is no backup yet.
        let (mut failed, mut made) = (0, 0);
        for room in (0..).step_by(step) {
            let target = filled.dir.path().join(format!("first{room}"));
            if filled.try_in(room, &target, options) {
                made += 1;
            } else {
                failed += 1;
                let none = Store::open(&target);
                assert!(matches!(none, Err(OpenError::Missing { .. })), "room {room}: {none:?}");
                filled.store.backup(&target, options, &mut onward).unwrap();
            }
            filled.model.check(&Store::open(&target).unwrap());
            assert!(check(&target).is_clean(), "room {room}: {:?}", check(&target));
            if made == 2 {
                break;
            }
        }
        assert!(failed > 3, "{failed}");
        // Where there is one.
        let target = filled.dir.path().join("next");
        filled.store.backup(&target, options, &mut onward).unwrap();
        let (mut failed, mut made) = (0, 0);
        for room in (0..).step_by(step) {
            let before = filled.model.clone();
            filled.add();
            if filled.try_in(room, &target, options) {
                made += 1;
            } else {
                failed += 1;
                before.check(&Store::open(&target).unwrap());
                assert!(check(&target).is_clean(), "room {room}: {:?}", check(&target));
                filled.store.backup(&target, options, &mut onward).unwrap();
            }
            filled.model.check(&Store::open(&target).unwrap());
            if made == 2 {
                break;
            }
        }
        assert!(failed > 3, "{failed}");
        assert!(check(&target).is_clean());
    }
}

#[test]
fn a_backup_is_stopped_between_any_two_parts() {
    for links in [Links::Allowed, Links::Never] {
        let options = BackupOptions { links, ..BackupOptions::default() };
        let mut filled = Filled::new(23);
        filled.add();
        let target = filled.dir.path().join("backup");
        filled.store.backup(&target, options, &mut onward).unwrap();
        let before = filled.model.clone();
        filled.add();
        let names = names_in(&target);
        for parts in 0.. {
            let mut asked = 0;
            let stopped = filled.store.backup(&target, options, &mut |_, _| {
                asked += 1;
                if asked > parts { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            if stopped.is_ok() {
                assert!(parts > 5, "{parts}");
                break;
            }
            assert!(matches!(stopped, Err(BackupError::Stopped)), "{stopped:?}");
            assert_eq!(names_in(&target), names, "what was copied takes no room");
            before.check(&Store::open(&target).unwrap());
            // Opening made a catalog.
            assert!(check(&target).is_clean());
        }
        filled.model.check(&Store::open(&target).unwrap());
    }
}

#[test]
fn a_directory_inside_of_a_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let store = Store::create(&at("live"), &settings()).unwrap();
    backup(&store, &at("backup")).unwrap();
    std::os::unix::fs::symlink(at("live"), at("link")).unwrap();
    for to in ["live/x", "live/x/y", "backup/x", "link/x", "live/x/../y", "new/../live/x"] {
        let refused = backup(&store, &at(to));
        assert!(matches!(refused, Err(BackupError::Inside { .. })), "{to}: {refused:?}");
        let refused = restore(&at("backup"), &at(to), &mut |_, _| {});
        assert!(matches!(refused, Err(BackupError::Inside { .. })), "{to}: {refused:?}");
    }
    assert!(!at("live/x").exists() && !at("new").exists());
    backup(&store, &at("live/../elsewhere")).unwrap();
    assert!(check(&at("elsewhere")).is_clean());
}
