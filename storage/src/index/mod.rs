//! A family of audience indexes in one immutable file: the values of an attribute, the bit slices
//! of a number, or the members of a frozen audience.

mod builder;
mod reader;

#[cfg(test)]
mod tests;

pub use builder::IndexBuilder;
pub use reader::{IndexCursor, IndexFile};
