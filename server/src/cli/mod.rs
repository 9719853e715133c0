//! The command line. One subcommand, one file: its `Args` and its `run`.

mod app;
mod backup;
mod bar;
mod check;
mod compact;
mod create;
mod demo;
mod doctor;
mod error;
mod generate;
mod interrupt;
mod load;
mod populate;
mod query;
mod restore;
mod serve;
mod session;
mod shell;
mod stats;

pub use app::{Context, main};
pub use error::CliError;
