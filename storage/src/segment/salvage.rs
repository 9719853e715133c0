//! What a segment that cannot be opened says of its lanes, for naming what is lost. Nothing of it
//! is verified.

#![deny(clippy::indexing_slicing)]

use crate::block::{FileKind, directory_of};
use crate::segment::directory::Directory;
use crate::segment::layout::DirectoryHead;

/// A lane as a directory describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LaneTrace {
    pub(crate) brand: u32,
    pub(crate) behaviour: u16,
    pub(crate) rows: u64,
    pub(crate) consumers: u64,
    pub(crate) days: (i32, i32),
}

/// The lanes in the directory of a file, when that is there and does not contradict itself.
pub(crate) fn traces(bytes: &[u8]) -> Option<Vec<LaneTrace>> {
    let (version, directory) = directory_of(bytes, FileKind::Segment)?;
    let head = DirectoryHead::read(directory)?;
    // Where the lanes lie does not matter here.
    let lanes = Directory::new(&head, directory, version, u64::MAX);
    if head.presence > 1 || !lanes.fits() {
        return None;
    }
    let traces: Vec<_> = lanes
        .iter()
        .take(head.lanes as usize)
        .map(|entry| LaneTrace {
            brand: entry.brand,
            behaviour: entry.behaviour,
            rows: u64::from(entry.rows),
            consumers: u64::from(entry.consumers),
            days: (i32::from(entry.first_day), i32::from(entry.last_day)),
        })
        .collect();
    let rows: u64 = traces.iter().map(|trace| trace.rows).sum();
    (rows == head.rows).then_some(traces)
}
