//! How soon a statement ends that is cancelled, or whose time is over, in the middle of its work.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use throng::{Cancel, Database, DatabaseError, ExecuteError, ExecuteOptions};

use super::heavy;
use crate::growth::quiet;
use crate::{Failure, Outcome, median};

/// How a statement was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Cancel,
    Deadline,
}

/// Runs each heavy statement, or the one that is called `only`, once to its end and then `rounds`
/// times up to a moment anywhere in its work; tells how long it went on after that, a document a
/// statement.
///
/// # Errors
/// When the store cannot be opened, or a statement fails in another way.
pub fn cancel(
    path: &Path,
    rounds: u32,
    only: Option<&str>,
    tell: &mut dyn FnMut(&Value),
) -> Outcome {
    // What the memo has is done before it can be ended.
    let database = quiet(path)?;
    heavy::prepare(&database)?;
    let wanted = |statement: &heavy::Heavy| only.is_none_or(|only| statement.name == only);
    for statement in heavy::all().into_iter().filter(wanted) {
        let text = &statement.text;
        let start = Instant::now();
        database.query(text).map_err(|error| format!("{text}: {}", error.render()))?;
        let first = start.elapsed();
        let start = Instant::now();
        database.query(text)?;
        let full = start.elapsed();
        let mut report = json!({
            "statement": statement.name,
            "first_ms": ms(first),
            "full_ms": ms(full),
        });
        for (end, name) in [(End::Cancel, "cancel"), (End::Deadline, "deadline")] {
            let mut late = Vec::new();
            for round in 0..rounds {
                // Every part of the work is met equally often.
                let at = full.mul_f64((f64::from(round) + 0.5) / f64::from(rounds));
                late.extend(late_by(&database, text, at, end)?);
            }
            let p50 = median(&mut late);
            report[name] = json!({
                "ended": late.len(), "p50_ms": p50, "max_ms": late.last().copied(),
            });
        }
        tell(&report);
    }
    Ok(())
}

/// Milliseconds that a statement went on after its end was asked for; none when it was done before.
fn late_by(
    database: &Database,
    text: &str,
    at: Duration,
    end: End,
) -> Result<Option<f64>, Failure> {
    let cancel = Arc::new(Cancel::default());
    let start = Instant::now();
    let wanted = start + at;
    let options = ExecuteOptions {
        cancel: Arc::clone(&cancel),
        deadline: (end == End::Deadline).then_some(wanted),
        ..ExecuteOptions::default()
    };
    let (answer, returned, asked) = std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            std::thread::sleep(wanted.saturating_duration_since(Instant::now()));
            if end == End::Cancel {
                cancel.cancel();
            }
            if end == End::Cancel { Instant::now() } else { wanted }
        });
        let answer = database.execute(text, &[], &options);
        let returned = Instant::now();
        (answer, returned, waiting.join().unwrap_or(wanted))
    });
    match answer {
        Ok(_) => Ok(None),
        Err(DatabaseError::Execute(ExecuteError::Cancelled | ExecuteError::Deadline)) => {
            Ok(Some(ms(returned.saturating_duration_since(asked))))
        }
        Err(error) => Err(error.into()),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
