//! Money of the rows of one chunk, by intersection and day of a series.

use throng_storage::segment::ColumnSet;

use super::days::ChunkDays;
use super::patterns::MoneyPatterns;
use super::run::{Later, SeriesMoney, Sums};
use crate::error::ExecuteError;
use crate::exec::leaf::Tools;
use crate::exec::leaf::spend::SpendReader;
use crate::view::View;

/// What one worker has.
#[derive(Debug)]
pub(super) struct MoneyDays<'v> {
    reader: SpendReader<'v>,
    /// The first day of any window.
    first: i32,
    /// By day from then on, the days of the series that its rows count for.
    by_day: Vec<u64>,
    patterns: MoneyPatterns,
    /// By node, the days of the present row's consumer.
    own: Vec<u64>,
}

impl<'v> MoneyDays<'v> {
    /// Nothing yet.
    pub(super) fn new(view: &'v View, money: &SeriesMoney, asked: &[Vec<Later>]) -> Self {
        // Of other days there are no rows.
        let (oldest, newest) = (view.oldest_day().unwrap_or(0), view.newest_day().unwrap_or(0));
        let first = money.choice.rows.first.max(oldest);
        let last = money.choice.rows.last.min(newest);
        let with = |day: i32| {
            let bits = (0_u32..).zip(&money.windows).filter(|(_, window)| window.contains(&day));
            bits.fold(0, |days, (bit, _)| days | 1 << bit)
        };
        Self {
            reader: SpendReader::new(view, &money.choice),
            first,
            by_day: (first..=last).map(with).collect(),
            patterns: MoneyPatterns::new(asked),
            own: Vec::new(),
        }
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
        let Self { reader, first, by_day, patterns, own } = self;
        let columns = ColumnSet::DAY.with(ColumnSet::AMOUNT);
        reader.each(chunk, tools.money().0, columns, |low, day, amount| {
            let at = usize::try_from(day - *first).unwrap_or(usize::MAX);
            let mut days = by_day.get(at).copied().unwrap_or(0);
            if days == 0 {
                return;
            }
            let place = consumers.place_of(low);
            let days_of = |later: &Later| {
                place.map_or(0, |place| consumers.days[later.node][place]) >> later.days
            };
            own.clear();
            own.extend(patterns.nodes.nodes.iter().map(days_of));
            while days != 0 {
                let day = days.trailing_zeros();
                days &= days - 1;
                let bits = own.iter().rev().fold(0, |bits, own| bits << 1 | own >> day & 1);
                patterns.add(bits, day, amount);
            }
        })
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
