//! The envelope of immutable files: a header, a body in checked blocks, and the table of checksums.
//!
//! A block is verified when it is first touched; the header and the table when the file is opened.

#![deny(clippy::indexing_slicing)]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::bytes::{Bytes, align, u32_at, u64_at};
use crate::error::{CorruptError, FileError};
use crate::io::{self, DiskFile, IoError};

/// Bytes of the header, part of the first block.
pub(crate) const HEADER_LEN: usize = 64;
/// Bytes of a block.
pub(crate) const BLOCK_LEN: usize = 1 << BLOCK_LEN_LOG2;
const BLOCK_LEN_LOG2: u32 = 16;
/// Stands where a block's number would, so that the table cannot pass for a block.
const TABLE_NUMBER: u64 = u64::MAX;

const MAGIC_AT: Range<usize> = 0..8;
const VERSION_AT: usize = 8;
const HEADER_CRC_AT: usize = 12;
const FILE_ID_AT: usize = 16;
const BODY_LEN_AT: usize = 24;
const DIRECTORY_AT: usize = 32;
const DIRECTORY_LEN_AT: usize = 40;
const BLOCK_LEN_AT: usize = 48;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// Lanes of events.
    Segment,
    /// Numbered sets of consumers.
    Index,
}

impl FileKind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Segment => *b"THRONGsg",
            Self::Index => *b"THRONGix",
        }
    }

    /// The version that files are written in; every one from 1 on is read.
    fn newest(self) -> u32 {
        match self {
            Self::Segment => 2,
            Self::Index => 1,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Index => "index file",
        }
    }
}

/// Whether a table of checksums must match its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Sound,
    /// Perhaps damaged: a block is handed out when it matches what stands there for it.
    Doubtful,
}

/// An open file whose bytes are handed out only after their checksum was found right.
#[derive(Debug)]
pub(crate) struct BlockFile {
    bytes: Bytes,
    path: PathBuf,
    version: u32,
    file_id: u64,
    body_len: usize,
    directory: Range<usize>,
    /// One bit per block: set once its checksum was found right.
    verified: Box<[AtomicU64]>,
}

/// Makes the file of a body whose first `HEADER_LEN` bytes are free for the header.
pub(crate) fn seal(
    kind: FileKind,
    file_id: u64,
    body: Vec<u8>,
    directory: Range<usize>,
) -> Vec<u8> {
    seal_as((kind, kind.newest()), file_id, body, directory)
}

/// The same in some version.
fn seal_as(
    form: (FileKind, u32),
    file_id: u64,
    mut body: Vec<u8>,
    directory: Range<usize>,
) -> Vec<u8> {
    debug_assert!(body.len() >= HEADER_LEN && directory.end <= body.len());
    align(&mut body, 8);
    let directory = directory.start as u64..directory.end as u64;
    let header = header_of(form, file_id, body.len() as u64, directory);
    body.iter_mut().zip(header).for_each(|(to, from)| *to = from);
    let mut table = Vec::with_capacity((body.len() / BLOCK_LEN + 2) * 4);
    sum_blocks(file_id, 0, &body, &mut table);
    end_table(file_id, &mut table);
    body.append(&mut table);
    body
}

/// A file of blocks that is written as it grows. Only its end and its first block are in memory.
#[derive(Debug)]
pub(crate) struct BlockSink {
    file: Arc<dyn DiskFile>,
    kind: FileKind,
    file_id: u64,
    /// The first block once it is in the file, where its header is still missing.
    first: Vec<u8>,
    /// What is not in the file yet.
    pub(crate) tail: Vec<u8>,
    // Invariant 1: a multiple of `BLOCK_LEN`.
    written: u64,
    /// Checksums of the blocks in the file.
    table: Vec<u8>,
}

/// Bytes that are handed to a file at once, at least.
const WRITE_LEN: usize = 16 * BLOCK_LEN;

impl BlockSink {
    /// An empty file with room for its header.
    pub(crate) fn new(kind: FileKind, file_id: u64, file: Arc<dyn DiskFile>) -> Self {
        let tail = vec![0; HEADER_LEN];
        Self { file, kind, file_id, first: Vec::new(), tail, written: 0, table: Vec::new() }
    }

