//! Whether one consumer is in a leaf: the same meanings as in `exec::leaf`, without sets.

use std::collections::HashSet;

use throng_query::plan::{AtLeast, Comparison};
use throng_query::sample;
use throng_storage::container::Container;
use throng_storage::error::CorruptError;
use throng_storage::index::IndexFile;
use throng_storage::segment::{ColumnSet, ConsumerRows, rows_of};

use super::events::{Event, OneConsumer};
use crate::error::ExecuteError;
use crate::exec::compile::comparison_holds;
use crate::exec::program::{LaneChoice, Leaf, RowChoice, SpendChoice};
use crate::universe::NEVER;
use crate::view::View;

/// Whether the consumer is in a leaf.
pub(super) fn holds(leaf: &Leaf, one: &mut OneConsumer<'_>) -> Result<bool, ExecuteError> {
    Ok(match leaf {
        Leaf::Universe { day } => in_universe(one, *day)?,
        Leaf::Did { lanes, at_least, rows } => did(one, lanes, *at_least, rows)?,
        Leaf::Spent { spend, comparison, amount } => spent(one, spend, *comparison, *amount)?,
        Leaf::State { brand, enter, exit, last } => in_state(one, *brand, (*enter, *exit), *last)?,
        Leaf::Index { key, sets } => in_index(one, key, sets)?,
        Leaf::Range { key, low, high } => in_range(one, key, *low, *high)?,
        Leaf::Sample { per_million, seed } => sample::contains(one.consumer(), *per_million, *seed),
    })
}

impl RowChoice {
    /// Whether an event counts, but for purchases that are void.
    fn has(&self, event: &Event) -> bool {
        let listed = |ids: &[u32], id: u32| ids.is_empty() || ids.binary_search(&id).is_ok();
        self.days().contains(&event.day)
            && listed(&self.touchpoints, event.touchpoint)
            && listed(&self.categories, event.category)
            && listed(&self.items, event.item)
    }
}

/// The events that count, without purchases that are void.
fn counting(
    one: &mut OneConsumer<'_>,
    lanes: &LaneChoice,
    rows: &RowChoice,
) -> Result<Vec<Event>, ExecuteError> {
    let buy = one.view().behaviour_id("buy");
    let events = one.events(lanes)?.filter(|event| rows.has(event));
    let mut events: Vec<Event> = events.cloned().collect();
    let is_bought = |event: &Event| event.order != 0 && Some(event.behaviour) == buy;
    let brands: HashSet<u32> =
        events.iter().filter(|event| is_bought(event)).map(|event| event.brand).collect();
    for brand in brands {
        let void = one.void(brand, rows.as_of)?;
        events.retain(|event| {
            !(event.brand == brand && is_bought(event) && void.contains(&event.order))
        });
    }
    Ok(events)
}

/// Often enough, or on enough days.
fn did(
    one: &mut OneConsumer<'_>,
    lanes: &LaneChoice,
    at_least: AtLeast,
    rows: &RowChoice,
) -> Result<bool, ExecuteError> {
    let events = counting(one, lanes, rows)?;
    Ok(match at_least {
        AtLeast::Times(1) | AtLeast::Days(1) => !events.is_empty(),
        AtLeast::Times(n) => {
            let times = events.iter().map(|event| u64::from(event.count));
            times.fold(0, u64::saturating_add) >= u64::from(n)
        }
        AtLeast::Days(n) => {
            let days: HashSet<i32> = events.iter().map(|event| event.day).collect();
            days.len() as u64 >= u64::from(n)
        }
    })
}

/// Money that compares so, of who has a row.
fn spent(
    one: &mut OneConsumer<'_>,
    spend: &SpendChoice,
    comparison: Comparison,
    amount: i64,
) -> Result<bool, ExecuteError> {
    let mut lanes = LaneChoice { brand: spend.brand, behaviours: vec![spend.buy] };
    let sums: Vec<i128> = match spend.above {
        Some(price) => {
            let (money, pieces) = (i128::from(price.money), i128::from(price.pieces));
            let above =
                |event: &Event| pieces * i128::from(event.amount) - money * i128::from(event.count);
            counting(one, &lanes, &spend.rows)?.iter().map(above).collect()
        }
        None => {
            lanes.behaviours.push(spend.refund);
            lanes.behaviours.sort_unstable();
            let events = one.events(&lanes)?.filter(|event| spend.rows.has(event));
            let net = |event: &Event| {
                let amount = i128::from(event.amount);
                if event.behaviour == spend.refund { -amount } else { amount }
            };
            events.map(net).collect()
        }
    };
    let sum = sums.iter().sum();
    Ok(!sums.is_empty() && comparison_holds(comparison, sum, i128::from(amount)))
}

