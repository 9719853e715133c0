//! A store: one directory, its writer, and the snapshots that readers hold.

mod behind;
mod blocks;
mod bulk;
mod care;
mod checkpoint;
mod columns;
mod commit;
mod compact;
mod delete;
mod error;
#[cfg(feature = "faults")]
mod faults;
mod files;
mod forget;
mod handle;
mod lead;
mod memory;
mod open;
pub(crate) mod probe;
mod random;
mod recover;
mod seen;
mod shared;
mod snapshot;
mod spill;
mod tokens;
mod trace;
mod turn;
mod types;
mod writer;

#[cfg(test)]
mod tests;

pub use bulk::Bulk;
pub use care::{
    BackupError, BackupOptions, BackupReport, Diagnosis, Fault, Finding, Links, Loss, LossSource,
    Note, Progress, Remedy, RepairError, Repaired, Report, Survey, Trouble, Verify, restore,
};
pub use compact::{Compacted, CompactionJob, CompactionProgress, CompactionStep, Depth, Running};
pub use delete::Deleted;
pub use error::{OpenError, WriteError};
#[cfg(feature = "faults")]
pub use faults::{Beside, Faults, Tuning};
pub use forget::{Forgotten, IfUnknown};
pub use handle::Store;
pub use snapshot::Snapshot;
pub use types::{BulkOptions, Definition, KeyTable, Outcome, Settings, TOKEN_BYTES_MAX};
pub use writer::{Ticket, Writer};
