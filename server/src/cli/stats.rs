//! `throng stats`: what a store's bytes are for.

use super::session::{Session, Timing};
use super::{CliError, Context};
use crate::render::OutputFormat;

/// Tell what a store's bytes are for.
///
/// The same as `throng query "SHOW STORAGE"`: segments by their blocks of days, lanes by
/// behaviour, columns by encoding, dictionaries, indexes, the log, and the merges that are due.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How the answer is written.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Table)]
    format: OutputFormat,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    Session::open(&context.data, args.format, Timing::Hidden)?.run("SHOW STORAGE")
}
