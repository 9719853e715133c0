//! Every event of a batch is checked before anything of the batch is kept.

use crate::import::KEY_BYTES_MAX;
use throng_query::catalog::Catalog;
use throng_query::plan::NameKind;
use throng_storage::names::NAME_BYTES_MAX;

use super::error::{EventField, IngestError, Problem};
use super::event::{EventBatch, Keys, When, Words};
use crate::time::{DAY_MAX, DAY_MIN, DAY_SECONDS, Zone};
use crate::view::View;

/// What a batch means: ids of behaviours and local times.
pub(super) struct Checked {
    pub behaviour: Vec<u16>,
    pub day: Vec<i32>,
    pub second: Vec<u32>,
}

fn refuse(row: usize, field: EventField, problem: Problem) -> IngestError {
    IngestError::Event { row, field, problem }
}

/// Checks a batch.
pub(super) fn check(batch: &EventBatch, view: &View, zone: &Zone) -> Result<Checked, IngestError> {
    for row in 0..batch.len() {
        length(batch.consumers.get(row).len(), KEY_BYTES_MAX)
            .map_err(|problem| refuse(row, EventField::Consumer, problem))?;
    }
    check_words(&batch.brands, EventField::Brand)?;
    check_words(&batch.touchpoints, EventField::Touchpoint)?;
    check_words(&batch.categories, EventField::Category)?;
    check_keys(&batch.items, EventField::Item)?;
    check_keys(&batch.orders, EventField::Order)?;
    let behaviour = behaviours(&batch.behaviours, view)?;
    let (mut day, mut second) = (Vec::new(), Vec::new());
    for (row, at) in batch.at.iter().enumerate() {
        let (on, since) =
            moment(*at, zone).map_err(|problem| refuse(row, EventField::Time, problem))?;
        day.push(on);
        second.push(since);
    }
    if let Some(row) = batch.count.iter().position(|&count| count == 0) {
        return Err(refuse(row, EventField::Count, Problem::Zero));
    }
    if let Some(row) = batch.amount.iter().position(|&amount| amount < 0) {
        return Err(refuse(row, EventField::Amount, Problem::Negative));
    }
    Ok(Checked { behaviour, day, second })
}

fn length(found: usize, limit: usize) -> Result<(), Problem> {
    match found {
        0 => Err(Problem::Empty),
        _ if found > limit => Err(Problem::Long { found, limit }),
        _ => Ok(()),
    }
}

fn check_words(words: &Words, field: EventField) -> Result<(), IngestError> {
    for (code, name) in (1..).zip(&words.names) {
        length(name.len(), NAME_BYTES_MAX)
            .map_err(|problem| refuse(first_row(words, code), field, problem))?;
    }
    Ok(())
}

fn first_row(words: &Words, code: u32) -> usize {
    words.rows.iter().position(|&row| row == code).unwrap_or(0)
}

fn check_keys(keys: &Keys, field: EventField) -> Result<(), IngestError> {
    for (position, &row) in keys.rows.iter().enumerate() {
        length(keys.keys.get(position).len(), KEY_BYTES_MAX)
            .map_err(|problem| refuse(row as usize, field, problem))?;
    }
    Ok(())
}

fn behaviours(words: &Words, view: &View) -> Result<Vec<u16>, IngestError> {
    let mut ids = Vec::with_capacity(words.names.len());
    for (code, name) in (1..).zip(&words.names) {
        let known = view.exists(NameKind::Behaviour, name);
        let id = view.behaviour_id(name).filter(|_| known);
        ids.push(id.ok_or_else(|| {
            let names = view.names(NameKind::Behaviour);
            let suggestion = throng_query::closest(name, names.iter().map(String::as_str));
            let problem = Problem::UnknownBehaviour { name: name.clone(), suggestion };
            refuse(first_row(words, code), EventField::Behaviour, problem)
        })?);
    }
    Ok(words.rows.iter().map(|&code| ids[code as usize - 1]).collect())
}

fn moment(at: When, zone: &Zone) -> Result<(i32, u32), Problem> {
    match at {
        When::Unix(seconds) => zone.local(seconds).ok_or(Problem::Day),
        When::Local { day, .. } if !(DAY_MIN..=DAY_MAX).contains(&day.0) => Err(Problem::Day),
        When::Local { second, .. } if second >= DAY_SECONDS => Err(Problem::Second { second }),
        When::Local { day, second } => Ok((day.0, zone.second_of_wall(day.0, second))),
    }
}