    /// Where `tail` starts in the file.
    pub(crate) fn tail_at(&self) -> u64 {
        self.written
    }

    /// Bytes of the body so far.
    pub(crate) fn body_len(&self) -> u64 {
        self.written + self.tail.len() as u64
    }

    /// Writes whole blocks when there are enough.
    pub(crate) fn flush(&mut self) -> Result<(), IoError> {
        if self.tail.len() < WRITE_LEN {
            return Ok(());
        }
        let length = self.tail.len() / BLOCK_LEN * BLOCK_LEN;
        let blocks = self.tail.get(..length).unwrap_or_default();
        if self.written == 0 {
            self.first.extend_from_slice(blocks.get(..BLOCK_LEN).unwrap_or_default());
        }
        sum_blocks(self.file_id, self.written, blocks, &mut self.table);
        self.file.append(blocks)?;
        self.tail.drain(..length);
        self.written += length as u64;
        Ok(())
    }

    /// Writes the rest, the table and the header. Nothing is synced.
    pub(crate) fn finish(mut self, directory: Range<u64>) -> Result<(), IoError> {
        align(&mut self.tail, 8);
        let form = (self.kind, self.kind.newest());
        let header = header_of(form, self.file_id, self.body_len(), directory);
        let first = if self.written == 0 { &mut self.tail } else { &mut self.first };
        first.iter_mut().zip(header).for_each(|(to, from)| *to = from);
        if self.written > 0 {
            let crc = block_crc(self.file_id, 0, &self.first).to_le_bytes();
            self.table.iter_mut().zip(crc).for_each(|(to, from)| *to = from);
            self.file.overwrite(0, &header)?;
        }
        sum_blocks(self.file_id, self.written, &self.tail, &mut self.table);
        end_table(self.file_id, &mut self.table);
        self.tail.append(&mut self.table);
        self.file.append(&self.tail)
    }
}

/// Adds the checksums of blocks that start at a position of the file.
fn sum_blocks(file_id: u64, at: u64, blocks: &[u8], table: &mut Vec<u8>) {
    for (number, block) in (at / BLOCK_LEN as u64..).zip(blocks.chunks(BLOCK_LEN)) {
        table.extend_from_slice(&block_crc(file_id, number, block).to_le_bytes());
    }
}

/// Adds the checksum of the checksums.
fn end_table(file_id: u64, table: &mut Vec<u8>) {
    let crc = block_crc(file_id, TABLE_NUMBER, table);
    table.extend_from_slice(&crc.to_le_bytes());
}

fn header_of(
    (kind, version): (FileKind, u32),
    file_id: u64,
    body_len: u64,
    directory: Range<u64>,
) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    put(&mut header, MAGIC_AT.start, &kind.magic());
    put(&mut header, VERSION_AT, &version.to_le_bytes());
    put(&mut header, FILE_ID_AT, &file_id.to_le_bytes());
    put(&mut header, BODY_LEN_AT, &body_len.to_le_bytes());
    put(&mut header, DIRECTORY_AT, &directory.start.to_le_bytes());
    put(&mut header, DIRECTORY_LEN_AT, &(directory.end - directory.start).to_le_bytes());
    put(&mut header, BLOCK_LEN_AT, &BLOCK_LEN_LOG2.to_le_bytes());
    let crc = header_crc(&header);
    put(&mut header, HEADER_CRC_AT, &crc.to_le_bytes());
    header
}

fn put(header: &mut [u8; HEADER_LEN], at: usize, bytes: &[u8]) {
    for (to, from) in header.iter_mut().skip(at).zip(bytes) {
        *to = *from;
    }
}

/// The header without its own checksum.
fn header_crc(header: &[u8; HEADER_LEN]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    let (before, rest) = header.split_at(HEADER_CRC_AT);
    crc.update(before);
    crc.update(rest.split_at(4).1);
    crc.finalize()
}

/// Binds content to its file and place, so that a block of another file or place is found out.
fn block_crc(file_id: u64, number: u64, content: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file_id.to_le_bytes());
    crc.update(&number.to_le_bytes());
    crc.update(content);
    crc.finalize()
}

