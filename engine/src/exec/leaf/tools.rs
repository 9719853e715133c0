//! What a worker lends its leaves.

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

impl<'v> Tools<'_, 'v> {
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
