//! Execution: a statement's sets become a program of nodes, run once per chunk of 2^16 consumers.

mod bounds;
mod census;
mod compile;
mod divide;
mod eval;
mod in_place;
mod keeper;
mod leaf;
mod lookup;
mod memory;
mod program;
mod rank;
mod remember;
mod run;
mod series;
mod set;
mod share;
mod trace;
mod walk;
mod work;

pub use bounds::Bounds;
pub use census::{CensusPlan, Combinations, census};
pub use compile::{Compiler, NONE_STAGE};
pub use eval::Worker;
pub use leaf::RangeReader;
pub use leaf::keyed::{KeyChoice, KeyReader, RowKey};
pub use leaf::spend::SpendReader;
pub use lookup::{contains, members};
pub use memory::Held;
pub use program::{Leaf, Node, NodeId, PiecePrice, Program, RowChoice, SpendChoice};
pub use rank::Beginnings;
pub use remember::Sources;
pub use run::for_each_chunk;
pub use series::{DAYS_MAX, Later, MONEY_NODES_MAX, SeriesMoney, SeriesPlan, series};
pub use set::{ChunkSet, Pool, SetBuilder};
pub use trace::{Containers, NodeTrace, Timing, Trace, Way};
