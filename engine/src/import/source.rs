//! Opening what is to be loaded: compression and kind of content are told from the first bytes.

use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use throng_storage::io as files;

use super::error::LoadError;
use super::options::EventSource;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const PARQUET: &[u8] = b"PAR1";
/// Bytes that tell the compression.
const MAGIC_LENGTH: u64 = 4;
/// Bytes in which text is told from everything else.
const PROBE_LENGTH: usize = 8 << 10;

/// A compression around a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// None.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

/// An open source, its compression removed.
pub(super) struct Opened {
    pub(super) name: Arc<str>,
    pub(super) content: Content,
    pub(super) compression: Compression,
    /// Bytes of the file read so far, and how many it has.
    pub(super) read: Arc<AtomicU64>,
    pub(super) total: Option<u64>,
}

pub(super) enum Content {
    Text(Box<dyn Read + Send>),
    Parquet(File),
}

/// Opens a source.
pub(super) fn open(source: EventSource) -> Result<Opened, LoadError> {
    let name: Arc<str> = source.name().into();
    let (file, stream): (Option<File>, Box<dyn Read + Send>) = match source {
        EventSource::Stream { reader, .. } => (None, reader),
        EventSource::File(path) => {
            let wrong = |source: io::Error| match source.kind() {
                io::ErrorKind::IsADirectory => LoadError::Directory { file: name.clone() },
                _ => LoadError::Open { file: name.clone(), source },
            };
            let file = files::open(&path).map_err(|error| wrong(error.source))?;
            let copy = file.try_clone().map_err(wrong)?;
            (Some(file), Box::new(copy))
        }
    };
    let metadata = file.as_ref().and_then(|file| file.metadata().ok());
    let total = metadata.filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
    let read = Arc::new(AtomicU64::new(0));
    let mut counted = Counted { inner: stream, count: Arc::clone(&read) };
    let failed = |source| LoadError::Read { file: name.clone(), offset: 0, source };
    let mut magic = Vec::new();
    counted.by_ref().take(MAGIC_LENGTH).read_to_end(&mut magic).map_err(failed)?;
    if magic.is_empty() {
        return Err(LoadError::Empty { file: name });
    }
    if magic == PARQUET {
        let Some(file) = file else { return Err(LoadError::ParquetStream { file: name }) };
        let content = Content::Parquet(file);
        return Ok(Opened { name, content, compression: Compression::Plain, read, total });
    }
    let whole: Chain<Cursor<Vec<u8>>, Counted> = Cursor::new(magic.clone()).chain(counted);
    let (compression, reader): (Compression, Box<dyn Read + Send>) = if magic.starts_with(GZIP) {
        (Compression::Gzip, Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(whole))))
    } else if magic.starts_with(ZSTD) {
        let decoder = zstd::stream::read::Decoder::new(whole).map_err(failed)?;
        (Compression::Zstd, Box::new(decoder))
    } else {
        (Compression::Plain, Box::new(whole))
    };
    Ok(Opened { name, content: Content::Text(reader), compression, read, total })
}

/// Counts what it hands on, for the progress.
struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// Refuses content that is no text, by its first bytes.
pub(super) fn check_text(file: &Arc<str>, content: &[u8]) -> Result<(), LoadError> {
    let known: [(&[u8], &str); 8] = [
        (PARQUET, "Parquet in another compression; give it uncompressed"),
        (b"PK\x03\x04", "a zip archive"),
        (b"BZh", "bzip2"),
        (b"\xfd7zXZ", "xz"),
        (b"\xff\xfe", "UTF-16 text; save it as UTF-8"),
        (b"\xfe\xff", "UTF-16 text; save it as UTF-8"),
        (b"SQLite format 3", "an SQLite database"),
        (b"ORC", "ORC"),
    ];
    let looks = known.iter().find(|(magic, _)| content.starts_with(magic));
    let text_like = matches!(looks, Some((magic, _)) if magic.is_ascii());
    let nul = content.iter().take(PROBE_LENGTH).position(|&byte| byte == 0);
    // A name such as `BZh` may begin a text; a zero byte does not occur in one.
    let offset = match (looks, nul) {
        (Some(_), at) if !text_like || at.is_some() => at.unwrap_or(0),
        (_, Some(at)) => at,
        _ => return Ok(()),
    };
    Err(LoadError::Binary {
        file: Arc::clone(file),
        what: looks.map_or("", |(_, what)| what),
        offset: offset as u64,
        byte: content.get(offset).copied().unwrap_or(0),
    })
}
