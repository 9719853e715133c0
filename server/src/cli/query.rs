//! `throng query`: statements from the command line or from standard input.

use std::io::Read;

use super::session::{Session, Timing};
use super::{CliError, Context};
use crate::render::OutputFormat;

/// Ask a store, or define something in it.
///
/// Several statements are separated by semicolons. Answers go to standard output; the number of
/// rows, the time, notes and errors go to standard error.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The statement, or `-` to read statements from standard input.
    #[arg(value_name = "STATEMENT", allow_hyphen_values = true)]
    statement: String,

    /// How answers are written.
    #[arg(long, short, value_enum, default_value_t = OutputFormat::Table)]
    format: OutputFormat,

    /// Do not tell rows and time.
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let text = if args.statement == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        text
    } else {
        args.statement.clone()
    };
    let timing = if args.quiet { Timing::Hidden } else { Timing::Shown };
    Session::open(&context.data, args.format, timing)?.run(&text)
}
