//! The parts and the tail of one table of keys, as one dictionary.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use roaring::RoaringBitmap;

use super::bucket::hash_of;
use super::part::NONE;
use super::tail::Tail;
use super::writer::{Entry, PartError, PartPlan, write_part};
use super::{KEY_BYTES_MAX, KeyColumn, Part};
use crate::error::CorruptError;
use crate::io::Disk;
use std::path::Path;

/// Keys of one dictionary at most: positions and ids (from 1) stay below 2^32 - 2.
const KEYS_MAX: usize = u32::MAX as usize - 2;

/// Keys whose loads are overlapped.
pub(super) const GROUP: usize = 64;

/// A part takes over older parts up to this many keys in all.
const PART_KEYS_MAX: usize = 1 << 25;
/// A part takes over the part before it when that has less than this many times its keys.
const TIER: usize = 4;

/// Keys by position. One thread at a time adds; any thread may look up meanwhile.
#[derive(Debug)]
pub(crate) struct Dictionary {
    tiers: RwLock<Tiers>,
}

/// Invariant 1: the parts and the frozen keys cover positions `0..tail.first` in order, without
/// gap or overlap.
#[derive(Debug)]
struct Tiers {
    parts: Arc<[Arc<Part>]>,
    /// Keys that are being written to a part; they do not change any more.
    frozen: Option<Arc<Tail>>,
    tail: Tail,
    /// Positions whose keys are forgotten: they are never found again, and are left out of every
    /// part that is written from now on.
    buried: Arc<RoaringBitmap>,
}

/// Why keys were not added. Some of them may have been: the caller truncates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InternError {
    #[error("a key has at most {KEY_BYTES_MAX} bytes, this one has {length}")]
    KeyLength { length: usize },
    #[error("the dictionary is full")]
    Full,
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
}

