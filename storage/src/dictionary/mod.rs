//! The dictionary: keys (identities, items, orders) to dense ids and back. Append-only.

mod keys;

pub use keys::KeyColumn;
