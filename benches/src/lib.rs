//! Measurements of Throng: what they share, questions beside merges, sets, streams, and capacity.

mod beside;
pub mod capacity;
mod chart;
mod reference;
mod sets;
mod stream;

pub use beside::beside;
pub use reference::{Failure, Outcome, SEED, THREADS, Times, median, reference_store};
pub use sets::{make_sets, sets, write_sets};
pub use stream::{StreamOptions, Streamed, stream};
