//! An immutable file of lanes for a range of days: built once, then read in place.

mod breakdown;
mod build;
mod cursor;
mod directory;
mod encode;
mod gather;
mod head;
mod layout;
mod merge;
mod page;
mod pages;
mod point;
mod presence;
mod reader;
mod rows;
mod salvage;
mod sort;
mod span;
mod stream;
mod wide;
mod window;

#[cfg(test)]
mod directory_tests;
#[cfg(test)]
mod merge_tests;
#[cfg(test)]
mod point_tests;
#[cfg(test)]
mod tests;

pub use breakdown::{Breakdown, Usage};
pub use build::{BuildError, BuildOptions, build};
pub use cursor::{LaneChunk, LaneCursor};
pub(crate) use gather::INPUTS_MAX;
pub(crate) use merge::{
    DayBlock, FirstDaysByChunk, Merge, MergeError, Output, PresenceChange, Without,
};
pub use page::Holds;
pub use point::{ConsumerRows, rows_of};
pub use reader::{DetachedLane, Lane, Segment};
pub use rows::{ColumnSet, RowBuffer};
pub(crate) use salvage::{LaneTrace, traces};
pub use span::SpanRead;
pub(crate) use stream::{SegmentStream, StreamError, StreamOptions};
pub use wide::{WideAmounts, WideCursor, WideRows};
pub use window::{Rows, WindowRows};
