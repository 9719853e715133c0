//! Net money: `buy` amounts less `refund` amounts, each on its own day.

use throng_query::plan::Comparison;
use throng_storage::segment::ColumnSet;

use super::Tools;
use super::lanes::{LaneReader, open_lanes};
use super::rows::RowTest;
use crate::error::ExecuteError;
use crate::exec::compile::comparison_holds;
use crate::exec::program::{LaneChoice, SpendChoice};
use crate::exec::set::{ChunkSet, SetBuilder};
use crate::view::View;

/// The money of one chunk at a time.
#[derive(Debug)]
pub struct SpendReader<'v> {
    lanes: Vec<LaneReader<'v>>,
    choice: SpendChoice,
}

impl<'v> SpendReader<'v> {
    /// Opens the lanes of buys and refunds.
    pub fn open(view: &'v View, choice: &SpendChoice) -> Self {
        let mut behaviours = vec![choice.buy, choice.refund];
        behaviours.sort_unstable();
        let lanes = LaneChoice { brand: choice.brand, behaviours };
        let lanes = open_lanes(view, &lanes, choice.rows.first, choice.rows.last);
        Self { lanes, choice: choice.clone() }
    }

    /// Fills `scratch.sums` for the positions it lists in `scratch.lows`; the caller puts both to
    /// rest. A position may be listed more than once.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn fill(&mut self, chunk: u32, tools: &mut Tools<'_, '_>) -> Result<(), ExecuteError> {
        tools.scratch.sums();
        for lane in &mut self.lanes {
            let sign = if lane.behaviour == self.choice.refund { -1 } else { 1 };
            let test = RowTest::new(&self.choice.rows, lane, None);
            let Some(part) = lane.chunk(chunk)? else { continue };
            let scratch = &mut *tools.scratch;
            let (sums, lows) = (&mut scratch.sums, &mut scratch.lows);
            test.for_each(
                &part,
                ColumnSet::AMOUNT,
                &mut scratch.rows,
                tools.touched,
                |rows, row| {
                    let low = rows.low[row];
                    lows.push(low);
                    sums[usize::from(low)] += sign * i128::from(rows.amount[row]);
                },
            )?;
        }
        Ok(())
    }
}

/// Those whose money compares so, among those with a row.
#[derive(Debug)]
pub struct SpentReader<'v> {
    money: SpendReader<'v>,
    comparison: Comparison,
    amount: i64,
}

impl<'v> SpentReader<'v> {
    /// Opens the lanes.
    pub fn open(view: &'v View, spend: &SpendChoice, comparison: Comparison, amount: i64) -> Self {
        Self { money: SpendReader::open(view, spend), comparison, amount }
    }

    /// Its members in a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        let filled = self.money.fill(chunk, tools);
        let (comparison, amount) = (self.comparison, i128::from(self.amount));
        let scratch = &mut *tools.scratch;
        let mut members = SetBuilder::new(tools.pool);
        for low in &scratch.lows {
            if comparison_holds(comparison, scratch.sums[usize::from(*low)], amount) {
                members.push(*low, tools.pool);
            }
        }
        scratch.lows.drain(..).for_each(|low| scratch.sums[usize::from(low)] = 0);
        filled?;
        Ok(members.finish(tools.pool))
    }
}
