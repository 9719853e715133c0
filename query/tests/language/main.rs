//! The language from outside: statements as data, round trips, parameters, damage.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cases;
mod catalog;
mod completion;
mod damage;
mod docs;
mod limits;
mod parameters;
mod random;
mod round_trip;
mod stored;
