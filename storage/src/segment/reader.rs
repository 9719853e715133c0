//! An open segment and its lanes.

#![deny(clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use crate::block::{BlockFile, FileKind, HEADER_LEN};
use crate::bytes::Bytes;
use crate::error::{CorruptError, FileError};
use crate::io::Mapping;
use crate::rows::EventColumns;
use crate::segment::cursor::LaneCursor;
use crate::segment::directory::Directory;
use crate::segment::layout::{DirectoryHead, LaneEntry};
use crate::segment::rows::{ColumnSet, RowBuffer};
use crate::segment::wide::WideCursor;

/// An immutable file of events. Threads share it.
#[derive(Debug)]
pub struct Segment {
    pub(super) file: BlockFile,
    head: DirectoryHead,
}

/// All events of one (brand, behaviour) in one segment.
#[derive(Debug, Clone, Copy)]
pub struct Lane<'a> {
    pub(super) segment: &'a Segment,
    pub(super) entry: LaneEntry,
}

/// A lane apart from its segment, to be kept.
#[derive(Debug, Clone, Copy)]
pub struct DetachedLane(LaneEntry);

impl DetachedLane {
    /// As [`Lane::behaviour`].
    #[must_use]
    pub fn behaviour(&self) -> u16 {
        self.0.behaviour
    }

    /// As [`Lane::first_day`].
    #[must_use]
    pub fn first_day(&self) -> i32 {
        i32::from(self.0.first_day)
    }

    /// As [`Lane::last_day`].
    #[must_use]
    pub fn last_day(&self) -> i32 {
        i32::from(self.0.last_day)
    }
}

