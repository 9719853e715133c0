//! The columns of answers.

use crate::plan::{Column, Show};

/// The columns of a SHOW: the one table that the engine follows.
#[must_use]
pub fn show_columns(_show: &Show) -> Vec<Column> {
    unimplemented!()
}
