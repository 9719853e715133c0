//! A segment that is written to its file as its lanes come: only the present lane is in memory.

use std::sync::Arc;

use crate::block::{BlockSink, FileKind};
use crate::bytes::align;
use crate::io::{DiskFile, IoError};
use crate::segment::build::BuildError;
use crate::segment::directory;
use crate::segment::encode::{LaneEnd, LaneRows, LaneWriter};
use crate::segment::layout::{COLUMNS, DirectoryHead, LaneEntry};

/// Why a segment does not get into its file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Io(#[from] IoError),
}

/// What a segment's events are, beside its lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StreamOptions {
    /// Binds the checksums to the file.
    pub(crate) file_id: u64,
    /// No event is earlier: days count from here.
    pub(crate) first_day: u16,
    /// The number of the newest file whose events are in it.
    pub(crate) arrival: u64,
}

/// A segment being written: lanes in ascending order, then the presence lane.
#[derive(Debug)]
pub(crate) struct SegmentStream {
    options: StreamOptions,
    sink: BlockSink,
    entries: Vec<LaneEntry>,
    /// Events in lanes that have ended.
    rows_before: u64,
    lane: LaneWriter,
    /// Rows of the present lane that are in no page yet.
    pub(super) rows: LaneRows,
}

impl SegmentStream {
    /// Begins the segment of an empty file.
    pub(crate) fn new(file: Arc<dyn DiskFile>, options: StreamOptions) -> Self {
        Self {
            options,
            sink: BlockSink::new(FileKind::Segment, options.file_id, file),
            entries: Vec::new(),
            rows_before: 0,
            lane: LaneWriter::default(),
            rows: LaneRows { first_day: options.first_day, ..LaneRows::default() },
        }
    }

    /// Events so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows_before + self.lane_rows()
    }

    /// Events of the present lane so far.
    pub(super) fn lane_rows(&self) -> u64 {
        self.lane.rows() + self.rows.consumer.len() as u64
    }

    /// Writes what the rows gathered make whole pages of: the last of them ends a chunk.
    pub(super) fn end_chunk(&mut self) -> Result<(), StreamError> {
        let done = self.lane.add(&self.rows, LaneEnd::Open)?;
        if done > 0 {
            self.rows.consumer.drain(..done);
            for column in self.rows.columns.iter_mut().filter(|column| !column.is_empty()) {
                column.drain(..done);
            }
        }
        Ok(())
    }

    /// Ends the present lane, if it has rows.
    pub(super) fn end_lane(&mut self) -> Result<(), StreamError> {
        let rows = self.lane_rows();
        if let Some(entry) = self.close_lane()? {
            self.rows_before += rows;
            self.entries.push(entry);
        }
        Ok(())
    }

    fn close_lane(&mut self) -> Result<Option<LaneEntry>, StreamError> {
        if self.lane_rows() == 0 {
            return Ok(None);
        }
        self.lane.add(&self.rows, LaneEnd::Reached)?;
        let entry = self.lane.finish(&self.rows, self.sink.tail_at(), &mut self.sink.tail)?;
        self.rows.consumer.clear();
        self.rows.columns.iter_mut().for_each(Vec::clear);
        self.sink.flush()?;
        Ok(Some(entry))
    }

    /// Ends the segment; rows gathered since the last lane are the presence lane. Nothing is
    /// synced.
    pub(super) fn finish(mut self) -> Result<(), StreamError> {
        let lanes = u32::try_from(self.entries.len()).map_err(|_| BuildError::TooLarge)?;
        let presence = self.close_lane()?;
        let entries = self.entries.iter().chain(&presence);
        let chunk_end = entries.clone().map(|lane| u32::from(lane.last_chunk) + 1).max();
        let last_day = entries.clone().map(|lane| lane.last_day).max();
        let head = DirectoryHead {
            rows: self.rows_before,
            lanes,
            presence: u32::from(presence.is_some()),
            chunk_end: chunk_end.unwrap_or(0),
            first_day: self.options.first_day,
            last_day: last_day.unwrap_or(self.options.first_day),
            arrival: self.options.arrival,
        };
        align(&mut self.sink.tail, 8);
        let start = self.sink.body_len();
        directory::write(&head, &self.entries, presence.as_ref(), &mut self.sink.tail);
        let end = self.sink.body_len();
        Ok(self.sink.finish(start..end)?)
    }
}

const _: () = assert!(COLUMNS.len() <= u16::BITS as usize, "a lane's columns are bits of a u16");
