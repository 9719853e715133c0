//! What stores of a growing number of events need: loaded, merged, opened and asked at several
//! sizes, each step in a process of its own, and written down as a document and a plot.

mod events;
mod measure;
mod options;
mod plot;
mod report;
mod run;
mod state;
mod steps;

pub(crate) use measure::machine;
pub use options::Options;
pub(crate) use options::{number, short};
pub use run::run;
pub(crate) use state::write;
pub use steps::{Step, step};
