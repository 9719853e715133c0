//! Keeping `sled` equal to the definitions of a store.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::codec::{self, CodecError, ValueKind};
use crate::io::{Disk, IoError};

const VALUE: ValueKind = ValueKind(4);
const MARK: ValueKind = ValueKind(5);

/// Its directory within a store's.
pub(crate) const DIR: &str = "catalog";
/// What a crash leaves of a snapshot that sled was writing; sled does not open beside it.
const UNFINISHED: &str = ".generating";

/// The key of the mark. Keys of definitions begin with `d`.
const MARK_KEY: &[u8] = b"m";

const CACHE_BYTES: u64 = 4 << 20;

/// How often, and how far apart, sled is asked again while an earlier instance still closes.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Definitions by (kind, name).
type Definitions = BTreeMap<(u8, String), Vec<u8>>;

/// Which store, and which of its versions the catalog has.
type Mark = (u64, u64);

/// A copy of a store's definitions in sled.
#[derive(Debug)]
pub(crate) struct Catalog {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    store_id: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
enum State {
    /// Not asked for yet.
    Closed,
    /// Open, with what it holds and of which version.
    Open { db: sled::Db, held: Arc<Definitions>, version: u64 },
    /// It failed; it is made anew at the next change.
    Failed,
}

/// Why the catalog was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CatalogError {
    #[error("the catalog in {} failed", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error(transparent)]
    Io(#[from] IoError),
    /// sled panics at some kinds of damage.
    #[error("the catalog in {} does not open", path.display())]
    Panicked { path: PathBuf },
}

impl Catalog {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path, store_id: u64) -> Self {
        Self { disk, path: dir.join(DIR), store_id, state: Mutex::new(State::Closed) }
    }

    /// Makes the catalog hold the definitions of a version, unless it has a newer one.
    pub(crate) fn follow(
        &self,
        version: u64,
        definitions: &Arc<Definitions>,
    ) -> Result<(), CatalogError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let followed = self.follow_from(&mut state, version, definitions);
        if followed.is_err() {
            *state = State::Failed;
        }
        followed
    }

    fn follow_from(
        &self,
        state: &mut State,
        version: u64,
        definitions: &Arc<Definitions>,
    ) -> Result<(), CatalogError> {
        if let State::Open { version: newest, .. } = state
            && *newest >= version
        {
            return Ok(());
        }
        let opened = match std::mem::replace(state, State::Failed) {
            State::Open { db, held, .. } => (db, held),
            State::Closed => self.open().or_else(|_| self.open_anew())?,
            State::Failed => self.open_anew()?,
        };
        let (db, held) = opened;
        db.apply_batch(self.difference(&held, definitions, version)?)
            .and_then(|()| db.flush())
            .map_err(|source| self.failed(source))?;
        *state = State::Open { db, held: Arc::clone(definitions), version };
        Ok(())
    }

    /// What turns one content into another.
    fn difference(
        &self,
        held: &Definitions,
        wanted: &Definitions,
        version: u64,
    ) -> Result<sled::Batch, CatalogError> {
        let mut batch = sled::Batch::default();
        for (key, value) in wanted {
            if held.get(key) != Some(value) {
                batch.insert(key_of(key), codec::seal(VALUE, value)?);
            }
        }
        for key in held.keys().filter(|key| !wanted.contains_key(key)) {
            batch.remove(key_of(key));
        }
        let mark: Mark = (self.store_id, version);
        batch.insert(MARK_KEY, codec::encode(MARK, &mark)?);
        Ok(batch)
    }

    fn failed(&self, source: sled::Error) -> CatalogError {
        CatalogError::Database { path: self.path.clone(), source: Box::new(source) }
    }

    /// Opens what is there and reads all of it.
    fn open(&self) -> Result<(sled::Db, Arc<Definitions>), CatalogError> {
        self.disk.create_dir(&self.path)?;
        for name in self.disk.list(&self.path)? {
            if name.ends_with(UNFINISHED) {
                self.disk.remove(&self.path.join(name))?;
            }
        }
        let read = || {
            let db = self.open_unlocked().map_err(|source| self.failed(source))?;
            let held = self.read(&db)?;
            Ok((db, Arc::new(held)))
        };
        catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(CatalogError::Panicked { path: self.path.clone() }))
    }

    /// Opens sled. Its threads may keep the lock of an instance for a moment after it was dropped.
    fn open_unlocked(&self) -> sled::Result<sled::Db> {
        let config = sled::Config::default()
            .path(&self.path)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None);
        for _ in 0..LOCK_TRIES {
            match config.open() {
                // The store's own lock keeps other processes away, so this one ends by itself.
                Err(sled::Error::Io(error)) if error.to_string().contains("acquire lock") => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                opened => return opened,
            }
        }
        config.open()
    }

    /// Throws away what is there and begins with nothing.
    fn open_anew(&self) -> Result<(sled::Db, Arc<Definitions>), CatalogError> {
        if let Err(error) = self.disk.remove_dir(&self.path)
            && !error.is_missing()
        {
            return Err(error.into());
        }
        self.open()
    }

    fn read(&self, db: &sled::Db) -> Result<Definitions, CatalogError> {
        let mut held = Definitions::new();
        let mut ours = db.is_empty();
        for entry in db.iter() {
            let (key, value) = entry.map_err(|source| self.failed(source))?;
            if &*key == MARK_KEY {
                let (store_id, _): Mark = codec::decode(MARK, &value)?;
                ours = store_id == self.store_id;
                continue;
            }
            let [b'd', kind, name @ ..] = &*key else { return Err(CodecError::Magic.into()) };
            let name = std::str::from_utf8(name).map_err(|_| CodecError::Magic)?;
            held.insert((*kind, name.to_owned()), codec::unseal(VALUE, &value)?.to_vec());
        }
        if ours { Ok(held) } else { Err(CodecError::Magic.into()) }
    }

    /// What the catalog holds on disk, for checking it.
    pub(crate) fn content(&self) -> Result<(Arc<Definitions>, u64), CatalogError> {
        let (db, held) = self.open()?;
        let mark = db.get(MARK_KEY).map_err(|source| self.failed(source))?;
        let (_, version): Mark = match mark {
            Some(mark) => codec::decode(MARK, &mark)?,
            None => (self.store_id, 0),
        };
        Ok((held, version))
    }
}

fn key_of((kind, name): &(u8, String)) -> Vec<u8> {
    [&[b'd', *kind], name.as_bytes()].concat()
}
