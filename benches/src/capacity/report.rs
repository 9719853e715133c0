//! The document: what was found, how it grows, and what a user needs.

use std::fmt::Write;

use serde_json::Value;

use super::options::{Options, short};
use crate::chart::{grouped, slope};

const MIB: f64 = (1 << 20) as f64;
/// Events that needs are told for.
const NEED_EVENTS: f64 = 1e8;

/// A figure of a size.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) of: fn(&Value) -> f64,
    digits: usize,
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

pub(super) fn events(size: &Value) -> f64 {
    number(&size["open"]["events"])
}

/// Seconds of all loads; those that an ended run left untimed count as the others.
pub(super) fn load_seconds(size: &Value) -> f64 {
    let loads = size["loads"].as_object().into_iter().flat_map(|loads| loads.values());
    let timed = loads.filter(|load| !load["seconds"].is_null());
    let (mut seconds, mut rows) = (0.0, 0.0);
    for load in timed {
        seconds += number(&load["seconds"]);
        rows += number(&load["events"]);
    }
    if rows > 0.0 { seconds * events(size) / rows } else { 0.0 }
}

fn ready_seconds(size: &Value) -> f64 {
    load_seconds(size) + number(&size["merge"]["seconds"])
}

fn peak(size: &Value, of: &str) -> f64 {
    number(&size["load"][of]).max(number(&size["merge"][of])) / MIB
}

pub(super) fn disk_bytes(size: &Value) -> f64 {
    let open = &size["open"];
    number(&open["segment_bytes"])
        + number(&open["dictionary_bytes"])
        + number(&open["index_bytes"])
}

fn per_consumer(size: &Value) -> f64 {
    number(&size["open"]["dictionary_bytes"]) / number(&size["open"]["consumers"]).max(1.0)
}

pub(super) fn question(size: &Value, name: &str) -> f64 {
    number(&size["ask"]["questions"][name]["ms"])
}

pub(super) const OPEN: fn(&Value) -> f64 = |size| number(&size["open"]["ms"]);
pub(super) const RESIDENT: fn(&Value) -> f64 = |size| number(&size["open"]["resident"]) / MIB;
pub(super) const PEAK: fn(&Value) -> f64 = |size| peak(size, "peak");

/// Every line of the table.
const FIGURES: [Figure; 16] = [
    Figure { name: "consumers", of: |size| number(&size["open"]["consumers"]), digits: 0 },
    Figure { name: "loading, s", of: load_seconds, digits: 1 },
    Figure { name: "merging, s", of: |size| number(&size["merge"]["seconds"]), digits: 1 },
    Figure {
        name: "events/s, loaded",
        of: |size| events(size) / load_seconds(size).max(1e-9),
        digits: 0,
    },
    Figure {
        name: "events/s, loaded and merged",
        of: |size| events(size) / ready_seconds(size).max(1e-9),
        digits: 0,
    },
    Figure { name: "peak memory, MiB, pages of files included", of: PEAK, digits: 0 },
    Figure { name: "peak memory of its own, MiB", of: |size| peak(size, "peak_own"), digits: 0 },
    Figure {
        name: "bytes per event, all indexes included",
        of: |size| number(&size["open"]["segment_bytes"]) / events(size).max(1.0),
        digits: 2,
    },
    Figure { name: "dictionary, bytes per consumer", of: per_consumer, digits: 1 },
    Figure { name: "on disk, MB", of: |size| disk_bytes(size) / 1e6, digits: 0 },
    Figure { name: "segments", of: |size| number(&size["open"]["segments"]), digits: 0 },
    Figure { name: "opening, ms", of: OPEN, digits: 1 },
    Figure { name: "memory once open, MiB", of: RESIDENT, digits: 0 },
    Figure { name: "aipl of the largest brand, ms", of: |s| question(s, "largest"), digits: 1 },
    Figure { name: "aipl of a medium brand, ms", of: |s| question(s, "medium"), digits: 1 },
    Figure { name: "aipl of the smallest brand, ms", of: |s| question(s, "smallest"), digits: 1 },
];

/// The document's text.
pub(super) fn markdown(options: &Options, sizes: &[&Value], machine: &str) -> String {
    let mut out = String::from("# Capacity\n\n");
    let text = format!(
        "`cargo xtask capacity` writes this file and `capacity.svg`. It makes stores of growing \
         size, {} brands of heavy-tailed size, {} days\nand one consumer for {} events, whose \
         identities are texts of 17 characters: events come in the order of their days, in bulk \
         loads of whole\ndays, with {} MiB for a load; then everything is merged. Each step is a \
         process of its own, and a step that is done is not done again:\n`--sizes 1G` measures \
         one size, and goes on where an earlier run ended. Times are of a machine that others may \
         use as well, and vary with it.\n\nMachine: {machine}.\n\n",
        options.brands, options.days, options.events_per_consumer, options.memory
    );
    out.push_str(&text);
    // Writing to a string cannot fail.
    let _ = table(&mut out, sizes);
    out.push_str(
        "\nOpening is the median of seven processes that do nothing else, until a question can be \
         asked; the files may be in the system's\ncache. The growth is the slope of a line through \
         the logarithms: 1 grows as the events, 0 does not grow. Questions are medians of nine\n\
         after a first one.\n\n![Growth over events](capacity.svg)\n",
    );
    if let Some(last) = sizes.last() {
        let _ = needs(&mut out, last);
    }
    out
}

fn table(out: &mut String, sizes: &[&Value]) -> std::fmt::Result {
    write!(out, "| events |")?;
    for size in sizes {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = events(size) as u64;
        write!(out, " {} |", short(count))?;
    }
    writeln!(out, " growth |\n|---|{}---|", "---|".repeat(sizes.len()))?;
    for figure in &FIGURES {
        write!(out, "| {} |", figure.name)?;
        let points: Vec<_> = sizes.iter().map(|size| (events(size), (figure.of)(size))).collect();
        for (_, value) in &points {
            write!(out, " {} |", grouped(*value, figure.digits))?;
        }
        match slope(&points) {
            Some(slope) => writeln!(out, " {slope:.2} |")?,
            None => writeln!(out, " |")?,
        }
    }
    Ok(())
}

fn needs(out: &mut String, size: &Value) -> std::fmt::Result {
    let share = NEED_EVENTS / events(size).max(1.0);
    writeln!(out, "\n## What 100 M events need\n\nBy the largest size above:\n")?;
    let consumers = number(&size["open"]["consumers"]) * share;
    writeln!(
        out,
        "- **Disk**: {} MB, {:.1} bytes an event and {:.1} a consumer with its identity ({} \
         consumers). A merge needs the size of one block of\n  64 days more while it runs.",
        grouped(disk_bytes(size) * share / 1e6, 0),
        number(&size["open"]["segment_bytes"]) / events(size).max(1.0),
        per_consumer(size),
        grouped(consumers, 0),
    )?;
    writeln!(
        out,
        "- **Memory**: {} MiB once open, and what the system keeps of the files that questions \
         read. Loading all of the store took {}\n  MiB at most, {} MiB of them its own, and the \
         rest pages of files that the system takes back when it needs them.",
        grouped(RESIDENT(size), 0),
        grouped(PEAK(size), 0),
        grouped(peak(size, "peak_own"), 0),
    )?;
    let seconds = ready_seconds(size) * share;
    writeln!(out, "- **Time**: {seconds:.0} s to load and merge them.")
}
