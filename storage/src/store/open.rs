//! Creating a store, and opening one after whatever happened to it.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, OnceLock, RwLock};

use super::checkpoint::Checkpoints;
use super::error::OpenError;
use super::files::{FileType, Files};
use super::lead::Group;
use super::recover::{self, Recovered};
use super::shared::{LogState, Shared, Tuning};
use super::tokens::Tokens;
use super::turn::Turn;
use super::types::Settings;
use crate::catalog::Catalog;
use crate::codec::{self, CodecError, ValueKind};
use crate::error::CorruptError;
use crate::io::{Disk, DiskLock, IoError, Locked};
use crate::manifest::{Edit, EditError, MANIFEST, Manifest};
use crate::wal::{FileKind, Origin, RecordFile};

pub(super) const STORE: &str = "STORE";
pub(super) const STORE_NEW: &str = "STORE.tmp";
pub(super) const LOCK: &str = "LOCK";

const MAGIC: [u8; 8] = *b"THRGSTOR";
/// The version of the store as a whole: which files there are and what they mean together.
const VERSION: u32 = 1;
const IDENTITY: ValueKind = ValueKind(1);

/// What is fixed at creation.
pub(super) type Identity = (u64, Settings);

/// Makes the files of an empty store.
pub(super) fn create(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    settings: &Settings,
) -> Result<(), OpenError> {
    disk.create_dir(dir)?;
    // Before the lock, so that somebody else's directory is left as it was.
    leftovers(&**disk, dir)?;
    let lock = lock(&**disk, dir)?;
    for name in leftovers(&**disk, dir)? {
        disk.remove(&dir.join(&name))?;
    }
    let store_id = super::random::number();
    let files = Files::new(Arc::clone(disk), dir, store_id, 1);
    let number = files.number();
    let path = files.path(FileType::Log, number);
    let origin = Origin { store_id, number };
    RecordFile::create(&**disk, &path, FileKind::Log, origin, super::random::salt(), 0)?;
    let edit = Edit { log: Some(number), next_number: files.next_number(), ..Edit::default() };
    match Manifest::create(&**disk, dir, store_id, super::random::salt(), edit) {
        Ok(_) => {}
        Err(EditError::Undone(error) | EditError::Unknown(error)) => return Err(error.into()),
        Err(EditError::Codec(error)) => return Err(OpenError::Settings(error)),
    }
    let identity: Identity = (store_id, settings.clone());
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend(codec::encode(IDENTITY, &identity).map_err(OpenError::Settings)?);
    let path = dir.join(STORE_NEW);
    let file = disk.create(&path)?;
    file.append(&bytes)?;
    file.sync()?;
    disk.rename(&path, &dir.join(STORE))?;
    drop(lock);
    Ok(())
}