impl BlockFile {
    /// Opens a mapped file.
    pub(crate) fn open(kind: FileKind, path: &Path) -> Result<Self, FileError> {
        Self::new(kind, Bytes::Map(io::map(path)?), path.to_owned())
    }

    /// Checks header, length, table and directory.
    pub(crate) fn new(kind: FileKind, bytes: Bytes, path: PathBuf) -> Result<Self, FileError> {
        Self::with_table(kind, bytes, path, Table::Sound)
    }

    /// Opens a file whose table of checksums may be damaged, to save what still matches.
    pub(crate) fn salvage(kind: FileKind, bytes: Bytes, path: PathBuf) -> Result<Self, FileError> {
        Self::with_table(kind, bytes, path, Table::Doubtful)
    }

    fn with_table(
        kind: FileKind,
        bytes: Bytes,
        path: PathBuf,
        trust: Table,
    ) -> Result<Self, FileError> {
        let data = bytes.as_slice();
        if data.get(MAGIC_AT) != Some(&kind.magic()[..]) {
            return Err(FileError::Kind { path, expected: kind.name() });
        }
        let corrupt = |offset: usize, what| {
            FileError::Corrupt(CorruptError { path: path.clone(), offset: offset as u64, what })
        };
        let header: &[u8; HEADER_LEN] =
            data.first_chunk().ok_or_else(|| corrupt(data.len(), "ends within the header"))?;
        let field = |at| u64_at(header, at).unwrap_or_default();
        let version = u32_at(header, VERSION_AT).unwrap_or_default();
        if !(1..=kind.newest()).contains(&version) {
            return Err(FileError::Version { path, found: version, newest: kind.newest() });
        }
        if u32_at(header, HEADER_CRC_AT) != Some(header_crc(header)) {
            return Err(corrupt(0, "the header's checksum is wrong"));
        }
        if u32_at(header, BLOCK_LEN_AT) != Some(BLOCK_LEN_LOG2) {
            return Err(corrupt(BLOCK_LEN_AT, "an unknown block length"));
        }
        let position = |at| usize::try_from(field(at)).unwrap_or(usize::MAX);
        let (file_id, body_len) = (field(FILE_ID_AT), position(BODY_LEN_AT));
        let blocks = body_len.div_ceil(BLOCK_LEN);
        let total = blocks.saturating_mul(4).saturating_add(4).saturating_add(body_len);
        if total != data.len() || body_len < HEADER_LEN {
            return Err(corrupt(data.len(), "the file is not as long as its header says"));
        }
        let table = data.get(body_len..total - 4).unwrap_or_default();
        let matches = u32_at(data, total - 4) == Some(block_crc(file_id, TABLE_NUMBER, table));
        if !matches && trust == Table::Sound {
            return Err(corrupt(body_len, "the checksum of the table of checksums is wrong"));
        }
        let start = position(DIRECTORY_AT);
        let end = start.saturating_add(position(DIRECTORY_LEN_AT));
        if start < HEADER_LEN || end > body_len {
            return Err(corrupt(DIRECTORY_AT, "the directory is outside the body"));
        }
        let verified = (0..blocks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let file =
            Self { bytes, path, version, file_id, body_len, directory: start..end, verified };
        file.get(start..end)?;
        Ok(file)
    }

    /// The version of its format.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// The directory's bytes.
    pub(crate) fn directory(&self) -> &[u8] {
        // `new` verified them.
        self.bytes.as_slice().get(self.directory.clone()).unwrap_or_default()
    }

    /// Where the directory starts.
    pub(crate) fn directory_at(&self) -> usize {
        self.directory.start
    }

    /// Where the body ends.
    pub(crate) fn body_len(&self) -> usize {
        self.body_len
    }

    /// Bytes of the file.
    pub(crate) fn len(&self) -> u64 {
        self.bytes.as_slice().len() as u64
    }

    /// The whole file, checked or not: at least 8 bytes follow the body.
    pub(crate) fn raw(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// The file's name.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The random number the file was built with.
    pub(crate) fn file_id(&self) -> u64 {
        self.file_id
    }

    /// Says what is wrong at a position.
    #[cold]
    pub(crate) fn corrupt(&self, offset: usize, what: &'static str) -> CorruptError {
        CorruptError { path: self.path.clone(), offset: offset as u64, what }
    }

    /// Bytes of the body, their blocks verified.
    pub(crate) fn get(&self, range: Range<usize>) -> Result<&[u8], CorruptError> {
        if range.end > self.body_len {
            return Err(self.corrupt(range.start, "points past the end"));
        }
        let Some(part) = self.bytes.as_slice().get(range.clone()) else {
            return Err(self.corrupt(range.start, "ends before it starts"));
        };
        if !part.is_empty() {
            for number in range.start / BLOCK_LEN..=(range.end - 1) / BLOCK_LEN {
                self.verify_block(number)?;
            }
        }
        Ok(part)
    }

    /// What stands in every file before and after its body, which differs between any two files
    /// with different content: the header, and the table of checksums.
    pub(crate) fn frame(&self) -> (&[u8], &[u8]) {
        let bytes = self.bytes.as_slice();
        let header = bytes.get(..HEADER_LEN).unwrap_or_default();
        (header, bytes.get(self.body_len..).unwrap_or_default())
    }

    /// Every block that does not match its checksum.
    pub(crate) fn damage(&self) -> Vec<CorruptError> {
        let blocks = 0..self.body_len.div_ceil(BLOCK_LEN);
        blocks.filter_map(|number| self.verify_block(number).err()).collect()
    }

    /// Verifies every block.
    pub(crate) fn verify(&self) -> Result<(), CorruptError> {
        self.get(0..self.body_len).map(drop)
    }

    fn verify_block(&self, number: usize) -> Result<(), CorruptError> {
        let bit = 1_u64 << (number % 64);
        let word = self.verified.get(number / 64);
        // The bytes never change, so the bit carries no other memory with it.
        if word.is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0) {
            return Ok(());
        }
        let data = self.bytes.as_slice();
        let start = number * BLOCK_LEN;
        let end = self.body_len.min(start + BLOCK_LEN);
        let content = data.get(start..end).unwrap_or_default();
        let stored = u32_at(data, self.body_len + number * 4);
        if stored != Some(block_crc(self.file_id, number as u64, content)) {
            return Err(self.corrupt(start, "the checksum of the block is wrong"));
        }
        if let Some(word) = word {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The version and the directory of a file that may be damaged. Nothing is verified.
pub(crate) fn directory_of(bytes: &[u8], kind: FileKind) -> Option<(u32, &[u8])> {
    let field = |at| u64_at(bytes, at).and_then(|value| usize::try_from(value).ok());
    let start = field(DIRECTORY_AT)?;
    let end = start.checked_add(field(DIRECTORY_LEN_AT)?)?;
    let version = u32_at(bytes, VERSION_AT)?;
    let known = bytes.starts_with(&kind.magic()) && (1..=kind.newest()).contains(&version);
    if known { Some((version, bytes.get(start..end)?)) } else { None }
}

/// The bytes of a sealed file, bound to another file id. None when they are no such file.
pub(crate) fn rebind(bytes: &[u8], kind: FileKind, file_id: u64) -> Option<Vec<u8>> {
    let field = |at| u64_at(bytes, at).and_then(|value| usize::try_from(value).ok());
    let (start, length) = (field(DIRECTORY_AT)?, field(DIRECTORY_LEN_AT)?);
    let body = bytes.get(..field(BODY_LEN_AT)?)?.to_vec();
    let directory = start..start.checked_add(length)?;
    let whole = body.len() >= HEADER_LEN && directory.end <= body.len();
    let form = (kind, u32_at(bytes, VERSION_AT)?);
    (bytes.starts_with(&kind.magic()) && whole).then(|| seal_as(form, file_id, body, directory))
}

/// The file again with right checksums, whatever was done to its body.
#[cfg(test)]
pub(crate) fn reseal(kind: FileKind, bytes: &[u8]) -> Vec<u8> {
    let field = |at| usize::try_from(u64_at(bytes, at).unwrap()).unwrap();
    let start = field(DIRECTORY_AT);
    let directory = start..start + field(DIRECTORY_LEN_AT);
    let body = bytes.get(..field(BODY_LEN_AT)).unwrap().to_vec();
    let version = u32_at(bytes, VERSION_AT).unwrap();
    seal_as((kind, version), field(FILE_ID_AT) as u64, body, directory)
}
