//! The catalog: the definitions once more, in `sled`, whose only user this is.
//!
//! A store trusts its manifest and log. The catalog follows them: after a change of definitions
//! it is brought up to date in one atomic batch and flushed, and when it does not open, does not
//! read, or is of another moment than expected, it is made anew from what the store holds. So it
//! can be lost at any time, and nothing waits for it when a store is opened.

mod mirror;

#[cfg(test)]
mod tests;

pub(crate) use mirror::{Catalog, CatalogError, DIR};
