//! Point questions: one consumer. Of each lane only its rows are read, and a program is computed
//! for it alone, yes or no for each node.

mod events;
mod holds;
mod leaves;
mod wanted;

pub use events::{Event, OneConsumer};
pub use holds::{holds, holds_within};
pub use wanted::Wanted;
