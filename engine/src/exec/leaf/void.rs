//! Void purchases: orders whose refunds have reached their amount.
//!
//! A purchase is all `buy` rows of one consumer at one brand with the same order. As of a day it
//! is void once the refunds of that order, up to the day, are at least the rows' total up to it.

use std::collections::HashMap;

use throng_storage::segment::{ColumnSet, RowBuffer};

use super::lanes::{LaneId, Lanes};
use super::rows::VoidOrders;
use crate::error::ExecuteError;
use crate::exec::program::LaneChoice;
use crate::exec::trace::Touched;
use crate::view::View;

/// The void purchases of every brand and day that a program's leaves need.
#[derive(Debug, Default)]
pub struct Voids<'v> {
    readers: Vec<VoidReader>,
    by_brand: HashMap<(u32, i32), Option<usize>>,
    lanes: Lanes<'v>,
    rows: RowBuffer,
}

#[derive(Debug)]
struct VoidReader {
    buys: Vec<LaneId>,
    refunds: Vec<LaneId>,
    as_of: i32,
    chunk: Option<u32>,
    orders: VoidOrders,
}

impl<'v> Voids<'v> {
    /// Opens the refunds of a brand as of a day; none when it has none with an order.
    pub fn open(&mut self, view: &'v View, brand: u32, as_of: i32) -> Option<usize> {
        let (readers, opened) = (&mut self.readers, &mut self.lanes);
        *self.by_brand.entry((brand, as_of)).or_insert_with(|| {
            let mut lanes = |name| {
                let behaviours = vec![view.behaviour_id(name)?];
                let choice = LaneChoice { brand: Some(brand), behaviours };
                Some(opened.open(view, &choice, i32::MIN, as_of))
            };
            let refunds = lanes("refund")?;
            if refunds.is_empty() {
                return None;
            }
            let orders = VoidOrders::default();
            let buys = lanes("buy")?;
            readers.push(VoidReader { buys, refunds, as_of, chunk: None, orders });
            Some(readers.len() - 1)
        })
    }

    /// The void purchases of a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn load(
        &mut self,
        reader: usize,
        chunk: u32,
        touched: &mut Touched,
    ) -> Result<(), ExecuteError> {
        let (lanes, rows) = (&mut self.lanes, &mut self.rows);
        match self.readers.get_mut(reader) {
            Some(reader) => reader.load(chunk, lanes, rows, touched),
            None => Ok(()),
        }
    }

    /// The void purchases of the chunk loaded last.
    pub fn orders(&self, reader: usize) -> Option<&VoidOrders> {
        self.readers.get(reader).map(|reader| &reader.orders)
    }
}

impl VoidReader {
    fn load(
        &mut self,
        chunk: u32,
        lanes: &mut Lanes<'_>,
        rows: &mut RowBuffer,
        touched: &mut Touched,
    ) -> Result<(), ExecuteError> {
        if self.chunk == Some(chunk) {
            return Ok(());
        }
        self.chunk = None;
        self.orders.clear();
        let mut left: HashMap<(u16, u32), i128> = HashMap::new();
        let refunds = Orders { lanes: &self.refunds, chunk, last: self.as_of };
        refunds.visit(lanes, rows, touched, |key, amount| {
            *left.entry(key).or_default() -= amount;
        })?;
        if !left.is_empty() {
            let buys = Orders { lanes: &self.buys, chunk, last: self.as_of };
            buys.visit(lanes, rows, touched, |key, amount| {
                if let Some(left) = left.get_mut(&key) {
                    *left += amount;
                }
            })?;
        }
        let void = left.into_iter().filter(|(_, left)| *left <= 0);
        self.orders.extend(void.map(|(key, _)| key));
        self.chunk = Some(chunk);
        Ok(())
    }
}

/// The rows with an order up to a day.
struct Orders<'o> {
    lanes: &'o [LaneId],
    chunk: u32,
    last: i32,
}

impl Orders<'_> {
    /// Calls `visit` with ((position, order), amount) of every row.
    fn visit(
        &self,
        lanes: &mut Lanes<'_>,
        rows: &mut RowBuffer,
        touched: &mut Touched,
        mut visit: impl FnMut((u16, u32), i128),
    ) -> Result<(), ExecuteError> {
        let columns = ColumnSet::DAY.with(ColumnSet::ORDER).with(ColumnSet::AMOUNT);
        for lane in self.lanes {
            let Some(chunk) = lanes.get(*lane).chunk(self.chunk)? else { continue };
            chunk.decode(columns, rows)?;
            touched.rows(&chunk);
            for (row, order) in rows.order.iter().enumerate() {
                if *order != 0 && rows.day[row] <= self.last {
                    visit((rows.low[row], *order), i128::from(rows.amount[row]));
                }
            }
        }
        Ok(())
    }
}
