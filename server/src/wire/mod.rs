//! The PostgreSQL wire protocol: psql, drivers, pools and notebooks ask Throng through it.
//!
//! `pgwire` frames, decodes and encodes the messages; the flow of a connection is ours, so that
//! every wait can be cancelled, every buffer is bounded, and no statement runs on the reactor.
//!
//! - `server`: the listener, limits shared by all connections, the end.
//! - `connection`: one client from startup to its last message; `simple`, `extended` and `copy` are
//!   its three ways to send statements.
//! - `session`, `settings`, `select`: what drivers send that is not Throng's language.
//! - `run`, `cancel`: statements on blocking threads, and how they are ended.
//! - `value`, `parameter`, `numeric`: bytes of answers and of `$1`.

mod cancel;
mod connection;
mod copy;
mod copy_statement;
mod error;
mod extended;
mod frames;
mod limits;
pub(crate) mod memory;
mod numeric;
mod parameter;
mod run;
mod select;
mod server;
mod session;
mod settings;
mod simple;
mod startup;
mod statement;
mod tokens;
mod transaction;
mod value;

pub use server::{Running, ServeError, ServeOptions, check_loopback, serve, start};
