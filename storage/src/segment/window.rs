//! The rows of a chunk on some days: what most questions about behaviours read.

#![deny(clippy::indexing_slicing)]

use std::ops::RangeInclusive;

use crate::error::CorruptError;
use crate::segment::cursor::LaneChunk;
use crate::segment::layout::DAY;

/// The consumers and days of some rows of one chunk, ordered by (low, day).
#[derive(Debug, Default)]
pub struct WindowRows {
    /// The low 16 bits of the consumer ids, ascending, repeated for consumers with several rows.
    pub low: Vec<u16>,
    /// Calendar days since 1970-01-01.
    pub day: Vec<u16>,
    /// Every row's consumer, before days are looked at.
    all: Vec<u16>,
}

impl WindowRows {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.low.clear();
        self.day.clear();
    }

    /// The rows as (low, day), in order.
    pub fn iter(&self) -> impl Iterator<Item = (u16, u16)> {
        self.low.iter().copied().zip(self.day.iter().copied())
    }
}

impl LaneChunk<'_> {
    /// Decodes the rows whose day is one of some days, replacing what `out` held. It costs the
    /// same for few and for many of them.
    ///
    /// # Errors
    /// When the bytes do not decode.
    pub fn decode_days(
        &self,
        days: &RangeInclusive<i32>,
        out: &mut WindowRows,
    ) -> Result<(), CorruptError> {
        let bound = |day: i32| u16::try_from(day.clamp(0, i32::from(u16::MAX))).unwrap_or_default();
        let (first, last) = (bound(*days.start()), bound(*days.end()));
        out.clear();
        if *days.end() < 0 || first > last {
            return Ok(());
        }
        let day = |offset: i64| u16::try_from(i64::from(self.first_day) + offset);
        let Some(offset) = self.page.constant(DAY) else {
            self.decode_low(&mut out.all)?;
            return self.filter(first, last - first, out);
        };
        let day = day(offset).unwrap_or(u16::MAX);
        if (first..=last).contains(&day) {
            self.decode_low(&mut out.low)?;
            out.day.resize(out.low.len(), day);
        }
        Ok(())
    }

    /// Keeps the rows whose day is at least `first` and at most `span` more. Rows are written
    /// before it is known whether they stay, so that no branch has to be guessed.
    fn filter(&self, first: u16, span: u16, out: &mut WindowRows) -> Result<(), CorruptError> {
        let rows = out.all.len();
        out.low.resize(rows, 0);
        out.day.resize(rows, 0);
        let mut kept = 0;
        let mut keep = |low: u16, day: u16| {
            if let (Some(to_low), Some(to_day)) = (out.low.get_mut(kept), out.day.get_mut(kept)) {
                (*to_low, *to_day) = (low, day);
            }
            kept += usize::from(day.wrapping_sub(first) <= span);
        };
        if let Some((base, packed)) = self.page.packed(DAY)? {
            let base = low_bits(i64::from(self.first_day).wrapping_add(base));
            let offsets = packed.iter(self.rows.start, rows);
            for (low, offset) in out.all.iter().zip(offsets) {
                keep(*low, base.wrapping_add(low_bits(offset.cast_signed())));
            }
        } else {
            let mut days = Vec::new();
            let first_day = i64::from(self.first_day);
            self.page.column(DAY, self.rows.clone(), &mut days, |offset| {
                low_bits(first_day.wrapping_add(offset))
            })?;
            out.all.iter().zip(days).for_each(|(low, day)| keep(*low, day));
        }
        out.low.truncate(kept);
        out.day.truncate(kept);
        Ok(())
    }
}

/// A day, which is below 2^16.
#[expect(clippy::cast_possible_truncation, reason = "days of a segment are below 2^16")]
fn low_bits(day: i64) -> u16 {
    day as u16
}
