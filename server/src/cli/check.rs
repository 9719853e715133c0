//! `throng check`: every byte of a store looked at.

use std::io::Write;

use serde_json::json;
use throng::care;
use throng::storage::store::Report;

use super::bar::Bytes;
use super::{CliError, Context};
use crate::render::grouped;

/// Read every byte of a store and say what is wrong with it.
///
/// Compares every block with its checksum, indexes with rows, ids with names and keys, and the
/// directory with the manifest. Nothing is changed. The exit code is 0 when nothing is wrong.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How findings are written.
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One line each.
    Text,
    /// One object.
    Json,
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let bar = Bytes::new("checking");
    let report = care::check(&context.data, &mut |done, total| bar.show(done, total));
    bar.clear();
    let report = report.map_err(|source| CliError::Open { path: context.data.clone(), source })?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Text => {
            report.findings.iter().try_for_each(|finding| writeln!(out, "{finding}"))?;
            report.notes.iter().try_for_each(|note| writeln!(out, "note: {note}"))?;
            if report.is_clean() {
                writeln!(out, "nothing is wrong: {}", extent(&report))?;
            }
        }
        Format::Json => writeln!(out, "{}", as_json(&report))?,
    }
    match report.findings.len() {
        0 => Ok(()),
        count => Err(CliError::Findings { count }),
    }
}

/// `12 files, 3,456 bytes, 789 events`.
fn extent(report: &Report) -> String {
    let number = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    format!(
        "{} files, {} bytes, {} events",
        number(report.files),
        number(report.bytes),
        number(report.events)
    )
}

fn as_json(report: &Report) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "file": finding.path.display().to_string(),
                "offset": finding.offset,
                "what": finding.fault.to_string(),
            })
        })
        .collect();
    let notes: Vec<_> = report.notes.iter().map(ToString::to_string).collect();
    json!({
        "clean": report.is_clean(),
        "files": report.files,
        "bytes": report.bytes,
        "events": report.events,
        "findings": findings,
        "notes": notes,
    })
}
