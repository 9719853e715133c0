//! `throng backup`: a store copied while it is whole.

use std::io::Write;
use std::path::PathBuf;

use throng::storage::store::{BackupOptions, BackupReport, Links, Verify};

use super::bar::Bytes;
use super::session::open;
use super::{CliError, Context};
use crate::render::grouped;

/// Copy a store to a directory, or bring an earlier backup there up to date.
///
/// The directory is new, empty, or holds an earlier backup of this store: then only what is new is
/// added, and what is gone is removed at the end. Whatever stops it, the directory holds the
/// earlier backup, the new one, or no store. On one file system files get a second name instead of
/// being copied, which protects from mistakes and not from the disk.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The directory of the backup.
    #[arg(value_name = "TARGET")]
    target: PathBuf,

    /// Copy every new file, also where a second name would do.
    #[arg(long)]
    copy: bool,

    /// Verify also the files that an earlier backup brought.
    #[arg(long)]
    verify: bool,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let database = open(&context.data)?;
    let options = BackupOptions {
        links: if args.copy { Links::Never } else { Links::Allowed },
        verify: if args.verify { Verify::All } else { Verify::New },
    };
    let bar = Bytes::new("copying");
    let report = database.backup(&args.target, options, &mut |done, total| bar.show(done, total));
    bar.clear();
    let report = report.map_err(CliError::Copy)?;
    writeln!(
        std::io::stdout(),
        "{} is backed up in {}: {}",
        context.data.display(),
        args.target.display(),
        summary(&report)
    )?;
    Ok(())
}

/// `3 files new (2 by a second name), 7 kept, 1 removed; 1,234 bytes in all`.
pub(super) fn summary(report: &BackupReport) -> String {
    let number = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    let linked = match report.linked {
        0 => String::new(),
        linked => format!(" ({} by a second name)", number(linked)),
    };
    format!(
        "{} files new{linked}, {} kept, {} removed; {} bytes in all",
        number(report.linked + report.copied),
        number(report.kept),
        number(report.removed),
        number(report.bytes),
    )
}
