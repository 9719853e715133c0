//! An immutable file of lanes for a range of days: built once, then read in place.

mod reader;

pub use reader::{ColumnSet, Lane, LaneChunk, LaneCursor, RowBuffer, Segment};
