//! Net money: `buy` amounts less `refund` amounts, each on its own day.

use throng_query::plan::Comparison;
use throng_storage::segment::{ColumnSet, RowBuffer};

use super::lanes::LaneId;
use super::rows::RowTest;
use super::tools::{MoneyTools, Tools};
use crate::error::ExecuteError;
use crate::exec::compile::comparison_holds;
use crate::exec::program::{LaneChoice, PiecePrice, SpendChoice};
use crate::exec::set::{ChunkSet, Pool, SetBuilder};
use crate::view::View;

/// The money of one chunk at a time.
#[derive(Debug)]
pub struct SpendReader<'v> {
    view: &'v View,
    choice: SpendChoice,
    /// The lanes of buys and refunds, opened when first needed; for prices those of buys, with
    /// the void purchases of their brands.
    lanes: Option<Vec<(LaneId, Option<usize>)>>,
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
        let (tools, sums, lows) = tools.money();
        self.each(chunk, tools, ColumnSet::AMOUNT, |low, _, amount| {
            lows.push(low);
            sums[usize::from(low)] += amount;
        })
    }

    /// Adds the money up in `scratch.numbers`, as 64 bits with a sign, for the positions it lists
    /// in `scratch.lows`; the caller puts both to rest. False when it does not fit there.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    fn fill_small(&mut self, chunk: u32, tools: &mut Tools<'_, 'v>) -> Result<bool, ExecuteError> {
        if self.choice.above.is_some() {
            return Ok(false);
        }
        let (tools, numbers, lows) = tools.small_money();
        let mut fits = true;
        self.each_row(chunk, tools, ColumnSet::AMOUNT, |rows, row, is_refund| {
            let (low, amount) = (rows.low[row], rows.amount[row]);
            let number = &mut numbers[usize::from(low)];
            // Who is at 0 again is listed again.
            if *number == 0 {
                lows.push(low);
            }
            let sum = number.cast_signed();
            let (sum, over) =
                if is_refund { sum.overflowing_sub(amount) } else { sum.overflowing_add(amount) };
            *number = sum.cast_unsigned();
            fits &= !over;
        })?;
        Ok(fits)
    }

    /// Calls `visit` with the position, the day and the amount of every row of a chunk; the day
    /// only means something when its column is asked for.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn each(
        &mut self,
        chunk: u32,
        tools: MoneyTools<'_, 'v>,
        columns: ColumnSet,
        mut visit: impl FnMut(u16, i32, i128),
    ) -> Result<(), ExecuteError> {
        let columns = columns.with(ColumnSet::AMOUNT);
        let day = |rows: &RowBuffer, row: usize| rows.day.get(row).copied().unwrap_or(0);
        let Some(PiecePrice { money, pieces }) = self.choice.above else {
            return self.each_row(chunk, tools, columns, |rows, row, is_refund| {
                let amount = i128::from(rows.amount[row]);
                visit(rows.low[row], day(rows, row), if is_refund { -amount } else { amount });
            });
        };
        let (money, pieces) = (i128::from(money), i128::from(pieces));
        self.each_row(chunk, tools, columns.with(ColumnSet::COUNT), |rows, row, _| {
            let amount = pieces * i128::from(rows.amount[row]);
            let paid = amount - money * i128::from(rows.count[row]);
            visit(rows.low[row], day(rows, row), paid);
        })
    }

    /// Calls `visit` with every row of a chunk and whether it is a refund.
    fn each_row(
        &mut self,
        chunk: u32,
        mut tools: MoneyTools<'_, 'v>,
        columns: ColumnSet,
        mut visit: impl FnMut(&RowBuffer, usize, bool),
    ) -> Result<(), ExecuteError> {
        self.open(&mut tools);
        for (lane, void) in self.lanes.iter().flatten() {
            if let Some(void) = void {
                tools.voids.load(*void, chunk, tools.touched)?;
            }
            let orders = void.and_then(|void| tools.voids.orders(void));
            let lane = tools.lanes.get(*lane);
            let is_refund = lane.behaviour == self.choice.refund;
            let test = RowTest::new(&self.choice.rows, lane, orders);
            let Some(test) = test.at(lane, chunk)? else { continue };
            let Some(part) = lane.chunk(chunk)? else { continue };
            test.for_each(&part, columns, tools.rows, tools.touched, |rows, row| {
                visit(rows, row, is_refund);
            })?;
        }
        Ok(())
    }

    fn open(&mut self, tools: &mut MoneyTools<'_, 'v>) {
        if self.lanes.is_some() {
            return;
        }
        let (view, choice) = (self.view, &self.choice);
        let mut behaviours = vec![choice.buy];
        if choice.above.is_none() {
            behaviours.push(choice.refund);
        }
        behaviours.sort_unstable();
        let lanes = LaneChoice { brand: choice.brand, behaviours };
        let ids = tools.lanes.open(view, &lanes, choice.rows.first, choice.rows.last);
        let opened = ids.into_iter().map(|id| {
            let brand = tools.lanes.get(id).brand;
            let void = choice.above.map(|_| tools.voids.open(view, brand, choice.rows.as_of));
            (id, void.flatten())
        });
        self.lanes = Some(opened.collect());
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
        let (comparison, amount) = (self.comparison, i128::from(self.amount));
        let filled = self.money.fill_small(chunk, tools);
        let scratch = &mut *tools.scratch;
        let numbers = &scratch.numbers;
        let members = members(&scratch.lows, tools.pool, |low| {
            let sum = numbers[low].cast_signed();
            comparison_holds(comparison, i128::from(sum), amount)
        });
        scratch.lows.drain(..).for_each(|low| scratch.numbers[usize::from(low)] = 0);
        if filled? {
            return Ok(members);
        }
        tools.pool.recycle(members);
        let filled = self.money.fill(chunk, tools);
        let scratch = &mut *tools.scratch;
        let sums = &scratch.sums;
        let members = self::members(&scratch.lows, tools.pool, |low| {
            comparison_holds(comparison, sums[low], amount)
        });
        scratch.lows.drain(..).for_each(|low| scratch.sums[usize::from(low)] = 0);
        filled?;
        Ok(members)
    }
}

/// Those of some positions for whom `holds`.
fn members(lows: &[u16], pool: &mut Pool, holds: impl Fn(usize) -> bool) -> ChunkSet {
    let mut members = SetBuilder::new(pool);
    for low in lows {
        if holds(usize::from(*low)) {
            members.push(*low, pool);
        }
    }
    members.finish(pool)
}
