//! ORDER BY.

use crate::ast::{OrderColumn, OrderKey as Node};
use crate::error::{ErrorCode, QueryError};
use crate::plan::{Column, OrderKey};
use crate::suggest::closest;

use super::binder::Binder;

impl Binder<'_> {
    pub fn order(&self, nodes: &[Node], columns: &[Column]) -> Result<Vec<OrderKey>, QueryError> {
        let key = |node: &Node| {
            let column = find(node, columns)?;
            Ok(OrderKey { column, direction: node.direction })
        };
        nodes.iter().map(key).collect()
    }
}

fn find(node: &Node, columns: &[Column]) -> Result<usize, QueryError> {
    let name = match &node.column {
        OrderColumn::Name(name) => name,
        OrderColumn::Position(position) => {
            let index = position.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            return index.filter(|index| *index < columns.len()).ok_or_else(|| {
                let message = format!("there is no column {position}");
                let error = QueryError::new(ErrorCode::UndefinedColumn, node.span.clone(), message);
                error.hint(match columns.len() {
                    1 => "the answer has 1 column".to_owned(),
                    several => format!("the answer has {several} columns"),
                })
            });
        }
    };
    if let Some(index) = columns.iter().position(|column| column.name == *name) {
        return Ok(index);
    }
    let lower = name.to_lowercase();
    let mut same = columns.iter().enumerate().filter(|(_, c)| c.name.to_lowercase() == lower);
    if let (Some((index, _)), None) = (same.next(), same.next()) {
        return Ok(index);
    }
    let message = format!("the answer has no column `{name}`");
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let suggestion = closest(name, names.iter().copied());
    let error = QueryError::new(ErrorCode::UndefinedColumn, node.span.clone(), message);
    Err(error.suggest(suggestion).hint(format!("its columns are {}", names.join(", "))))
}
