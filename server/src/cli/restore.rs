//! `throng restore`: a store made of a backup.

use std::io::Write;
use std::path::PathBuf;

use throng::Database;

use super::bar::Bytes;
use super::{CliError, Context};

/// Make a store of a backup.
///
/// The directory given by --data must not exist or be empty. Every file is copied and verified by
/// its checksums, and the store is opened at the end.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory of the backup.
    #[arg(value_name = "BACKUP")]
    backup: PathBuf,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let bar = Bytes::new("copying");
    let restored =
        Database::restore(&args.backup, &context.data, &mut |done, total| bar.show(done, total));
    bar.clear();
    let database = restored.map_err(CliError::Copy)?;
    let events: u64 = database.store().snapshot().segments().iter().map(|s| s.rows()).sum();
    writeln!(
        std::io::stdout(),
        "restored {} in {}: {} events",
        args.backup.display(),
        context.data.display(),
        crate::render::grouped(i64::try_from(events).unwrap_or(i64::MAX))
    )?;
    Ok(())
}
