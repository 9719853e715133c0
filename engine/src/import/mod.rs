//! Loading: files and streams of events and attributes into a store, each one whole or not at all.

mod attributes;
mod batch;
mod block;
mod cells;
mod code;
mod column;
pub mod copy;
mod csv;
mod error;
mod events;
mod infer;
mod input;
mod json;
mod number;
mod options;
mod parquet;
mod pipeline;
mod plan;
mod record;
mod reject;
mod report;
mod row;
mod source;
mod text;
mod time;

#[cfg(test)]
mod tests;

pub use attributes::{load_attributes, preview_attributes};
pub use column::{ColumnError, EventColumn};
pub use error::{LoadError, OptionError, Reason, Reject};
pub use events::{load_events, preview_events};
pub use options::{
    AmountUnit, AttributeOptions, ColumnSource, EventOptions, EventSource, Format, InputOptions,
    KEY_BYTES_MAX, LOAD_MEMORY_DEFAULT, LoadMode, MissingConsumer, NewBehaviours,
    REJECTS_LISTED_MAX, ROW_BYTES_MAX, RejectOptions, Returns, Rounding, SAMPLE_ROWS,
    STREAM_BYTES_MAX, TimeOptions, TrimZero, VALUE_SHOWN_MAX,
};
pub use report::{ColumnUse, LoadReport, Progress, Stage, Understood};
pub use source::Compression;
pub use time::TimeKind;
