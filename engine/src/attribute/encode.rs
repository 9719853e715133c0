//! New values of one attribute laid over its old ones: the latest load wins.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;
use throng_query::plan::AttributeType;
use throng_storage::error::CorruptError;
use throng_storage::index::{IndexBuilder, IndexFile};

use super::TEXT_VALUES_MAX;
use super::decode::NumberCursor;
use super::layout::AttributeLayout;

/// Values of one attribute from one load, in the order they were read: for a consumer that comes
/// twice, the last one stands.
#[derive(Debug, Clone)]
pub enum NewValues {
    /// Of a text attribute: consumers with positions in the list of texts.
    Texts {
        /// Different texts in any order.
        texts: Vec<String>,
        /// Consumers and positions.
        rows: Vec<(u32, u32)>,
    },
    /// Of a boolean attribute.
    Flags(Vec<(u32, bool)>),
    /// Of an integer, decimal (in units of its last digit) or date (days since 1970-01-01).
    Numbers(Vec<(u32, i64)>),
}

/// A text attribute that would have too many different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} different values; a text attribute has at most {TEXT_VALUES_MAX}")]
pub struct TooManyValues {
    /// How many it would have.
    pub found: usize,
}

impl NewValues {
    /// No values yet, of a type.
    #[must_use]
    pub fn new(kind: AttributeType) -> Self {
        match kind {
            AttributeType::Text => Self::Texts { texts: Vec::new(), rows: Vec::new() },
            AttributeType::Boolean => Self::Flags(Vec::new()),
            AttributeType::Integer | AttributeType::Decimal { .. } | AttributeType::Date => {
                Self::Numbers(Vec::new())
            }
        }
    }

