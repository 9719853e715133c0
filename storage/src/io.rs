//! The one seam to files: everything that opens, writes, syncs, maps, renames or removes.
//!
//! [`Disk`] is a trait so that tests can put a disk below a store that runs full, loses what was
//! not synced, or refuses to sync. The free functions are for files outside a store.

#![expect(clippy::disallowed_methods, reason = "this is the seam that the ban points to")]

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::Deref;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct IoError {
    /// The file or directory.
    pub path: PathBuf,
    /// What was tried.
    pub action: Action,
    /// Why it failed.
    #[source]
    pub source: std::io::Error,
}

/// What was tried on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Open,
    Create,
    Read,
    Write,
    Sync,
    Truncate,
    Rename,
    Link,
    Remove,
    List,
    Lock,
    Map,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Create => "create",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Truncate => "truncate",
            Self::Rename => "rename",
            Self::Link => "link",
            Self::Remove => "remove",
            Self::List => "list",
            Self::Lock => "lock",
            Self::Map => "map",
        })
    }
}

impl IoError {
    /// An error about a path.
    #[must_use]
    pub fn new(path: &Path, action: Action, source: std::io::Error) -> Self {
        Self { path: path.to_owned(), action, source }
    }

    /// Whether the disk, or the user's share of it, is full.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    }

    /// Whether the file does not exist.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.source.kind() == ErrorKind::NotFound
    }
}

/// Gives an error its path.
trait At<T> {
    fn at(self, path: &Path, action: Action) -> Result<T, IoError>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, path: &Path, action: Action) -> Result<T, IoError> {
        self.map_err(|source| IoError::new(path, action, source))
    }
}

/// The bytes of a file, mapped read-only. The file must not change while it is mapped: a store
/// maps only files that are complete and are never written again.
pub struct Mapping(memmap2::Mmap);

impl Deref for Mapping {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapping({} bytes)", self.0.len())
    }
}

/// A file open for writing at its end. Its methods take `&self` so that one thread may sync while
/// another appends.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Appends all bytes. After an error any part of them may be in the file.
    ///
    /// # Errors
    /// When the file cannot take them.
    fn append(&self, bytes: &[u8]) -> Result<(), IoError>;
    /// Replaces bytes that were appended before; the next append still goes to the end.
    ///
    /// # Errors
    /// When the file cannot take them.
    fn overwrite(&self, at: u64, bytes: &[u8]) -> Result<(), IoError>;
    /// Returns when everything appended before the call is on the disk. After an error nothing is
    /// known, and asking again tells nothing.
    ///
    /// # Errors
    /// When the disk does not confirm.
    fn sync(&self) -> Result<(), IoError>;
    /// Cuts the file to a length; the next append starts there.
    ///
    /// # Errors
    /// When the file cannot be cut.
    fn truncate(&self, length: u64) -> Result<(), IoError>;
}

/// A lock that lasts until it is dropped or the process ends.
pub trait DiskLock: fmt::Debug + Send + Sync {}

/// The outcome of asking for a lock.
#[derive(Debug)]
pub enum Locked {
    /// It is ours.
    Ours(Box<dyn DiskLock>),
    /// Another holder has it; what that holder wrote into the file.
    Theirs(Vec<u8>),
}

