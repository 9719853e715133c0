//! A disk in memory that writes down every operation and fails when it is told to.
//!
//! It answers as the operating system does while the power is on. What of it survives a cut is
//! decided afterwards, from the operations ([`crate::survivors`]).
//!
//! sled writes past the seam, so the catalog's directory cannot be made on this disk: a store
//! finds no catalog, and after every cut there is none. That a stale one, or one of another store,
//! is made anew is tested beside the storage's code.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use throng_storage::io::{Action, Disk, DiskFile, DiskLock, IoError, Locked, Mapping};
use throng_storage::store::Faults;

use crate::errors::{ErrorPlan, Injected};
use crate::image::{Image, Op};

/// The directory whose files are outside the seam.
const CATALOG: &str = "catalog";

/// Whether the disk does what it says. The other two must be found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Honesty {
    /// It does.
    #[default]
    Honest,
    /// It confirms and syncs nothing.
    SyncsNothing,
    /// It renames and leaves the directory as it is.
    RenamesLoosely,
}

/// The disk; its clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    honesty: Honesty,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Vec<u8>>,
    names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    ops: Vec<Op>,
    /// What each call so far tried.
    calls: Vec<Action>,
    plan: Option<ErrorPlan>,
    injected: Vec<Injected>,
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
    path: PathBuf,
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.lock_state().locked.remove(&self.path);
    }
}

fn error(path: &Path, action: Action, kind: ErrorKind) -> IoError {
    IoError::new(path, action, kind.into())
}

impl SimDisk {
    /// A disk that begins with what survived.
    #[must_use]
    pub fn new(image: &Image, honesty: Honesty) -> Self {
        let state = State {
            inodes: image.inodes.iter().map(|bytes| bytes.to_vec()).collect(),
            names: image.names.clone(),
            dirs: image.dirs.clone(),
            ..State::default()
        };
        Self { state: Arc::new(Mutex::new(state)), honesty }
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where in the files of a directory any of some texts stands.
    #[must_use]
    pub fn holding(&self, dir: &Path, texts: &BTreeSet<String>) -> Option<String> {
        let state = self.lock_state();
        let files = state.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        files.flat_map(|file| texts.iter().map(move |text| (file, text))).find_map(
            |((path, &inode), text)| {
                let mut parts = state.inodes[inode].windows(text.len());
                let holds = parts.any(|part| part == text.as_bytes());
                holds.then(|| format!("{} holds {text}", path.display()))
            },
        )
    }

    /// Operations so far.
    #[must_use]
    pub fn ops(&self) -> usize {
        self.lock_state().ops.len()
    }

    /// The operations, which are forgotten.
    #[must_use]
    pub fn take_ops(&self) -> Vec<Op> {
        std::mem::take(&mut self.lock_state().ops)
    }

    /// What each call so far tried that may fail.
    #[must_use]
    pub fn actions(&self) -> Vec<Action> {
        self.lock_state().calls.clone()
    }

    /// From now on calls fail by a plan, or no call does.
    pub fn set_plan(&self, plan: Option<ErrorPlan>) {
        self.lock_state().plan = plan;
    }

    /// The errors given so far.
    #[must_use]
    pub fn injected(&self) -> Vec<Injected> {
        self.lock_state().injected.clone()
    }

    /// Counts a call, which may have to fail.
    fn call(&self, path: &Path, action: Action) -> Result<MutexGuard<'_, State>, IoError> {
        let mut state = self.lock_state();
        state.calls.push(action);
        let call = state.calls.len() as u64;
        let Some(source) = state.plan.as_ref().and_then(|plan| plan.at(call, action)) else {
            return Ok(state);
        };
        let ops = state.ops.len();
        state.injected.push(Injected { call, action, path: path.to_owned(), ops });
        Err(IoError::new(path, action, source))
    }

