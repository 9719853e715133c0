//! Copying a store, to a directory that is at any moment a whole store or none.
//!
//! New files come first, under numbers that the manifest there does not name; then the log, under
//! a number that neither has; then, in one step, the manifest; for a first copy, STORE after it.
//! Whatever stops it, the directory holds the copy before, the new one, or no store.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use super::error::BackupError;
use super::finding::{Fault, Finding};
use super::held::Held;
use super::mark::{self, BACKUP, Mark, Moment};
use super::source::{Links, Pinned, Source};
use super::survey::Survey;
use super::target::{COPY_NEW, Target};
use crate::io::{Disk, IoError, SystemDisk};
use crate::manifest::{EditError, Manifest};
use crate::store::files::FileType;
use crate::store::handle::Store;
use crate::store::open::{STORE, STORE_NEW};
use crate::store::recover::GAP;
use crate::wal::{FileKind, Origin, Replayed, renumber, replay};

/// Bytes that are copied at once.
const COPY_BYTES: usize = 4 << 20;

/// Which files of an earlier backup are read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// None: they were verified when they were copied. New ones always are.
    #[default]
    New,
    /// All.
    All,
}

/// How a backup is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct BackupOptions {
    /// Whether files may get a second name instead of a copy.
    pub links: Links,
    /// Which files are verified.
    pub verify: Verify,
}

/// What a backup did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BackupReport {
    /// Files that got a second name.
    pub linked: u64,
    /// Files that were copied.
    pub copied: u64,
    /// Their bytes.
    pub bytes_copied: u64,
    /// Files that were there already.
    pub kept: u64,
    /// Bytes of all files of the backup, and of its log, which is no file of the other counts.
    pub bytes: u64,
    /// Files that the backup is not made of any more.
    pub removed: u64,
    /// Events in it; those of forgotten consumers count until they are compacted away.
    pub events: u64,
    /// Consumers in it.
    pub consumers: u64,
}

impl Store {
    /// Copies the present to a directory: new, empty, or with an earlier backup of this store, of
    /// which is kept what is still the same. Writers go on. `progress` is told (done, total) bytes;
    /// `Break` stops it, unless all is done but the last steps.
    ///
    /// # Errors
    /// See [`BackupError`]; the directory holds the earlier backup then, or no store.
    pub fn backup(
        &self,
        dir: &Path,
        options: BackupOptions,
        progress: &mut Progress<'_>,
    ) -> Result<BackupReport, BackupError> {
        let shared = &self.shared;
        let store_id = shared.files.store_id;
        let target = Target::backup(&shared.files.disk, dir, store_id)?;
        let moment = Source::live(shared, &target, options.links);
        let source = moment.inspect_err(|_| target.give_up())?;
        copy(source, target, options.verify, progress)
    }
}

/// Is told how many bytes are done, and of how many; says whether to go on.
pub type Progress<'p> = dyn FnMut(u64, u64) -> ControlFlow<()> + 'p;

/// Makes a store of a backup, or of any store that nobody has open: a verified copy in a directory
/// that does not exist or is empty. `progress` is told (done, total) bytes.
///
/// # Errors
/// See [`BackupError`]; the directory holds no store then.
pub fn restore(
    backup: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), BackupError> {
    restore_on(&(Arc::new(SystemDisk) as Arc<dyn Disk>), backup, dir, progress)
}

/// [`restore`], on a disk.
pub(in crate::store) fn restore_on(
    disk: &Arc<dyn Disk>,
    backup: &Path,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), BackupError> {
    let survey = Survey::open_on(Arc::clone(disk), backup)?;
    let target = Target::empty(disk, dir)?;
    let source = Source::closed(&survey, &target)?;
    let mut told = |done, total| {
        progress(done, total);
        ControlFlow::Continue(())
    };
    copy(source, target, Verify::New, &mut told).map(drop)
}

/// Whether a directory holds a backup: it is not written to unless somebody writes.
pub(in crate::store) fn is_backup(disk: &dyn Disk, dir: &Path) -> Result<bool, IoError> {
    Ok(disk.list(dir)?.iter().any(|name| name == BACKUP))
}

