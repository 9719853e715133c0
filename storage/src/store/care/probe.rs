//! The checks of single files, for nothing: see [`crate::probe`].

use super::rows::{Erased, Presence, RowCheck};
use super::sets;
use crate::index::IndexFile;
use crate::names::NameTable;
use crate::segment::Segment;
use crate::store::columns::Limits;

/// Consumers that a probed segment may have: first days are kept for so many.
const CONSUMERS: u32 = 1 << 17;

/// Decodes and compares everything in a segment.
pub(in crate::store) fn probe_segment(segment: &Segment) {
    let limits = Limits { names: [u32::MAX; 4], keys: [CONSUMERS, u32::MAX, u32::MAX] };
    let mut known = Presence::new(CONSUMERS);
    // What does not decode is named by the check as well.
    let _ = known.add(segment);
    let name = |_: NameTable, id: u32| id.to_string();
    let _ = RowCheck::new(limits, &known, &name, &Erased::default()).segments(&[segment]);
}

/// Reads and compares every set of an index file.
pub(in crate::store) fn probe_index(index: &IndexFile) {
    let _ = sets::check("probed", index, u32::MAX, &Erased::default().gone);
}
