//! Money of the rows of one chunk, by intersection and day of a series.

use throng_storage::segment::ColumnSet;

use super::days::ChunkDays;
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
    /// The nodes that intersections are made of.
    nodes: Vec<Later>,
    /// Of each intersection, the bits of its nodes.
    wanted: Vec<u64>,
    pub(super) sums: Sums,
}

impl<'v> MoneyDays<'v> {
    /// Nothing yet.
    pub(super) fn new(view: &'v View, money: &SeriesMoney, asked: &[Vec<Later>]) -> Self {
        let mut nodes: Vec<Later> = Vec::new();
        let mut bit = |later: &Later| {
            let place = nodes.iter().position(|other| other == later).unwrap_or_else(|| {
                nodes.push(*later);
                nodes.len() - 1
            });
            1_u64 << place
        };
        let wanted = asked.iter().map(|own| own.iter().fold(0, |bits, node| bits | bit(node)));
        let wanted = wanted.collect();
        let (first, last) = (money.choice.rows.first, money.choice.rows.last);
        let with = |day: i32| {
            let bits = (0_u32..).zip(&money.windows).filter(|(_, window)| window.contains(&day));
            bits.fold(0, |days, (bit, _)| days | 1 << bit)
        };
        Self {
            reader: SpendReader::new(view, &money.choice),
            first,
            by_day: (first..=last).map(with).collect(),
            nodes,
            wanted,
            sums: vec![[0; 64]; asked.len()],
        }
    }

    /// Adds the rows of a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub(super) fn chunk(
        &mut self,
        chunk: u32,
        tools: Tools<'_, 'v>,
        consumers: &ChunkDays,
    ) -> Result<(), ExecuteError> {
        let Self { reader, first, by_day, nodes, wanted, sums } = self;
        let Tools { scratch, lanes, touched, .. } = tools;
        let columns = ColumnSet::DAY.with(ColumnSet::AMOUNT);
        reader.each(chunk, (lanes, &mut scratch.rows, touched), columns, |low, day, amount| {
            let at = usize::try_from(day - *first).unwrap_or(usize::MAX);
            let mut days = by_day.get(at).copied().unwrap_or(0);
            let place = consumers.place_of(low);
            while days != 0 {
                let day = days.trailing_zeros();
                days &= days - 1;
                let has = |later: &Later| {
                    let own = place.map_or(0, |place| consumers.days[later.node][place]);
                    own >> later.days >> day & 1
                };
                let bits = (0..).zip(&*nodes).fold(0, |bits, (bit, node)| bits | has(node) << bit);
                for (wanted, sums) in wanted.iter().zip(&mut *sums) {
                    if bits & wanted == *wanted {
                        sums[day as usize] += i128::from(amount);
                    }
                }
            }
        })
    }
}
