//! Care of a store that nobody has open: looking at every byte, copying, repairing.

mod backup;
mod check;
mod diagnose;
mod error;
mod finding;
mod held;
mod keys;
mod log;
mod mark;
mod probe;
mod repair;
mod report;
mod rows;
mod sets;
mod source;
mod survey;
mod target;
mod trouble;

pub(super) use backup::is_backup;
#[cfg(feature = "faults")]
pub(super) use backup::restore_on;
pub use backup::{BackupOptions, BackupReport, Progress, Verify, restore};
pub use error::{BackupError, RepairError};
pub use finding::{Fault, Finding, Note};
pub(super) use probe::{probe_index, probe_segment};
pub use repair::Repaired;
pub use report::Report;
pub use source::Links;
pub use survey::Survey;
pub use trouble::{Diagnosis, Loss, LossSource, Remedy, Trouble};
