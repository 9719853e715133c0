//! Counting consumers by the combination of leaves they are in.
//!
//! Most statements about behaviours touch few consumers of each chunk, by many lanes. Making a set
//! of each lane, and sets of those sets, then costs more than reading the rows. A census visits
//! rows instead: each marks its consumer with the leaves it brings them into, and at the end of a
//! chunk the marks are counted by their combination. What a program's nodes have follows
//! from the combinations alone, a few hundred or thousand for the whole store.

mod choice;
mod combinations;
mod counts;
mod leaf_bits;
mod marks;
mod run;
mod wide;

pub use choice::{CensusPlan, Count, Counting, RowReading, counting};
pub use combinations::{Combinations, NodeBits, TOGETHER};
pub use run::census;