    fn sync_names(&self, dir: &Path) -> Result<(), IoError> {
        let mut state = self.call(dir, Action::Sync)?;
        if !state.dirs.contains(dir) {
            return Err(error(dir, Action::Open, ErrorKind::NotFound));
        }
        if self.honesty != Honesty::SyncsNothing {
            state.ops.push(Op::SyncDir { dir: dir.to_owned() });
        }
        Ok(())
    }
}

impl State {
    fn parent_exists(&self, path: &Path, action: Action) -> Result<(), IoError> {
        match path.parent() {
            Some(parent) if self.dirs.contains(parent) => Ok(()),
            _ => Err(error(path, action, ErrorKind::NotFound)),
        }
    }

    fn inode(&self, path: &Path, action: Action) -> Result<usize, IoError> {
        let inode = self.names.get(path).copied();
        inode.ok_or_else(|| error(path, action, ErrorKind::NotFound))
    }

    fn add(&mut self, path: &Path) -> usize {
        let inode = self.inodes.len();
        self.inodes.push(Vec::new());
        self.names.insert(path.to_owned(), inode);
        self.ops.push(Op::Create { path: path.to_owned(), inode });
        inode
    }

    fn write(&mut self, inode: usize, at: usize, bytes: &[u8]) {
        let content = &mut self.inodes[inode];
        let end = at + bytes.len();
        if content.len() < end {
            content.resize(end, 0);
        }
        content[at..end].copy_from_slice(bytes);
        self.ops.push(Op::Write { inode, at, bytes: bytes.into() });
    }

    fn truncate(&mut self, inode: usize, length: usize) {
        self.inodes[inode].resize(length, 0);
        self.ops.push(Op::Truncate { inode, length });
    }
}

impl DiskFile for SimFile {
    fn append(&self, bytes: &[u8]) -> Result<(), IoError> {
        match self.disk.call(&self.path, Action::Write) {
            Ok(mut state) => {
                let at = state.inodes[self.inode].len();
                state.write(self.inode, at, bytes);
                Ok(())
            }
            Err(error) => {
                // Any part of them may be in the file.
                let mut state = self.disk.lock_state();
                let half = state.plan.as_ref().map_or(0, |plan| plan.part_written(bytes.len()));
                let at = state.inodes[self.inode].len();
                state.write(self.inode, at, &bytes[..half]);
                Err(error)
            }
        }
    }

