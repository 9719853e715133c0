//! The rows of a chunk on some days: what most questions about behaviours read.

#![deny(clippy::indexing_slicing)]

use std::ops::{Range, RangeInclusive};

use crate::bits::{Days, keep, widen};
use crate::container::Container;
use crate::error::CorruptError;
use crate::segment::cursor::{LaneChunk, Slot};
use crate::segment::layout::{AMOUNT, DAY};
use crate::segment::page::Page;

/// The consumers and days of some rows of one chunk, ordered by (low, day) when decoded.
#[derive(Debug, Default)]
pub struct WindowRows {
    /// The low 16 bits of the consumer ids, repeated for consumers with several rows.
    pub low: Vec<u16>,
    /// Calendar days since 1970-01-01.
    pub day: Vec<u16>,
    /// Every row's consumer, before days are looked at.
    pub(super) all: Vec<u16>,
    /// Every row's day, of several chunks.
    days: Vec<u32>,
}

/// Some rows of one chunk.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows<'r> {
    /// The low 16 bits of the consumer ids.
    pub low: &'r [u16],
    /// Calendar days since 1970-01-01.
    pub day: &'r [u16],
}

impl WindowRows {
    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.low.clear();
        self.day.clear();
    }

    /// All rows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows { low: &self.low, day: &self.day }
    }

    /// Orders the rows by day, those of a day by consumer: then the rows of any days lie together.
    pub fn sort_by_day(&mut self, spare: &mut Self) {
        let first = self.day.iter().copied().min().unwrap_or(0);
        let place = |day: u16| usize::from(day.wrapping_sub(first));
        let days = self.day.iter().copied().max().map_or(0, |last| place(last) + 1);
        let mut ends = vec![0_usize; days];
        for day in &self.day {
            if let Some(count) = ends.get_mut(place(*day)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        spare.low.resize(self.low.len(), 0);
        spare.day.resize(self.low.len(), 0);
        for (low, day) in self.iter() {
            let Some(end) = ends.get_mut(place(day)) else { continue };
            if let (Some(to_low), Some(to_day)) = (spare.low.get_mut(*end), spare.day.get_mut(*end))
            {
                (*to_low, *to_day) = (low, day);
            }
            *end += 1;
        }
        std::mem::swap(&mut self.low, &mut spare.low);
        std::mem::swap(&mut self.day, &mut spare.day);
    }

    /// The rows on some days, of rows that were ordered by day.
    #[must_use]
    pub fn of_days(&self, days: &RangeInclusive<i32>) -> Rows<'_> {
        let from = self.day.partition_point(|day| i32::from(*day) < *days.start());
        let to = self.day.partition_point(|day| i32::from(*day) <= *days.end()).max(from);
        let slice = |column| <[u16]>::get(column, from..to).unwrap_or_default();
        Rows { low: slice(&self.low), day: slice(&self.day) }
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
        out.clear();
        self.append_days(days, out)
    }

    /// Appends its distinct consumers.
    pub fn append_consumers(&self, low: &mut Vec<u16>) {
        match self.consumers() {
            Container::Array(positions) => low.extend_from_slice(positions),
            other => low.extend(other.iter()),
        }
    }

    /// Appends the rows whose day is one of some days. It costs the same for few and for many of
    /// them.
    ///
    /// # Errors
    /// When the bytes do not decode.
    pub fn append_days(
        &self,
        days: &RangeInclusive<i32>,
        out: &mut WindowRows,
    ) -> Result<(), CorruptError> {
        let Some((first, span)) = bounds(days) else { return Ok(()) };
        let day = |offset: i64| u16::try_from(i64::from(self.first_day) + offset);
        if let Some(offset) = self.page.constant(DAY) {
            let day = day(offset).unwrap_or(u16::MAX);
            if day.wrapping_sub(first) <= span {
                self.append_low(&mut out.low)?;
                out.day.resize(out.low.len(), day);
            }
            return Ok(());
        }
        let WindowRows { low, day, all, .. } = out;
        self.filter(self.row_lows(all)?, (first, span), (low, day))
    }

    /// The consumer of each row, in place where each has one row.
    pub(super) fn row_lows<'a>(&'a self, all: &'a mut Vec<u16>) -> Result<&'a [u16], CorruptError> {
        match self.consumers() {
            Container::Array(lows) if lows.len() == self.rows.len() => Ok(lows),
            _ => {
                all.clear();
                self.append_low(all)?;
                Ok(all)
            }
        }
    }

    /// Appends the rows whose day is at least `first` and at most `span` more; `lows` are their
    /// consumers.
    fn filter(
        &self,
        lows: &[u16],
        (first, span): (u16, u16),
        to: (&mut Vec<u16>, &mut Vec<u16>),
    ) -> Result<(), CorruptError> {
        let first_day = i64::from(self.first_day);
        if let Some((base, packed)) = self.page.packed(DAY)?
            && packed.is_narrow()
        {
            let days = Days { base: low_bits(first_day.wrapping_add(base)), first, span };
            let mut rest = lows;
            packed.each_block(self.rows.clone(), |offsets| {
                let (lows, after) = rest.split_at(offsets.len().min(rest.len()));
                rest = after;
                keep((lows, 0), offsets, days, (&mut *to.0, &mut *to.1));
            });
            return Ok(());
        }
        let mut days = Vec::new();
        self.page.column(DAY, self.rows.clone(), &mut days, |offset| self.day(offset))?;
        keep((lows, 0), &days, Days { base: 0, first, span }, to);
        Ok(())
    }

    /// Appends the rows of several chunks, of which these are, chunk by chunk; `lows` are the
    /// consumers of all rows.
    pub(super) fn keep_days(
        &self,
        lows: &[u16],
        days: &RangeInclusive<i32>,
        out: &mut WindowRows,
        slots: &[Slot],
        visit: &mut impl FnMut(u32, Range<usize>),
    ) -> Result<(), CorruptError> {
        let Some((first, span)) = bounds(days) else { return Ok(()) };
        let WindowRows { low, day, days: of, .. } = out;
        let base = self.page.day_offsets(self.first_day, self.rows.clone(), of)?;
        let days = Days { base, first, span };
        for (slot, next) in slots.iter().zip(slots.iter().skip(1)) {
            let place = |slot: &Slot| slot.row as usize - self.rows.start;
            let rows = place(slot)..place(next);
            let (Some(lows), Some(of)) = (lows.get(rows.clone()), of.get(rows)) else {
                return Err(self.page.corrupt("a page has other rows than its entry says"));
            };
            let from = low.len();
            keep((lows, 0), of, days, (&mut *low, &mut *day));
            visit(slot.chunk, from..low.len());
        }
        Ok(())
    }

    /// The day that a stored one stands for.
    fn day(&self, offset: i64) -> u32 {
        u32::from(low_bits(i64::from(self.first_day).wrapping_add(offset)))
    }
}

