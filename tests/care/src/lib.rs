//! Stores kept for ever, bytes of any origin, and damage of every kind.
//!
//! How to run each is in `docs/testing.md`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the product's back"
)]

mod damage;
pub mod fixture;
mod flips;
mod fuzz;
mod mutate;
mod samples;
mod targets;

pub use flips::{Flips, flips};
pub use fuzz::{Bound, fuzz};
pub use targets::{TARGETS, Target};
