//! Leaves: what a program reads from the store, one file per kind.

mod did;
mod index;
pub mod keyed;
mod lanes;
mod levels;
mod range;
mod rows;
pub mod spend;
mod state;
mod tools;
mod universe;
mod void;

pub use lanes::{Lanes, Scratch};
pub use range::RangeReader;
pub use tools::Tools;
pub use void::Voids;

use throng_query::sample;

use super::program::Leaf;
use super::set::{ChunkSet, SetBuilder};
use crate::error::ExecuteError;
use crate::view::View;

/// A leaf opened by one worker: cursors into the store.
#[derive(Debug)]
pub enum LeafReader<'v> {
    /// See [`Leaf::Universe`].
    Universe(universe::UniverseReader<'v>),
    /// See [`Leaf::Did`].
    Did(did::DidReader),
    /// See [`Leaf::Spent`].
    Spent(spend::SpentReader<'v>),
    /// See [`Leaf::State`].
    State(state::StateReader),
    /// See [`Leaf::Index`].
    Index(index::IndexReader<'v>),
    /// See [`Leaf::Range`].
    Range(RangeReader<'v>),
    /// See [`Leaf::Sample`].
    Sample {
        /// Parts per million.
        per_million: u32,
        /// The seed.
        seed: u64,
    },
}

impl<'v> LeafReader<'v> {
    /// Opens a leaf.
    pub fn open(view: &'v View, leaf: &Leaf, lanes: &mut Lanes<'v>, voids: &mut Voids<'v>) -> Self {
        match leaf {
            Leaf::Universe { day } => Self::Universe(universe::UniverseReader::open(view, *day)),
            Leaf::Did { lanes: choice, at_least, rows } => {
                let opened = did::Opened { view, lanes, voids };
                Self::Did(did::DidReader::open(opened, choice, *at_least, rows))
            }
            Leaf::Spent { spend, comparison, amount } => {
                Self::Spent(spend::SpentReader::new(view, spend, *comparison, *amount))
            }
            Leaf::State { brand, enter, exit, last } => {
                let behaviours = (*enter, *exit);
                Self::State(state::StateReader::open(view, *brand, behaviours, *last, lanes))
            }
            Leaf::Index { key, sets } => Self::Index(index::IndexReader::open(view, key, sets)),
            Leaf::Range { key, low, high } => {
                Self::Range(RangeReader::open(view, key, *low, *high))
            }
            Leaf::Sample { per_million, seed } => {
                Self::Sample { per_million: *per_million, seed: *seed }
            }
        }
    }

    /// Its members in a chunk.
    ///
    /// # Errors
    /// When bytes of the store are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        match self {
            Self::Universe(reader) => reader.read(chunk, tools),
            Self::Did(reader) => reader.read(chunk, tools),
            Self::Spent(reader) => reader.read(chunk, tools),
            Self::State(reader) => reader.read(chunk, tools),
            Self::Index(reader) => reader.read(chunk, tools),
            Self::Range(reader) => reader.read(chunk, tools),
            Self::Sample { per_million, seed } => {
                let mut builder = SetBuilder::new(tools.pool);
                for low in 0..=u16::MAX {
                    if sample::contains(chunk << 16 | u32::from(low), *per_million, *seed) {
                        builder.push(low, tools.pool);
                    }
                }
                Ok(builder.finish(tools.pool))
            }
        }
    }
}
