//! The oracle: random stores and statements, answered by Throng and by SQLite alike.
//!
//! The oracle has its own events, sets and statements, its own calendar and its own definition of
//! the built-in models. It shares no code with the engine: only the text of a statement and the
//! values of an answer cross over.

pub mod compare;
pub mod dice;
pub mod events;
pub mod expect;
pub mod load;
mod point;
pub mod question;
mod run;
pub mod sql;
pub mod sqlite;
pub mod term;
pub mod text;
mod ways;
pub mod world;
