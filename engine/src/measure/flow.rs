//! FLOW: the matrix of a model's stages on two days, as rows.
//!
//! One row per pair of stages that somebody moved between. Its margins go with it: `start`, how
//! many were in the first stage on the first day, and `end`, how many in the second on the second.

use std::borrow::Cow;
use std::collections::BTreeMap;

use throng_query::plan::{Dates, Flow, Measure, Partition, Query};

use super::finish::{Finished, count, key_value, ratio};
use super::moves::{Move, place_of};
use super::partial::{DayPartial, GroupKey};
use super::steps::Step;
use crate::answer::Value;
use crate::error::ExecuteError;
use crate::view::View;

/// What is counted: the stages on both days, as COUNT BY would.
pub fn steps<'q>(view: &View, query: &Query, flow: &Flow) -> Vec<Step<'q>> {
    let stage = |day| Partition::Stage {
        brand: flow.brand.clone(),
        model: flow.model.clone(),
        categories: flow.categories.clone(),
        as_of: Some(day),
    };
    let day = match query.dates {
        Dates::AsOf(Some(day)) => day,
        _ => flow.to,
    };
    let counted = Query {
        measure: Measure::Count,
        filter: query.filter.clone(),
        versus: None,
        partitions: vec![stage(flow.from), stage(flow.to)],
        dates: Dates::AsOf(Some(day)),
        forecast_days: None,
        order: Vec::new(),
        limit: None,
    };
    vec![Step::new(vec![view.as_of(Some(day)).0], Cow::Owned(counted))]
}

/// The rows: from, to, kind, count, start, end, rate.
///
/// # Errors
/// When a number does not fit its column.
pub fn finish(flow: &Flow, days: &[DayPartial]) -> Result<Finished, ExecuteError> {
    let cells = days.iter().flat_map(|day| day.groups.first().into_iter().flatten());
    let cells = cells.filter_map(|(keys, numbers)| match (keys.as_slice(), numbers.first()) {
        ([from, to], Some(members)) => Some((from, to, *members)),
        _ => None,
    });
    let cells: Vec<(&GroupKey, &GroupKey, i128)> = cells.collect();
    let (mut start, mut end) = (BTreeMap::new(), BTreeMap::new());
    for (from, to, members) in &cells {
        *start.entry(*from).or_insert(0) += members;
        *end.entry(*to).or_insert(0) += members;
    }
    let mut rows = Vec::new();
    for (from, to, members) in &cells {
        let places = [from, to].map(|key| place_of(&flow.model, key));
        let Some(kind) = Move::between(places[0], places[1]) else { continue };
        let margin = |of: &BTreeMap<&GroupKey, i128>, key| of.get(key).copied().unwrap_or(0);
        let began = margin(&start, *from);
        rows.push(vec![
            key_value(from),
            key_value(to),
            Value::Text(kind.word().to_owned()),
            count(*members)?,
            count(began)?,
            count(margin(&end, *to))?,
            ratio(*members, began),
        ]);
    }
    let mut notices = Vec::new();
    if rows.is_empty() {
        notices.push(format!("nobody was in a stage of `{}` on either day", flow.model));
    }
    Ok(Finished { rows, notices })
}
