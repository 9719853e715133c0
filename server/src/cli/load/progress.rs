//! A bar on a terminal's standard error while a file is loaded.

use std::io::{self, IsTerminal};

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use throng::import::{Progress, Stage};

const READING: &str =
    "   reading {bar:30} {percent:>3} % {msg} events, {bytes_per_sec}, {eta} left";
/// For a stream, which does not tell its length.
const STREAMING: &str = "   reading {spinner} {bytes}, {msg} events, {bytes_per_sec}";
const WRITING: &str =
    "   writing {bar:30} {percent:>3} % {human_pos} events, {per_sec}, {eta} left";

/// The bar of one file.
pub(super) struct Bar {
    bar: ProgressBar,
    stage: Option<(Stage, Option<u64>)>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let bar =
            if io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        Self { bar, stage: None }
    }

    pub(super) fn show(&mut self, step: Progress) {
        let (template, position, length) = match (step.stage, step.bytes_total) {
            (Stage::Writing, _) => (WRITING, step.events, Some(step.events_total)),
            (Stage::Reading, Some(total)) => (READING, step.bytes, Some(total)),
            (Stage::Reading, None) => (STREAMING, step.bytes, None),
        };
        if self.stage != Some((step.stage, step.bytes_total)) {
            self.stage = Some((step.stage, step.bytes_total));
            self.bar.reset();
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
        }
        if let Some(length) = length {
            self.bar.set_length(length);
        }
        self.bar.set_position(position);
        self.bar.set_message(HumanCount(step.events).to_string());
    }

    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
