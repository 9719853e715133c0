//! Reading the values of attributes back.

use throng_query::plan::{AttributeType, AttributeValue};
use throng_storage::error::CorruptError;
use throng_storage::index::{IndexCursor, IndexFile};

use super::layout::{AttributeLayout, value_of_bits};
use crate::view::AttributeInfo;

/// The known values of a number or date, chunk by chunk.
#[derive(Debug)]
pub struct NumberCursor<'i> {
    /// Who is known.
    known: IndexCursor<'i>,
    /// From the lowest bit.
    slices: Vec<IndexCursor<'i>>,
    min: i64,
    /// Per position of the present chunk; all 0 between chunks.
    differences: Vec<u64>,
}

impl<'i> NumberCursor<'i> {
    /// A cursor before the first chunk of an index whose smallest value is `min`.
    pub fn new(index: &'i IndexFile, min: i64, bits: u32) -> Self {
        let slices = (1..=bits).map(|set| index.cursor(set)).collect();
        Self { known: index.cursor(0), slices, min, differences: vec![0; 1 << 16] }
    }

    /// Replaces what `out` held with the chunk's values and their consumers, ascending.
    ///
    /// # Errors
    /// When the index's bytes cannot be trusted.
    pub fn chunk(&mut self, chunk: u32, out: &mut Vec<(u32, i64)>) -> Result<(), CorruptError> {
        out.clear();
        let Some(known) = self.known.chunk(chunk)? else { return Ok(()) };
        for (bit, slice) in self.slices.iter_mut().enumerate() {
            let Some(slice) = slice.chunk(chunk)? else { continue };
            for low in slice.iter() {
                self.differences[usize::from(low)] |= 1 << bit;
            }
        }
        for low in known.iter() {
            let difference = std::mem::take(&mut self.differences[usize::from(low)]);
            out.push((chunk << 16 | u32::from(low), value_of_bits(self.min, difference)));
        }
        Ok(())
    }
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
