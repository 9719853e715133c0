//! The doors of Throng: the command line and the PostgreSQL wire protocol.
#![forbid(unsafe_code)]

pub mod cli;
pub mod render;
pub mod wire;
