//! Power cuts at every operation of a disk, and errors of every kind at each.
//!
//! How to run each is in `docs/testing.md`.

mod disk;
mod errors;
mod explore;
mod image;
mod model;
mod run;
mod script;
mod survivors;
mod sweep;

pub use disk::{Honesty, SimDisk};
pub use errors::{ErrorClass, ErrorPlan, Injected, Lasting};
pub use explore::{Cut, Failure, Search, explore};
pub use image::{Image, Op};
pub use model::Row;
pub use script::{Batch, Deleted, Ending, Load, Step};
pub use sweep::{Sweep, SweepFailure, sweep};
