//! The whole product from outside: one binary, a module per kind of proof.
//!
//! How the parts work and how to replay a failure is in `docs/testing.md`.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the product's back"
)]

mod asked;
mod bad_input;
mod cases;
mod command;
mod cookbook;
mod crash;
mod kernels;
mod laws;
mod named;
mod oracle;
mod partitions;
mod planted;
mod profiles;
mod real_data;
mod tidy;
mod valuation;
