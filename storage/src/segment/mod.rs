//! An immutable file of lanes for a range of days: built once, then read in place.

mod build;
mod cursor;
mod encode;
mod layout;
mod page;
mod presence;
mod reader;
mod rows;
mod salvage;
mod sort;

#[cfg(test)]
mod tests;

pub use build::{BuildError, BuildOptions, build};
pub use cursor::{LaneChunk, LaneCursor};
pub use reader::{Lane, Segment};
pub use rows::{ColumnSet, RowBuffer};
pub(crate) use salvage::{LaneTrace, traces};
