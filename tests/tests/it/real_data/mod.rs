//! Public data sets, loaded by the command line, against SQLite. They run where `THRONG_REAL_DATA`
//! names their folder.

mod grocery;
mod retail;
mod source;
mod tmall;
