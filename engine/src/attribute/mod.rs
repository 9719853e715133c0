//! Attributes of consumers: how their values are laid out in an index, built, merged and read.

mod layout;

pub use layout::{AttributeLayout, LayoutError, index_key, value_of_bits};

/// The key of the index whose set 0 is everyone known by attributes.
pub const KNOWN_KEY: &str = "known";
/// The most different values a text attribute may have.
pub const TEXT_VALUES_MAX: usize = 65_536;
