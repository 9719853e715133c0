//! The plot: four panels with logarithmic axes, as SVG.

use serde_json::Value;

use super::report::{OPEN, PEAK, RESIDENT, disk_bytes, events, load_seconds, question};
use crate::chart;

type Of = fn(&Value) -> f64;

struct Panel {
    title: &'static str,
    lines: &'static [(&'static str, Of)],
}

const PANELS: [Panel; 4] = [
    Panel { title: "On disk, MB", lines: &[("store", |size| disk_bytes(size) / 1e6)] },
    Panel {
        title: "Loading and merging, s",
        lines: &[
            ("loading", load_seconds),
            ("merging", |size| size["merge"]["seconds"].as_f64().unwrap_or_default()),
        ],
    },
    Panel { title: "Memory, MiB", lines: &[("peak of loading", PEAK), ("once open", RESIDENT)] },
    Panel {
        title: "Times, ms",
        lines: &[
            ("opening", OPEN),
            ("aipl, largest brand", |size| question(size, "largest")),
            ("aipl, smallest brand", |size| question(size, "smallest")),
        ],
    },
];

/// The plot of some sizes.
pub(super) fn svg(sizes: &[&Value]) -> String {
    let panels: Vec<_> = PANELS.iter().map(|panel| panel.chart(sizes)).collect();
    chart::svg(&panels)
}

impl Panel {
    fn chart(&self, sizes: &[&Value]) -> chart::Panel {
        let line = |(name, of): &(&str, Of)| chart::Line {
            name: (*name).to_owned(),
            points: sizes.iter().map(|size| (events(size), of(size))).collect(),
        };
        chart::Panel {
            title: self.title.to_owned(),
            over: "events".to_owned(),
            lines: self.lines.iter().map(line).collect(),
        }
    }
}
