//! What a worker lends its leaves.

use throng_storage::segment::RowBuffer;

use super::lanes::{Lanes, Scratch};
use super::rows::RowSource;
use super::void::Voids;
use crate::exec::set::Pool;
use crate::exec::trace::Touched;

/// What a leaf may use while it is computed for one chunk.
#[derive(Debug)]
pub struct Tools<'w, 'v> {
    /// Memory for sets.
    pub pool: &'w mut Pool,
    /// Memory for rows and counters.
    pub scratch: &'w mut Scratch,
    /// The lanes opened so far, shared by all leaves.
    pub lanes: &'w mut Lanes<'v>,
    /// Void purchases, shared by all leaves.
    pub voids: &'w mut Voids<'v>,
    /// What has been read.
    pub touched: &'w mut Touched,
}

/// The part of [`Scratch`] that counts.
#[derive(Debug)]
pub struct Counters<'s> {
    /// See [`Scratch::numbers`].
    pub numbers: &'s mut Vec<u64>,
    /// See [`Scratch::lows`].
    pub lows: &'s mut Vec<u16>,
    /// See [`Scratch::pairs`].
    pub pairs: &'s mut Vec<u32>,
}

/// What money is read with.
#[derive(Debug)]
pub struct MoneyTools<'t, 'v> {
    /// The worker's lanes.
    pub lanes: &'t mut Lanes<'v>,
    /// The worker's void purchases.
    pub voids: &'t mut Voids<'v>,
    /// What has been read.
    pub touched: &'t mut Touched,
    /// Memory for rows.
    pub rows: &'t mut RowBuffer,
}

impl<'v> Tools<'_, 'v> {
    /// What money is read with, apart from the sums and positions it may be added up in.
    pub fn money(&mut self) -> (MoneyTools<'_, 'v>, &mut Vec<i128>, &mut Vec<u16>) {
        let Scratch { rows, sums, lows, .. } = &mut *self.scratch;
        let (lanes, voids, touched) = (&mut *self.lanes, &mut *self.voids, &mut *self.touched);
        (MoneyTools { lanes, voids, touched, rows }, sums, lows)
    }

    /// What money is read with, apart from the numbers and positions that it may be added up in.
    pub fn small_money(&mut self) -> (MoneyTools<'_, 'v>, &mut Vec<u64>, &mut Vec<u16>) {
        let Scratch { rows, numbers, lows, .. } = &mut *self.scratch;
        let (lanes, voids, touched) = (&mut *self.lanes, &mut *self.voids, &mut *self.touched);
        (MoneyTools { lanes, voids, touched, rows }, numbers, lows)
    }

    /// What rows are read with, apart from what counts them.
    pub fn source(&mut self) -> (RowSource<'_, 'v>, Counters<'_>) {
        let Scratch { rows, numbers, lows, pairs, .. } = &mut *self.scratch;
        let source = RowSource {
            lanes: self.lanes,
            voids: self.voids,
            touched: self.touched,
            pool: self.pool,
            rows,
        };
        (source, Counters { numbers, lows, pairs })
    }
}
