//! The command line. One subcommand, one file: its `Args` and its `run`.

mod app;
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

pub use app::{Context, main};
pub use error::CliError;