    fn overwrite(&self, at: u64, bytes: &[u8]) -> Result<(), IoError> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        self.disk.call(&self.path, Action::Write)?.write(self.inode, at, bytes);
        Ok(())
    }

    fn sync(&self) -> Result<(), IoError> {
        match self.disk.call(&self.path, Action::Sync) {
            Ok(mut state) => {
                if self.disk.honesty != Honesty::SyncsNothing {
                    state.ops.push(Op::Sync { inode: self.inode });
                }
                Ok(())
            }
            Err(error) => {
                self.disk.lock_state().ops.push(Op::SyncFailed { inode: self.inode });
                Err(error)
            }
        }
    }

    fn truncate(&self, length: u64) -> Result<(), IoError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.disk.call(&self.path, Action::Truncate)?.truncate(self.inode, length);
        Ok(())
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        let mut state = self.call(path, Action::Create)?;
        state.parent_exists(path, Action::Create)?;
        if state.names.contains_key(path) {
            return Err(error(path, Action::Create, ErrorKind::AlreadyExists));
        }
        let inode = state.add(path);
        Ok(Arc::new(SimFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn open_append(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        let inode = self.call(path, Action::Open)?.inode(path, Action::Open)?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode, path: path.to_owned() }))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, IoError> {
        let mut state = self.call(path, Action::Read)?;
        let inode = state.inode(path, Action::Read)?;
        state.ops.push(Op::Look { path: path.to_owned() });
        Ok(state.inodes[inode].clone())
    }

    fn map(&self, path: &Path) -> Result<Mapping, IoError> {
        let mut state = self.call(path, Action::Map)?;
        let inode = state.inode(path, Action::Open)?;
        state.ops.push(Op::Look { path: path.to_owned() });
        Faults::mapping(path, &state.inodes[inode])
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        let mut state = self.call(from, Action::Rename)?;
        let inode = state.inode(from, Action::Rename)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), inode);
        state.ops.push(Op::Rename { from: from.to_owned(), to: to.to_owned() });
        drop(state);
        if self.honesty == Honesty::RenamesLoosely {
            return Ok(());
        }
        self.sync_names(to.parent().unwrap_or(Path::new("/")))
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        let mut state = self.call(to, Action::Link)?;
        let inode = state.inode(from, Action::Link)?;
        state.parent_exists(to, Action::Link)?;
        if state.names.contains_key(to) {
            return Err(error(to, Action::Link, ErrorKind::AlreadyExists));
        }
        state.names.insert(to.to_owned(), inode);
        state.ops.push(Op::Link { path: to.to_owned(), inode });
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<(), IoError> {
        let mut state = self.call(path, Action::Remove)?;
        state.inode(path, Action::Remove)?;
        state.names.remove(path);
        state.ops.push(Op::Remove { path: path.to_owned() });
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, IoError> {
        let mut state = self.call(dir, Action::List)?;
        if !state.dirs.contains(dir) {
            return Err(error(dir, Action::List, ErrorKind::NotFound));
        }
        state.ops.push(Op::Look { path: dir.to_owned() });
        let all = state.names.keys().chain(&state.dirs);
        let mut names: Vec<String> = all
            .filter(|path| path.parent() == Some(dir))
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> Result<(), IoError> {
        if dir.file_name().is_some_and(|name| name == CATALOG) {
            return Err(error(dir, Action::Create, ErrorKind::Unsupported));
        }
        let mut missing = Vec::new();
        let mut at = Some(dir);
        while let Some(dir) = at.filter(|dir| !self.lock_state().dirs.contains(*dir)) {
            missing.push(dir);
            at = dir.parent();
        }
        let made = !missing.is_empty();
        for dir in missing.into_iter().rev() {
            let mut state = self.call(dir, Action::Create)?;
            state.dirs.insert(dir.to_owned());
            state.ops.push(Op::MakeDir { dir: dir.to_owned() });
            drop(state);
            if let Err(error) = self.sync_names(dir.parent().unwrap_or(Path::new("/"))) {
                let mut state = self.lock_state();
                state.dirs.remove(dir);
                state.ops.push(Op::Remove { path: dir.to_owned() });
                return Err(error);
            }
        }
        if made {
            return Ok(());
        }
        self.sync_names(dir.parent().unwrap_or(Path::new("/")))
    }

    fn remove_dir(&self, dir: &Path) -> Result<(), IoError> {
        let mut state = self.lock_state();
        if !state.dirs.remove(dir) {
            return Err(error(dir, Action::Remove, ErrorKind::NotFound));
        }
        state.dirs.retain(|other| !other.starts_with(dir));
        state.names.retain(|path, _| !path.starts_with(dir));
        state.ops.push(Op::Remove { path: dir.to_owned() });
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), IoError> {
        self.sync_names(dir)
    }

    fn lock(&self, path: &Path, mark: &[u8]) -> Result<Locked, IoError> {
        let mut state = self.call(path, Action::Lock)?;
        state.parent_exists(path, Action::Open)?;
        if state.locked.contains(path) {
            return Ok(Locked::Theirs(Vec::new()));
        }
        let inode = match state.names.get(path) {
            Some(&inode) => inode,
            None => state.add(path),
        };
        state.truncate(inode, 0);
        state.write(inode, 0, mark);
        state.locked.insert(path.to_owned());
        Ok(Locked::Ours(Box::new(SimLock { disk: self.clone(), path: path.to_owned() })))
    }
}
