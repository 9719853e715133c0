//! The whole product from outside: one binary, a module per kind of proof.
//!
//! How the parts work and how to replay a failure is in `docs/testing.md`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod oracle;
mod tidy;
