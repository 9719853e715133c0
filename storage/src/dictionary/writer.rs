//! Writing a part.

use std::path::Path;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::bucket::{BUCKET_BYTES, Filler, buckets_for};
use super::part::{
    BLOCK_BYTES, GROUP_KEYS, HEADER_BYTES, Header, Part, PartOpenError, block_checksum,
};
use crate::error::{CorruptError, FileError};
use crate::io::{Disk, DiskFile, IoError};

/// Bytes handed to the file at once.
const WRITE_BYTES: usize = 32 * BLOCK_BYTES;

/// Bytes that are synced at once, about. A log on the same file system that is synced meanwhile
/// waits for them: without this, for all of a part, which may have hundreds of megabytes.
const SYNC_BYTES: usize = 4 << 20;

/// Why a part was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PartError {
    #[error(transparent)]
    Io(#[from] IoError),
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    #[error(transparent)]
    File(#[from] FileError),
}

/// Appends to a file and gathers the checksum of each block after the header.
struct BlockWriter {
    file: Arc<dyn DiskFile>,
    id: u64,
    buffer: Vec<u8>,
    checksums: Vec<u32>,
    length: u64,
    unsynced: usize,
}

impl BlockWriter {
    fn put(&mut self, bytes: &[u8]) -> Result<(), IoError> {
        self.buffer.extend_from_slice(bytes);
        self.length += bytes.len() as u64;
        if self.buffer.len() >= WRITE_BYTES {
            let whole = self.buffer.len() / BLOCK_BYTES * BLOCK_BYTES;
            self.write(whole)?;
        }
        Ok(())
    }

    fn align(&mut self, to: usize) -> Result<u64, IoError> {
        let over = usize::try_from(self.length % to as u64).unwrap_or(0);
        if over > 0 {
            self.put(&[0; BUCKET_BYTES][..to - over])?;
        }
        Ok(self.length)
    }

    fn write(&mut self, length: usize) -> Result<(), IoError> {
        for block in self.buffer[..length].chunks(BLOCK_BYTES) {
            let number = self.checksums.len() as u64;
            self.checksums.push(block_checksum(self.id, number, block));
        }
        self.file.append(&self.buffer[..length])?;
        self.buffer.drain(..length);
        self.unsynced += length;
        if self.unsynced >= SYNC_BYTES {
            self.unsynced = 0;
            self.file.sync()?;
        }
        Ok(())
    }
}

/// Where keys begin, as it is stored: for every `GROUP_KEYS` keys, one line.
#[derive(Default)]
struct Starts {
    lines: Vec<u8>,
    in_group: usize,
    base: u64,
}

impl Starts {
    fn add(&mut self, start: u64) {
        if self.in_group == 0 {
            self.base = start;
            self.lines.extend_from_slice(&start.to_le_bytes()[..6]);
        }
        let relative = u16::try_from(start - self.base).expect("29 keys of at most 1,024 bytes");
        self.lines.extend_from_slice(&relative.to_le_bytes());
        self.in_group = (self.in_group + 1) % GROUP_KEYS;
    }
}

/// What stands at a position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Entry<'k> {
    Key(&'k [u8]),
    /// A key was here and is nowhere any more: no byte is written, and nothing finds it.
    Buried,
}

/// Takes the keys one by one.
pub(super) type Put<'p> = dyn FnMut(Entry<'_>) -> Result<(), PartError> + 'p;

/// What to write: the keys in order come from `feed`, which calls its argument once for each.
pub(super) struct PartPlan {
    pub(super) id: u64,
    pub(super) first: u32,
    pub(super) count: u32,
}

/// Writes the file of a part; its end is not synced yet.
pub(super) fn write_part(
    disk: &dyn Disk,
    path: &Path,
    plan: &PartPlan,
    feed: &mut dyn FnMut(&mut Put<'_>) -> Result<(), PartError>,
) -> Result<Arc<dyn DiskFile>, PartError> {
    let file = disk.create(path)?;
    let bucket_count = buckets_for(plan.count as usize);
    let mut table = Filler::new(bucket_count);
    let mut starts = Starts::default();
    let buffer = Vec::with_capacity(WRITE_BYTES + BLOCK_BYTES);
    // The header's place; it is written last, in the file's tail, so that one pass is enough.
    let mut out = BlockWriter {
        file: Arc::clone(&file),
        id: plan.id,
        buffer,
        checksums: vec![],
        length: 0,
        unsynced: 0,
    };
    feed(&mut |entry| {
        starts.add(out.length);
        match entry {
            Entry::Key(key) => {
                table.add(key);
                Ok(out.put(key)?)
            }
            Entry::Buried => {
                table.skip();
                Ok(())
            }
        }
    })?;
    let key_bytes = out.length;
    let starts_at = out.align(BUCKET_BYTES)?;
    out.put(&starts.lines)?;
    let buckets_at = out.align(BUCKET_BYTES)?;
    for bucket in table.finish() {
        out.put(&bucket.0)?;
    }
    let rest = out.buffer.len();
    out.write(rest)?;
    let mut end = Vec::with_capacity(out.checksums.len() * 4 + HEADER_BYTES);
    for checksum in &out.checksums {
        end.extend_from_slice(&checksum.to_le_bytes());
    }
    let header = Header {
        id: plan.id,
        first: plan.first,
        count: plan.count,
        key_bytes,
        starts_at,
        buckets_at,
        bucket_count: bucket_count as u64,
        checksums_at: out.length,
    };
    header.write(&mut end);
    file.append(&end)?;
    Ok(file)
}

impl Part {
    /// Writes the keys of a part to a new one, with a new hash table and without those at buried
    /// positions, and syncs it.
    pub(crate) fn write_again(
        old: &Self,
        buried: &RoaringBitmap,
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        id: u64,
    ) -> Result<Self, PartError> {
        let plan = PartPlan { id, first: old.first(), count: old.count() };
        let file = write_part(disk, path, &plan, &mut |put| old.feed(buried, put))?;
        file.sync()?;
        Ok(Self::open(disk, path, number, id, None)?)
    }
}

impl Part {
    /// Hands on what stands at each position.
    pub(super) fn feed(&self, buried: &RoaringBitmap, put: &mut Put<'_>) -> Result<(), PartError> {
        (0..self.count()).try_for_each(|index| {
            if buried.contains(self.first() + index) {
                put(Entry::Buried)
            } else {
                put(Entry::Key(self.key(index)?))
            }
        })
    }
}

impl From<PartOpenError> for PartError {
    fn from(error: PartOpenError) -> Self {
        match error {
            PartOpenError::Io(error) => Self::Io(error),
            PartOpenError::Corrupt(error) => Self::Corrupt(error),
            PartOpenError::File(error) => Self::File(error),
        }
    }
}
