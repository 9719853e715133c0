//! Compaction: merging segments into blocks of 1, 8 and 64 days as they age.

mod beside;
mod blocks;
mod erase;
mod job;
mod plan;
mod run;
mod state;

#[cfg(test)]
mod tests;

pub(super) use job::{Writing, write};
pub(super) use plan::Job;
pub use run::{Compacted, CompactionProgress, CompactionStep};
pub(super) use state::CompactionState;
pub use state::{CompactionJob, Depth, Running};
