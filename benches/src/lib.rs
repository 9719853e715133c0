//! Measurements of Throng: what they share, questions beside merges and beside each other, sets,
//! streams, growth, capacity, and the comparison with other systems.

mod beside;
pub mod capacity;
mod chart;
pub mod compare;
mod growth;
mod reference;
mod service;
mod sets;
mod stream;
mod valuation;

pub use beside::{beside, store_of_loads};
pub use growth::growth;
pub use reference::{Failure, Outcome, Reference, SEED, THREADS, Times, median};
pub use service::{cancel, fair, point};
pub use sets::{make_sets, sets, write_sets};
pub use stream::{StreamOptions, Streamed, stream};
pub use valuation::{attributes, valuation};
