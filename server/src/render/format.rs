//! The formats an answer can be written in.

use std::io::{self, Write};

use clap::ValueEnum;
use throng::Answer;

use super::style::Style;
use super::{csv, json, markdown, table};

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// Aligned columns for people.
    Table,
    /// A header and one row per line, quoted as RFC 4180 says; null is empty.
    Csv,
    /// An array of objects: decimals and days as strings, so that nothing is rounded.
    Json,
    /// A Markdown table.
    Markdown,
}

/// Writes an answer. An answer without columns (of a definition) is its tag in a table, and
/// nothing in the formats for programs.
///
/// # Errors
/// When the output cannot be written.
pub fn write_answer(
    answer: &Answer,
    format: OutputFormat,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        OutputFormat::Table => table::write(answer, style, out),
        OutputFormat::Csv => csv::write(answer, out),
        OutputFormat::Json => json::write(answer, out),
        OutputFormat::Markdown => markdown::write(answer, out),
    }
}
