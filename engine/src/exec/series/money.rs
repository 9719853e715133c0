//! Money of rows, by intersection and day of a series.

use throng_storage::segment::ColumnSet;

use super::days::{ChunkDays, PlacedDays};
use super::patterns::MoneyPatterns;
use super::run::{Later, SeriesMoney, Sums};
use crate::error::ExecuteError;
use crate::exec::bounds::Bounds;
use crate::exec::leaf::Tools;
use crate::exec::leaf::spend::SpendReader;
use crate::exec::paid::MoneyLane;
use crate::exec::planes::Planes;
use crate::exec::wide::WideWalk;
use crate::view::View;

/// Money that is added up for days of the series.
#[derive(Debug)]
pub(super) struct DatedMoney {
    /// The first day of any window.
    first: i32,
    /// By day from then on, the days of the series that its rows count for.
    by_day: Vec<u64>,
    patterns: MoneyPatterns,
    /// By node, the days of the present row's consumer.
    own: Vec<u64>,
}

impl DatedMoney {
    /// Nothing yet.
    pub(super) fn new(view: &View, money: &SeriesMoney, asked: &[Vec<Later>]) -> Self {
        // Of other days there are no rows.
        let (oldest, newest) = (view.oldest_day().unwrap_or(0), view.newest_day().unwrap_or(0));
        let first = money.choice.rows.first.max(oldest);
        let last = money.choice.rows.last.min(newest);
        let with = |day: i32| {
            let bits = (0_u32..).zip(&money.windows).filter(|(_, window)| window.contains(&day));
            bits.fold(0, |days, (bit, _)| days | 1 << bit)
        };
        Self {
            first,
            by_day: (first..=last).map(with).collect(),
            patterns: MoneyPatterns::new(asked),
            own: Vec::new(),
        }
    }

    /// Adds an amount of some day, of a consumer who has a place or is in no node.
    #[inline]
    pub(super) fn add(
        &mut self,
        (consumers, place): (&PlacedDays, Option<usize>),
        day: i32,
        amount: i128,
    ) {
        let Self { first, by_day, patterns, own } = self;
        let at = usize::try_from(day - *first).unwrap_or(usize::MAX);
        let mut days = by_day.get(at).copied().unwrap_or(0);
        if days == 0 {
            return;
        }
        let days_of = |later: &Later| {
            place.map_or(0, |place| consumers.nodes[later.node][place]) >> later.days
        };
        own.clear();
        own.extend(patterns.nodes.nodes.iter().map(days_of));
        while days != 0 {
            let day = days.trailing_zeros();
            days &= days - 1;
            let bits = own.iter().rev().fold(0, |bits, own| bits << 1 | own >> day & 1);
            patterns.add(bits, day, amount);
        }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.by_day.len() * size_of::<u64>() + self.patterns.memory()
    }

    /// The money of each intersection.
    pub(super) fn finish(&self) -> Sums {
        self.patterns.finish()
    }
}

/// The money of one chunk after the other.
#[derive(Debug)]
pub(super) struct MoneyDays<'v> {
    reader: SpendReader<'v>,
    money: DatedMoney,
}

impl<'v> MoneyDays<'v> {
    /// Nothing yet.
    pub(super) fn new(view: &'v View, money: &SeriesMoney, asked: &[Vec<Later>]) -> Self {
        let reader = SpendReader::new(view, &money.choice);
        Self { reader, money: DatedMoney::new(view, money, asked) }
    }

    /// Adds the rows of a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub(super) fn chunk(
        &mut self,
        chunk: u32,
        mut tools: Tools<'_, 'v>,
        consumers: &ChunkDays,
    ) -> Result<(), ExecuteError> {
        let Self { reader, money } = self;
        let columns = ColumnSet::DAY.with(ColumnSet::AMOUNT);
        reader.each(chunk, tools.money().0, columns, |low, day, amount| {
            money.add((&consumers.days, consumers.place_of(low)), day, amount);
        })
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.money.memory()
    }

    /// The money of each intersection.
    pub(super) fn finish(&self) -> Sums {
        self.money.finish()
    }
}

/// The money of many chunks at a time.
#[derive(Debug)]
pub(super) struct WideMoney {
    money: DatedMoney,
    /// By day, the money of those who have no other row.
    alone: Vec<i128>,
}

impl WideMoney {
    /// Nothing yet, of money that is plain.
    pub(super) fn new(view: &View, money: &SeriesMoney, asked: &[Vec<Later>]) -> Self {
        let money = DatedMoney::new(view, money, asked);
        Self { alone: vec![0; money.by_day.len()], money }
    }

    /// Adds the rows that were read, the days of those who come again being known, by rank.
    ///
    /// # Errors
    /// As [`Bounds::pause`].
    pub(super) fn add(
        &mut self,
        (walk, planes): (&WideWalk<'_, MoneyLane>, &mut Planes),
        several: &PlacedDays,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let Self { money, alone } = self;
        for run in 0..walk.runs() {
            let (rows, lane) = walk.run(run);
            let (places, ranks) = planes.pick(rows.consumers);
            let mut picked = places.iter().zip(ranks).peekable();
            for ((place, day), amount) in (0_u32..).zip(rows.days).zip(rows.amounts) {
                let (day, amount) = (i32::from(*day), lane.sign() * i128::from(*amount));
                if let Some((_, rank)) = picked.next_if(|(other, _)| **other == place) {
                    money.add((several, Some(*rank as usize)), day, amount);
                } else {
                    let at = usize::try_from(day - money.first).unwrap_or(usize::MAX);
                    if let Some(alone) = alone.get_mut(at) {
                        *alone += amount;
                    }
                }
            }
            bounds.pause()?;
        }
        Ok(())
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        self.alone.len() * size_of::<i128>() + self.money.memory()
    }

    /// The money of each intersection.
    pub(super) fn finish(mut self) -> Sums {
        let nobody = PlacedDays::new(0, &[]);
        for (day, amount) in (self.money.first..).zip(self.alone) {
            self.money.add((&nobody, None), day, amount);
        }
        self.money.finish()
    }
}
