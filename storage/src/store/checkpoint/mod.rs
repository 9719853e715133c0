//! Checkpoints: what is in memory goes to segments, and its log goes away. Writers go on meanwhile.
//!
//! A checkpoint first *rotates*, in the writer's turn: a new log begins, the manifest names both,
//! and what is in memory is frozen. Then it *writes* the frozen events and keys to files, with
//! nobody waiting. Last it *publishes*, in the turn again: one edit of the manifest names the
//! files and drops the old log. One generation is frozen at a time.

mod phase;
mod rotate;
mod write;

#[cfg(any(test, feature = "faults"))]
pub(super) use phase::advance;
pub(super) use phase::{Checkpoints, checkpoint, complete, make_room};
pub(super) use write::{DUMP, DUMP_UNBOUND, dump};