/// What an attempt to make a store left that did not end: without STORE there is no store.
///
/// # Errors
/// When there is anything else.
fn leftovers(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, OpenError> {
    let mut names = disk.list(dir)?;
    names.retain(|name| name != LOCK);
    let is_ours = |name: &String| {
        FileType::parse(name).is_some_and(|(kind, _)| kind == FileType::Log)
            || [MANIFEST, "MANIFEST.tmp", STORE_NEW].contains(&name.as_str())
    };
    if names.iter().all(is_ours) {
        return Ok(names);
    }
    Err(OpenError::NotEmpty { path: dir.to_owned() })
}

/// Opens a store: reads the manifest and the log, maps the rest, and removes what no one refers to.
pub(super) fn open(disk: Arc<dyn Disk>, dir: &Path, tuning: Tuning) -> Result<Shared, OpenError> {
    // Before the lock, so that looking for a store leaves nothing where there is none.
    let identity = disk.read(&dir.join(STORE)).map_err(|error| missing(error, dir))?;
    let (store_id, settings) = read_identity(&dir.join(STORE), &identity)?;
    let lock = lock(&*disk, dir)?;
    let manifest = Manifest::open(&*disk, dir, store_id)?;
    let next = manifest.state.next_number;
    let files = Arc::new(Files::new(disk, dir, store_id, next));
    let recovered = Recovered::new(&files, &manifest)?;
    // Whoever made or renamed a file last may have ended before its name was durable.
    files.disk.create_dir(dir)?;
    files.sync_dir()?;
    recover::remove_leftovers(&files, &manifest)?;
    Ok(assemble(files, settings, tuning, manifest, recovered, lock))
}

fn assemble(
    files: Arc<Files>,
    settings: Settings,
    tuning: Tuning,
    mut manifest: Manifest,
    recovered: Recovered,
    lock: Box<dyn DiskLock>,
) -> Shared {
    let catalog = Catalog::new(Arc::clone(&files.disk), &files.dir, files.store_id);
    let mut tokens = Tokens::default();
    let saved = std::mem::take(&mut manifest.state.tokens);
    saved.iter().chain(&recovered.tokens_new).for_each(|token| tokens.add(token));
    manifest.state.tokens = saved;
    let last = recovered.log.last();
    let checkpoints = Checkpoints::new(recovered.frozen.is_some());
    let mut snapshot = recovered.snapshot;
    snapshot.version = manifest.sequence() + last;
    Shared {
        files,
        settings,
        tuning,
        names: Arc::clone(&snapshot.names),
        dictionaries: Arc::clone(&snapshot.dictionaries),
        turn: Turn::default(),
        group: Mutex::new(Group { leading: false, published: last }),
        group_changed: Condvar::new(),
        synced: AtomicU64::new(last),
        log: Mutex::new(LogState {
            log: recovered.log,
            frozen: recovered.frozen,
            manifest,
            pending: std::collections::VecDeque::new(),
            names_logged: crate::names::NameTable::ALL.map(|table| snapshot.names.count(table)),
            keys_logged: snapshot.keys,
            changed: recovered.changed,
            tokens,
            tokens_new: recovered.tokens_new,
            erasures: Arc::clone(&snapshot.erasures),
        }),
        present: RwLock::new(Arc::new(snapshot)),
        checkpoints,
        failure: OnceLock::new(),
        catalog,
        _lock: lock,
    }
}

pub(super) fn missing(error: IoError, dir: &Path) -> OpenError {
    if error.is_missing() {
        OpenError::Missing { path: dir.to_owned() }
    } else {
        OpenError::Io(error)
    }
}

/// Whether some bytes begin as a STORE file of any version does.
pub(super) fn is_identity(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// What a STORE file says.
pub(super) fn read_identity(path: &Path, bytes: &[u8]) -> Result<Identity, OpenError> {
    let corrupt =
        |what| OpenError::Corrupt(CorruptError { path: path.to_owned(), offset: 0, what });
    let rest = bytes.strip_prefix(&MAGIC).ok_or_else(|| corrupt("not a Throng store"))?;
    let (version, rest) = rest.split_first_chunk().ok_or_else(|| corrupt("too short"))?;
    let found = u32::from_le_bytes(*version);
    if found != VERSION {
        return Err(OpenError::Version { path: path.to_owned(), found, newest: VERSION });
    }
    codec::decode(IDENTITY, rest).map_err(|error| match error {
        CodecError::Version { found } => OpenError::Version {
            path: path.to_owned(),
            found: found.into(),
            newest: codec::VERSION.into(),
        },
        _ => corrupt("the settings do not match their checksum"),
    })
}

/// Takes the lock of a store.
pub(super) fn lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn DiskLock>, OpenError> {
    let pid = std::process::id().to_string();
    match disk.lock(&dir.join(LOCK), pid.as_bytes())? {
        Locked::Ours(lock) => Ok(lock),
        Locked::Theirs(mark) => {
            let pid = std::str::from_utf8(&mark).ok().and_then(|text| text.trim().parse().ok());
            Err(OpenError::InUse { path: dir.to_owned(), pid })
        }
    }
}
