//! `throng shell`: statements typed one after the other, or a script on standard input.

mod command;
mod editor;
mod run;

pub use run::Args;
pub(super) use run::run;