impl Page<'_> {
    /// What the days of some rows add to a day, which is given back. There may be more numbers than
    /// rows.
    pub(super) fn day_offsets(
        &self,
        first_day: i32,
        rows: Range<usize>,
        offsets: &mut Vec<u32>,
    ) -> Result<u16, CorruptError> {
        let first_day = i64::from(first_day);
        if let Some((base, packed)) = self.packed(DAY)?
            && packed.is_narrow()
        {
            // What is longer is overwritten or not looked at.
            offsets.resize(offsets.len().max(rows.len()), 0);
            let own = offsets.get_mut(..rows.len()).unwrap_or_default();
            if packed.unpack(rows.start, own) != rows.len() {
                return Err(self.corrupt("a page has other rows than its entry says"));
            }
            return Ok(low_bits(first_day.wrapping_add(base)));
        }
        let day = |offset: i64| u32::from(low_bits(first_day.wrapping_add(offset)));
        self.column(DAY, rows, offsets, day)?;
        Ok(0)
    }
}

impl Page<'_> {
    /// Appends the amounts of some rows.
    pub(super) fn amounts(
        &self,
        rows: Range<usize>,
        (offsets, some): (&mut Vec<u32>, &mut Vec<i64>),
        out: &mut Vec<i64>,
    ) -> Result<(), CorruptError> {
        let Some((base, packed)) = self.packed(AMOUNT)?.filter(|(_, packed)| packed.is_narrow())
        else {
            self.column(AMOUNT, rows, some, |amount| amount)?;
            out.extend_from_slice(some);
            return Ok(());
        };
        offsets.resize(offsets.len().max(rows.len()), 0);
        let own = offsets.get_mut(..rows.len()).unwrap_or_default();
        if packed.unpack(rows.start, own) != rows.len() {
            return Err(self.corrupt("a page has other rows than its entry says"));
        }
        widen(own, base, out);
        Ok(())
    }
}

/// The first of some days and how many follow, where some day can have rows.
pub(super) fn bounds(days: &RangeInclusive<i32>) -> Option<(u16, u16)> {
    let bound = |day: i32| u16::try_from(day.clamp(0, i32::from(u16::MAX))).unwrap_or_default();
    let (first, last) = (bound(*days.start()), bound(*days.end()));
    (*days.end() >= 0 && first <= last).then(|| (first, last - first))
}

/// A day, which is below 2^16.
#[expect(clippy::cast_possible_truncation, reason = "days of a segment are below 2^16")]
pub(super) fn low_bits(day: i64) -> u16 {
    day as u16
}
