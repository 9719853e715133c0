//! Events from a program: small batches, each accepted and durable as a whole or refused whole.

mod check;
mod error;
mod event;
#[cfg(test)]
mod tests;
mod write;

pub use error::{EventField, IngestError, Problem};
pub use event::{Event, EventBatch, When};
pub(crate) use write::ingest;
