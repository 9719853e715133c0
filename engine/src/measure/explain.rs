//! EXPLAIN and EXPLAIN ANALYZE: the program as a tree, with what each node touched.

use std::fmt::Write as _;
use std::time::Duration;

use throng_query::plan::{AtLeast, Column, Dates, ExplainMode, Measure, Query};
use throng_storage::names::NameTable;

use super::steps::steps;
use super::{group, overlap, traced};
use crate::answer::{Answer, Date, Value};
use crate::database::ExecuteOptions;
use crate::error::ExecuteError;
use crate::exec::{
    Bounds, Leaf, Node, NodeId, NodeTrace, PiecePrice, Program, RowChoice, Timing, Trace, Way,
};
use crate::view::View;

/// Explains a query: one row per line.
///
/// # Errors
/// See [`ExecuteError`].
pub fn explain(
    view: &View,
    mode: ExplainMode,
    query: &Query,
    columns: &[Column],
    options: &ExecuteOptions,
) -> Result<Answer, ExecuteError> {
    let mut lines = Vec::new();
    match mode {
        ExplainMode::Program => {
            // The dates of EVERY have programs that are alike.
            let shown = match query.dates {
                Dates::Every { .. } => 1,
                Dates::AsOf(_) => usize::MAX,
            };
            for step in steps(view, query).into_iter().take(shown) {
                let Some(&day) = step.days.first() else { continue };
                let query = step.of_day(0);
                let program = match &query.measure {
                    Measure::Overlap { operands, .. } => {
                        overlap::program(view, query, operands, day)?
                    }
                    _ => group::program(view, query, step.parts.first(), day)?,
                };
                lines.push(format!("as of {}, {} chunks", Date(day), view.chunk_end()));
                Tree { view, program: &program, trace: None, shown: Vec::new() }.lines(&mut lines);
            }
        }
        ExplainMode::Analyze => {
            let (_, traces) = traced(view, query, &Bounds::new(options, Timing::On))?;
            for run in &traces {
                lines.push(summary(&run.days, &run.trace));
                let trace = Some(&run.trace);
                Tree { view, program: &run.program, trace, shown: Vec::new() }.lines(&mut lines);
            }
        }
    }
    let rows: Vec<_> = lines.into_iter().map(|line| vec![Value::Text(line)]).collect();
    let tag = format!("SELECT {}", rows.len());
    Ok(Answer { columns: columns.to_vec(), rows, tag, notices: Vec::new() })
}

fn summary(days: &[i32], trace: &Trace) -> String {
    let as_of = match days {
        [] => String::new(),
        [day] => Date(*day).to_string(),
        [first, .., last] => format!("{} to {}, {} days", Date(*first), Date(*last), days.len()),
    };
    let bytes: u64 = trace.nodes.iter().map(|node| node.bytes).sum();
    let rows: u64 = trace.nodes.iter().map(|node| node.rows).sum();
    let way = match trace.way {
        Way::Sets => "",
        Way::Rows => ", row by row",
        Way::Days => ", row by row for all days",
        Way::Memo => ", from the memo",
    };
    format!(
        "as of {as_of}: {} chunks, {} workers, {}, {rows} rows decoded, {}{way}",
        trace.chunks,
        trace.workers,
        size(bytes),
        milliseconds(trace.elapsed),
    )
}

/// The nodes of a program as indented lines; a node used twice is spelt out once.
struct Tree<'t> {
    view: &'t View,
    program: &'t Program,
    trace: Option<&'t Trace>,
    shown: Vec<NodeId>,
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
        for child in children(node) {
            self.node(child, depth + 1, lines);
        }
    }

    fn describe(&self, node: &Node) -> String {
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

fn children(node: &Node) -> Vec<NodeId> {
    match node {
        Node::And(children) | Node::Or(children) => children.clone(),
        Node::Minus(from, what) => vec![*from, *what],
        Node::Nobody | Node::Leaf(_) => Vec::new(),
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
