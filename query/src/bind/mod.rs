//! Names bound, values read, types checked: from syntax tree to typed plan.

mod columns;
mod face;

pub use columns::show_columns;
pub use face::{
    Description, ParameterValue, bind, bind_model, bind_set, check_attribute_name, describe,
};
