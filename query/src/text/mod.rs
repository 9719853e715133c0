//! Plan to canonical text: what it prints, parsed and bound again, is the same plan.

use crate::catalog::Catalog;
use crate::plan::{Create, Model, Query, Set};

/// The text of a set.
#[must_use]
pub fn set_text(_set: &Set, _catalog: &dyn Catalog) -> String {
    unimplemented!()
}

/// The text of a query.
#[must_use]
pub fn query_text(_query: &Query, _catalog: &dyn Catalog) -> String {
    unimplemented!()
}

/// The text after AS of a model.
#[must_use]
pub fn model_text(_model: &Model, _catalog: &dyn Catalog) -> String {
    unimplemented!()
}

/// The statement that makes a definition again, for SHOW CREATE.
#[must_use]
pub fn create_text(_create: &Create, _catalog: &dyn Catalog) -> String {
    unimplemented!()
}
