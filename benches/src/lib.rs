//! Measurements of Throng: what they share, questions beside merges and beside each
//! other, sets, streams, and capacity.

mod beside;
pub mod capacity;
mod reference;
mod service;
mod sets;
mod stream;

pub use beside::{beside, store_of_loads};
pub use reference::{Failure, Outcome, SEED, THREADS, Times, median, reference_store};
pub use service::{cancel, fair};
pub use sets::{make_sets, sets, write_sets};
pub use stream::{StreamOptions, Streamed, stream};
