//! Putting runs of events together, taking them apart by day, and checking them.

use std::collections::BTreeMap;

use super::error::WriteError;
use crate::rows::EventColumns;

/// Days of the blocks that segments are aligned to.
pub(super) const BLOCK_DAYS: i32 = 64;

/// The last day that can be stored: 2149-06-05.
const DAY_MAX: i32 = 65_534;
/// A clock change may lengthen a day by an hour.
const SECOND_END: u32 = 90_000;

/// The block of a day.
pub(super) fn block_of(day: i32) -> i32 {
    day.div_euclid(BLOCK_DAYS)
}

/// Calls a macro for every column with its default.
macro_rules! each_column {
    ($apply:ident) => {
        $apply!(consumer, 0);
        $apply!(brand, 0);
        $apply!(behaviour, 0);
        $apply!(day, 0);
        $apply!(second, 0);
        $apply!(count, 1);
        $apply!(touchpoint, 0);
        $apply!(category, 0);
        $apply!(item, 0);
        $apply!(order, 0);
        $apply!(amount, 0);
    };
}

/// Adds the rows of a picked column to a column that may be absent so far.
fn extend<T: Copy>(
    to: &mut Vec<T>,
    rows_before: usize,
    rows_more: usize,
    default: T,
    there: bool,
    values: impl Iterator<Item = T>,
) {
    if !there {
        if !to.is_empty() {
            to.resize(rows_before + rows_more, default);
        }
        return;
    }
    if to.is_empty() && rows_before > 0 {
        to.resize(rows_before, default);
    }
    to.extend(values);
}

/// Appends all rows of `from`.
pub(super) fn append(to: &mut EventColumns, from: &EventColumns) {
    let (before, more) = (to.len(), from.len());
    macro_rules! apply {
        ($column:ident, $default:expr) => {
            let column = &from.$column;
            extend(
                &mut to.$column,
                before,
                more,
                $default,
                !column.is_empty(),
                column.iter().copied(),
            );
        };
    }
    each_column!(apply);
}

/// Appends some rows of `from`.
fn append_picked(to: &mut EventColumns, from: &EventColumns, rows: &[u32]) {
    let (before, more) = (to.len(), rows.len());
    macro_rules! apply {
        ($column:ident, $default:expr) => {
            let column = &from.$column;
            extend(
                &mut to.$column,
                before,
                more,
                $default,
                !column.is_empty(),
                rows.iter().map(|&row| column[row as usize]),
            );
        };
    }
    each_column!(apply);
}

/// Keeps the rows of some consumers.
pub(super) fn retain(events: &mut EventColumns, keeps: impl Fn(u32) -> bool) {
    let rows = (0..).zip(&events.consumer).filter(|(_, consumer)| keeps(**consumer));
    let rows: Vec<u32> = rows.map(|(row, _)| row).collect();
    if rows.len() < events.len() {
        let mut kept = EventColumns::default();
        append_picked(&mut kept, events, &rows);
        *events = kept;
    }
}

/// Adds rows to the blocks of their days.
pub(super) fn scatter(events: &EventColumns, blocks: &mut BTreeMap<i32, EventColumns>) {
    let (Some(least), Some(greatest)) = (events.day.iter().min(), events.day.iter().max()) else {
        return;
    };
    let (first, last) = (block_of(*least), block_of(*greatest));
    if first == last {
        append(blocks.entry(first).or_default(), events);
        return;
    }
    let span = usize::try_from(last - first).expect("the last block is not before the first") + 1;
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); span];
    for (row, &day) in (0..).zip(&events.day) {
        rows[(block_of(day) - first).cast_unsigned() as usize].push(row);
    }
    for (block, rows) in (first..).zip(rows) {
        if !rows.is_empty() {
            append_picked(blocks.entry(block).or_default(), events, &rows);
        }
    }
}

/// Takes a range of rows out, cheaply when it is all.
pub(super) fn split(mut events: EventColumns, rows_max: usize) -> Vec<EventColumns> {
    let mut pieces = Vec::new();
    while events.len() > rows_max {
        let mut rest = EventColumns::default();
        macro_rules! apply {
            ($column:ident, $default:expr) => {
                if !events.$column.is_empty() {
                    rest.$column = events.$column.split_off(rows_max);
                }
            };
        }
        each_column!(apply);
        pieces.push(std::mem::replace(&mut events, rest));
    }
    pieces.push(events);
    pieces
}

/// Bytes of memory that the columns take.
pub(super) fn memory(events: &EventColumns) -> usize {
    let mut bytes = 0;
    macro_rules! apply {
        ($column:ident, $default:expr) => {
            bytes += size_of_val(events.$column.as_slice());
        };
    }
    each_column!(apply);
    bytes
}

/// The ids there are: every one below these is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Names of each table; their ids run from 1 to this.
    pub(super) names: [u32; 4],
    /// Keys of each table.
    pub(super) keys: [u32; 3],
}

