//! The latest events of one consumer, with their names as text.

use throng_query::catalog::Catalog;
use throng_query::plan::NameKind;
use throng_storage::error::CorruptError;
use throng_storage::names::NameTable;
use throng_storage::segment::{ColumnSet, Lane, RowBuffer};
use throng_storage::store::KeyTable;

use super::Reading;
use crate::answer::Decimal;

/// One event of the consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OneEvent {
    pub brand: u32,
    pub behaviour: u16,
    pub day: i32,
    pub second: u32,
    pub count: u32,
    pub touchpoint: u32,
    pub category: u32,
    pub item: u32,
    pub order: u32,
    pub amount: i64,
}

/// Every event of a consumer up to a day, of one brand or of all. Only the consumer's chunk of each
/// lane is read, and its rows are decoded only where the consumer is in it.
pub(super) fn events_of(
    reading: &Reading<'_>,
    consumer: u32,
    brand: Option<u32>,
    day: i32,
) -> Result<Vec<OneEvent>, CorruptError> {
    let view = reading.view;
    let mut events = Vec::new();
    let mut buffer = RowBuffer::default();
    let mut behaviours: Vec<u16> =
        view.names(NameKind::Behaviour).iter().filter_map(|name| view.behaviour_id(name)).collect();
    behaviours.sort_unstable();
    let chunk = consumer >> 16;
    for segment in view.snapshot().segments() {
        if segment.first_day() > day {
            continue;
        }
        let mut add = |lane: Lane<'_>| {
            let (first, last) = lane.chunks();
            if lane.first_day() > day || !(first..=last).contains(&chunk) {
                return Ok(());
            }
            add_lane(lane, consumer, day, &mut buffer, &mut events)
        };
        match brand {
            // A brand has a few lanes of thousands: each is looked up.
            Some(brand) => {
                let mut lanes = behaviours.iter().filter_map(|of| segment.lane(brand, *of));
                lanes.try_for_each(&mut add)?;
            }
            None => segment.lanes().try_for_each(&mut add)?,
        }
    }
    Ok(events)
}

fn add_lane(
    lane: Lane<'_>,
    consumer: u32,
    day: i32,
    buffer: &mut RowBuffer,
    events: &mut Vec<OneEvent>,
) -> Result<(), CorruptError> {
    let (chunk, low) = (consumer >> 16, low_of(consumer));
    let mut cursor = lane.cursor();
    let Some(rows) = cursor.chunk(chunk)? else { return Ok(()) };
    if !rows.consumers().contains(low) {
        return Ok(());
    }
    rows.decode(ColumnSet::ALL, buffer)?;
    let from = buffer.low.partition_point(|&other| other < low);
    let until = buffer.low.partition_point(|&other| other <= low);
    for row in (from..until).filter(|&row| buffer.day[row] <= day) {
        events.push(OneEvent {
            brand: lane.brand(),
            behaviour: lane.behaviour(),
            day: buffer.day[row],
            second: buffer.second[row],
            count: buffer.count[row],
            touchpoint: buffer.touchpoint[row],
            category: buffer.category[row],
            item: buffer.item[row],
            order: buffer.order[row],
            amount: buffer.amount[row],
        });
    }
    Ok(())
}

fn low_of(consumer: u32) -> u16 {
    u16::try_from(consumer & 0xFFFF).unwrap_or(u16::MAX)
}

/// What is to be told of an event beside its brand, behaviour and time.
pub(super) fn details(
    reading: &Reading<'_>,
    event: &OneEvent,
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
pub(super) fn title(reading: &Reading<'_>, event: &OneEvent) -> String {
    let names = reading.view.snapshot().names();
    let brand = names.name(NameTable::Brand, event.brand).unwrap_or_default();
    let behaviour = names.name(NameTable::Behaviour, event.behaviour.into()).unwrap_or_default();
    format!("{brand} {behaviour}")
}
