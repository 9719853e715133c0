//! EXPLAIN and EXPLAIN ANALYZE: the program as a tree, with what each node touched.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use throng_query::plan::{AtLeast, Column, Dates, ExplainFormat, ExplainMode, Measure, Query};
use throng_storage::names::NameTable;

use super::steps::steps;
use super::{DaysTrace, bandwidth, explain_json, group, overlap, traced};
use crate::answer::{Answer, Date, Value};
use crate::database::ExecuteOptions;
use crate::error::ExecuteError;
use crate::exec::{
    Bounds, Containers, Leaf, Node, NodeId, NodeTrace, PiecePrice, Program, RowChoice, Timing,
    Trace, Way,
};
use crate::view::View;

/// Explains a query: one row per line, or one with a document.
///
/// # Errors
/// See [`ExecuteError`].
pub fn explain(
    view: &View,
    (mode, format): (ExplainMode, ExplainFormat),
    query: &Query,
    columns: &[Column],
    options: &ExecuteOptions,
) -> Result<Answer, ExecuteError> {
    let explained = match mode {
        ExplainMode::Program => Explained {
            view,
            ran: None,
            passes: programs(view, query, &Bounds::new(options, Timing::Off))?,
        },
        ExplainMode::Analyze => {
            let bounds = Bounds::new(options, Timing::On);
            let start = Instant::now();
            let (_, traces) = traced(view, query, &bounds)?;
            let ran = Ran { elapsed: start.elapsed(), memory: bounds.memory_peak() };
            let pass = |run: DaysTrace| Pass {
                days: run.days,
                program: run.program,
                trace: Some(run.trace),
            };
            let passes = traces.into_iter().map(pass).collect();
            Explained { view, ran: Some(ran), passes }
        }
    };
    let lines = match format {
        ExplainFormat::Text => explained.lines(),
        ExplainFormat::Json => vec![explain_json::document(&explained).to_string()],
    };
    let rows: Vec<_> = lines.into_iter().map(|line| vec![Value::Text(line)]).collect();
    let tag = format!("SELECT {}", rows.len());
    Ok(Answer { columns: columns.to_vec(), rows, tag, notices: Vec::new() })
}

/// What is explained.
#[derive(Debug)]
pub(super) struct Explained<'v> {
    pub(super) view: &'v View,
    /// What running all of it took, if it ran.
    pub(super) ran: Option<Ran>,
    pub(super) passes: Vec<Pass>,
}

/// What running a query took.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) elapsed: Duration,
    /// Bytes of working memory that were held at once.
    pub(super) memory: usize,
}

/// One pass over the chunks.
#[derive(Debug)]
pub(super) struct Pass {
    /// The as-of days, ascending.
    pub(super) days: Vec<i32>,
    pub(super) program: Program,
    /// What it touched, if it ran.
    pub(super) trace: Option<Trace>,
}

/// The programs of a query that is not run.
fn programs(view: &View, query: &Query, bounds: &Bounds) -> Result<Vec<Pass>, ExecuteError> {
    // The dates of EVERY have programs that are alike.
    let shown = match query.dates {
        Dates::Every { .. } => 1,
        Dates::AsOf(_) => usize::MAX,
    };
    let mut passes = Vec::new();
    for step in steps(view, query).into_iter().take(shown) {
        let Some(&day) = step.days.first() else { continue };
        let query = step.of_day(0);
        let program = match &query.measure {
            Measure::Overlap { operands, .. } => {
                overlap::program(view, query, operands, day, bounds)?
            }
            _ => group::program(view, query, step.parts.first(), day, bounds)?,
        };
        passes.push(Pass { days: vec![day], program, trace: None });
    }
    Ok(passes)
}

/// The share of the machine's read bandwidth that reading so many bytes in a time was.
#[expect(clippy::cast_precision_loss, reason = "a share is shown with few digits")]
pub(super) fn share(bytes: u64, time: Duration) -> Option<f64> {
    let seconds = time.as_secs_f64();
    (seconds > 0.0).then(|| bytes as f64 / seconds / bandwidth::bytes_per_second())
}

