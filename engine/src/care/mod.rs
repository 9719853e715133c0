//! Care of a store that nobody has open: looking at every byte, telling what is wrong, repairing.

mod check;
mod doctor;
mod indexes;
pub mod words;

pub use check::check;
pub use doctor::Examination;