impl Segment {
    /// Maps a segment.
    ///
    /// # Errors
    /// When it is no segment, of another version, corrupt, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Self::new(BlockFile::open(FileKind::Segment, path)?)
    }

    /// A segment that was mapped already.
    ///
    /// # Errors
    /// When it is no segment, of another version, or corrupt.
    pub fn from_mapping(mapping: Mapping, path: PathBuf) -> Result<Self, FileError> {
        Self::new(BlockFile::new(FileKind::Segment, Bytes::Map(mapping), path)?)
    }

    /// A segment whose table of checksums is damaged, for what still matches it.
    pub(crate) fn salvage(mapping: Mapping, path: PathBuf) -> Result<Self, FileError> {
        Self::new(BlockFile::salvage(FileKind::Segment, Bytes::Map(mapping), path)?)
    }

    /// A segment in memory. The name stands in errors.
    ///
    /// # Errors
    /// When it is no segment, of another version, or corrupt.
    pub fn from_bytes(bytes: Vec<u8>, name: PathBuf) -> Result<Self, FileError> {
        Self::new(BlockFile::new(FileKind::Segment, Bytes::from_vec(bytes), name)?)
    }

    fn new(file: BlockFile) -> Result<Self, FileError> {
        let directory = file.directory();
        let what = match DirectoryHead::read(directory) {
            Some(head) => match lanes(&file, &head).wrong(HEADER_LEN as u64) {
                None => return Ok(Self { file, head }),
                Some(what) => what,
            },
            None => "the directory is too short",
        };
        Err(file.corrupt(file.directory_at(), what).into())
    }

    /// The number of the newest file whose events are in it; none when it holds its own.
    #[must_use]
    pub fn arrival(&self) -> Option<u64> {
        Some(self.head.arrival).filter(|&arrival| arrival != 0)
    }

    /// Where its events begin and end in the order of (brand, behaviour, chunk). Segments of one
    /// merge do not overlap in it.
    #[must_use]
    pub fn extent(&self) -> ((u32, u16, u32), (u32, u16, u32)) {
        let first = self.entry(0).unwrap_or_default();
        let last = self.head.lanes.checked_sub(1).and_then(|at| self.entry(at as usize));
        let last = last.unwrap_or_default();
        let begin = (first.brand, first.behaviour, u32::from(first.first_chunk));
        (begin, (last.brand, last.behaviour, u32::from(last.last_chunk)))
    }

    /// No event is earlier than this day; of a segment that was not cut from a larger one it is
    /// the first day of any event.
    #[must_use]
    pub fn first_day(&self) -> i32 {
        i32::from(self.head.first_day)
    }

    /// The last day of any event in it.
    #[must_use]
    pub fn last_day(&self) -> i32 {
        i32::from(self.head.last_day)
    }

    /// Events in it.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.head.rows
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.file.len()
    }

    /// Bytes of its directory: they are read when it is opened.
    #[must_use]
    pub fn directory_bytes(&self) -> u64 {
        self.file.directory().len() as u64
    }

    /// The file's name.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The random number it was built with.
    #[must_use]
    pub fn file_id(&self) -> u64 {
        self.file.file_id()
    }

    /// The lane of a brand and behaviour, if it has rows.
    #[must_use]
    pub fn lane(&self, brand: u32, behaviour: u16) -> Option<Lane<'_>> {
        let entry = lanes(&self.file, &self.head).find(brand, behaviour)?;
        Some(Lane { segment: self, entry })
    }

    /// Calls `visit` with the lanes of a brand, ordered by behaviour.
    pub fn each_lane_of<'a>(&'a self, brand: u32, mut visit: impl FnMut(Lane<'a>)) {
        let directory = lanes(&self.file, &self.head);
        directory.each_of(brand, |entry| visit(Lane { segment: self, entry }));
    }

    /// A lane of this segment again.
    #[must_use]
    pub fn attach(&self, lane: &DetachedLane) -> Lane<'_> {
        Lane { segment: self, entry: lane.0 }
    }

    /// Every lane, ordered by (brand, behaviour), without the presence lane.
    pub fn lanes(&self) -> impl Iterator<Item = Lane<'_>> {
        lanes(&self.file, &self.head)
            .iter()
            .take(self.head.lanes as usize)
            .map(|entry| Lane { segment: self, entry })
    }

    /// The presence lane: consumers with the day of their first event in this segment, at least of
    /// all those not seen in an earlier segment. The universe as of D is everyone with a presence
    /// row on or before D in any segment (and everyone known by attributes).
    #[must_use]
    pub fn presence(&self) -> Option<Lane<'_>> {
        let at = (self.head.presence == 1).then_some(self.head.lanes as usize)?;
        Some(Lane { segment: self, entry: self.entry(at)? })
    }

    /// A lane of the directory.
    fn entry(&self, at: usize) -> Option<LaneEntry> {
        lanes(&self.file, &self.head).get(at)
    }

    /// One more than the largest chunk number with a row; 0 when there is none.
    #[must_use]
    pub fn chunk_end(&self) -> u32 {
        self.head.chunk_end
    }

    /// Every event, by (brand, behaviour, consumer, day, second).
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn read_all(&self) -> Result<EventColumns, CorruptError> {
        let mut events = EventColumns::default();
        for lane in self.lanes() {
            lane.read_into(&mut events)?;
        }
        Ok(events)
    }

    /// Verifies every byte against its checksum.
    ///
    /// # Errors
    /// Names the first block that does not match.
    pub fn verify(&self) -> Result<(), CorruptError> {
        self.file.verify()
    }

    /// The file below.
    pub(crate) fn block_file(&self) -> &BlockFile {
        &self.file
    }
}

/// The lanes of a file, the presence lane last.
fn lanes<'a>(file: &'a BlockFile, head: &'a DirectoryHead) -> Directory<'a> {
    Directory::new(head, file.directory(), file.version(), file.directory_at() as u64)
}

