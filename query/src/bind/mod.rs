//! Names bound, values read, types checked: from syntax tree to typed plan.

mod attribute;
mod binder;
mod brand_measure;
mod columns;
mod decimal;
mod definition;
mod division;
mod face;
mod named;
mod names;
mod order;
mod overlap;
mod query;
mod rows;
mod set;
mod show;
mod stage;
mod statement;
mod value;

pub use columns::HEAD_DIGITS;
pub(crate) use columns::categories_label;
pub(crate) use decimal::unscaled_text;
pub use definition::check_attribute_name;
pub use face::{Description, ParameterValue, bind, bind_division, bind_model, bind_set, describe};
pub(crate) use names::attribute_names;
pub(crate) use overlap::consumer_assets;
pub use show::{BYTES_PER_EVENT_SCALE, show_columns};