impl Dictionary {
    pub(crate) fn new(parts: Vec<Arc<Part>>) -> Self {
        let first = parts.last().map_or(0, |part| part.first() + part.count());
        let (parts, tail) = (parts.into(), Tail::new(first));
        Self { tiers: RwLock::new(Tiers { parts, frozen: None, tail, buried: Arc::default() }) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Tiers> {
        self.tiers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tiers> {
        self.tiers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many keys, published or not.
    pub(crate) fn count(&self) -> u32 {
        let tiers = self.read();
        tiers.tail.first + narrow(tiers.tail.len())
    }

    pub(crate) fn parts(&self) -> Arc<[Arc<Part>]> {
        Arc::clone(&self.read().parts)
    }

    /// Positions whose keys are forgotten.
    pub(crate) fn buried(&self) -> Arc<RoaringBitmap> {
        Arc::clone(&self.read().buried)
    }

    /// Forgets the keys at positions: from now on they are not found, and come again as new ones.
    pub(crate) fn bury(&self, positions: &RoaringBitmap) {
        if !positions.is_empty() {
            let mut tiers = self.write();
            tiers.buried = Arc::new(&*tiers.buried | positions);
        }
    }

    /// Puts parts in the place of others with the same positions. One thread at a time adds.
    pub(crate) fn exchange(&self, parts: Arc<[Arc<Part>]>) {
        self.write().parts = parts;
    }

    /// Keys in the tail, and their bytes.
    pub(crate) fn tail_size(&self) -> (usize, usize) {
        let tiers = self.read();
        (tiers.tail.len(), tiers.tail.keys().bytes.len())
    }

    /// The position of a key.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<u32>, CorruptError> {
        let hash = hash_of(key);
        let tiers = self.read();
        if let Some(index) = tiers.tail.find(hash, key, &tiers.buried) {
            return Ok(Some(tiers.tail.first + index));
        }
        if let Some(frozen) = &tiers.frozen
            && let Some(index) = frozen.find(hash, key, &tiers.buried)
        {
            return Ok(Some(frozen.first + index));
        }
        for part in tiers.parts.iter().rev() {
            if let Some(index) = part.find(hash, key, &tiers.buried)? {
                return Ok(Some(part.first() + index));
            }
        }
        Ok(None)
    }

    /// The key at a position; none where it is buried.
    pub(crate) fn key(&self, position: u32) -> Result<Option<Vec<u8>>, CorruptError> {
        if self.read().buried.contains(position) {
            return Ok(None);
        }
        self.key_in_place(position)
    }

    /// What stands at a position, buried or not.
    fn key_in_place(&self, position: u32) -> Result<Option<Vec<u8>>, CorruptError> {
        let tiers = self.read();
        if let Some(index) = position.checked_sub(tiers.tail.first) {
            let there = (index as usize) < tiers.tail.len();
            return Ok(there.then(|| tiers.tail.key(index as usize).to_vec()));
        }
        if let Some(frozen) = &tiers.frozen
            && let Some(index) = position.checked_sub(frozen.first)
        {
            return Ok(Some(frozen.key(index as usize).to_vec()));
        }
        let at = tiers.parts.partition_point(|part| part.first() + part.count() <= position);
        match tiers.parts.get(at) {
            Some(part) => Ok(Some(part.key(position - part.first())?.to_vec())),
            None => Ok(None),
        }
    }

    /// The keys of a range of positions within the tail.
    pub(crate) fn tail_keys(&self, from: u32, to: u32) -> KeyColumn {
        let tiers = self.read();
        let start = from.saturating_sub(tiers.tail.first) as usize;
        let end = (to.saturating_sub(tiers.tail.first) as usize).min(tiers.tail.len());
        (start..end).map(|index| tiers.tail.key(index)).collect()
    }

    /// Appends the positions of keys, new keys being added.
    pub(crate) fn intern(
        &self,
        keys: &KeyColumn,
        positions: &mut Vec<u32>,
    ) -> Result<(), InternError> {
        if let Some(key) = keys.iter().find(|key| key.len() > KEY_BYTES_MAX) {
            return Err(InternError::KeyLength { length: key.len() });
        }
        let (parts, frozen, buried) = {
            let tiers = self.read();
            (Arc::clone(&tiers.parts), tiers.frozen.clone(), Arc::clone(&tiers.buried))
        };
        positions.reserve(keys.len());
        let mut hashes = [0; GROUP];
        let mut found = [NONE; GROUP];
        for from in (0..keys.len()).step_by(GROUP) {
            let length = GROUP.min(keys.len() - from);
            let (hashes, found) = (&mut hashes[..length], &mut found[..length]);
            for (offset, hash) in hashes.iter_mut().enumerate() {
                *hash = hash_of(keys.get(from + offset));
            }
            found.fill(NONE);
            for part in parts.iter().rev() {
                part.find_many(hashes, keys, from, found, &buried)?;
            }
            if let Some(frozen) = &frozen {
                find_in_tail(frozen, hashes, keys, from, found, &buried);
            }
            if found.contains(&NONE) {
                self.intern_in_tail(hashes, keys, from, found)?;
            }
            positions.extend_from_slice(found);
        }
        Ok(())
    }

    fn intern_in_tail(
        &self,
        hashes: &[u64],
        keys: &KeyColumn,
        from: usize,
        found: &mut [u32],
    ) -> Result<(), InternError> {
        // Readers go on while a larger table is filled: only this thread changes the tail.
        let larger = self.read().tail.larger(hashes.len());
        let mut tiers = self.write();
        let Tiers { tail, buried, .. } = &mut *tiers;
        if let Some(larger) = larger {
            tail.replace_table(larger);
        }
        if tail.first as usize + tail.len() + hashes.len() > KEYS_MAX {
            return Err(InternError::Full);
        }
        prefetch(tail, hashes);
        for (offset, (&hash, found)) in hashes.iter().zip(found).enumerate() {
            if *found == NONE {
                let key = keys.get(from + offset);
                let index = tail.find(hash, key, buried).unwrap_or_else(|| tail.add(hash, key));
                *found = tail.first + index;
            }
        }
        Ok(())
    }

    /// Takes back keys that were stored at positions `first..`; those already there are skipped.
    /// False when there is a gap before them.
    pub(crate) fn restore(&self, first: u32, keys: &KeyColumn) -> Result<bool, InternError> {
        let count = self.count();
        if first > count {
            return Ok(false);
        }
        let known = (count - first) as usize;
        let new: KeyColumn = keys.iter().skip(known).collect();
        let mut positions = Vec::new();
        self.intern(&new, &mut positions)?;
        Ok(positions.iter().zip(count..).all(|(&position, expected)| position == expected))
    }

    /// Forgets the keys from a position on. The position must not be within a part.
    pub(crate) fn truncate(&self, count: u32) {
        let mut tiers = self.write();
        let length = count.saturating_sub(tiers.tail.first) as usize;
        tiers.tail.truncate(length);
    }

    /// Sets the keys so far apart, to be written to a part while others come: `more` of them are
    /// expected, for which the table need not grow. None may be set apart already.
    pub(crate) fn freeze(&self, more: usize) {
        let mut tiers = self.write();
        debug_assert!(tiers.frozen.is_none(), "one checkpoint is written at a time");
        if tiers.tail.len() > 0 {
            let first = tiers.tail.first + narrow(tiers.tail.len());
            let tail = Tail::with_room(first, more);
            let frozen = std::mem::replace(&mut tiers.tail, tail);
            tiers.frozen = Some(Arc::new(frozen));
        }
    }

    /// Whether keys are set apart.
    pub(crate) fn is_frozen(&self) -> bool {
        self.read().frozen.is_some()
    }

    /// Writes the keys that are set apart to a part, which takes over older parts that are not much
    /// larger. Its end is not synced and no file is removed. The dictionary goes on without the
    /// part until it is told of it ([`Self::thaw`]). Nobody waits meanwhile. The parts there are
    /// then; none when no keys are set apart.
    pub(crate) fn write_frozen(
        &self,
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        id: u64,
    ) -> Result<Option<Arc<[Arc<Part>]>>, PartError> {
        let (parts, frozen, buried) = {
            let tiers = self.read();
            (Arc::clone(&tiers.parts), tiers.frozen.clone(), Arc::clone(&tiers.buried))
        };
        frozen
            .map(|tail| write_tail(&parts, &tail, &buried, &PartFile { disk, path, number, id }))
            .transpose()
    }

    /// The keys that were set apart are in these parts now. One thread at a time adds keys.
    pub(crate) fn thaw(&self, parts: Arc<[Arc<Part>]>) {
        let mut tiers = self.write();
        tiers.parts = parts;
        tiers.frozen = None;
    }

    /// Goes back to older parts and a count of keys: those that are in none of the parts come
    /// back into memory, and none are set apart. Nobody may be writing those that are.
    pub(crate) fn roll_back(&self, parts: Arc<[Arc<Part>]>, count: u32) -> Result<(), InternError> {
        let first = parts.last().map_or(0, |part| part.first() + part.count());
        if self.read().tail.first == first {
            self.write().parts = parts;
            self.truncate(count);
            return Ok(());
        }
        let mut keys = KeyColumn::default();
        for position in first..count {
            keys.push(&self.key_in_place(position)?.unwrap_or_default());
        }
        let older = Self::new(parts.to_vec());
        // What is buried is not found, so that it comes back as often as it stands there.
        older.bury(&self.buried());
        older.restore(first, &keys)?;
        let older = older.tiers.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.write() = older;
        Ok(())
    }
}

/// A part to be written.
struct PartFile<'p> {
    disk: &'p dyn Disk,
    path: &'p Path,
    number: u64,
    id: u64,
}

/// Writes keys to a part, which takes over older parts that are not much larger; the parts there
/// are with it.
fn write_tail(
    parts: &[Arc<Part>],
    tail: &Tail,
    buried: &RoaringBitmap,
    to: &PartFile<'_>,
) -> Result<Arc<[Arc<Part>]>, PartError> {
    let mut count = tail.len();
    let mut kept = parts.len();
    while let Some(part) = parts[..kept].last() {
        let older = part.count() as usize;
        if older >= TIER * count || older + count > PART_KEYS_MAX {
            break;
        }
        count += older;
        kept -= 1;
    }
    let taken = &parts[kept..];
    let first = taken.first().map_or(tail.first, |part| part.first());
    let plan = PartPlan { id: to.id, first, count: narrow(count) };
    let file = write_part(to.disk, to.path, &plan, &mut |put| {
        taken.iter().try_for_each(|part| part.feed(buried, put))?;
        (tail.first..).zip(tail.keys().iter()).try_for_each(|(position, key)| {
            let is_buried = buried.contains(position);
            put(if is_buried { Entry::Buried } else { Entry::Key(key) })
        })
    })?;
    let part = Part::open(to.disk, to.path, to.number, to.id, Some(file));
    let part = Arc::new(part.map_err(PartError::from)?);
    Ok(parts[..kept].iter().cloned().chain([part]).collect())
}

/// Starts to load what looking for keys will look at.
fn prefetch(tail: &Tail, hashes: &[u64]) {
    let mut candidates = [None; GROUP];
    hashes.iter().for_each(|&hash| tail.prefetch_bucket(hash));
    for (&hash, candidate) in hashes.iter().zip(&mut candidates) {
        *candidate = tail.prefetch_end(hash);
    }
    candidates.iter().flatten().for_each(|&index| tail.prefetch_key(index));
}

/// Notes the positions of keys that a tail has.
fn find_in_tail(
    tail: &Tail,
    hashes: &[u64],
    keys: &KeyColumn,
    from: usize,
    found: &mut [u32],
    buried: &RoaringBitmap,
) {
    if tail.len() == 0 || !found.contains(&NONE) {
        return;
    }
    prefetch(tail, hashes);
    for (offset, (&hash, found)) in hashes.iter().zip(found).enumerate() {
        if *found == NONE
            && let Some(index) = tail.find(hash, keys.get(from + offset), buried)
        {
            *found = tail.first + index;
        }
    }
}

fn narrow(count: usize) -> u32 {
    u32::try_from(count).expect("a dictionary holds fewer than 2^32 keys")
}