/// Refuses columns that contradict themselves or name what is not there.
pub(super) fn check(events: &EventColumns, limits: &Limits) -> Result<(), WriteError> {
    events.check()?;
    let [brands, behaviours, touchpoints, categories] = limits.names;
    let [consumers, items, orders] = limits.keys;
    check_ids("consumer", &events.consumer, 0, consumers)?;
    check_ids("brand", &events.brand, 1, brands + 1)?;
    check_ids("behaviour", &events.behaviour, 1, behaviours + 1)?;
    check_ids("touchpoint", &events.touchpoint, 0, touchpoints + 1)?;
    check_ids("category", &events.category, 0, categories + 1)?;
    check_ids("item", &events.item, 0, items.saturating_add(1))?;
    check_ids("order", &events.order, 0, orders.saturating_add(1))?;
    check_range("day", &events.day, |day| (0..=DAY_MAX).contains(&day))?;
    check_range("second", &events.second, |second| second < SECOND_END)?;
    check_range("count", &events.count, |count| count > 0)
}

/// Ids are within `first..end`.
fn check_ids<T: Copy + Into<u32>>(
    column: &'static str,
    ids: &[T],
    first: u32,
    end: u32,
) -> Result<(), WriteError> {
    let good = |id: u32| id >= first && id < end;
    // Without a branch per row, as almost every batch is good.
    if ids.iter().fold(true, |all, &id| all & good(id.into())) {
        return Ok(());
    }
    let row = ids.iter().position(|&id| !good(id.into())).unwrap_or_default();
    Err(WriteError::Unknown { row, column, id: ids[row].into() })
}

fn check_range<T: Copy + Into<i64>>(
    column: &'static str,
    values: &[T],
    good: impl Fn(T) -> bool,
) -> Result<(), WriteError> {
    if values.iter().fold(true, |all, &value| all & good(value)) {
        return Ok(());
    }
    let row = values.iter().position(|&value| !good(value)).unwrap_or_default();
    Err(WriteError::Range { row, column, value: values[row].into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(rows: &[(u32, i32, i64)]) -> EventColumns {
        EventColumns {
            consumer: rows.iter().map(|row| row.0).collect(),
            brand: vec![1; rows.len()],
            behaviour: vec![1; rows.len()],
            day: rows.iter().map(|row| row.1).collect(),
            amount: rows.iter().map(|row| row.2).collect(),
            ..EventColumns::default()
        }
    }

    #[test]
    fn absent_columns_stand_for_their_defaults() {
        let mut all = EventColumns::default();
        let mut with_count = events(&[(1, 5, 0)]);
        with_count.amount = vec![];
        with_count.count = vec![7];
        append(&mut all, &with_count);
        append(&mut all, &events(&[(2, 6, 100), (3, 6, 200)]));
        assert_eq!(all.count, [7, 1, 1]);
        assert_eq!(all.amount, [0, 100, 200]);
        assert!(all.item.is_empty());
        all.check().unwrap();
    }

    #[test]
    fn rows_go_to_the_blocks_of_their_days_in_order() {
        let mut blocks = BTreeMap::new();
        scatter(&events(&[(1, 63, 1), (2, 64, 2), (3, 0, 3), (4, 640, 4)]), &mut blocks);
        scatter(&events(&[(5, 65, 5)]), &mut blocks);
        let consumers: Vec<_> = blocks.iter().map(|(b, e)| (*b, e.consumer.clone())).collect();
        assert_eq!(consumers, [(0, vec![1, 3]), (1, vec![2, 5]), (10, vec![4])]);
        assert_eq!(blocks[&1].amount, [2, 5]);
    }

    #[test]
    fn splitting_keeps_every_row() {
        let pieces = split(events(&[(1, 0, 1), (2, 0, 2), (3, 0, 3), (4, 0, 4), (5, 0, 5)]), 2);
        let lengths: Vec<_> = pieces.iter().map(EventColumns::len).collect();
        assert_eq!(lengths, [2, 2, 1]);
        assert_eq!(pieces[2].amount, [5]);
    }

    #[test]
    fn wrong_rows_are_named() {
        let limits = Limits { names: [1, 1, 0, 0], keys: [3, 0, 0] };
        check(&events(&[(2, 0, 0)]), &limits).unwrap();
        let error = check(&events(&[(2, 0, 0), (3, 0, 0)]), &limits).unwrap_err();
        assert!(matches!(error, WriteError::Unknown { row: 1, column: "consumer", id: 3 }));
        let error = check(&events(&[(2, 65_535, 0)]), &limits).unwrap_err();
        assert!(matches!(error, WriteError::Range { row: 0, column: "day", value: 65_535 }));
        let mut short = events(&[(1, 0, 0)]);
        short.day.clear();
        assert!(matches!(check(&short, &limits), Err(WriteError::Columns(_))));
        let mut touched = events(&[(1, 0, 0)]);
        touched.touchpoint = vec![1];
        assert!(check(&touched, &limits).is_err());
    }
}
