//! A market into a store, with progress: for `generate` and `demo`.

use std::path::Path;
use std::time::Instant;

use throng::market::{Market, MarketProgress};
use throng::{CreateOptions, Database, Outcome};

use super::generate::{progress_bar, report};
use super::session::open;
use super::{CliError, Context};

/// Bytes of events that are sorted in memory.
const MEMORY: usize = 1 << 30;

/// Opens the store, or makes it when the directory is missing or empty.
pub(super) fn open_or_create(data: &Path) -> Result<Database, CliError> {
    let empty = match data.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !data.exists(),
    };
    if !empty {
        return open(data);
    }
    Database::create(data, &CreateOptions::default())
        .map_err(|source| CliError::Open { path: data.to_owned(), source })
}

/// Loads a market into a store, which is made when it does not exist.
pub(super) fn into_store(
    market: &Market,
    context: &Context,
    threads: usize,
) -> Result<(), CliError> {
    let start = Instant::now();
    let database = open_or_create(&context.data)?;
    match load(market, &database, threads)? {
        Outcome::Applied { .. } => {
            report(market, start, &format!("in {}", context.data.display()))?;
        }
        Outcome::Repeated => {
            eprintln!("this market is in {} already; nothing changed", context.data.display());
        }
    }
    Ok(())
}

/// Loads a market into an open store, showing progress.
pub(super) fn load(
    market: &Market,
    database: &Database,
    threads: usize,
) -> Result<Outcome, CliError> {
    let events = market.options().events;
    let bar = progress_bar("making", events);
    let outcome = market.load(database, threads, MEMORY, &mut |progress| match progress {
        MarketProgress::Made(done) => bar.set_position(done),
        MarketProgress::Written { done, total } => {
            bar.set_message("writing");
            bar.set_length(total);
            bar.set_position(done);
        }
    });
    bar.finish_and_clear();
    Ok(outcome?)
}
