//! Reading the values of attributes back.

use throng_query::plan::{AttributeType, AttributeValue};
use throng_storage::error::CorruptError;
use throng_storage::index::IndexFile;

use super::layout::{AttributeLayout, value_of_bits};
use crate::view::AttributeInfo;

/// Every known value of a number or date with its consumer, ascending by consumer.
///
/// # Errors
/// When the index's bytes cannot be trusted.
pub fn number_values(
    index: &IndexFile,
    min: i64,
    bits: u32,
) -> Result<Vec<(u32, i64)>, CorruptError> {
    let mut cursors: Vec<_> = (0..=bits).map(|set| index.cursor(set)).collect();
    let mut differences = vec![0_u64; 1 << 16];
    let mut out = Vec::new();
    for chunk in 0..index.chunk_end() {
        let (known, slices) =
            cursors.split_first_mut().expect("there is one cursor more than bits");
        let Some(known) = known.chunk(chunk)? else { continue };
        for (bit, slice) in slices.iter_mut().enumerate() {
            let Some(slice) = slice.chunk(chunk)? else { continue };
            for low in slice.iter() {
                differences[usize::from(low)] |= 1 << bit;
            }
        }
        let base = chunk << 16;
        for low in known.iter() {
            let difference = std::mem::take(&mut differences[usize::from(low)]);
            out.push((base | u32::from(low), value_of_bits(min, difference)));
        }
    }
    Ok(out)
}

/// The value of one consumer; none when it is unknown. Only the consumer's chunk is read.
///
/// # Errors
/// When the index's bytes cannot be trusted.
pub fn value_of(
    info: &AttributeInfo,
    consumer: u32,
) -> Result<Option<AttributeValue>, CorruptError> {
    let Some(index) = &info.index else { return Ok(None) };
    let (chunk, low) = (consumer >> 16, (consumer & 0xFFFF) as u16);
    let has = |set: u32| -> Result<bool, CorruptError> {
        Ok(index.cursor(set).chunk(chunk)?.is_some_and(|members| members.contains(low)))
    };
    match &info.layout {
        AttributeLayout::Empty => Ok(None),
        AttributeLayout::Flags => {
            if has(1)? {
                return Ok(Some(AttributeValue::Boolean(true)));
            }
            Ok(has(0)?.then_some(AttributeValue::Boolean(false)))
        }
        AttributeLayout::Values(values) => {
            for (set, value) in (0..).zip(values) {
                if has(set)? {
                    return Ok(Some(AttributeValue::Text(value.clone())));
                }
            }
            Ok(None)
        }
        AttributeLayout::Slices { min, bits } => {
            if !has(0)? {
                return Ok(None);
            }
            let mut difference = 0;
            for bit in 0..*bits {
                difference |= u64::from(has(1 + bit)?) << bit;
            }
            Ok(Some(AttributeValue::Number(value_of_bits(*min, difference))))
        }
    }
}

/// Whether a layout is one that an attribute of this type may have.
pub(crate) fn fits(layout: &AttributeLayout, kind: AttributeType) -> bool {
    match layout {
        AttributeLayout::Empty => true,
        AttributeLayout::Values(_) => kind == AttributeType::Text,
        AttributeLayout::Flags => kind == AttributeType::Boolean,
        AttributeLayout::Slices { .. } => {
            !matches!(kind, AttributeType::Text | AttributeType::Boolean)
        }
    }
}
