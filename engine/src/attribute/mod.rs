//! Attributes of consumers: how their values are laid out in an index, built, merged and read.

mod decode;
mod encode;
mod layout;
mod load;
#[cfg(test)]
mod tests;

pub(crate) use decode::fits;
pub use decode::{NumberCursor, value_of};
pub use encode::{NewValues, TooManyValues, index_of_sets, merge};
pub use layout::{AttributeLayout, LayoutError, index_key, value_of_bits};
pub use load::{AttributeError, AttributeLoad, ColumnId};

/// The key of the index whose set 0 is everyone known by attributes.
pub const KNOWN_KEY: &str = "known";
/// The most different values a text attribute may have.
pub const TEXT_VALUES_MAX: usize = 65_536;