impl Explained<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Pass { days, program, trace } in &self.passes {
            match (trace, days.first()) {
                (Some(trace), _) => lines.push(summary(days, trace)),
                (None, Some(day)) => {
                    let chunks = self.view.chunk_end();
                    lines.push(format!("as of {}, {chunks} chunks", Date(*day)));
                }
                (None, None) => {}
            }
            let trace = trace.as_ref();
            Tree { view: self.view, program, trace, shown: Vec::new() }.lines(&mut lines);
        }
        if let Some(ran) = &self.ran {
            lines.push(format!(
                "in all {}, {} of working memory; this machine reads {:.1} GB/s \
                 (the bits of 64 MiB counted by all cores)",
                milliseconds(ran.elapsed),
                size(ran.memory as u64),
                bandwidth::bytes_per_second() / 1e9,
            ));
        }
        lines
    }
}

fn summary(days: &[i32], trace: &Trace) -> String {
    let as_of = match days {
        [] => String::new(),
        [day] => Date(*day).to_string(),
        [first, .., last] => format!("{} to {}, {} days", Date(*first), Date(*last), days.len()),
    };
    let bytes = trace.bytes();
    let way = match trace.way {
        Way::Sets => String::new(),
        Way::Rows => ", row by row".to_owned(),
        Way::Lead => match trace.consumers {
            0 => ", row by row of one set".to_owned(),
            looked_up => format!(", row by row of one set, {looked_up} consumers looked up"),
        },
        Way::Days => ", row by row for all days".to_owned(),
        Way::Memo => ", from the memo".to_owned(),
    };
    let share = share(bytes, trace.elapsed).map_or_else(String::new, |share| {
        format!(", {:.1} % of the machine's read bandwidth", share * 100.0)
    });
    format!(
        "as of {as_of}: {} chunks, {} workers, {}, {} rows decoded, {}{way}{share}",
        trace.chunks,
        trace.workers,
        size(bytes),
        trace.rows(),
        milliseconds(trace.elapsed),
    )
}

/// The nodes of a program as indented lines; a node used twice is spelt out once.
pub(super) struct Tree<'t> {
    pub(super) view: &'t View,
    pub(super) program: &'t Program,
    pub(super) trace: Option<&'t Trace>,
    pub(super) shown: Vec<NodeId>,
}

