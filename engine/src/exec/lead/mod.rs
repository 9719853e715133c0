//! Counting by one selective leaf: its rows are read first, and the rest is asked of those alone
//! who are in it.
//!
//! Where everybody who is counted is in one leaf, as with AND, the rows of all other leaves need
//! not be read when few are in that one: each of these few is looked up, as in `exec::point`. Who
//! has n rows of one lane, or some money, is found without marking anybody who has fewer rows. How
//! many are in a leaf is known only afterwards; where too many are, its reading ends early, and the
//! program is computed as if there were no leading leaf.

mod choice;
mod finder;
mod run;

pub use choice::Lead;
pub use run::{lead, others};