/// Whether the latest of two behaviours is the entering one, which wins at the same second.
fn in_state(
    one: &mut OneConsumer<'_>,
    brand: Option<u32>,
    (enter, exit): (u16, u16),
    last: i32,
) -> Result<bool, ExecuteError> {
    let mut behaviours = vec![enter, exit];
    behaviours.sort_unstable();
    let events = one.events(&LaneChoice { brand, behaviours })?;
    let times = events
        .filter(|event| event.day <= last)
        .map(|event| (event.day, event.second, event.behaviour == enter));
    Ok(times.max().is_some_and(|(_, _, enters)| enters))
}

/// Whether a set of an index has the consumer.
fn in_set(index: &IndexFile, set: u32, consumer: u32) -> Result<bool, CorruptError> {
    if set >= index.sets() {
        return Ok(false);
    }
    let low = low_of(consumer);
    let holds = |container: Container<'_>| container.contains(low);
    Ok(index.cursor(set).chunk(consumer >> 16)?.is_some_and(holds))
}

fn in_index(one: &OneConsumer<'_>, key: &str, sets: &[u32]) -> Result<bool, CorruptError> {
    let Some(index) = one.view().index(key) else { return Ok(false) };
    for set in sets {
        if in_set(index, *set, one.consumer())? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a bit-sliced number is known and between two.
fn in_range(one: &OneConsumer<'_>, key: &str, low: u64, high: u64) -> Result<bool, CorruptError> {
    let Some(index) = one.view().index(key) else { return Ok(false) };
    if !in_set(index, 0, one.consumer())? {
        return Ok(false);
    }
    let mut value = 0;
    for set in 1..index.sets().min(65) {
        value |= u64::from(in_set(index, set, one.consumer())?) << (set - 1);
    }
    Ok((low..=high).contains(&value))
}

/// Whether the consumer has an event by a day, or is known by attributes.
fn in_universe(one: &OneConsumer<'_>, day: i32) -> Result<bool, ExecuteError> {
    let (view, consumer) = (one.view(), one.consumer());
    if let Some(known) = view.known()
        && in_set(known, 0, consumer)?
    {
        return Ok(true);
    }
    if !view.is_universe_ready() {
        one.begin_long()?;
    }
    if let Some(universe) = view.universe()? {
        let first = universe.first_days(consumer >> 16);
        return Ok(first.is_some_and(|days| is_by(days[usize::from(low_of(consumer))], day)));
    }
    Ok(has_presence(view, consumer, day)?)
}

fn has_presence(view: &View, consumer: u32, day: i32) -> Result<bool, CorruptError> {
    let lanes = view.snapshot().segments().iter().filter_map(|segment| segment.presence());
    let lanes = lanes.filter(|lane| lane.first_day() <= day);
    let mut found = false;
    rows_of(lanes, consumer, ColumnSet::DAY, &mut ConsumerRows::default(), |_, rows| {
        found |= rows.day.iter().any(|first| *first <= day);
    })?;
    Ok(found)
}

/// Whether a first day is one, and on or before a day.
fn is_by(first: u16, day: i32) -> bool {
    first != NEVER && i32::from(first) <= day
}

fn low_of(consumer: u32) -> u16 {
    u16::try_from(consumer & 0xFFFF).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::{has_presence, is_by};
    use crate::{CreateOptions, Database, Date, Event, EventBatch, When};

    #[test]
    fn presence_lanes_say_of_one_consumer_what_the_universe_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let database = Database::create(&path, &CreateOptions::default()).unwrap();
        // Some come again in a later batch, on an earlier day or a later one.
        for round in 0..3 {
            let mut batch = EventBatch::new();
            for number in (0..300).filter(|number| number % (round + 1) == 0) {
                let day = When::day(Date(17_000 + (number * 7 + round * 31) % 60));
                batch.push(&Event::new(&format!("id:{number}"), "one", "buy", day));
            }
            database.ingest(&batch, None).unwrap();
        }
        let view = database.view().unwrap();
        let universe = view.universe().unwrap().unwrap();
        let days = universe.first_days(0).unwrap();
        for consumer in 0..310_u32 {
            for day in [-1, 16_999, 17_000, 17_013, 17_040, 17_059, 17_060] {
                let expected = is_by(days[consumer as usize], day);
                let found = has_presence(&view, consumer, day).unwrap();
                assert_eq!(found, expected, "{consumer} on {day}");
            }
        }
    }
}
