//! A file of checked records, appended one after the other.
//!
//! Header, little-endian: magic (8 bytes), version u32, salt u32, number u64, store id u64,
//! sequence of the first record u64, crc32 u32. Record: body length u32, crc32 u32, sequence u64,
//! synced u64, kind u8, body. A record's checksum begins with the file's salt, so that bytes a
//! client sent are never taken for a record.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{CorruptError, FileError};
use crate::io::{Disk, DiskFile, IoError};

const VERSION: u32 = 1;
const HEADER_BYTES: usize = 44;
const RECORD_BYTES: usize = 25;
/// Bytes of a mark: it has no body.
#[cfg(test)]
pub(crate) const MARK_BYTES: usize = RECORD_BYTES;

/// Sequences stay below this, so that they can be counted on from.
const SEQUENCE_END: u64 = 1 << 62;

/// Bytes of a record's body at most.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 30;

/// Which file of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Log,
    Manifest,
}

impl FileKind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Log => *b"THRGWAL\n",
            Self::Manifest => *b"THRGMAN\n",
        }
    }
}

/// What a record's body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Commit = 1,
    Edit = 2,
    /// Says that everything before it is durable. It has no body and the sequence of the record
    /// before it.
    Mark = 3,
}

/// A file of records, open for appending.
#[derive(Debug)]
pub(crate) struct RecordFile {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) path: PathBuf,
    pub(crate) number: u64,
    salt: u32,
    // Invariant 1: the file's bytes up to here are whole records.
    length: u64,
    // Sequence of the newest record; of the one before the first when there is none.
    last: u64,
}

/// Why a record was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The file is as it was before.
    Undone(IoError),
    /// The file may end in the middle of a record.
    Broken(IoError),
    /// The body is too long.
    Length(usize),
}

/// Where a file of records belongs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) store_id: u64,
    pub(crate) number: u64,
}

impl Origin {
    /// Where a file says it belongs.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let header = bytes.first_chunk::<HEADER_BYTES>()?;
        Some(Self { number: u64_at(header, 16), store_id: u64_at(header, 24) })
    }
}

impl Replayed {
    /// Whether the file begins with the record after one.
    pub(crate) fn follows(&self, last: u64) -> bool {
        self.first == last + 1
    }
}

impl RecordFile {
    /// Makes a file without records and syncs it. Its name is not durable yet.
    pub(crate) fn create(
        disk: &dyn Disk,
        path: &Path,
        kind: FileKind,
        origin: Origin,
        salt: u32,
        last: u64,
    ) -> Result<Self, IoError> {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&kind.magic());
        header.extend_from_slice(&VERSION.to_le_bytes());
        header.extend_from_slice(&salt.to_le_bytes());
        header.extend_from_slice(&origin.number.to_le_bytes());
        header.extend_from_slice(&origin.store_id.to_le_bytes());
        header.extend_from_slice(&(last + 1).to_le_bytes());
        let crc = crc32fast::hash(&header);
        header.extend_from_slice(&crc.to_le_bytes());
        let file = disk.create(path)?;
        file.append(&header)?;
        file.sync()?;
        let length = header.len() as u64;
        Ok(Self { file, path: path.to_owned(), number: origin.number, salt, length, last })
    }

    /// Opens a file that was replayed, cuts what follows its last whole record, and makes durable
    /// what was read: it is about to be shown.
    pub(crate) fn reopen(
        disk: &dyn Disk,
        path: &Path,
        number: u64,
        replayed: &Replayed,
    ) -> Result<Self, IoError> {
        let file = disk.open_append(path)?;
        if replayed.torn {
            file.truncate(replayed.length)?;
        }
        if !replayed.unconfirmed.is_empty() {
            // After a sync that failed the system may show what it will never write; only what is
            // written again is written by the next sync. The last mark is as uncertain as what
            // follows it.
            let from = replayed.length.saturating_sub(replayed.unconfirmed.len() as u64);
            file.overwrite(from, &replayed.unconfirmed)?;
        }
        // A mark alone waits for the next sync: it must not be missing before what comes next.
        if replayed.torn || replayed.unmarked {
            file.sync()?;
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            number,
            salt: replayed.salt,
            length: replayed.length,
            last: replayed.last,
        })
    }

    /// Sequence of the newest record.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn salt(&self) -> u32 {
        self.salt
    }

    /// Appends a record without syncing it. `synced` is the newest sequence known to be durable.
    pub(crate) fn append(
        &mut self,
        kind: RecordKind,
        body: &[u8],
        synced: u64,
    ) -> Result<u64, AppendError> {
        let length = match u32::try_from(body.len()) {
            Ok(length) if body.len() <= BODY_BYTES_MAX => length,
            _ => return Err(AppendError::Length(body.len())),
        };
        let sequence = self.last + 1;
        self.append_record(kind, length, sequence, synced, body)?;
        self.last = sequence;
        Ok(sequence)
    }

    /// Notes that everything in the file is durable, so that damage to it is never taken for a
    /// record that a crash tore. The note itself is not synced.
    pub(crate) fn mark(&mut self) -> Result<(), AppendError> {
        self.append_record(RecordKind::Mark, 0, self.last, self.last, &[])
    }

    fn append_record(
        &mut self,
        kind: RecordKind,
        length: u32,
        sequence: u64,
        synced: u64,
        body: &[u8],
    ) -> Result<(), AppendError> {
        let mut record = Vec::with_capacity(RECORD_BYTES + body.len());
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&[0; 4]);
        record.extend_from_slice(&sequence.to_le_bytes());
        record.extend_from_slice(&synced.to_le_bytes());
        record.push(kind as u8);
        record.extend_from_slice(body);
        let crc = record_checksum(self.salt, &record);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        if let Err(error) = self.file.append(&record) {
            return Err(match self.file.truncate(self.length) {
                Ok(()) => AppendError::Undone(error),
                Err(_) => AppendError::Broken(error),
            });
        }
        self.length += record.len() as u64;
        Ok(())
    }
}

