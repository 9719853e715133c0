//! What takes bytes from outside: each kind of file of a store, and each format for loading.

use std::io::{Cursor, Write};

use throng::CreateOptions;
use throng::import::{
    AttributeOptions, EventOptions, EventSource, NewBehaviours, preview_attributes, preview_events,
};
use throng_storage::probe::FileShape;

use crate::samples;

/// Something that takes bytes of any origin.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Takes bytes. It must neither panic nor hang.
    pub run: fn(&[u8]) -> Outcome,
    /// Valid files.
    pub(crate) samples: fn() -> Vec<Vec<u8>>,
    /// Makes checksums match again, so that changes reach what is behind them.
    pub(crate) reseal: Option<FileShape>,
    /// Bytes it may allocate beside twice the file and what its rows take.
    pub(crate) allowance: usize,
}

/// What became of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// They were read; how many rows.
    Read(u64),
    /// They were refused.
    Refused,
}

/// First days of the consumers of a probed segment, and buffers of one chunk.
const STORE_BYTES: usize = 2 << 20;
/// What decoding a list takes before its entries show that it is as long as it says.
const LIST_BYTES: usize = 8 << 20;
/// Blocks, buffers and queues of a load, and the windows of decompressors.
const LOAD_BYTES: usize = 96 << 20;

/// Every target.
pub const TARGETS: [Target; 14] = [
    shape("identity", FileShape::Identity, || samples::files("STORE", "")),
    shape("manifest", FileShape::Manifest, || samples::files("MANIFEST", "")),
    shape("log", FileShape::Log, || samples::files("wal-", ".log")),
    shape("segment", FileShape::Segment, || samples::files("seg-", ".seg")),
    shape("index", FileShape::Index, || samples::files("idx-", ".idx")),
    shape("part", FileShape::Part, || samples::files("dict-", ".dict")),
    shape("envelope", FileShape::Envelope, || samples::files("catalog-", ".dump")),
    load("csv", events, samples::csv),
    load("json_lines", events, samples::json_lines),
    load("gzip", events, samples::gzip),
    load("zstd", events, samples::zstandard),
    load("parquet", parquet, samples::parquet),
    load("attributes_csv", attributes, samples::attributes),
    load("attributes_json", attributes, samples::json_lines),
];

const fn shape(name: &'static str, shape: FileShape, samples: fn() -> Vec<Vec<u8>>) -> Target {
    let run = match shape {
        FileShape::Identity => |bytes: &[u8]| read(FileShape::Identity, bytes),
        FileShape::Manifest => |bytes: &[u8]| read(FileShape::Manifest, bytes),
        FileShape::Log => |bytes: &[u8]| read(FileShape::Log, bytes),
        FileShape::Segment => |bytes: &[u8]| read(FileShape::Segment, bytes),
        FileShape::Index => |bytes: &[u8]| read(FileShape::Index, bytes),
        FileShape::Part => |bytes: &[u8]| read(FileShape::Part, bytes),
        FileShape::Envelope => |bytes: &[u8]| read(FileShape::Envelope, bytes),
    };
    let allowance = match shape {
        FileShape::Identity | FileShape::Manifest | FileShape::Envelope => LIST_BYTES,
        _ => STORE_BYTES,
    };
    Target { name, run, samples, reseal: Some(shape), allowance }
}

const fn load(
    name: &'static str,
    run: fn(&[u8]) -> Outcome,
    samples: fn() -> Vec<Vec<u8>>,
) -> Target {
    Target { name, run, samples, reseal: None, allowance: LOAD_BYTES }
}

fn read(shape: FileShape, bytes: &[u8]) -> Outcome {
    shape.read(bytes).map_or(Outcome::Refused, Outcome::Read)
}

fn stream(bytes: &[u8]) -> EventSource {
    let reader = Box::new(Cursor::new(bytes.to_vec()));
    EventSource::Stream { name: "fuzzed".to_owned(), reader }
}

fn event_options() -> EventOptions {
    EventOptions { new_behaviours: NewBehaviours::Add, threads: Some(1), ..EventOptions::default() }
}

fn events(bytes: &[u8]) -> Outcome {
    let new = CreateOptions::default();
    let read = preview_events(&new, stream(bytes), &event_options(), &mut |_| {});
    read.map_or(Outcome::Refused, |report| Outcome::Read(report.kept))
}

fn parquet(bytes: &[u8]) -> Outcome {
    // It is read from its end, so it must be a file.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let source = EventSource::File(file.path().to_owned());
    let new = CreateOptions::default();
    let read = preview_events(&new, source, &event_options(), &mut |_| {});
    read.map_or(Outcome::Refused, |report| Outcome::Read(report.kept))
}

fn attributes(bytes: &[u8]) -> Outcome {
    let options = AttributeOptions { threads: Some(1), ..AttributeOptions::default() };
    let read = preview_attributes(None, stream(bytes), &options, &mut |_| {});
    read.map_or(Outcome::Refused, |report| Outcome::Read(report.kept))
}
