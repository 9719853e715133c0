//! Answers as text: tables, CSV, JSON, Markdown, and charts for a terminal.

mod bars;
mod csv;
mod format;
mod json;
mod markdown;
mod matrix;
mod regions;
#[cfg(test)]
mod sample;
mod style;
mod table;
mod text;

pub use bars::{Bar, bars};
pub use format::{OutputFormat, write_answer};
pub use matrix::{Matrix, matrix};
pub use regions::{Region, regions};
pub use style::{Style, Tone, columns};
pub use text::{Align, clip, grouped, pad, plain, width};