/// The checksum of a record whose own checksum field is skipped.
fn record_checksum(salt: u32, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&salt.to_le_bytes());
    hasher.update(&record[..4]);
    hasher.update(&record[8..]);
    hasher.finalize()
}

/// A record that was read.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) sequence: u64,
    pub(crate) kind: RecordKind,
    /// Where its body is in the file.
    pub(crate) body: Range<usize>,
}

impl Record {
    /// Where its head is in the file.
    pub(crate) fn start(&self) -> usize {
        self.body.start.saturating_sub(RECORD_BYTES)
    }
}

/// What a file of records holds.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) records: Vec<Record>,
    /// Bytes up to the end of the last whole record.
    pub(crate) length: u64,
    /// Whether bytes of a record that was never acknowledged follow.
    pub(crate) torn: bool,
    /// The bytes from the last mark on, and with it, to the last whole record: whether they are
    /// durable is not known.
    unconfirmed: Vec<u8>,
    /// Whether records are among them.
    unmarked: bool,
    pub(crate) last: u64,
    /// Sequence of its first record, there or not.
    first: u64,
    salt: u32,
}

/// What can be read of a file of records, damaged or not.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Up to the damage.
    pub(crate) replayed: Replayed,
    /// What is wrong after them.
    pub(crate) fault: Option<CorruptError>,
    /// Whole records after the damage.
    pub(crate) later: Vec<Record>,
}

/// Reads the records of a file. What a crash left at its end is not an error; a damaged record
/// that is known to have been durable is.
pub(crate) fn replay(
    path: &Path,
    bytes: &[u8],
    kind: FileKind,
    origin: Origin,
) -> Result<Replayed, FileError> {
    let scan = scan(path, bytes, kind, origin)?;
    match scan.fault {
        Some(fault) => Err(fault.into()),
        None => Ok(scan.replayed),
    }
}

/// Reads the records of a file as far as they can be trusted, and finds those behind the damage.
pub(crate) fn scan(
    path: &Path,
    bytes: &[u8],
    kind: FileKind,
    origin: Origin,
) -> Result<Scan, FileError> {
    let corrupt =
        |offset: usize, what| CorruptError { path: path.to_owned(), offset: offset as u64, what };
    if bytes.starts_with(&kind.magic())
        && let Some(found) = version_of(bytes).filter(|&found| found != VERSION)
    {
        return Err(FileError::Version { path: path.to_owned(), found, newest: VERSION });
    }
    let (salt, first) = read_header(bytes, kind, origin).map_err(|what| corrupt(0, what))?;
    let mut replayed = Replayed {
        records: vec![],
        length: 0,
        torn: false,
        unconfirmed: vec![],
        unmarked: false,
        last: first - 1,
        first,
        salt,
    };
    let mut at = HEADER_BYTES;
    // Where the last mark begins, and where it ends.
    let (mut mark, mut marked) = (at, at);
    let mut fault = None;
    while at < bytes.len() {
        let expected = replayed.last + 1;
        match parse(bytes, at, salt) {
            Some(record) if record.kind == RecordKind::Mark && record.sequence == replayed.last => {
                mark = at;
                at = record.body.end;
                marked = at;
            }
            Some(record) if record.kind != RecordKind::Mark && record.sequence == expected => {
                at = record.body.end;
                replayed.last = expected;
                replayed.records.push(record);
            }
            Some(_) => {
                fault = Some(corrupt(at, "a record is out of sequence"));
                break;
            }
            None if was_durable(bytes, at, salt, expected) => {
                fault = Some(corrupt(at, "a record does not match its checksum"));
                break;
            }
            None => {
                replayed.torn = true;
                break;
            }
        }
    }
    replayed.length = at as u64;
    replayed.unconfirmed = bytes.get(mark..at).unwrap_or_default().to_vec();
    replayed.unmarked = at > marked;
    let later =
        if fault.is_some() { later(bytes, at + 1, salt, replayed.last) } else { Vec::new() };
    Ok(Scan { replayed, fault, later })
}

