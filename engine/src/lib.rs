//! Throng: an embedded audience database.

mod answer;
mod database;

pub use answer::{Answer, Column, ColumnType, Date, Decimal, Value};
pub use database::{
    Cancel, CreateOptions, Database, DatabaseError, ExecuteOptions, Parameter, ParameterType,
    Prepared,
};
pub use throng_query as query;
pub use throng_storage as storage;
