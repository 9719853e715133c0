//! Word loops over one chunk's bitset, and the choice of instructions for them.

mod again;
mod between;
mod bits;
mod dispatch;
mod eight;
mod plain;

pub use again::pick;
pub use between::{Between, between};
pub use bits::{
    count_listed, for_each, is_empty, or_container, or_container_ahead, set, test, zeroed,
};
pub use dispatch::{
    Level, and, and_either, and_not, both_of, both_of_either, codes, count, count_and, count_bits,
    count_codes, count_without, either_of, force, in_several, level, or, or_at_most, rank_all,
    ranks_of, see, set_all, set_all_ahead, unset_all, unset_all_ahead,
};
pub use eight::{EIGHT, Eight};
