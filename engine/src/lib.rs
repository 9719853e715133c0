//! Throng: an embedded audience database.

mod answer;
pub mod attribute;
pub mod behaviour;
mod brand_lanes;
pub mod care;
mod catalog;
mod compactor;
#[cfg(test)]
mod compactor_tests;
pub mod currency;
mod database;
pub mod definition;
mod error;
mod exec;
pub mod identity;
pub mod import;
pub mod ingest;
pub mod kernel;
pub mod market;
mod matched;
pub mod measure;
mod memo;
mod options;
mod present;
mod reader;
mod statement;
pub mod time;
mod universe;
pub mod view;
mod vitals;

pub use answer::{Answer, Column, ColumnType, Date, Decimal, Value};
pub use compactor::{Background, CompactionOptions};
pub use database::{
    BackupPlaces, Cancel, CreateOptions, Database, Effect, ExecuteOptions, Length, MEMORY_DEFAULT,
    Method, Parameter, ParameterType, Prepared, Probe, UseMemo,
};
pub use error::{DatabaseError, DefinitionError, ExecuteError, MemoryUse, User};
pub use ingest::{Event, EventBatch, IngestError, When};
pub use memo::{Memo, MemoUse};
pub use reader::Reader;
pub use throng_query as query;
pub use throng_storage as storage;
pub use throng_storage::store::{Compacted, CompactionProgress, Outcome};
pub use view::View;
