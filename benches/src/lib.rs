//! Measurements of Throng: what they share, questions beside merges, sets, streams, growth,
//! capacity, and the comparison with other systems.

mod beside;
pub mod capacity;
mod chart;
pub mod compare;
mod growth;
mod reference;
mod sets;
mod stream;
mod valuation;

pub use beside::beside;
pub use growth::growth;
pub use reference::{Failure, Outcome, Reference, SEED, THREADS, Times, median};
pub use sets::{make_sets, sets, write_sets};
pub use stream::{StreamOptions, Streamed, stream};
pub use valuation::{attributes, valuation};
