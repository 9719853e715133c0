//! Which block of days a day belongs to: the older, the longer.

use crate::segment::DayBlock;
use crate::store::columns::BLOCK_DAYS;

/// Lengths of blocks, all aligned to multiples of themselves since 1970-01-01.
const SHORT: i32 = 1;
const MIDDLE: i32 = 8;
const LONG: i32 = BLOCK_DAYS;
const _: () = assert!(LONG % MIDDLE == 0, "blocks nest");

/// A block of 8 days is whole when its last day lies this many days back: the windows that are
/// asked most, the last 15 days, end in blocks of one day.
const MIDDLE_AGE: i32 = 16;
/// The same for a block of 64 days: nearly all late data has come by then.
const LONG_AGE: i32 = 64;

/// The block of a day in a store whose newest day is `newest`.
pub(super) fn block_of(day: i32, newest: i32) -> DayBlock {
    for (length, age) in [(LONG, LONG_AGE), (MIDDLE, MIDDLE_AGE)] {
        let block = aligned(day, length);
        if block.last <= newest.saturating_sub(age) {
            return block;
        }
    }
    aligned(day, SHORT)
}

/// The number of the 64 days around a day. Checkpoints and bulk loads never put days of two of
/// them into one segment, so that each is planned for itself.
pub(super) fn season_of(day: i32) -> i32 {
    day.div_euclid(LONG)
}

fn aligned(day: i32, length: i32) -> DayBlock {
    let first = day - day.rem_euclid(length);
    DayBlock { first, last: first + length - 1 }
}

/// The blocks of a range of days, ascending.
pub(super) fn blocks_between(first: i32, last: i32, newest: i32) -> Vec<DayBlock> {
    let mut blocks = Vec::new();
    let mut day = first;
    while day <= last {
        let block = block_of(day, newest);
        day = block.last + 1;
        blocks.push(block);
    }
    blocks
}
