//! What a statement costs others, and how soon it ends: the service side of execution.

mod cancel;
mod fair;
mod heavy;

pub use cancel::cancel;
pub use fair::fair;
