//! Void purchases: orders whose refunds have reached their amount.
//!
//! A purchase is all `buy` rows of one consumer at one brand with the same order. As of a day it
//! is void once the refunds of that order, up to the day, are at least the rows' total up to it.

use std::collections::HashMap;

use throng_storage::segment::{ColumnSet, RowBuffer};

use super::lanes::{LaneReader, open_lanes};
use super::rows::VoidOrders;
use crate::error::ExecuteError;
use crate::exec::program::LaneChoice;
use crate::exec::trace::Touched;
use crate::view::View;

/// The void purchases of every brand and day that a program's leaves need.
#[derive(Debug, Default)]
pub struct Voids<'v> {
    readers: Vec<VoidReader<'v>>,
    by_brand: HashMap<(u32, i32), Option<usize>>,
    rows: RowBuffer,
}

#[derive(Debug)]
struct VoidReader<'v> {
    buys: Vec<LaneReader<'v>>,
    refunds: Vec<LaneReader<'v>>,
    as_of: i32,
    chunk: Option<u32>,
    orders: VoidOrders,
}

impl<'v> Voids<'v> {
    /// Opens the refunds of a brand as of a day; none when it has none with an order.
    pub fn open(&mut self, view: &'v View, brand: u32, as_of: i32) -> Option<usize> {
        let readers = &mut self.readers;
        *self.by_brand.entry((brand, as_of)).or_insert_with(|| {
            let lanes = |name| {
                let behaviours = vec![view.behaviour_id(name)?];
                let choice = LaneChoice { brand: Some(brand), behaviours };
                Some(open_lanes(view, &choice, i32::MIN, as_of))
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
        let rows = &mut self.rows;
        match self.readers.get_mut(reader) {
            Some(reader) => reader.load(chunk, rows, touched),
            None => Ok(()),
        }
    }

    /// The void purchases of the chunk loaded last.
    pub fn orders(&self, reader: usize) -> Option<&VoidOrders> {
        self.readers.get(reader).map(|reader| &reader.orders)
    }
}

impl VoidReader<'_> {
    fn load(
        &mut self,
        chunk: u32,
        rows: &mut RowBuffer,
        touched: &mut Touched,
    ) -> Result<(), ExecuteError> {
        if self.chunk == Some(chunk) {
            return Ok(());
        }
        self.chunk = None;
        self.orders.clear();
        let mut left: HashMap<(u16, u32), i128> = HashMap::new();
        visit_orders(&mut self.refunds, chunk, self.as_of, rows, touched, |key, amount| {
            *left.entry(key).or_default() -= amount;
        })?;
        if !left.is_empty() {
            visit_orders(&mut self.buys, chunk, self.as_of, rows, touched, |key, amount| {
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

/// Calls `visit` with ((position, order), amount) of every row with an order up to a day.
fn visit_orders(
    lanes: &mut [LaneReader<'_>],
    chunk: u32,
    last: i32,
    rows: &mut RowBuffer,
    touched: &mut Touched,
    mut visit: impl FnMut((u16, u32), i128),
) -> Result<(), ExecuteError> {
    let columns = ColumnSet::DAY.with(ColumnSet::ORDER).with(ColumnSet::AMOUNT);
    for lane in lanes {
        let Some(chunk) = lane.chunk(chunk)? else { continue };
        chunk.decode(columns, rows)?;
        touched.rows(&chunk);
        for (row, order) in rows.order.iter().enumerate() {
            if *order != 0 && rows.day[row] <= last {
                visit((rows.low[row], *order), i128::from(rows.amount[row]));
            }
        }
    }
    Ok(())
}