fn copy(
    mut source: Source,
    mut target: Target,
    verify: Verify,
    progress: &mut Progress<'_>,
) -> Result<BackupReport, BackupError> {
    let (bytes, [events, consumers]) = (source.bytes(), source.held);
    let log_bytes = source.log.len() as u64;
    let mut report = BackupReport { bytes, events, consumers, ..BackupReport::default() };
    let brought = bring(&mut source, &target, verify, &mut report, progress);
    let logs = brought.and_then(|frozen| bring_logs(&mut source, &target, frozen.as_ref()));
    let logs = logs.inspect_err(|_| target.give_up())?;
    publish(&source, &mut target, logs)?;
    report.bytes += log_bytes;
    report.removed = target.remove_others()?;
    Ok(report)
}

/// Brings all files to the target that are not there, but for the log that another one follows,
/// which it gives back.
fn bring(
    source: &mut Source,
    target: &Target,
    verify: Verify,
    report: &mut BackupReport,
    progress: &mut Progress<'_>,
) -> Result<Option<Pinned>, BackupError> {
    let (mut before, total) = (0, report.bytes);
    let mut frozen = None;
    for pinned in std::mem::take(&mut source.pinned) {
        let bytes = pinned.map.len() as u64;
        if pinned.kind == FileType::Log {
            frozen = Some(pinned);
            before += bytes;
            continue;
        }
        let mut told = |done| match progress(before + done, total) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(BackupError::Stopped),
        };
        told(0)?;
        place(source, target, pinned, verify, report, &mut told)?;
        before += bytes;
    }
    match progress(before, total) {
        ControlFlow::Continue(()) => Ok(frozen),
        ControlFlow::Break(()) => Err(BackupError::Stopped),
    }
}

/// Brings one file to the target, unless it is there.
fn place(
    source: &Source,
    target: &Target,
    pinned: Pinned,
    verify: Verify,
    report: &mut BackupReport,
    told: &mut dyn FnMut(u64) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let Pinned { kind, number, map, linked } = pinned;
    let id = source.files.file_id(number);
    let from = source.files.path(kind, number);
    let ours = Held::open(kind, map, &from, number, id).map_err(BackupError::Damaged)?;
    let to = target.dir.join(kind.name(number));
    let theirs = || {
        let map = target.disk.map(&to).map_err(Finding::io)?;
        Held::open(kind, map, &to, number, id)
    };
    if target.has(kind, number) {
        match theirs() {
            Ok(theirs) if !theirs.is_like(&ours) => {
                return Err(BackupError::Changed { path: target.dir.clone() });
            }
            Ok(theirs) if verify == Verify::New || theirs.verify().is_ok() => {
                report.kept += 1;
                return Ok(());
            }
            // It was damaged since, or cannot be read: the store's own, which says the same, takes
            // its place once it is known to be whole.
            Ok(_) | Err(_) => ours.verify().map_err(BackupError::Damaged)?,
        }
    }
    if linked {
        report.linked += 1;
    } else {
        let passing = target.dir.join(COPY_NEW);
        if let Err(error) = target.disk.remove(&passing)
            && !error.is_missing()
        {
            return Err(error.into());
        }
        let file = target.disk.create(&passing)?;
        let mut done = 0;
        for bytes in ours.raw().chunks(COPY_BYTES) {
            told(done)?;
            file.append(bytes)?;
            done += bytes.len() as u64;
        }
        file.sync()?;
        target.disk.rename(&passing, &to)?;
        report.copied += 1;
        report.bytes_copied += ours.raw().len() as u64;
    }
    theirs().and_then(|theirs| theirs.verify()).map_err(|finding| match ours.verify() {
        Err(finding) => BackupError::Damaged(finding),
        Ok(()) => BackupError::Copied(finding),
    })
}

/// The numbers of logs in the target.
#[derive(Debug, Clone, Copy)]
struct LogNumbers {
    log: u64,
    frozen: Option<u64>,
}

