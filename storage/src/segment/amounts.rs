//! The amounts of the rows of several chunks on some days: what sums of money read.

#![deny(clippy::indexing_slicing)]

use std::ops::{Range, RangeInclusive};

use crate::error::CorruptError;
use crate::segment::cursor::{LaneChunk, LaneCursor, Slot};
use crate::segment::layout::{AMOUNT, DAY};
use crate::segment::span::SpanRead;

/// The consumers and amounts of some rows, those of a chunk by (low, day, second).
#[derive(Debug, Default)]
pub struct AmountRows {
    /// The low 16 bits of the consumer ids, repeated for consumers with several rows.
    pub low: Vec<u16>,
    /// In minor units.
    pub amount: Vec<i64>,
    /// Every row's consumer, day and amount, before days are looked at.
    all: Vec<u16>,
    days: Vec<i32>,
    amounts: Vec<i64>,
}

impl AmountRows {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.low.clear();
        self.amount.clear();
    }
}

impl LaneCursor<'_> {
    /// As [`LaneCursor::append_days`], with amounts instead of days.
    ///
    /// # Errors
    /// When the bytes do not match their checksum or do not decode.
    pub fn append_amounts(
        &mut self,
        chunks: Range<u32>,
        days: &RangeInclusive<i32>,
        out: &mut AmountRows,
        mut visit: impl FnMut(u32, Range<usize>),
    ) -> Result<SpanRead, CorruptError> {
        let whole = self.is_within(days);
        self.each_part(chunks, |part| {
            let days = (!whole).then_some(days);
            part.rows.append_amounts((part.first, part.slots), days, out, &mut visit)
        })
    }
}

impl LaneChunk<'_> {
    /// Appends the rows on some days, on all when there are none, of a chunk or of several whose
    /// slots are given.
    fn append_amounts(
        &self,
        (first, slots): (u32, &[Slot]),
        days: Option<&RangeInclusive<i32>>,
        out: &mut AmountRows,
        visit: &mut impl FnMut(u32, Range<usize>),
    ) -> Result<(), CorruptError> {
        let AmountRows { low, amount, all, days: of, amounts } = out;
        let lows = self.row_lows(all)?;
        let page = self.page;
        page.column(AMOUNT, self.rows.clone(), amounts, |value| value)?;
        if days.is_some() {
            let first_day = i64::from(self.first_day);
            let day = |offset: i64| i32::try_from(first_day.wrapping_add(offset));
            page.column(DAY, self.rows.clone(), of, |offset| day(offset).unwrap_or(i32::MAX))?;
        }
        let mut append = |chunk: u32, rows: Range<usize>| {
            let wrong = || page.corrupt("a page has other rows than its entry says");
            let lows = lows.get(rows.clone()).ok_or_else(wrong)?;
            let amounts = amounts.get(rows.clone()).ok_or_else(wrong)?;
            let from = low.len();
            match days {
                None => {
                    low.extend_from_slice(lows);
                    amount.extend_from_slice(amounts);
                }
                Some(days) => {
                    let of = of.get(rows).ok_or_else(wrong)?;
                    keep(days, (lows, of, amounts), (low, amount));
                }
            }
            visit(chunk, from..low.len());
            Ok(())
        };
        if slots.is_empty() {
            return append(first, 0..self.rows.len());
        }
        for (slot, next) in slots.iter().zip(slots.iter().skip(1)) {
            let place = |slot: &Slot| (slot.row as usize).saturating_sub(self.rows.start);
            append(slot.chunk, place(slot)..place(next))?;
        }
        Ok(())
    }
}

/// Appends the rows on some days.
fn keep(
    days: &RangeInclusive<i32>,
    (lows, of, amounts): (&[u16], &[i32], &[i64]),
    (low, amount): (&mut Vec<u16>, &mut Vec<i64>),
) {
    let mut kept = low.len();
    low.resize(kept + lows.len(), 0);
    amount.resize(kept + lows.len(), 0);
    for ((consumer, day), money) in lows.iter().zip(of).zip(amounts) {
        // Written before it is known whether it stays, so that no branch has to be guessed.
        if let (Some(low), Some(amount)) = (low.get_mut(kept), amount.get_mut(kept)) {
            (*low, *amount) = (*consumer, *money);
        }
        kept += usize::from(days.contains(day));
    }
    low.truncate(kept);
    amount.truncate(kept);
}
