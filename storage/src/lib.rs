//! The bytes of Throng: columns, containers, lanes, segments, log, manifest, dictionary, catalog.
//!
//! Knows no query, no stage and no brand's rules.

mod bits;
mod block;
mod bytes;
mod catalog;
pub mod codec;
pub mod container;
mod cores;
pub mod dictionary;
pub mod erasure;
pub mod error;
pub mod index;
pub mod io;
pub mod level;
mod manifest;
pub mod names;
pub mod prefetch;
pub mod probe;
pub mod rows;
pub mod segment;
pub mod store;
mod wal;

pub use cores::cores;
