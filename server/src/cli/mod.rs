//! The command line. One subcommand, one file: its `Args` and its `run`.

mod app;
mod error;

pub use app::{Context, main};
pub use error::CliError;
