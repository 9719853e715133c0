//! `throng doctor`: what is wrong with a store in words, and what can be done.

use std::io::{self, Write};

use throng::care::{Examination, words};
use throng::storage::store::Trouble;

use super::bar::Bytes;
use super::{CliError, Context};

/// Say what is wrong with a store and what can be done about it.
///
/// With --repair it is done, after telling what will be lost and only when that is confirmed.
/// Damaged files are moved into the folder `damaged` of the store, never removed.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Do what can be done.
    #[arg(long)]
    repair: bool,

    /// Do not ask before repairing.
    #[arg(long, requires = "repair")]
    yes: bool,
}

/// Findings that are shown of one file; what is lost is always told in full.
const FINDINGS_SHOWN: usize = 5;

/// What must be typed before anything is repaired.
const WORD: &str = "repair";

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let bar = Bytes::new("looking");
    let examined = Examination::of(&context.data, &mut |done, total| bar.show(done, total));
    bar.clear();
    let examined =
        examined.map_err(|source| CliError::Open { path: context.data.clone(), source })?;
    let mut out = io::stdout();
    let troubles = examined.diagnosis().troubles.clone();
    if troubles.is_empty() {
        for note in &examined.report().notes {
            writeln!(out, "note: {note}")?;
        }
        writeln!(out, "nothing is wrong")?;
        return Ok(());
    }
    troubles.iter().try_for_each(|trouble| tell(trouble, &mut out))?;
    let count = troubles.len();
    if !args.repair {
        writeln!(out, "\nnothing was changed; --repair does what can be done")?;
        return Err(CliError::Damaged { count });
    }
    if !args.yes && !confirmed(&mut out)? {
        writeln!(out, "nothing was changed")?;
        return Err(CliError::Damaged { count });
    }
    let repaired = examined.repair().map_err(CliError::Repair)?;
    for path in &repaired.moved {
        writeln!(out, "the damaged file is now {}", path.display())?;
    }
    for path in &repaired.written {
        writeln!(out, "written: {}", path.display())?;
    }
    let bar = Bytes::new("looking");
    let after = Examination::of(&context.data, &mut |done, total| bar.show(done, total));
    bar.clear();
    let after = after.map_err(|source| CliError::Open { path: context.data.clone(), source })?;
    match after.diagnosis().troubles.len() {
        0 => writeln!(out, "nothing is wrong any more")?,
        count => return Err(CliError::Damaged { count }),
    }
    Ok(())
}

/// What is wrong, what can be done, and what that costs.
fn tell(trouble: &Trouble, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    let mut shown = trouble.findings.iter().take(FINDINGS_SHOWN);
    shown.try_for_each(|finding| writeln!(out, "{finding}"))?;
    if let more @ 1.. = trouble.findings.len().saturating_sub(FINDINGS_SHOWN) {
        writeln!(out, "and {more} findings more in this file, as `throng check` lists them")?;
    }
    writeln!(out, "  {}", words::remedy(trouble))?;
    if trouble.losses.is_empty() {
        return writeln!(out, "  nothing is lost by that");
    }
    writeln!(out, "  lost by that:")?;
    trouble.losses.iter().try_for_each(|loss| writeln!(out, "    {}", words::loss(loss)))
}

fn confirmed(out: &mut impl Write) -> io::Result<bool> {
    write!(out, "\ntype `{WORD}` to do this: ")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == WORD)
}
