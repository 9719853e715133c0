//! The doors of Throng: the command line and the PostgreSQL wire protocol.
#![forbid(unsafe_code)]

pub mod cli;
mod clock;
pub mod render;
pub mod wire;
