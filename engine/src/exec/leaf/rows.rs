//! Which rows of a chunk count: days, touchpoints, categories, items, purchases not void.

use std::collections::HashSet;

use throng_storage::segment::{ColumnSet, Holds, LaneChunk, RowBuffer};

use super::lanes::{LaneId, LaneReader, Lanes};
use super::void::Voids;
use crate::error::ExecuteError;
use crate::exec::program::RowChoice;
use crate::exec::set::Pool;
use crate::exec::trace::Touched;

/// Purchases of one chunk that do not count, as (position, order).
pub type VoidOrders = HashSet<(u16, u32)>;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The low 16 bits of the consumer's id.
    pub low: u16,
    /// The day, in days since 1970-01-01.
    pub day: u16,
    /// How often it counts.
    pub count: u32,
}

/// What rows are read with.
#[derive(Debug)]
pub struct RowSource<'t, 'v> {
    /// The worker's lanes.
    pub lanes: &'t mut Lanes<'v>,
    /// The worker's void purchases.
    pub voids: &'t mut Voids<'v>,
    /// What has been read.
    pub touched: &'t mut Touched,
    /// Memory for sets.
    pub pool: &'t mut Pool,
    /// Memory for rows.
    pub rows: &'t mut RowBuffer,
}

impl RowSource<'_, '_> {
    /// Calls `visit` with every row of a lane (and its void purchases) that passes, by
    /// consumer and day or by day and consumer.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    #[inline]
    pub fn each_row(
        &mut self,
        chunk: u32,
        (lane, void): (LaneId, Option<usize>),
        choice: &RowChoice,
        visit: &mut impl FnMut(&mut Pool, Row),
    ) -> Result<(), ExecuteError> {
        if let Some(void) = void {
            self.voids.load(void, chunk, self.touched)?;
        }
        let orders = void.and_then(|void| self.voids.orders(void));
        let lane = self.lanes.get(lane);
        let test = RowTest::new(choice, lane, orders);
        let Some(test) = test.at(lane, chunk)? else { return Ok(()) };
        if test.looks_at_no_column_but_days() && !lane.has_counts {
            let window = lane.window(chunk, &choice.days(), self.touched)?;
            for (&low, &day) in window.low.iter().zip(window.day) {
                visit(self.pool, Row { low, day, count: 1 });
            }
            return Ok(());
        }
        let Some(part) = lane.chunk(chunk)? else { return Ok(()) };
        let (pool, columns) = (&mut *self.pool, ColumnSet::DAY.with(ColumnSet::COUNT));
        test.for_each(&part, columns, self.rows, self.touched, |rows, row| {
            // A segment's days are below 2^16.
            let day = u16::try_from(rows.day[row]).unwrap_or(u16::MAX);
            visit(pool, Row { low: rows.low[row], day, count: rows.count[row] });
        })
    }
}

/// The test that a lane's rows must pass.
#[derive(Debug, Clone, Copy)]
pub struct RowTest<'c> {
    choice: &'c RowChoice,
    void: Option<&'c VoidOrders>,
    days: bool,
    /// For each column that is looked at, the values that pass; any when empty.
    touchpoints: &'c [u32],
    categories: &'c [u32],
    items: &'c [u32],
}

impl<'c> RowTest<'c> {
    /// The test for one lane.
    pub fn new(choice: &'c RowChoice, lane: &LaneReader<'_>, void: Option<&'c VoidOrders>) -> Self {
        Self {
            choice,
            void: void.filter(|orders| !orders.is_empty()),
            days: !lane.within(choice.first, choice.last),
            touchpoints: &choice.touchpoints,
            categories: &choice.categories,
            items: &choice.items,
        }
    }

    /// What is left of the test in one chunk of the lane, told from the heads of its columns; none
    /// when no row can pass.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn at(
        mut self,
        lane: &mut LaneReader<'_>,
        chunk: u32,
    ) -> Result<Option<Self>, ExecuteError> {
        let Some(part) = lane.chunk(chunk)? else { return Ok(None) };
        for (values, column) in [
            (&mut self.touchpoints, ColumnSet::TOUCHPOINT),
            (&mut self.categories, ColumnSet::CATEGORY),
            (&mut self.items, ColumnSet::ITEM),
        ] {
            if values.is_empty() {
                continue;
            }
            match part.holds(column, values)? {
                Holds::None => return Ok(None),
                Holds::Some => {}
                Holds::All => *values = &[],
            }
        }
        Ok(Some(self))
    }

    /// Whether every row passes, so that none need be decoded.
    pub fn passes_all(&self) -> bool {
        !self.days && self.looks_at_no_column_but_days()
    }

    /// Whether nothing but a row's day decides.
    pub fn looks_at_no_column_but_days(&self) -> bool {
        let values = [self.touchpoints, self.categories, self.items];
        self.void.is_none() && values.iter().all(|values| values.is_empty())
    }

    /// The columns it looks at.
    pub fn columns(&self) -> ColumnSet {
        let choose = |wanted, column| if wanted { column } else { ColumnSet::NONE };
        choose(self.days, ColumnSet::DAY)
            .with(choose(self.void.is_some(), ColumnSet::ORDER))
            .with(choose(!self.touchpoints.is_empty(), ColumnSet::TOUCHPOINT))
            .with(choose(!self.categories.is_empty(), ColumnSet::CATEGORY))
            .with(choose(!self.items.is_empty(), ColumnSet::ITEM))
    }

    /// Whether a decoded row passes.
    #[inline]
    fn passes(&self, rows: &RowBuffer, row: usize) -> bool {
        let listed =
            |ids: &[u32], column: &[u32]| ids.is_empty() || ids.binary_search(&column[row]).is_ok();
        (!self.days || self.choice.days().contains(&rows.day[row]))
            && self.void.is_none_or(|v| !v.contains(&(rows.low[row], rows.order[row])))
            && listed(self.touchpoints, &rows.touchpoint)
            && listed(self.categories, &rows.category)
            && listed(self.items, &rows.item)
    }

    /// Decodes a chunk and calls `visit` with the position of every row that passes.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn for_each(
        &self,
        chunk: &LaneChunk<'_>,
        columns: ColumnSet,
        rows: &mut RowBuffer,
        touched: &mut Touched,
        mut visit: impl FnMut(&RowBuffer, usize),
    ) -> Result<(), ExecuteError> {
        chunk.decode(columns.with(self.columns()), rows)?;
        touched.rows(chunk);
        let rows = &*rows;
        if self.passes_all() {
            (0..rows.low.len()).for_each(|row| visit(rows, row));
        } else {
            (0..rows.low.len()).filter(|row| self.passes(rows, *row)).for_each(|r| visit(rows, r));
        }
        Ok(())
    }
}
