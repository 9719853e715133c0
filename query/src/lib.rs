//! The language of Throng: text to tokens to syntax tree to a typed plan.
//!
//! No files, no sockets, no threads, no clock, no unsafe.
#![forbid(unsafe_code)]

pub mod catalog;
pub mod date;
pub mod plan;
pub mod sample;
