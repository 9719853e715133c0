//! Plan to canonical text: what it prints, parsed and bound again, is the same plan.

mod definition;
mod query;
mod set;
mod words;

pub use definition::{create_text, division_text, model_text, type_text};
pub use query::{partition_label, query_text};
pub use set::set_text;
pub(crate) use words::attribute_value;
pub use words::{quote_name, quote_text};