/// Appends the rows of a chunk. A column stays empty until a row differs from its default.
fn append(events: &mut EventColumns, lane: Lane<'_>, chunk: u32, rows: &RowBuffer) {
    let before = events.len();
    let count = rows.low.len();
    events.consumer.extend(rows.low.iter().map(|&low| chunk << 16 | u32::from(low)));
    events.brand.resize(before + count, lane.brand());
    events.behaviour.resize(before + count, lane.behaviour());
    events.day.extend_from_slice(&rows.day);
    fn column<T: Copy>(to: &mut Vec<T>, from: &[T], before: usize, count: usize, default: T) {
        if from.is_empty() && to.is_empty() {
            return;
        }
        to.resize(before, default);
        to.extend_from_slice(from);
        to.resize(before + count, default);
    }
    column(&mut events.second, &rows.second, before, count, 0);
    column(&mut events.count, &rows.count, before, count, 1);
    column(&mut events.touchpoint, &rows.touchpoint, before, count, 0);
    column(&mut events.category, &rows.category, before, count, 0);
    column(&mut events.item, &rows.item, before, count, 0);
    column(&mut events.order, &rows.order, before, count, 0);
    column(&mut events.amount, &rows.amount, before, count, 0);
}

impl<'a> Lane<'a> {
    /// The same apart from its segment.
    #[must_use]
    pub fn detach(self) -> DetachedLane {
        DetachedLane(self.entry)
    }

    /// Whose events.
    #[must_use]
    pub fn brand(&self) -> u32 {
        self.entry.brand
    }

    /// Which behaviour.
    #[must_use]
    pub fn behaviour(&self) -> u16 {
        self.entry.behaviour
    }

    /// Rows in it, at least 1.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::from(self.entry.rows)
    }

    /// Distinct consumers in it, at least 1.
    #[must_use]
    pub fn consumers_total(&self) -> u64 {
        u64::from(self.entry.consumers)
    }

    /// Day of its earliest row.
    #[must_use]
    pub fn first_day(&self) -> i32 {
        i32::from(self.entry.first_day)
    }

    /// Day of its latest row.
    #[must_use]
    pub fn last_day(&self) -> i32 {
        i32::from(self.entry.last_day)
    }

    /// The columns that vary in it. One that is absent has its default in every row; where days
    /// are absent, every row has the lane's first day.
    #[must_use]
    pub fn columns(&self) -> ColumnSet {
        let columns = ColumnSet::from_bits(self.entry.columns);
        if self.entry.first_day == self.entry.last_day {
            return columns.without(ColumnSet::DAY);
        }
        columns
    }

    /// Bytes of the lane in the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entry.range().len() as u64
    }

    /// Where the lane starts in the file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.entry.range().start as u64
    }

    /// Chunk numbers that may have rows: first and last.
    #[must_use]
    pub fn chunks(&self) -> (u32, u32) {
        (u32::from(self.entry.first_chunk), u32::from(self.entry.last_chunk))
    }

    /// Appends its events. After an error some of them may be there.
    pub(crate) fn read_into(self, events: &mut EventColumns) -> Result<(), CorruptError> {
        let mut rows = RowBuffer::default();
        let mut cursor = self.cursor();
        let mut next = cursor.next_chunk(0)?;
        while let Some(number) = next {
            if let Some(chunk) = cursor.chunk(number)? {
                chunk.decode(self.columns().with(ColumnSet::DAY), &mut rows)?;
                append(events, self, number, &rows);
            }
            next = cursor.next_chunk(number + 1)?;
        }
        Ok(())
    }

    /// A cursor before its first chunk.
    #[must_use]
    pub fn cursor(self) -> LaneCursor<'a> {
        LaneCursor::new(self)
    }

    /// What to say of rows that are not in the order of their consumers.
    #[must_use]
    pub fn disordered(&self) -> CorruptError {
        self.segment.file.corrupt(self.entry.range().start, "consumers are not in order")
    }

    /// A cursor over many chunks at a time, before the first.
    #[must_use]
    pub fn wide_cursor(self) -> WideCursor<'a> {
        WideCursor::new(self)
    }
}
