//! An immutable file of keys at consecutive positions.
//!
//! Keys, one after the other; lines of 64 bytes, each saying where 29 keys begin; the hash table;
//! a checksum of every 32 KiB before it; the header. Blocks are verified on first touch.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;

use super::bucket::{BUCKET_BYTES, Candidates, goes_on, home};
use super::keys::{KeyColumn, same};
use super::tiers::GROUP;
use crate::error::{CorruptError, FileError};
use crate::io::{Disk, DiskFile, IoError, Mapping};
use crate::prefetch::prefetch;

/// Bytes that one checksum covers.
pub(super) const BLOCK_BYTES: usize = 32 << 10;
/// Bytes of the header, at the end of the file.
pub(super) const HEADER_BYTES: usize = 96;
/// Keys in one line of starts.
pub(super) const GROUP_KEYS: usize = 29;
const LINE_BYTES: usize = 64;
const _: () = assert!(6 + 2 * GROUP_KEYS == LINE_BYTES);
const _: () = assert!(GROUP_KEYS * super::KEY_BYTES_MAX <= u16::MAX as usize);

const MAGIC: [u8; 8] = *b"THRGDICT";
const VERSION: u32 = 1;

/// Not found, not yet known: no position.
pub(super) const NONE: u32 = u32::MAX;
/// Perhaps in a later bucket. A part has fewer keys than this.
const ELSEWHERE: u32 = u32::MAX - 1;

/// What the end of the file says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) id: u64,
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) key_bytes: u64,
    pub(super) starts_at: u64,
    pub(super) buckets_at: u64,
    pub(super) bucket_count: u64,
    pub(super) checksums_at: u64,
}

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        for number in [
            self.id,
            self.key_bytes,
            self.starts_at,
            self.buckets_at,
            self.bucket_count,
            self.checksums_at,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.resize(begin + HEADER_BYTES - 4, 0);
        let crc = crc32fast::hash(&out[begin..]);
        out.extend_from_slice(&crc.to_le_bytes());
    }

    fn read(file: &[u8]) -> Result<Self, &'static str> {
        let at = file.len().checked_sub(HEADER_BYTES).ok_or("too short for a dictionary part")?;
        let bytes = &file[at..];
        if bytes[..8] != MAGIC {
            return Err("not a dictionary part, or cut short");
        }
        let (content, crc) = bytes.split_at(HEADER_BYTES - 4);
        if crc32fast::hash(content).to_le_bytes() != crc {
            return Err("the header does not match its checksum");
        }
        let narrow = |at| u32_at(bytes, at).ok_or("short header");
        let wide = |at| u64_at(bytes, at).ok_or("short header");
        let header = Self {
            first: narrow(12)?,
            count: narrow(16)?,
            id: wide(24)?,
            key_bytes: wide(32)?,
            starts_at: wide(40)?,
            buckets_at: wide(48)?,
            bucket_count: wide(56)?,
            checksums_at: wide(64)?,
        };
        header.check(at as u64)?;
        Ok(header)
    }

    fn check(&self, header_at: u64) -> Result<(), &'static str> {
        let lines = u64::from(self.count).div_ceil(GROUP_KEYS as u64) * LINE_BYTES as u64;
        let blocks = self.checksums_at.div_ceil(BLOCK_BYTES as u64);
        let table = self.bucket_count.checked_mul(BUCKET_BYTES as u64);
        let fits = self.first.checked_add(self.count).is_some_and(|end| end < ELSEWHERE)
            && self.bucket_count > 0
            && u32::try_from(self.bucket_count).is_ok()
            && self.key_bytes <= self.starts_at
            && self.starts_at.checked_add(lines).is_some_and(|end| end <= self.buckets_at)
            && table.and_then(|table| self.buckets_at.checked_add(table))
                == Some(self.checksums_at)
            && self.checksums_at.checked_add(4 * blocks) == Some(header_at);
        if fits { Ok(()) } else { Err("the header contradicts the file's length") }
    }
}

/// The format version that a file's end names, when that is a part's.
fn version_of(file: &[u8]) -> Option<u32> {
    let header = file.get(file.len().checked_sub(HEADER_BYTES)?..)?;
    if header.starts_with(&MAGIC) { u32_at(header, 8) } else { None }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The checksum of a block, bound to its file and place.
pub(super) fn block_checksum(id: u64, block: u64, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&id.to_le_bytes());
    hasher.update(&block.to_le_bytes());
    hasher.update(bytes);
    hasher.finalize()
}

/// An open part.
#[derive(Debug)]
pub(crate) struct Part {
    map: Mapping,
    path: PathBuf,
    number: u64,
    header: Header,
    starts_at: usize,
    buckets_at: usize,
    bucket_count: usize,
    checksums_at: usize,
    // One bit per block that was found to match its checksum.
    verified: Vec<AtomicU64>,
    unsynced: Mutex<Option<Arc<dyn DiskFile>>>,
}