/// The files of a store.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Creates a file that does not exist.
    ///
    /// # Errors
    /// When it exists or cannot be created.
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError>;
    /// Opens a file to append to it.
    ///
    /// # Errors
    /// When it does not exist or cannot be opened.
    fn open_append(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError>;
    /// The whole content of a file.
    ///
    /// # Errors
    /// When it does not exist or cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, IoError>;
    /// Maps a file.
    ///
    /// # Errors
    /// When it does not exist or cannot be mapped.
    fn map(&self, path: &Path) -> Result<Mapping, IoError>;
    /// Gives a file another name in the same directory, replacing what has it, and syncs the
    /// directory.
    ///
    /// # Errors
    /// When the file system refuses.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), IoError>;
    /// Gives a file a second name, which must not be taken. Not every disk can.
    ///
    /// # Errors
    /// When the file system refuses, as it does across two of them.
    fn link(&self, from: &Path, _to: &Path) -> Result<(), IoError> {
        Err(IoError::new(from, Action::Link, ErrorKind::Unsupported.into()))
    }
    /// Removes a file.
    ///
    /// # Errors
    /// When the file system refuses.
    fn remove(&self, path: &Path) -> Result<(), IoError>;
    /// Names in a directory, sorted.
    ///
    /// # Errors
    /// When it cannot be listed.
    fn list(&self, dir: &Path) -> Result<Vec<String>, IoError>;
    /// Makes a directory and its parents, and makes their names durable.
    ///
    /// # Errors
    /// When the file system refuses.
    fn create_dir(&self, dir: &Path) -> Result<(), IoError>;
    /// Removes a directory and everything below it.
    ///
    /// # Errors
    /// When the file system refuses.
    fn remove_dir(&self, dir: &Path) -> Result<(), IoError>;
    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// When the disk does not confirm.
    fn sync_dir(&self, dir: &Path) -> Result<(), IoError>;
    /// Takes the lock on a file, made when missing, without waiting, and writes `mark` into it.
    ///
    /// # Errors
    /// When the file cannot be opened or written.
    fn lock(&self, path: &Path, mark: &[u8]) -> Result<Locked, IoError>;
}

/// The disk of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemDisk;

#[derive(Debug)]
struct SystemFile {
    file: File,
    path: PathBuf,
}

impl DiskFile for SystemFile {
    fn append(&self, bytes: &[u8]) -> Result<(), IoError> {
        (&self.file).write_all(bytes).at(&self.path, Action::Write)
    }
    fn overwrite(&self, at: u64, bytes: &[u8]) -> Result<(), IoError> {
        (&self.file).seek(SeekFrom::Start(at)).at(&self.path, Action::Write)?;
        (&self.file).write_all(bytes).at(&self.path, Action::Write)?;
        (&self.file).seek(SeekFrom::End(0)).at(&self.path, Action::Write)?;
        Ok(())
    }
    fn sync(&self) -> Result<(), IoError> {
        self.file.sync_data().at(&self.path, Action::Sync)
    }
    fn truncate(&self, length: u64) -> Result<(), IoError> {
        self.file.set_len(length).at(&self.path, Action::Truncate)?;
        (&self.file).seek(SeekFrom::Start(length)).at(&self.path, Action::Truncate)?;
        Ok(())
    }
}

#[derive(Debug)]
struct SystemLock {
    file: File,
}

impl DiskLock for SystemLock {}

impl Drop for SystemLock {
    fn drop(&mut self) {
        // Closing would do, but for a child process that another thread is just starting: until it
        // runs its program it holds a copy of the handle, and with it the lock.
        let _ = self.file.unlock();
    }
}

impl Disk for SystemDisk {
    fn create(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        let file =
            OpenOptions::new().write(true).create_new(true).open(path).at(path, Action::Create)?;
        Ok(Arc::new(SystemFile { file, path: path.to_owned() }))
    }

