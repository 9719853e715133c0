//! `throng load`: files of events or attributes into a store.

mod attributes;
mod common;
mod events;
mod progress;
mod summary;

use clap::Subcommand;

use super::{CliError, Context};

/// Load events or attributes from files.
///
/// Every file is loaded whole or not at all. The store is made by its first load.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Events(Box<events::Args>),
    Attributes(Box<attributes::Args>),
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    match &args.what {
        What::Events(args) => events::run(context, args),
        What::Attributes(args) => attributes::run(context, args),
    }
}
