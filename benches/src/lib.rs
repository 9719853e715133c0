//! Measurements of Throng: what they share, questions beside merges, and capacity.

mod beside;
pub mod capacity;
mod reference;

pub use beside::beside;
pub use reference::{Failure, Outcome, SEED, THREADS, Times, median, reference_store};