/// Why a part cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartOpenError {
    #[error(transparent)]
    Io(#[from] IoError),
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl Part {
    /// Maps the file of a part. `unsynced` is the file when it was just written.
    pub(crate) fn open(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        id: u64,
        unsynced: Option<Arc<dyn DiskFile>>,
    ) -> Result<Self, PartOpenError> {
        Self::from_mapping(disk.map(path)?, path, number, id, unsynced)
    }

    /// A part that was mapped already.
    pub(crate) fn from_mapping(
        map: Mapping,
        path: &Path,
        number: u64,
        id: u64,
        unsynced: Option<Arc<dyn DiskFile>>,
    ) -> Result<Self, PartOpenError> {
        let corrupt = |what| CorruptError {
            path: path.to_owned(),
            offset: map.len().saturating_sub(HEADER_BYTES) as u64,
            what,
        };
        if let Some(found) = version_of(&map).filter(|&found| found != VERSION) {
            let path = path.to_owned();
            return Err(FileError::Version { path, found, newest: VERSION }.into());
        }
        let header = Header::read(&map).map_err(corrupt)?;
        if header.id != id {
            return Err(corrupt("a dictionary part of another store or number").into());
        }
        // The header was checked against the length of the map, so its numbers are addresses.
        let place = |at: u64| usize::try_from(at).map_err(|_| corrupt("too long for this machine"));
        let blocks = place(header.checksums_at)?.div_ceil(BLOCK_BYTES);
        Ok(Self {
            path: path.to_owned(),
            number,
            starts_at: place(header.starts_at)?,
            buckets_at: place(header.buckets_at)?,
            bucket_count: place(header.bucket_count)?,
            checksums_at: place(header.checksums_at)?,
            verified: (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            unsynced: Mutex::new(unsynced),
            header,
            map,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The position of its first key.
    pub(crate) fn first(&self) -> u32 {
        self.header.first
    }

    pub(crate) fn count(&self) -> u32 {
        self.header.count
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.map.len() as u64
    }

    /// Makes it durable, unless it is.
    pub(crate) fn sync(&self) -> Result<(), IoError> {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &*unsynced {
            file.sync()?;
            *unsynced = None;
        }
        Ok(())
    }

    fn corrupt(&self, offset: usize, what: &'static str) -> CorruptError {
        CorruptError { path: self.path.clone(), offset: offset as u64, what }
    }

    /// Bytes before the checksums, verified.
    #[inline]
    fn slice(&self, at: usize, length: usize) -> Result<&[u8], CorruptError> {
        let end = at.checked_add(length).filter(|&end| end <= self.checksums_at);
        let Some(end) = end else {
            return Err(self.corrupt(at, "points outside the file"));
        };
        if length == 0 {
            return Ok(&[]);
        }
        for block in at / BLOCK_BYTES..=(end - 1) / BLOCK_BYTES {
            let word = self.verified[block / 64].load(Ordering::Relaxed);
            if word & (1 << (block % 64)) == 0 {
                self.verify(block)?;
            }
        }
        Ok(&self.map[at..end])
    }

    #[cold]
    fn verify(&self, block: usize) -> Result<(), CorruptError> {
        let at = block * BLOCK_BYTES;
        let end = (at + BLOCK_BYTES).min(self.checksums_at);
        let stored = u32_at(&self.map, self.checksums_at + 4 * block);
        let content = self.map.get(at..end).unwrap_or_default();
        if stored != Some(block_checksum(self.header.id, block as u64, content)) {
            return Err(self.corrupt(at, "the block does not match its checksum"));
        }
        self.verified[block / 64].fetch_or(1 << (block % 64), Ordering::Relaxed);
        Ok(())
    }

    /// What differs between any two parts with different content: checksums and header.
    pub(crate) fn frame(&self) -> &[u8] {
        self.map.get(self.checksums_at..).unwrap_or_default()
    }

    /// The whole file.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.map
    }

    /// Where the hash table begins: what is before it are the keys and where each begins.
    pub(crate) fn table_at(&self) -> u64 {
        self.header.buckets_at
    }

    /// Every block that does not match its checksum.
    pub(crate) fn damage(&self) -> Vec<CorruptError> {
        let blocks = 0..self.checksums_at.div_ceil(BLOCK_BYTES);
        blocks.filter_map(|block| self.verify(block).err()).collect()
    }

    /// Verifies every block.
    pub(crate) fn verify_all(&self) -> Result<(), CorruptError> {
        (0..self.checksums_at.div_ceil(BLOCK_BYTES)).try_for_each(|block| self.verify(block))
    }

    #[inline]
    fn bucket(&self, number: usize) -> Result<&[u8; BUCKET_BYTES], CorruptError> {
        let at = self.buckets_at + number * BUCKET_BYTES;
        let bytes = self.slice(at, BUCKET_BYTES)?;
        bytes.first_chunk().ok_or_else(|| self.corrupt(at, "short bucket"))
    }

    /// Where a key begins.
    #[inline]
    fn start(&self, index: u32) -> Result<usize, CorruptError> {
        let (group, within) = (index as usize / GROUP_KEYS, index as usize % GROUP_KEYS);
        let at = self.starts_at + group * LINE_BYTES;
        let line = self.slice(at, LINE_BYTES)?;
        let mut base = [0; 8];
        base[..6].copy_from_slice(&line[..6]);
        let relative = u16::from_le_bytes([line[6 + 2 * within], line[7 + 2 * within]]);
        let start = u64::from_le_bytes(base) + u64::from(relative);
        if start > self.header.key_bytes {
            return Err(self.corrupt(at, "a key begins after the last"));
        }
        usize::try_from(start).map_err(|_| self.corrupt(at, "too long for this machine"))
    }

    /// The key at an index below `count`.
    pub(crate) fn key(&self, index: u32) -> Result<&[u8], CorruptError> {
        let (start, length) = self.place(index)?;
        self.slice(start, length)
    }

    /// Whether it has a byte of a key at any of some positions.
    pub(crate) fn holds_any(&self, positions: &RoaringBitmap) -> Result<bool, CorruptError> {
        let end = self.header.first + self.header.count;
        for position in positions.range(self.header.first..end) {
            if !self.key(position - self.header.first)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the key at an index below `count` begins, and its length.
    #[inline]
    fn place(&self, index: u32) -> Result<(usize, usize), CorruptError> {
        if index >= self.header.count {
            return Err(self.corrupt(self.buckets_at, "the hash table names a key after the last"));
        }
        let start = self.start(index)?;
        let end = if index + 1 == self.header.count {
            usize::try_from(self.header.key_bytes)
                .map_err(|_| self.corrupt(start, "too long for this machine"))?
        } else {
            self.start(index + 1)?
        };
        let length = end.checked_sub(start);
        length
            .map(|length| (start, length))
            .ok_or_else(|| self.corrupt(start, "a key ends before it begins"))
    }

    /// The index of a key, but for buried positions.
    pub(crate) fn find(
        &self,
        hash: u64,
        key: &[u8],
        buried: &RoaringBitmap,
    ) -> Result<Option<u32>, CorruptError> {
        let mut at = home(hash, self.bucket_count);
        for _ in 0..self.bucket_count {
            let bucket = self.bucket(at)?;
            for index in Candidates::new(bucket, hash) {
                if same(self.key(index)?, key) && !buried.contains(self.header.first + index) {
                    return Ok(Some(index));
                }
            }
            if !goes_on(bucket) {
                return Ok(None);
            }
            at = if at + 1 == self.bucket_count { 0 } else { at + 1 };
        }
        Ok(None)
    }

    /// Looks up the keys from `from` on whose position in `found` is `NONE`, and writes positions
    /// there. Every step is taken for all keys before the next, so that their loads overlap.
    pub(super) fn find_many(
        &self,
        hashes: &[u64],
        keys: &KeyColumn,
        from: usize,
        found: &mut [u32],
        buried: &RoaringBitmap,
    ) -> Result<(), CorruptError> {
        let mut candidates = [NONE; GROUP];
        let mut places = [(0, 0); GROUP];
        for (&hash, &found) in hashes.iter().zip(&*found) {
            if found == NONE {
                let bucket = home(hash, self.bucket_count);
                prefetch(&self.map, self.buckets_at + bucket * BUCKET_BYTES);
            }
        }
        for ((&hash, &found), candidate) in hashes.iter().zip(&*found).zip(&mut candidates) {
            if found == NONE {
                let bucket = self.bucket(home(hash, self.bucket_count))?;
                let first = Candidates::new(bucket, hash).next();
                // Without a candidate here there is none, unless the search goes on.
                *candidate = first.unwrap_or(if goes_on(bucket) { ELSEWHERE } else { NONE });
                if let Some(index) = first {
                    let line = index as usize / GROUP_KEYS;
                    prefetch(&self.map, self.starts_at + line * LINE_BYTES);
                }
            }
        }
        for (&candidate, place) in candidates.iter().zip(&mut places) {
            if candidate < ELSEWHERE {
                *place = self.place(candidate)?;
                prefetch(&self.map, place.0);
            }
        }
        for (offset, (&hash, candidate)) in hashes.iter().zip(candidates).enumerate() {
            if candidate == NONE {
                continue;
            }
            let key = keys.get(from + offset);
            let (start, length) = places[offset];
            let index = if candidate < ELSEWHERE
                && length == key.len()
                && same(self.slice(start, length)?, key)
                && !buried.contains(self.header.first + candidate)
            {
                Some(candidate)
            } else {
                self.find(hash, key, buried)?
            };
            if let Some(index) = index {
                found[offset] = self.header.first + index;
            }
        }
        Ok(())
    }
}
