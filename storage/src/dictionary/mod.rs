//! The dictionary: keys (identities, items, orders) to dense ids and back. Append-only.
//!
//! Keys are numbered by *position*, from 0, in the order of their arrival. The newest are in
//! memory (the tail), the rest in immutable mapped files (parts), each with the keys, where each
//! begins, and a hash table of positions that stores no keys.

mod bucket;
mod keys;
mod part;
mod probe;
mod tail;
mod tiers;
mod writer;

#[cfg(test)]
mod tests;

pub use keys::{KeyColumn, same};
pub(crate) use part::{Part, PartOpenError};
pub(crate) use probe::{probe, reseal};
pub(crate) use tiers::{Dictionary, InternError};
pub(crate) use writer::PartError;

/// Bytes of a key at most.
pub const KEY_BYTES_MAX: usize = 1024;
