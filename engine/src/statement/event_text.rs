//! The latest events of one consumer, with their names as text.

use throng_storage::error::CorruptError;
use throng_storage::names::NameTable;
use throng_storage::store::KeyTable;

use super::Reading;
use crate::answer::Decimal;
use crate::error::ExecuteError;
use crate::exec::{Event, LaneChoice, OneConsumer};

/// Every event of a consumer up to a day, of one brand or of all; by brand, then behaviour.
pub(super) fn events_of(
    one: &mut OneConsumer<'_>,
    brand: Option<u32>,
    day: i32,
) -> Result<Vec<Event>, ExecuteError> {
    let events = one.events(&LaneChoice { brand, behaviours: Vec::new() })?;
    Ok(events.filter(|event| event.day <= day).cloned().collect())
}

/// What is to be told of an event beside its brand, behaviour and time.
pub(super) fn details(
    reading: &Reading<'_>,
    event: &Event,
) -> Result<Option<String>, CorruptError> {
    let snapshot = reading.view.snapshot();
    let mut parts = Vec::new();
    let names = [
        ("touchpoint", NameTable::Touchpoint, event.touchpoint),
        ("category", NameTable::Category, event.category),
    ];
    for (word, table, id) in names {
        if let Some(name) = snapshot.names().name(table, id).filter(|_| id != 0) {
            parts.push(format!("{word} {name}"));
        }
    }
    let keys = [("item", KeyTable::Item, event.item), ("order", KeyTable::Order, event.order)];
    for (word, table, id) in keys {
        if id != 0
            && let Some(key) = snapshot.key(table, id)?
        {
            parts.push(format!("{word} {}", String::from_utf8_lossy(&key)));
        }
    }
    if event.count != 1 {
        parts.push(format!("count {}", event.count));
    }
    if event.amount != 0 {
        let currency = reading.view.currency();
        let amount = Decimal { unscaled: i128::from(event.amount), scale: currency.exponent };
        parts.push(format!("amount {amount} {}", currency.code));
    }
    Ok(if parts.is_empty() { None } else { Some(parts.join(", ")) })
}

/// The brand and behaviour of an event by name.
pub(super) fn title(reading: &Reading<'_>, event: &Event) -> String {
    let names = reading.view.snapshot().names();
    let brand = names.name(NameTable::Brand, event.brand).unwrap_or_default();
    let behaviour = names.name(NameTable::Behaviour, event.behaviour.into()).unwrap_or_default();
    format!("{brand} {behaviour}")
}