/// Whole records from a position on, with sequences after one.
fn later(bytes: &[u8], from: usize, salt: u32, after: u64) -> Vec<Record> {
    let limit = after + (bytes.len() / RECORD_BYTES) as u64 + 1;
    let mut found = Vec::new();
    let mut at = from;
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<RECORD_BYTES>()) {
        let near = (after + 1..=limit).contains(&u64_at(head, 8));
        match if near { parse(bytes, at, salt) } else { None } {
            Some(record) => {
                at = record.body.end;
                if record.kind != RecordKind::Mark {
                    found.push(record);
                }
            }
            None => at += 1,
        }
    }
    found
}

/// The bytes with checksums that match, as far as lengths lead from record to record.
pub(crate) fn reseal(mut bytes: Vec<u8>) -> Vec<u8> {
    let Some(origin) = Origin::of(&bytes) else { return bytes };
    bytes = renumber(bytes, origin.number);
    let salt = u32_at(&bytes, 12);
    let mut at = HEADER_BYTES;
    while let Some(length) = bytes.get(at..at + 4).map(|head| u32_at(head, 0) as usize) {
        let Some(record) = bytes.get_mut(at..at + RECORD_BYTES + length) else { break };
        let crc = record_checksum(salt, record);
        record[4..8].copy_from_slice(&crc.to_le_bytes());
        at += RECORD_BYTES + length;
    }
    bytes
}

/// The bytes of a file of records under another number.
pub(crate) fn renumber(mut bytes: Vec<u8>, number: u64) -> Vec<u8> {
    if let Some(header) = bytes.first_chunk_mut::<HEADER_BYTES>() {
        header[16..24].copy_from_slice(&number.to_le_bytes());
        let crc = crc32fast::hash(&header[..HEADER_BYTES - 4]);
        header[HEADER_BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    }
    bytes
}

/// The format version in a header.
fn version_of(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<HEADER_BYTES>().map(|header| u32_at(header, 8))
}

fn read_header(bytes: &[u8], kind: FileKind, origin: Origin) -> Result<(u32, u64), &'static str> {
    let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or("too short for its header")?;
    let (content, crc) = header.split_at(HEADER_BYTES - 4);
    if content[..8] != kind.magic() {
        return Err("not a file of this kind");
    }
    if crc32fast::hash(content).to_le_bytes() != crc {
        return Err("the header does not match its checksum");
    }
    if u64_at(header, 16) != origin.number || u64_at(header, 24) != origin.store_id {
        return Err("a file of another store, or renamed");
    }
    let first = u64_at(header, 32);
    match first {
        0 => Err("sequences begin at 1"),
        1..SEQUENCE_END => Ok((u32_at(header, 12), first)),
        _ => Err("a sequence that no store reaches"),
    }
}

/// The whole, matching record at a position.
fn parse(bytes: &[u8], at: usize, salt: u32) -> Option<Record> {
    let head: &[u8; RECORD_BYTES] = bytes.get(at..)?.first_chunk()?;
    let length = u32_at(head, 0) as usize;
    let end = at.checked_add(RECORD_BYTES)?.checked_add(length)?;
    let record = bytes.get(at..end)?;
    let kind = match head[24] {
        1 => RecordKind::Commit,
        2 => RecordKind::Edit,
        3 => RecordKind::Mark,
        _ => return None,
    };
    if record_checksum(salt, record) != u32_at(head, 4) {
        return None;
    }
    Some(Record { sequence: u64_at(head, 8), kind, body: at + RECORD_BYTES..end })
}

