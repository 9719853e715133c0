//! A checked batch to the store.

use throng_storage::names::{NameError, NameTable, Names};
use throng_storage::rows::EventColumns;
use throng_storage::store::{KeyTable, Outcome, Store, Writer};

use super::check::check;
use super::error::IngestError;
use super::event::{EventBatch, Keys, Words};
use crate::time::Zone;
use crate::view::View;

/// Keeps a batch: durable and visible on return.
pub(crate) fn ingest(
    store: &Store,
    view: &View,
    zone: &Zone,
    batch: &EventBatch,
    token: Option<&str>,
) -> Result<Outcome, IngestError> {
    let checked = check(batch, view, zone)?;
    let names = store.names();
    let brand = intern_words(names, NameTable::Brand, &batch.brands)?;
    let touchpoint = intern_words(names, NameTable::Touchpoint, &batch.touchpoints)?;
    let category = intern_words(names, NameTable::Category, &batch.categories)?;
    let ticket = {
        let mut writer = store.writer()?;
        let mut consumer = Vec::new();
        writer.intern(KeyTable::Consumer, &batch.consumers, &mut consumer)?;
        let item = intern_keys(&mut writer, KeyTable::Item, &batch.items, batch.len())?;
        let order = intern_keys(&mut writer, KeyTable::Order, &batch.orders, batch.len())?;
        let events = EventColumns {
            consumer,
            brand,
            behaviour: checked.behaviour,
            day: checked.day,
            second: unless_all(checked.second, &0),
            count: unless_all(batch.count.clone(), &1),
            touchpoint: unless_all(touchpoint, &0),
            category: unless_all(category, &0),
            item,
            order,
            amount: unless_all(batch.amount.clone(), &0),
        };
        writer.append(token, events)?
    };
    // The writer's turn has ended, so that other batches join this one's sync.
    Ok(ticket.wait()?)
}

/// The column, or an empty one that stands for the default in every row.
fn unless_all<T: PartialEq>(column: Vec<T>, default: &T) -> Vec<T> {
    if column.iter().all(|value| value == default) { Vec::new() } else { column }
}

fn intern_words(names: &Names, table: NameTable, words: &Words) -> Result<Vec<u32>, NameError> {
    let ids: Result<Vec<u32>, NameError> =
        words.names.iter().map(|name| names.intern(table, name)).collect();
    let ids = ids?;
    let id = |code: &u32| code.checked_sub(1).map_or(0, |at| ids[at as usize]);
    Ok(words.rows.iter().map(id).collect())
}

fn intern_keys(
    writer: &mut Writer<'_>,
    table: KeyTable,
    keys: &Keys,
    rows: usize,
) -> Result<Vec<u32>, IngestError> {
    if keys.rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    writer.intern(table, &keys.keys, &mut ids)?;
    let mut column = vec![0; rows];
    for (&row, id) in keys.rows.iter().zip(ids) {
        column[row as usize] = id;
    }
    Ok(column)
}
