//! Rows of a block, checked, in columns; and those that were bad.

use throng_storage::dictionary::KeyColumn;
use throng_storage::rows::EventColumns;

use super::error::Reject;

/// Keys that not every row has: where they are.
#[derive(Debug, Default)]
pub(super) struct SparseKeys {
    pub(super) keys: KeyColumn,
    /// The row of each key.
    pub(super) rows: Vec<u32>,
}

impl SparseKeys {
    pub(super) fn push(&mut self, row: usize, key: &[u8]) {
        if !key.is_empty() {
            self.keys.push(key);
            self.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
        }
    }

    /// The ids of the keys at their rows, 0 elsewhere; nothing when there are no keys.
    pub(super) fn spread(&self, ids: &[u32], rows: usize) -> Vec<u32> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let mut column = vec![0; rows];
        for (&row, &id) in self.rows.iter().zip(ids) {
            if let Some(cell) = column.get_mut(row as usize) {
                *cell = id;
            }
        }
        column
    }
}

/// Events of a block. Its consumers, items and orders are keys that have no ids yet.
#[derive(Debug, Default)]
pub(super) struct EventBatch {
    /// All columns but consumer, item and order.
    pub(super) events: EventColumns,
    pub(super) consumers: KeyColumn,
    pub(super) items: SparseKeys,
    pub(super) orders: SparseKeys,
    /// Bad rows; their lines count from the block's first.
    pub(super) rejects: Vec<Reject>,
    /// Rows without a consumer that were left out.
    pub(super) skipped: u64,
    /// Rows of the block, good and bad.
    pub(super) rows: u64,
}

impl EventBatch {
    pub(super) fn with_capacity(rows: usize, key_bytes: usize) -> Self {
        let mut batch = Self::default();
        batch.events.brand.reserve(rows);
        batch.events.behaviour.reserve(rows);
        batch.events.day.reserve(rows);
        batch.events.second.reserve(rows);
        batch.events.amount.reserve(rows);
        batch.consumers.ends.reserve(rows);
        batch.consumers.bytes.reserve(key_bytes);
        batch
    }

    /// How many events.
    pub(super) fn len(&self) -> usize {
        self.events.brand.len()
    }

    /// Empties the columns that say nothing but what absence says.
    pub(super) fn compact(&mut self) {
        fn clear_if_all<T: Copy + PartialEq>(column: &mut Vec<T>, value: T) {
            if column.iter().all(|&cell| cell == value) {
                *column = Vec::new();
            }
        }
        let events = &mut self.events;
        clear_if_all(&mut events.second, 0);
        clear_if_all(&mut events.count, 1);
        clear_if_all(&mut events.touchpoint, 0);
        clear_if_all(&mut events.category, 0);
        clear_if_all(&mut events.amount, 0);
    }

    /// Gives back the memory that was kept for rows that did not come.
    pub(super) fn shrink(&mut self) {
        let events = &mut self.events;
        events.brand.shrink_to_fit();
        events.behaviour.shrink_to_fit();
        events.day.shrink_to_fit();
        events.second.shrink_to_fit();
        events.amount.shrink_to_fit();
        self.consumers.bytes.shrink_to_fit();
        self.consumers.ends.shrink_to_fit();
    }

    /// Bytes of memory of its rows, nearly.
    pub(super) fn bytes(&self) -> usize {
        let keys = |keys: &KeyColumn| keys.bytes.len() + keys.ends.len() * 4;
        let events = &self.events;
        let words = events.brand.len()
            + events.day.len()
            + events.second.len()
            + events.count.len()
            + events.touchpoint.len()
            + events.category.len()
            + self.items.rows.len()
            + self.orders.rows.len();
        words * 4
            + events.behaviour.len() * 2
            + events.amount.len() * 8
            + keys(&self.consumers)
            + keys(&self.items.keys)
            + keys(&self.orders.keys)
    }

    /// All batches as one. Columns that only some have are filled with what absence says.
    pub(super) fn joined(batches: Vec<Self>) -> Self {
        let mut all = Self::default();
        for batch in batches {
            let (before, added) = (all.len(), batch.len());
            join(&mut all.events.second, batch.events.second, (before, added), 0);
            join(&mut all.events.count, batch.events.count, (before, added), 1);
            join(&mut all.events.touchpoint, batch.events.touchpoint, (before, added), 0);
            join(&mut all.events.category, batch.events.category, (before, added), 0);
            join(&mut all.events.amount, batch.events.amount, (before, added), 0);
            all.events.behaviour.extend(batch.events.behaviour);
            all.events.day.extend(batch.events.day);
            all.events.brand.extend(batch.events.brand);
            append_keys(&mut all.consumers, &batch.consumers);
            for (into, from) in [(&mut all.items, &batch.items), (&mut all.orders, &batch.orders)] {
                append_keys(&mut into.keys, &from.keys);
                let shift = u32::try_from(before).unwrap_or(u32::MAX);
                into.rows.extend(from.rows.iter().map(|row| row + shift));
            }
        }
        all
    }
}

/// Appends a column of `added` rows to one of `before`; an empty one stands for `value` everywhere.
fn join<T: Copy>(into: &mut Vec<T>, from: Vec<T>, (before, added): (usize, usize), value: T) {
    if into.is_empty() && from.is_empty() {
        return;
    }
    if into.is_empty() {
        into.resize(before, value);
    }
    if from.is_empty() {
        into.resize(before + added, value);
    } else {
        into.extend(from);
    }
}

fn append_keys(into: &mut KeyColumn, from: &KeyColumn) {
    let shift = u32::try_from(into.bytes.len()).unwrap_or(u32::MAX);
    into.bytes.extend_from_slice(&from.bytes);
    into.ends.extend(from.ends.iter().map(|end| end + shift));
}
