//! EXPLAIN as one JSON document. Its fields are in `docs/language.md`.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::bandwidth;
use super::explain::{Explained, Pass, Ran, Tree, kinds, share};
use crate::answer::Date;
use crate::exec::{Node, NodeId, NodeTrace, Trace, Way};
use crate::view::View;

/// The document.
pub(super) fn document(explained: &Explained<'_>) -> Value {
    let Explained { view, ran, passes } = explained;
    let mut document = Map::new();
    document.insert("analyzed".to_owned(), json!(ran.is_some()));
    document.insert("store_chunks".to_owned(), json!(view.chunk_end()));
    if let Some(Ran { elapsed, memory }) = ran {
        document.insert("elapsed_ms".to_owned(), json!(milliseconds(*elapsed)));
        document.insert("memory_bytes".to_owned(), json!(memory));
        let rate = bandwidth::bytes_per_second().round();
        document.insert("machine_bytes_per_second".to_owned(), json!(rate));
    }
    let passes: Vec<_> = passes.iter().map(|of| pass(view, of)).collect();
    document.insert("passes".to_owned(), json!(passes));
    Value::Object(document)
}

fn pass(view: &View, Pass { days, program, trace }: &Pass) -> Value {
    let mut pass = Map::new();
    let day = |day: Option<&i32>| json!(day.map(|day| Date(*day).to_string()));
    pass.insert("first_day".to_owned(), day(days.first()));
    pass.insert("last_day".to_owned(), day(days.last()));
    pass.insert("days".to_owned(), json!(days.len()));
    if let Some(trace) = trace {
        let way = match trace.way {
            Way::Sets => "sets",
            Way::Rows => "rows",
            Way::Lead => "rows of one set",
            Way::Days => "rows for all days",
            Way::Memo => "memo",
        };
        pass.insert("way".to_owned(), json!(way));
        pass.insert("workers".to_owned(), json!(trace.workers));
        pass.insert("chunks".to_owned(), json!(trace.chunks));
        pass.insert("bytes".to_owned(), json!(trace.bytes()));
        pass.insert("rows".to_owned(), json!(trace.rows()));
        pass.insert("looked_up".to_owned(), json!(trace.consumers));
        pass.insert("elapsed_ms".to_owned(), json!(milliseconds(trace.elapsed)));
        pass.insert("bandwidth_share".to_owned(), json!(share(trace.bytes(), trace.elapsed)));
    }
    let mut tree = Tree { view, program, trace: trace.as_ref(), shown: Vec::new() };
    let nodes = program.nodes();
    let asked =
        program.roots().iter().copied().filter(|root| !matches!(nodes[root.0], Node::Nobody));
    let roots: Vec<_> = asked.collect();
    let sets: Vec<_> = roots.into_iter().map(|root| node(&mut tree, root)).collect();
    pass.insert("sets".to_owned(), json!(sets));
    Value::Object(pass)
}

/// A node with those it is made of; those of a node that was told before are not told again.
fn node(tree: &mut Tree<'_>, id: NodeId) -> Value {
    let of = &tree.program.nodes()[id.0];
    let mut told = Map::new();
    told.insert("node".to_owned(), json!(id.0));
    told.insert("text".to_owned(), json!(tree.describe(of)));
    if tree.shown.contains(&id) {
        told.insert("again".to_owned(), json!(true));
        return Value::Object(told);
    }
    tree.shown.push(id);
    if let Some(trace) = tree.trace
        && let Some(node) = trace.nodes.get(id.0)
        && (trace.way == Way::Sets || node.chunks > 0 || node.remembered)
    {
        account(&mut told, node, trace);
        told.insert("memo".to_owned(), json!(node.remembered));
        if node.remembered {
            return Value::Object(told);
        }
    }
    let children: Vec<_> = of.children().map(|child| node(tree, child)).collect();
    if !children.is_empty() {
        told.insert("of".to_owned(), json!(children));
    }
    Value::Object(told)
}

fn account(told: &mut Map<String, Value>, node: &NodeTrace, trace: &Trace) {
    told.insert("chunks".to_owned(), json!(node.chunks));
    told.insert("chunks_occupied".to_owned(), json!(node.occupied));
    told.insert("bytes".to_owned(), json!(node.bytes));
    told.insert("rows".to_owned(), json!(node.rows));
    // Row by row, a leaf counts the chunks of each of its lanes, and no node has its own time.
    if trace.way == Way::Sets {
        let skipped = trace.chunks.saturating_sub(node.chunks);
        told.insert("chunks_skipped".to_owned(), json!(skipped));
        told.insert("time_ms".to_owned(), json!(milliseconds(node.time)));
    }
    let read = kinds(&node.containers).into_iter().filter(|(number, _)| *number > 0);
    let read: Map<_, _> = read.map(|(number, kind)| (kind.to_owned(), json!(number))).collect();
    if !read.is_empty() {
        told.insert("containers".to_owned(), Value::Object(read));
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
