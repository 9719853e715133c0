//! Net money: `buy` amounts less `refund` amounts, each on its own day.

use throng_query::plan::Comparison;
use throng_storage::segment::{ColumnSet, RowBuffer};

use super::Tools;
use super::lanes::{LaneId, Lanes, Scratch};
use super::rows::RowTest;
use crate::error::ExecuteError;
use crate::exec::compile::comparison_holds;
use crate::exec::program::{LaneChoice, SpendChoice};
use crate::exec::set::{ChunkSet, SetBuilder};
use crate::exec::trace::Touched;
use crate::view::View;

/// The money of one chunk at a time.
#[derive(Debug)]
pub struct SpendReader<'v> {
    view: &'v View,
    choice: SpendChoice,
    /// The lanes of buys and refunds, opened when first needed.
    lanes: Option<Vec<LaneId>>,
}

impl<'v> SpendReader<'v> {
    /// A reader of this money.
    pub fn new(view: &'v View, choice: &SpendChoice) -> Self {
        Self { view, choice: choice.clone(), lanes: None }
    }

    /// Fills `scratch.sums` for the positions it lists in `scratch.lows`; the caller puts both to
    /// rest. A position may be listed more than once.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn fill(&mut self, chunk: u32, tools: &mut Tools<'_, 'v>) -> Result<(), ExecuteError> {
        tools.scratch.sums();
        let Tools { scratch, lanes, touched, .. } = tools;
        let Scratch { rows, sums, lows, .. } = &mut **scratch;
        self.each(chunk, (lanes, rows, touched), ColumnSet::AMOUNT, |low, _, amount| {
            lows.push(low);
            sums[usize::from(low)] += i128::from(amount);
        })
    }

    /// Calls `visit` with the position, the day and the amount of every row of a chunk; the day only
    /// means something when its column is asked for.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn each(
        &mut self,
        chunk: u32,
        (opened, buffer, touched): (&mut Lanes<'v>, &mut RowBuffer, &mut Touched),
        columns: ColumnSet,
        mut visit: impl FnMut(u16, i32, i64),
    ) -> Result<(), ExecuteError> {
        let (view, choice) = (self.view, &self.choice);
        let lanes = self.lanes.get_or_insert_with(|| {
            let mut behaviours = vec![choice.buy, choice.refund];
            behaviours.sort_unstable();
            let lanes = LaneChoice { brand: choice.brand, behaviours };
            opened.open(view, &lanes, choice.rows.first, choice.rows.last)
        });
        for lane in lanes {
            let lane = opened.get(*lane);
            let sign = if lane.behaviour == self.choice.refund { -1 } else { 1 };
            let test = RowTest::new(&self.choice.rows, lane, None);
            let Some(test) = test.at(lane, chunk)? else { continue };
            let Some(part) = lane.chunk(chunk)? else { continue };
            let columns = columns.with(ColumnSet::AMOUNT);
            test.for_each(&part, columns, buffer, touched, |rows, row| {
                let day = rows.day.get(row).copied().unwrap_or(0);
                visit(rows.low[row], day, sign * rows.amount[row]);
            })?;
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
    /// A reader of those whose money compares so.
    pub fn new(view: &'v View, spend: &SpendChoice, comparison: Comparison, amount: i64) -> Self {
        Self { money: SpendReader::new(view, spend), comparison, amount }
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
