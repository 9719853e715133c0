//! Running statements one after the other and writing what they answer.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use throng::query::split_statements;
use throng::{Answer, Cancel, Database, ExecuteOptions};

use super::CliError;
use super::interrupt::Interrupt;
use crate::clock;
use crate::render::{OutputFormat, Style, grouped, write_answer};

/// Whether the number of rows and the time are told on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// They are.
    Shown,
    /// They are not.
    Hidden,
}

/// A store with the way its answers are written.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) database: Arc<Database>,
    pub(super) format: OutputFormat,
    pub(super) timing: Timing,
    pub(super) style: Style,
    interrupt: &'static Interrupt,
    /// Whether something was written already: answers are set apart by an empty line.
    answered: bool,
}

impl Session {
    /// Opens a store.
    pub(super) fn open(
        data: &Path,
        format: OutputFormat,
        timing: Timing,
    ) -> Result<Self, CliError> {
        Ok(Self { timing, ..Self::over(open(data)?, format) })
    }

    /// Over a store that is open already; rows and times are not told.
    pub(super) fn over(database: Database, format: OutputFormat) -> Self {
        Self {
            database: Arc::new(database),
            format,
            timing: Timing::Hidden,
            style: Style::of_stdout(),
            interrupt: Interrupt::install(),
            answered: false,
        }
    }

    /// Runs every statement of a text, up to the first that fails.
    pub(super) fn run(&mut self, text: &str) -> Result<(), CliError> {
        for range in split_statements(text) {
            self.run_one(&text[range])?;
        }
        Ok(())
    }

    fn run_one(&mut self, statement: &str) -> Result<(), CliError> {
        let start = Instant::now();
        let answer = self.ask(statement)?;
        let elapsed = start.elapsed();
        self.write(&answer)?;
        let mut stderr = io::stderr().lock();
        for notice in &answer.notices {
            writeln!(stderr, "note: {notice}")?;
        }
        if self.timing == Timing::Shown {
            writeln!(stderr, "{}", summary(&answer, elapsed))?;
        }
        Ok(())
    }

    /// Runs one statement. Ctrl-C ends it.
    pub(super) fn ask(&self, statement: &str) -> Result<Answer, CliError> {
        let cancel = Arc::new(Cancel::default());
        let armed = self.interrupt.arm(&cancel);
        let options = ExecuteOptions { cancel, now: clock::now(), ..ExecuteOptions::default() };
        let answer = self.database.execute(statement, &[], &options);
        drop(armed);
        answer.map_err(CliError::Statement)
    }

    fn write(&mut self, answer: &Answer) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        let silent = answer.columns.is_empty() && self.format != OutputFormat::Table;
        if self.answered && !silent && self.format != OutputFormat::Json {
            out.write_all(b"\n")?;
        }
        self.answered |= !silent;
        write_answer(answer, self.format, self.style, &mut out)?;
        out.flush()
    }
}

/// Opens the store of a command.
pub(super) fn open(data: &Path) -> Result<Database, CliError> {
    Database::open(data).map_err(|source| CliError::Open { path: data.to_owned(), source })
}

/// `6 rows, 3.2 ms`; for a definition only the time.
fn summary(answer: &Answer, elapsed: Duration) -> String {
    let time = duration(elapsed);
    match answer.rows.len() {
        _ if answer.columns.is_empty() => time,
        1 => format!("1 row, {time}"),
        rows => format!("{} rows, {time}", grouped(i64::try_from(rows).unwrap_or(i64::MAX))),
    }
}

/// A time in the unit that fits it.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 0.1 => format!("{:.1} ms", s * 1e3),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 60.0 => format!("{s:.1} s"),
        s => format!("{:.0} min {:02.0} s", (s / 60.0).floor(), s % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_fitting_units() {
        let told = |micros| duration(Duration::from_micros(micros));
        assert_eq!(told(12), "12 µs");
        assert_eq!(told(3_210), "3.2 ms");
        assert_eq!(told(321_000), "321 ms");
        assert_eq!(told(3_210_000), "3.2 s");
        assert_eq!(told(125_000_000), "2 min 05 s");
    }

    #[test]
    fn rows_are_counted() {
        let mut answer = Answer::default();
        assert_eq!(summary(&answer, Duration::from_millis(3)), "3.0 ms");
        answer
            .columns
            .push(throng::Column { name: "count".to_owned(), kind: throng::ColumnType::Integer });
        answer.rows.push(vec![throng::Value::Integer(1)]);
        assert_eq!(summary(&answer, Duration::from_millis(3)), "1 row, 3.0 ms");
        answer.rows.clear();
        assert_eq!(summary(&answer, Duration::from_millis(3)), "0 rows, 3.0 ms");
    }
}
