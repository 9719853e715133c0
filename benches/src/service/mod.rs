//! What a statement costs others, and how soon it ends: the service side of execution.

mod cancel;
mod fair;
mod heavy;
mod point;

pub use cancel::cancel;
pub use fair::fair;
pub use point::point;
