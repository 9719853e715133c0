//! CREATE PARTITION: what it needs, and what its author should know of its groups.

use throng_query::plan::{Dates, Division, IfExists, Measure, NameKind, Query, Set};

use super::create::{check_known, may_take};
use super::define::Change;
use crate::database::Database;
use crate::definition::{DefinitionKind, PartitionRecord, Uses, encode};
use crate::error::{DatabaseError, DefinitionError, ExecuteError, User};
use crate::measure::counts;
use crate::options::ExecuteOptions;
use crate::view::View;

/// Groups told of by name in one notice.
const NAMED_MAX: usize = 8;

/// Makes a partition.
pub(super) fn create(
    database: &Database,
    asked: &Division,
    exists: IfExists,
) -> Result<Change, DatabaseError> {
    let (kind, name) = (NameKind::Partition, &asked.name);
    let view = database.view()?;
    let before = view.partition(name);
    if may_take(before.is_some(), exists, kind, name)? == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    for group in &asked.rules {
        check_known(&view, &group.rule)?;
    }
    check_groups_kept(&view, asked)?;
    let text = match throng_query::bind_division(name, &asked.text, &*view) {
        Ok(same) if same.rules == asked.rules && same.rest == asked.rest => asked.text.clone(),
        _ => throng_query::division_text(asked, &*view),
    };
    let record = PartitionRecord { text };
    database.store().define(vec![encode(DefinitionKind::Partition, name, &record)])?;
    Ok(Change::Made)
}

/// Refuses a new form of a partition that lacks a group some audience names.
fn check_groups_kept(view: &View, partition: &Division) -> Result<(), DefinitionError> {
    let groups = partition.groups();
    for audience in view.definitions().audiences() {
        let named = Uses::of_set(&audience.set).groups;
        let lost =
            |(of, group): &(String, String)| *of == partition.name && !groups.contains(group);
        if named.iter().any(lost) {
            let user = User::Definition { kind: NameKind::Audience, name: audience.name.clone() };
            let (kind, name) = (NameKind::Partition, partition.name.clone());
            return Err(DefinitionError::InUse { kind, name, user });
        }
    }
    Ok(())
}

/// Which groups nobody is in today, as nobody fits them or earlier ones take all who do, and which
/// lose some to earlier ones.
pub(super) fn notices(
    view: &View,
    partition: &Division,
    options: &ExecuteOptions,
) -> Result<Vec<String>, ExecuteError> {
    let day = view.as_of(None);
    let mut sets = Vec::with_capacity(partition.rules.len() * 2);
    for group in &partition.rules {
        sets.push(group.rule.clone());
        let (of, groups) = (partition.name.clone(), vec![group.stage.clone()]);
        sets.push(Set::Group { partition: of, groups, as_of: None });
    }
    let query = Query {
        measure: Measure::Count,
        filter: None,
        versus: None,
        partitions: Vec::new(),
        dates: Dates::AsOf(Some(day)),
        forecast_days: None,
        order: Vec::new(),
        limit: None,
    };
    let found = counts(view, &query, day.0, sets, options)?;
    let (mut empty, mut hidden, mut shared) = (Vec::new(), Vec::new(), Vec::new());
    for (group, numbers) in partition.rules.iter().zip(found.chunks(2)) {
        let [fit, taken] = [0, 1].map(|at| numbers.get(at).copied().unwrap_or(0));
        match (fit, taken) {
            (0, _) => empty.push(format!("`{}`", group.stage)),
            (fit, 0) => hidden.push(format!("`{}` ({fit})", group.stage)),
            (fit, taken) if taken < fit => {
                shared.push(format!("`{}` ({} of {fit})", group.stage, fit - taken));
            }
            _ => {}
        }
    }
    let mut notices = Vec::new();
    let mut tell = |groups: &[String], words: &str| {
        if !groups.is_empty() {
            let more = if groups.len() > NAMED_MAX { ", ..." } else { "" };
            let named = groups.get(..groups.len().min(NAMED_MAX)).unwrap_or(&[]).join(", ");
            notices.push(format!("as of {day} {words}: {named}{more}"));
        }
    };
    tell(&hidden, "earlier groups take everybody of these, which stay empty");
    tell(&shared, "earlier groups take some of these");
    tell(&empty, "nobody fits these");
    Ok(notices)
}