/// Whether a later record was written when the one at a position was known to be durable. A crash
/// may leave later records whole and an earlier one torn, but never an acknowledged one.
fn was_durable(bytes: &[u8], at: usize, salt: u32, sequence: u64) -> bool {
    let last = bytes.len().saturating_sub(RECORD_BYTES - 1);
    // Sequences grow by one per record, so a later one is near; the rest is not worth a checksum.
    let limit = sequence + (bytes.len() / RECORD_BYTES) as u64;
    (at + 1..last).any(|later| {
        let head = &bytes[later..later + RECORD_BYTES];
        let synced = u64_at(head, 16);
        (sequence..=limit).contains(&u64_at(head, 8))
            && (sequence..=u64_at(head, 8)).contains(&synced)
            && parse(bytes, later, salt).is_some()
    })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::SystemDisk;

    const ORIGIN: Origin = Origin { store_id: 7, number: 3 };

    fn file_with(bodies: &[&[u8]], synced: impl Fn(u64) -> u64) -> Vec<u8> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file =
            RecordFile::create(&SystemDisk, &path, FileKind::Log, ORIGIN, 99, 10).unwrap();
        for body in bodies {
            let last = file.last();
            file.append(RecordKind::Commit, body, synced(last)).unwrap();
        }
        crate::io::read(&path).unwrap()
    }

    fn bodies(bytes: &[u8]) -> Result<Vec<Vec<u8>>, FileError> {
        let replayed = replay(Path::new("log"), bytes, FileKind::Log, ORIGIN)?;
        Ok(replayed.records.into_iter().map(|r| bytes[r.body].to_vec()).collect())
    }

    #[test]
    fn a_torn_end_is_cut_at_every_byte() {
        let bytes = file_with(&[b"one", b"two", b"three"], |last| last);
        let whole = bytes.len();
        assert_eq!(bodies(&bytes).unwrap(), [&b"one"[..], b"two", b"three"]);
        for cut in whole - 30 + 1..whole {
            assert_eq!(bodies(&bytes[..cut]).unwrap(), [&b"one"[..], b"two"], "cut at {cut}");
        }
        let mut zeros = bytes[..whole - 30].to_vec();
        zeros.resize(whole + 5_000, 0);
        assert_eq!(bodies(&zeros).unwrap().len(), 2);
    }

    #[test]
    fn a_damaged_durable_record_is_an_error_wherever_it_is_damaged() {
        let bytes = file_with(&[b"one", b"two", b"three"], |last| last);
        for at in 0..bytes.len() - 30 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            let error = bodies(&damaged).unwrap_err();
            let named = if (8..12).contains(&at) { "log: format version " } else { "log: byte " };
            assert!(error.to_string().starts_with(named), "{error}");
        }
    }

    #[test]
    fn a_hole_before_records_that_were_never_acknowledged_is_a_torn_end() {
        let bytes = file_with(&[b"one", b"two", b"three"], |_| 11);
        let second = HEADER_BYTES + RECORD_BYTES + 3;
        let mut damaged = bytes.clone();
        damaged[second + 26] ^= 1;
        assert_eq!(bodies(&damaged).unwrap(), [b"one"]);
        let mut damaged = bytes;
        damaged[HEADER_BYTES + 26] ^= 1;
        assert!(bodies(&damaged).is_err());
    }

    #[test]
    fn a_mark_tells_damage_from_a_torn_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file =
            RecordFile::create(&SystemDisk, &path, FileKind::Log, ORIGIN, 99, 10).unwrap();
        file.append(RecordKind::Commit, b"one", 10).unwrap();
        file.append(RecordKind::Commit, b"two", 10).unwrap();
        file.mark().unwrap();
        let marked = crate::io::read(&path).unwrap();
        file.append(RecordKind::Commit, b"three", 12).unwrap();
        let bytes = crate::io::read(&path).unwrap();
        assert_eq!(bodies(&bytes).unwrap(), [&b"one"[..], b"two", b"three"]);
        assert_eq!(bodies(&marked).unwrap(), [&b"one"[..], b"two"]);
        for at in 0..marked.len() - RECORD_BYTES {
            let mut damaged = marked.clone();
            damaged[at] ^= 0x40;
            bodies(&damaged).unwrap_err();
        }
        for at in marked.len() - RECORD_BYTES..marked.len() {
            let mut damaged = marked.clone();
            damaged[at] ^= 0x40;
            assert_eq!(bodies(&damaged).unwrap(), [&b"one"[..], b"two"]);
        }
    }

    #[test]
    fn a_file_of_another_store_is_refused() {
        let bytes = file_with(&[b"one"], |last| last);
        let other = Origin { store_id: 8, number: 3 };
        assert!(replay(Path::new("log"), &bytes, FileKind::Log, other).is_err());
        assert!(replay(Path::new("log"), &bytes, FileKind::Manifest, ORIGIN).is_err());
    }
}
