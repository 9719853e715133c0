//! `throng compact`: merges segments until the store is compact.

use std::io::{self, IsTerminal, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use throng::{Background, Cancel, Compacted, CompactionOptions, CompactionProgress, Database};

use super::interrupt::Interrupt;
use super::session::duration;
use super::{CliError, Context};
use crate::render::grouped;

/// Merge the files of a store.
///
/// What is in memory is written out, and segments are merged until the newest days are in blocks
/// of one day and the older ones in blocks of 8 and 64 days, each without overlapping files. A
/// store that is served does this by itself, as far as it is worth its writing. Ctrl-C ends it;
/// what was merged before stays.
#[derive(Debug, clap::Args)]
pub struct Args {}

const MERGING: &str =
    "   merging {bar:30} {percent:>3} % {human_pos} events, {per_sec}, {eta} left, {msg}";

pub(super) fn run(context: &Context, _: &Args) -> Result<(), CliError> {
    let path = &context.data;
    let options = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    let database = Database::open_with(path, options)
        .map_err(|source| CliError::Open { path: path.clone(), source })?;
    let cancel = Arc::new(Cancel::default());
    let armed = Interrupt::install().arm(&cancel);
    let bar = bar();
    let start = Instant::now();
    let compacted = database.compact(&mut |progress| {
        show(&bar, progress);
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    drop(armed);
    bar.finish_and_clear();
    let (done, flow) = compacted.map_err(CliError::Statement)?;
    writeln!(io::stderr(), "{}", summary(&done, flow, start.elapsed()))?;
    Ok(())
}

fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template(MERGING) {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, progress: CompactionProgress) {
    if bar.is_hidden() {
        return;
    }
    bar.set_length(progress.rows_total);
    bar.set_position(progress.rows_done);
    bar.set_message(format!("merge {} of {}", progress.jobs_done + 1, progress.jobs_total));
}

/// `Merged 24,000,000 events of 31 segments into 11, 96.1 MB into 88.0 MB, in 3.1 s: 7.7 M
/// events/s.`
fn summary(done: &Compacted, flow: ControlFlow<()>, elapsed: Duration) -> String {
    if done.jobs == 0 && flow.is_continue() {
        return "Nothing to merge: the store is compact.".to_owned();
    }
    let count = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    #[expect(clippy::cast_precision_loss, reason = "megabytes and rates with few digits")]
    let (before, after, rate) = (
        done.bytes_in as f64 / 1e6,
        done.bytes_out as f64 / 1e6,
        done.rows as f64 / elapsed.as_secs_f64().max(1e-9) / 1e6,
    );
    let mut text = format!(
        "Merged {} events of {} segments into {}, {before:.1} MB into {after:.1} MB, in {}: \
         {rate:.2} M events/s.",
        count(done.rows),
        count(done.segments_in),
        count(done.segments_out),
        duration(elapsed),
    );
    if flow.is_break() {
        text.push_str(" Stopped before the end; what was merged stays.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_merged_is_told() {
        let mut done = Compacted::default();
        let second = Duration::from_secs(1);
        let on = ControlFlow::Continue(());
        assert!(summary(&done, on, second).starts_with("Nothing to merge"));
        done = Compacted {
            jobs: 2,
            rows: 3_000_000,
            segments_in: 9,
            segments_out: 2,
            bytes_in: 12_000_000,
            bytes_out: 11_000_000,
        };
        assert_eq!(
            summary(&done, on, second),
            "Merged 3,000,000 events of 9 segments into 2, 12.0 MB into 11.0 MB, in 1.0 s: \
             3.00 M events/s."
        );
        assert!(summary(&done, ControlFlow::Break(()), second).ends_with("what was merged stays."));
    }
}