    fn open_append(&self, path: &Path) -> Result<Arc<dyn DiskFile>, IoError> {
        let mut file = OpenOptions::new().write(true).open(path).at(path, Action::Open)?;
        file.seek(SeekFrom::End(0)).at(path, Action::Open)?;
        Ok(Arc::new(SystemFile { file, path: path.to_owned() }))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, IoError> {
        read(path)
    }

    fn map(&self, path: &Path) -> Result<Mapping, IoError> {
        map(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        std::fs::rename(from, to).at(from, Action::Rename)?;
        self.sync_dir(to.parent().unwrap_or(Path::new(".")))
    }

    fn link(&self, from: &Path, to: &Path) -> Result<(), IoError> {
        std::fs::hard_link(from, to).at(to, Action::Link)
    }

    fn remove(&self, path: &Path) -> Result<(), IoError> {
        remove(path)
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, IoError> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).at(dir, Action::List)? {
            let name = entry.at(dir, Action::List)?.file_name();
            names.push(name.to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> Result<(), IoError> {
        let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.is_dir();
        let missing: Vec<&Path> = dir.ancestors().take_while(is_missing).collect();
        // What a directory holds is as durable as its own name in its parent.
        for dir in missing.iter().rev() {
            std::fs::create_dir(dir).at(dir, Action::Create)?;
            if let Err(error) = self.sync_dir(dir.parent().unwrap_or(Path::new("."))) {
                // One that stays would be taken for one whose name is durable.
                let _ = std::fs::remove_dir(dir);
                return Err(error);
            }
        }
        if !missing.is_empty() {
            return Ok(());
        }
        match self.sync_dir(dir.parent().unwrap_or(Path::new("."))) {
            // It was made by somebody who may write there, long ago or not.
            Err(error) if error.source.kind() == ErrorKind::PermissionDenied => Ok(()),
            synced => synced,
        }
    }

    fn remove_dir(&self, dir: &Path) -> Result<(), IoError> {
        std::fs::remove_dir_all(dir).at(dir, Action::Remove)
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), IoError> {
        // Elsewhere a directory cannot be opened as a file; the rename itself is what there is.
        if cfg!(unix) {
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            let handle = File::open(dir).at(dir, Action::Open)?;
            handle.sync_all().at(dir, Action::Sync)?;
        }
        Ok(())
    }

    fn lock(&self, path: &Path, mark: &[u8]) -> Result<Locked, IoError> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .at(path, Action::Open)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut theirs = Vec::new();
                // Where a lock also bars reading, the holder stays unnamed.
                let _ = Read::by_ref(&mut file).take(64).read_to_end(&mut theirs);
                return Ok(Locked::Theirs(theirs));
            }
            Err(TryLockError::Error(source)) => {
                return Err(IoError::new(path, Action::Lock, source));
            }
        }
        file.set_len(0).at(path, Action::Write)?;
        file.write_all(mark).at(path, Action::Write)?;
        Ok(Locked::Ours(Box::new(SystemLock { file })))
    }
}

/// Opens a file to read it. A directory is refused.
///
/// # Errors
/// When it does not exist, cannot be opened, or is a directory.
pub fn open(path: &Path) -> Result<File, IoError> {
    let file = File::open(path).at(path, Action::Open)?;
    if file.metadata().at(path, Action::Open)?.is_dir() {
        return Err(IoError::new(path, Action::Open, ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

/// Creates a file, emptying one that exists.
///
/// # Errors
/// When it cannot be created.
pub fn create(path: &Path) -> Result<File, IoError> {
    File::create(path).at(path, Action::Create)
}

/// The whole content of a file.
///
/// # Errors
/// When it does not exist or cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, IoError> {
    std::fs::read(path).at(path, Action::Read)
}

/// Maps a file. See [`Mapping`] for what the caller owes.
///
/// # Errors
/// When it does not exist or cannot be mapped.
pub fn map(path: &Path) -> Result<Mapping, IoError> {
    let file = open(path)?;
    // SAFETY: files of a store are mapped only when complete and are never written again, and the
    // lock keeps other processes of ours away. Someone who writes into the directory behind our
    // back can change the bytes; every reader checks bounds and checksums, so that gives an error
    // or, at worst, what any mapped file gives then.
    let mapping = unsafe { memmap2::Mmap::map(&file) }.at(path, Action::Map)?;
    Ok(Mapping(mapping))
}

/// Bytes in a mapping without a file.
///
/// # Errors
/// When there is no memory.
pub(crate) fn map_bytes(path: &Path, bytes: &[u8]) -> Result<Mapping, IoError> {
    let mut mapping = memmap2::MmapMut::map_anon(bytes.len().max(1)).at(path, Action::Map)?;
    mapping[..bytes.len()].copy_from_slice(bytes);
    mapping.make_read_only().map(Mapping).at(path, Action::Map)
}

/// Removes a file.
///
/// # Errors
/// When the file system refuses.
pub fn remove(path: &Path) -> Result<(), IoError> {
    std::fs::remove_file(path).at(path, Action::Remove)
}

/// The path from the root without links, also of what does not exist yet.
///
/// # Errors
/// When a directory on the way cannot be looked into.
pub fn resolved(path: &Path) -> Result<PathBuf, IoError> {
    let parts: Vec<Component<'_>> = path.components().collect();
    for known in (0..=parts.len()).rev() {
        let there: PathBuf = parts[..known].iter().collect();
        let there = if known == 0 { PathBuf::from(".") } else { there };
        match std::fs::canonicalize(&there) {
            Ok(mut whole) => {
                for part in &parts[known..] {
                    match part {
                        Component::ParentDir => drop(whole.pop()),
                        part => whole.push(part),
                    }
                }
                return Ok(whole);
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(error) => return Err(IoError::new(&there, Action::Open, error)),
        }
    }
    Err(IoError::new(path, Action::Open, ErrorKind::NotFound.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_truncate_and_append_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let file = SystemDisk.create(&path).unwrap();
        file.append(b"hello world").unwrap();
        file.truncate(5).unwrap();
        file.append(b"!").unwrap();
        file.overwrite(1, b"u").unwrap();
        file.append(b"?").unwrap();
        file.truncate(6).unwrap();
        file.sync().unwrap();
        assert_eq!(read(&path).unwrap(), b"hullo!");
        let file = SystemDisk.open_append(&path).unwrap();
        file.append(b"?").unwrap();
        assert_eq!(&*map(&path).unwrap(), b"hullo!?");
        assert!(SystemDisk.create(&path).is_err());
    }

    #[test]
    fn directories_are_made_with_their_parents() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("a/b/c");
        SystemDisk.create_dir(&inner).unwrap();
        SystemDisk.create_dir(&inner).unwrap();
        assert_eq!(SystemDisk.list(&dir.path().join("a/b")).unwrap(), ["c"]);
        SystemDisk.create(&dir.path().join("file")).unwrap();
        let error = SystemDisk.create_dir(&dir.path().join("file/x")).unwrap_err();
        assert_eq!(error.action, Action::Create);
    }

    #[test]
    fn paths_are_resolved_also_where_nothing_is_yet() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        SystemDisk.create_dir(&root.join("a/b")).unwrap();
        std::os::unix::fs::symlink(root.join("a"), root.join("link")).unwrap();
        let of = |path: &str| resolved(&root.join(path)).unwrap();
        assert_eq!(of("link/b/new/er"), root.join("a/b/new/er"));
        assert_eq!(of("link/b/.."), root.join("a"));
        assert_eq!(of("a/new/../other"), root.join("a/other"));
        let here = std::fs::canonicalize(".").unwrap();
        assert_eq!(resolved(Path::new("no such thing")).unwrap(), here.join("no such thing"));
    }

    #[test]
    fn an_error_names_file_and_cause() {
        let error = open(Path::new("/no/such/file")).unwrap_err();
        assert!(error.is_missing());
        assert!(error.to_string().starts_with("cannot open /no/such/file: "), "{error}");
        let error = open(Path::new("/")).unwrap_err();
        assert_eq!(error.source.kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn a_lock_names_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        let ours = SystemDisk.lock(&path, b"12").unwrap();
        let Locked::Theirs(mark) = SystemDisk.lock(&path, b"13").unwrap() else {
            panic!("locked twice");
        };
        assert_eq!(mark, b"12");
        drop(ours);
        assert!(matches!(SystemDisk.lock(&path, b"13").unwrap(), Locked::Ours(_)));
    }
}