    /// These values; none are left. The texts stay known by their positions.
    pub fn take(&mut self) -> Self {
        match self {
            Self::Texts { texts, rows } => {
                Self::Texts { texts: texts.clone(), rows: std::mem::take(rows) }
            }
            Self::Flags(rows) => Self::Flags(std::mem::take(rows)),
            Self::Numbers(rows) => Self::Numbers(std::mem::take(rows)),
        }
    }

    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Texts { rows, .. } => rows.len(),
            Self::Flags(rows) => rows.len(),
            Self::Numbers(rows) => rows.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The layout and sets of an attribute after a load.
pub type Merged = (AttributeLayout, Vec<RoaringBitmap>);

/// Lays new values over an attribute's index.
///
/// # Errors
/// When bytes of the old index cannot be trusted, or there are too many different texts.
pub fn merge(
    old: Option<(&IndexFile, &AttributeLayout)>,
    new: NewValues,
) -> Result<Result<Merged, TooManyValues>, CorruptError> {
    match new {
        NewValues::Texts { texts, rows } => merge_texts(old, &texts, latest(rows)),
        NewValues::Flags(rows) => merge_flags(old, latest(rows)).map(Ok),
        NewValues::Numbers(rows) => merge_numbers(old, &latest(rows)).map(Ok),
    }
}

/// The bytes of an index with these sets.
#[must_use]
pub fn index_of_sets(header: Vec<u8>, sets: &[RoaringBitmap]) -> Vec<u8> {
    let mut builder = IndexBuilder::new(header);
    sets.iter().for_each(|set| builder.add_set(set));
    builder.finish(rand::random())
}

/// One row per consumer, ascending: the last one read.
fn latest<T>(mut rows: Vec<(u32, T)>) -> Vec<(u32, T)> {
    // The sort is stable, so that of equal consumers the last read comes last.
    if !rows.is_sorted_by(|a, b| a.0 < b.0) {
        rows.sort_by_key(|row| row.0);
        rows.reverse();
        rows.dedup_by_key(|row| row.0);
        rows.reverse();
    }
    rows
}

fn collect(consumers: impl Iterator<Item = u32>) -> RoaringBitmap {
    let mut set = RoaringBitmap::new();
    // Ascending and distinct by construction, so that none is refused.
    let _ = set.append(consumers);
    set
}

fn merge_texts(
    old: Option<(&IndexFile, &AttributeLayout)>,
    texts: &[String],
    rows: Vec<(u32, u32)>,
) -> Result<Result<Merged, TooManyValues>, CorruptError> {
    let touched = collect(rows.iter().map(|row| row.0));
    let mut sets: BTreeMap<&str, RoaringBitmap> = BTreeMap::new();
    if let Some((index, AttributeLayout::Values(values))) = old {
        for (set, value) in (0..).zip(values) {
            let kept = index.read_set(set)? - &touched;
            if !kept.is_empty() {
                sets.insert(value, kept);
            }
        }
    }
    let mut fresh = vec![RoaringBitmap::new(); texts.len()];
    for (consumer, position) in rows {
        if let Some(set) = fresh.get_mut(position as usize) {
            set.insert(consumer);
        }
    }
    for (text, set) in texts.iter().zip(fresh).filter(|(_, set)| !set.is_empty()) {
        *sets.entry(text).or_default() |= set;
    }
    if sets.len() > TEXT_VALUES_MAX {
        return Ok(Err(TooManyValues { found: sets.len() }));
    }
    let values = sets.keys().map(|value| (*value).to_owned()).collect();
    Ok(Ok((AttributeLayout::Values(values), sets.into_values().collect())))
}

fn merge_flags(
    old: Option<(&IndexFile, &AttributeLayout)>,
    rows: Vec<(u32, bool)>,
) -> Result<Merged, CorruptError> {
    let touched = collect(rows.iter().map(|row| row.0));
    let mut sets = Vec::with_capacity(2);
    for (set, flag) in [(0, false), (1, true)] {
        let mut all = collect(rows.iter().filter(|row| row.1 == flag).map(|row| row.0));
        if let Some((index, AttributeLayout::Flags)) = old {
            all |= index.read_set(set)? - &touched;
        }
        sets.push(all);
    }
    Ok((AttributeLayout::Flags, sets))
}

/// Chunk by chunk, so that memory is needed for the sets and not for every value: once for the
/// smallest and largest value, once for the sets.
fn merge_numbers(
    old: Option<(&IndexFile, &AttributeLayout)>,
    rows: &[(u32, i64)],
) -> Result<Merged, CorruptError> {
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    each_chunk(old, rows, |all| {
        for (_, value) in all {
            (min, max) = (min.min(*value), max.max(*value));
        }
    })?;
    if min > max {
        (min, max) = (0, 0);
    }
    let difference = |value: i64| value.wrapping_sub(min).cast_unsigned();
    let bits = u64::BITS - difference(max).leading_zeros();
    let mut sets = vec![RoaringBitmap::new(); 1 + bits as usize];
    each_chunk(old, rows, |all| {
        for (bit, set) in (0..bits).zip(sets.iter_mut().skip(1)) {
            let ones = all.iter().filter(|row| difference(row.1) >> bit & 1 != 0);
            // Ascending, and so are the chunks.
            let _ = set.append(ones.map(|row| row.0));
        }
        let _ = sets[0].append(all.iter().map(|row| row.0));
    })?;
    Ok((AttributeLayout::Slices { min, bits }, sets))
}

/// Calls `visit` with every chunk's values after the load, by consumer.
fn each_chunk(
    old: Option<(&IndexFile, &AttributeLayout)>,
    mut rows: &[(u32, i64)],
    mut visit: impl FnMut(&[(u32, i64)]),
) -> Result<(), CorruptError> {
    let mut cursor = match old {
        Some((index, &AttributeLayout::Slices { min, bits })) => {
            Some((index.chunk_end(), NumberCursor::new(index, min, bits)))
        }
        _ => None,
    };
    let old_end = cursor.as_ref().map_or(0, |(end, _)| *end);
    let end = rows.last().map_or(0, |row| (row.0 >> 16) + 1).max(old_end);
    let (mut before, mut all) = (Vec::new(), Vec::new());
    for chunk in 0..end {
        let (new, rest) = rows.split_at(rows.partition_point(|row| row.0 >> 16 <= chunk));
        rows = rest;
        if let Some((_, cursor)) = &mut cursor {
            cursor.chunk(chunk, &mut before)?;
        }
        if before.is_empty() {
            visit(new);
        } else {
            overlay(&before, new, &mut all);
            visit(&all);
        }
    }
    Ok(())
}

/// Both ascending by consumer; the new one wins.
fn overlay(old: &[(u32, i64)], new: &[(u32, i64)], out: &mut Vec<(u32, i64)>) {
    out.clear();
    let mut old = old.iter().peekable();
    for row in new {
        while let Some(before) = old.next_if(|before| before.0 < row.0) {
            out.push(*before);
        }
        old.next_if(|before| before.0 == row.0);
        out.push(*row);
    }
    out.extend(old);
}
