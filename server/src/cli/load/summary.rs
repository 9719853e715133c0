//! What a load did, in a paragraph; what it would do, in a table.

use std::io::{self, Write};

use throng::import::{LoadMode, LoadReport, Understood};
use throng::{Answer, Column, ColumnType, Value};

use crate::cli::session::duration;
use crate::render::{OutputFormat, Style, grouped, write_answer};

/// Writes the summary of a load to standard output. `unit` is what rows are called.
pub(super) fn write(report: &LoadReport, mode: LoadMode, unit: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if let (LoadMode::DryRun, Some(understood)) = (mode, &report.understood) {
        write_understood(&report.file, understood, &mut out)?;
        for reject in &report.first_rejects {
            writeln!(out, "bad: {reject}")?;
        }
    } else if let Some(understood) = &report.understood
        && unit != "events"
    {
        let types: Vec<String> = understood
            .columns
            .iter()
            .skip(1)
            .map(|column| format!("{} {}", column.column, column.kind))
            .collect();
        writeln!(out, "attributes: {}", types.join(", "))?;
    }
    let notices = report.understood.iter().flat_map(|understood| &understood.notices);
    for notice in notices {
        writeln!(io::stderr(), "note: {notice}")?;
    }
    writeln!(out, "{}", paragraph(report, mode, unit))
}

fn count(number: u64) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

fn paragraph(report: &LoadReport, mode: LoadMode, unit: &str) -> String {
    if report.repeated {
        return format!("{}: this token was applied before; nothing changed.", report.file);
    }
    let verb = if mode == LoadMode::DryRun { "Would load" } else { "Loaded" };
    let mut text = format!("{verb} {} {unit} from {}", count(report.kept), report.file);
    if let Some((first, last)) = report.days {
        text.push_str(&format!(", of {first} to {last}"));
    }
    if mode == LoadMode::Apply {
        text.push_str(&format!(", with {} new consumers", count(report.new_consumers)));
    }
    let seconds = report.elapsed.as_secs_f64().max(1e-9);
    #[expect(clippy::cast_precision_loss, reason = "rates with few digits")]
    let (rate, bytes) = (report.kept as f64 / seconds, report.bytes as f64 / 1e6);
    let rate =
        if rate >= 1e6 { format!("{:.2} M", rate / 1e6) } else { format!("{:.0}", rate.round()) };
    let megabytes = format!("{bytes:.1} MB at {:.1} MB/s", bytes / seconds);
    text.push_str(&format!(", in {}: {rate} {unit}/s, {megabytes}.", duration(report.elapsed)));
    if report.skipped > 0 {
        text.push_str(&format!(" Left out {} rows without a consumer.", count(report.skipped)));
    }
    if report.rejected() > 0 {
        let kinds: Vec<String> = report
            .rejects
            .iter()
            .map(|&(kind, number)| format!("{} {kind}", count(number)))
            .collect();
        text.push_str(&format!(
            " Rejected {} rows: {}",
            count(report.rejected()),
            kinds.join(", ")
        ));
        if let Some(path) = &report.reject_file {
            text.push_str(&format!("; they are listed in {}", path.display()));
        }
        text.push('.');
    }
    text
}

fn write_understood(file: &str, understood: &Understood, out: &mut dyn Write) -> io::Result<()> {
    let delimiter = match understood.delimiter {
        Some('\t') => ", delimiter tab".to_owned(),
        Some(delimiter) => format!(", delimiter {delimiter}"),
        None => String::new(),
    };
    writeln!(out, "{file}: {}{delimiter}", understood.format.name())?;
    let names = ["column", "from", "as", "first value"];
    let columns = names.map(|name| Column { name: name.to_owned(), kind: ColumnType::Text });
    let rows = understood.columns.iter().map(|column| {
        [&column.column, &column.source, &column.kind, &column.example]
            .map(|text| Value::Text(text.clone()))
            .to_vec()
    });
    let answer = Answer { columns: columns.to_vec(), rows: rows.collect(), ..Answer::default() };
    write_answer(&answer, OutputFormat::Table, Style::of_stdout(), out)?;
    if !understood.unused.is_empty() {
        writeln!(out, "not loaded: {}", understood.unused.join(", "))?;
    }
    Ok(())
}
