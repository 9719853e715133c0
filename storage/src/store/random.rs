//! Numbers that differ from store to store and from file to file.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A random number. It tells files apart; it keeps no secret.
pub(super) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A random number of 32 bits.
pub(super) fn salt() -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "any 32 bits do")]
    let salt = number() as u32;
    salt
}
