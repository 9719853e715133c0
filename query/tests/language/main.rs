//! The language from outside: statements as data, round trips, parameters, damage.

mod cases;
mod catalog;
