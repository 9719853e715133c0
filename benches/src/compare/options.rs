//! What is compared, as flags of the command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use throng::market::REFERENCE_CONSUMERS;

use crate::capacity::number;

/// A part of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// Loading a CSV, and opening what was loaded.
    Load,
    /// Questions over events, and bytes on disk.
    Ask,
    /// Sets of many consumers.
    Sets,
    /// Bytes on disk of events with seconds.
    Seconds,
    /// How times grow.
    Growth,
    /// Valuation and profiles against the simplest question.
    Valuation,
}

impl Part {
    /// All of them, in the order of the document.
    pub(super) const ALL: [Self; 6] =
        [Self::Load, Self::Ask, Self::Valuation, Self::Sets, Self::Seconds, Self::Growth];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Ask => "ask",
            Self::Sets => "sets",
            Self::Seconds => "seconds",
            Self::Growth => "growth",
            Self::Valuation => "valuation",
        }
    }

    /// Whether other systems are asked.
    pub(super) fn has_peers(self) -> bool {
        !matches!(self, Self::Growth | Self::Valuation)
    }
}

/// Sizes and places of a comparison.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Events of the questions; k, M and G stand for thousands, millions and milliards.
    #[arg(long, default_value = "100M", value_parser = number)]
    pub events: u64,
    /// Consumers of the sets.
    #[arg(long, default_value = "100M", value_parser = number)]
    pub consumers: u64,
    /// Events that are loaded from a CSV, and of the stores with seconds.
    #[arg(long, default_value = "20M", value_parser = number)]
    pub load_events: u64,
    /// Consumers that the events are of.
    #[arg(long, default_value_t = REFERENCE_CONSUMERS,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(REFERENCE_CONSUMERS)))]
    pub people: u32,
    /// Times each question is asked after a first one; the median counts.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// What is measured.
    #[arg(
        long,
        value_delimiter = ',',
        value_enum,
        default_value = "load,ask,valuation,sets,seconds,growth"
    )]
    pub parts: Vec<Part>,
    /// Measures the parts again that were measured before.
    #[arg(long)]
    pub again: bool,
    /// Where data and what was measured are kept.
    #[arg(long, default_value = "target/compare")]
    pub dir: PathBuf,
    /// The virtual environment of the other systems; made when it is not there.
    #[arg(long, default_value = "target/compare-venv")]
    pub venv: PathBuf,
    /// The document whose tables are written; the plots are written beside it.
    #[arg(long, default_value = "docs/benchmarks.md")]
    pub out: PathBuf,
    /// Uses the programs as they were built before.
    #[arg(long)]
    pub no_build: bool,
    /// Keeps the data, for another run.
    #[arg(long)]
    pub keep: bool,
}

impl Options {
    /// What the figures of a part depend on.
    pub(super) fn settings(&self, part: Part) -> Value {
        let Self { events, consumers, load_events, people, rounds, .. } = self;
        match part {
            Part::Load => json!({ "events": load_events, "people": people }),
            Part::Seconds => json!({ "events": load_events, "people": people }),
            Part::Ask | Part::Valuation => {
                json!({ "events": events, "people": people, "rounds": rounds })
            }
            Part::Sets => json!({ "consumers": consumers, "rounds": rounds }),
            Part::Growth => json!({
                "events": events, "people": people, "consumers": consumers, "rounds": rounds,
            }),
        }
    }
}