impl Tree<'_> {
    fn lines(&mut self, lines: &mut Vec<String>) {
        let nodes = self.program.nodes();
        for root in self.program.roots() {
            if !matches!(nodes[root.0], Node::Nobody) {
                self.node(*root, 1, lines);
            }
        }
        if self.shown.is_empty() {
            lines.push("  no set is read".to_owned());
        }
    }

    fn node(&mut self, id: NodeId, depth: usize, lines: &mut Vec<String>) {
        let node = &self.program.nodes()[id.0];
        let mut line = format!("{:indent$}#{} ", "", id.0, indent = depth * 2);
        line.push_str(&self.describe(node));
        if self.shown.contains(&id) {
            line.push_str(" (see above)");
            lines.push(line);
            return;
        }
        if let Some(trace) = self.trace
            && let Some(node) = trace.nodes.get(id.0)
            && (trace.way == Way::Sets || node.chunks > 0 || node.remembered)
        {
            line.push_str(&account(node, trace.way));
            if node.remembered {
                lines.push(line);
                self.shown.push(id);
                return;
            }
        }
        lines.push(line);
        self.shown.push(id);
        for child in node.children() {
            self.node(child, depth + 1, lines);
        }
    }

    pub(super) fn describe(&self, node: &Node) -> String {
        match node {
            Node::Nobody => "nobody".to_owned(),
            Node::And(_) => "all of".to_owned(),
            Node::Or(_) => "any of".to_owned(),
            Node::Minus(..) => "first without second".to_owned(),
            Node::Leaf(leaf) => self.leaf(leaf),
        }
    }

    fn leaf(&self, leaf: &Leaf) -> String {
        match leaf {
            Leaf::Universe { day } => format!("universe as of {}", Date(*day)),
            Leaf::Did { lanes, at_least, rows } => {
                let often = match at_least {
                    AtLeast::Times(1) => String::new(),
                    AtLeast::Times(n) => format!(" {n} times"),
                    AtLeast::Days(n) => format!(" on {n} days"),
                };
                let names: Vec<_> = lanes.behaviours.iter().map(|id| self.behaviour(*id)).collect();
                let behaviours = if names.is_empty() { "any".to_owned() } else { names.join(", ") };
                format!("{} did {behaviours}{often}{}", self.brand(lanes.brand), days(rows))
            }
            Leaf::Spent { spend, comparison, amount } => {
                let who = self.brand(spend.brand);
                if let Some(PiecePrice { money, pieces }) = spend.above {
                    let price = format!("{money} minor units for {pieces} pieces");
                    return format!("{who} paid {comparison:?} {price}{}", days(&spend.rows));
                }
                format!("{who} spent {comparison:?} {amount} minor units{}", days(&spend.rows))
            }
            Leaf::State { brand, enter, exit, last } => format!(
                "{} last of {} and {} up to {}",
                self.brand(*brand),
                self.behaviour(*enter),
                self.behaviour(*exit),
                Date(*last)
            ),
            Leaf::Index { key, sets } => format!("index {key}, {} sets", sets.len()),
            Leaf::Range { key, low, high } => format!("slices {key}, {low} to {high} above least"),
            Leaf::Sample { per_million, seed } => {
                format!("sample {per_million} of a million, seed {seed}")
            }
        }
    }

    fn brand(&self, brand: Option<u32>) -> String {
        let Some(id) = brand else { return "any brand".to_owned() };
        let name = self.view.snapshot().names().name(NameTable::Brand, id);
        name.map_or_else(String::new, |name| name.to_string())
    }

    fn behaviour(&self, id: u16) -> String {
        let name = self.view.snapshot().names().name(NameTable::Behaviour, u32::from(id));
        name.map_or_else(String::new, |name| name.to_string())
    }
}

fn days(rows: &RowChoice) -> String {
    let mut text = if rows.first == i32::MIN {
        format!(" up to {}", Date(rows.last))
    } else {
        format!(" from {} to {}", Date(rows.first), Date(rows.last))
    };
    for (ids, what) in [
        (&rows.touchpoints, "touchpoints"),
        (&rows.categories, "categories"),
        (&rows.items, "items"),
    ] {
        if !ids.is_empty() {
            let _ = write!(text, ", {} {what}", ids.len());
        }
    }
    text
}

fn account(trace: &NodeTrace, way: Way) -> String {
    if trace.remembered && trace.chunks == 0 {
        return "  [from the memo]".to_owned();
    }
    // Row by row, a leaf counts the chunks of each of its lanes.
    let what = if way == Way::Sets { "chunks" } else { "chunks of lanes" };
    let mut text = format!("  [{} of {} {what}", trace.occupied, trace.chunks);
    if trace.rows > 0 {
        let _ = write!(text, ", {} rows", trace.rows);
    }
    for (number, kind) in kinds(&trace.containers) {
        if number > 0 {
            let _ = write!(text, ", {number} {kind}");
        }
    }
    if trace.bytes > 0 {
        let _ = write!(text, ", {}", size(trace.bytes));
    }
    // Row by row no node has a time of its own.
    if way == Way::Sets || trace.time > Duration::ZERO {
        let _ = write!(text, ", {}", milliseconds(trace.time));
    }
    if trace.remembered {
        text.push_str(", from the memo");
    }
    text.push(']');
    text
}

/// The kinds of containers, and how many of each were read.
pub(super) fn kinds(containers: &Containers) -> [(u64, &'static str); 4] {
    let Containers { arrays, bitsets, runs, full } = *containers;
    [(arrays, "arrays"), (bitsets, "bitsets"), (runs, "runs"), (full, "full")]
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

#[expect(clippy::cast_precision_loss, reason = "a size is shown with one digit")]
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
