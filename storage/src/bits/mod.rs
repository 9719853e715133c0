//! Numbers in few bits: packed at a fixed width, and ascending lists as low and high bits.
//!
//! Everything is little-endian: bit `i` of a stream is bit `i % 8` of byte `i / 8`.

mod ascending;
mod keep;
mod packed;
mod repeat;
mod seek;
mod unpack;

pub(crate) use ascending::{Ascending, ListPlace};
pub(crate) use keep::{Days, Paid, keep, keep_paid, keep_wide};
pub(crate) use packed::{Packed, SLACK, pack, packed_len, width_of};
pub(crate) use repeat::repeat;
pub(crate) use unpack::{beginnings, lessen, widen};
