//! The command line. One subcommand, one file: its `Args` and its `run`.

mod app;
mod compact;
mod create;
mod demo;
mod error;
mod generate;
mod interrupt;
mod load;
mod populate;
mod query;
mod serve;
mod session;
mod shell;
mod stats;

pub use app::{Context, main};
pub use error::CliError;