/// Brings the logs to the target, under numbers that neither the store nor the backup before has
/// given: the manifest there may stay in force, and it must not meet a log that it does not name.
fn bring_logs(
    source: &mut Source,
    target: &Target,
    frozen: Option<&Pinned>,
) -> Result<LogNumbers, BackupError> {
    let mut next = match &target.before {
        Some((before, _)) => before.next_number.max(source.state.next_number),
        None => source.state.next_number,
    };
    let mut frozen_at = None;
    let mut before = None;
    if let Some(pinned) = frozen {
        let origin = Origin { store_id: source.files.store_id, number: pinned.number };
        let path = source.files.path(FileType::Log, pinned.number);
        let log = replay(&path, &pinned.map, FileKind::Log, origin)
            .map_err(|error| BackupError::Damaged(Finding::file(error)))?;
        // What follows the last whole record is the rest of a mark, or damage: the present log
        // knows which record was the last.
        let mut bytes = pinned.map.to_vec();
        bytes.truncate(usize::try_from(log.length).unwrap_or(usize::MAX));
        bring_log(source, target, bytes, next)?;
        (frozen_at, next) = (Some(next), next + 1);
        before = Some((path, log));
    }
    let log = std::mem::take(&mut source.log);
    let log = bring_log(source, target, log, next)?;
    let short = |path, length| BackupError::Damaged(Finding::new(path, length, Fault::Bytes(GAP)));
    if log.torn || log.last != source.moment.last {
        let path = source.files.path(FileType::Log, source.state.log);
        return Err(short(&path, log.length));
    }
    if let Some((path, frozen)) = before
        && !log.follows(frozen.last)
    {
        return Err(short(&path, frozen.length));
    }
    target.disk.sync_dir(&target.dir)?;
    Ok(LogNumbers { log: next, frozen: frozen_at })
}

/// Writes a log under a number to the target; what is read of it there.
fn bring_log(
    source: &Source,
    target: &Target,
    bytes: Vec<u8>,
    number: u64,
) -> Result<Replayed, BackupError> {
    let (disk, store_id) = (&target.disk, source.files.store_id);
    let path = target.files(store_id).path(FileType::Log, number);
    let file = disk.create(&path)?;
    file.append(&renumber(bytes, number))?;
    file.sync()?;
    let origin = Origin { store_id, number };
    replay(&path, &disk.read(&path)?, FileKind::Log, origin)
        .map_err(|error| BackupError::Copied(Finding::file(error)))
}

/// Makes the copied files the target's content.
fn publish(source: &Source, target: &mut Target, logs: LogNumbers) -> Result<(), BackupError> {
    let (disk, dir) = (Arc::clone(&target.disk), target.dir.clone());
    let store_id = source.files.store_id;
    let mut state = source.state.clone();
    (state.log, state.frozen, state.next_number) = (logs.log, logs.frozen, logs.log + 1);
    let moment = Moment { edits: source.moment.edits + 1, log: logs.log, last: source.moment.last };
    let marked = is_backup(&*disk, &dir)?;
    let before = target.before.as_ref().map(|(_, moment)| *moment);
    if marked {
        let moments = before.into_iter().chain([moment]).collect();
        let marked = mark::write(&*disk, &dir, &Mark { store_id, moments });
        marked.inspect_err(|_| target.give_up())?;
    }
    let salt = crate::store::random::salt();
    match Manifest::replace(&*disk, &dir, store_id, salt, &state, source.moment.edits) {
        Err(error @ EditError::Unknown(_)) => return Err(error.into()),
        // The manifest is the one before.
        replaced => replaced.inspect_err(|_| target.give_up())?,
    }
    if before.is_none() {
        let path = dir.join(STORE_NEW);
        let file = disk.create(&path)?;
        file.append(&source.identity)?;
        file.sync()?;
        disk.rename(&path, &dir.join(STORE))?;
    }
    target.renew(&state);
    if marked {
        // The backup is made, and the mark with both moments is as good.
        let _ = mark::write(&*disk, &dir, &Mark { store_id, moments: vec![moment] });
    }
    Ok(())
}
