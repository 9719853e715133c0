//! Public data sets, loaded by the command line, against SQLite. They run where `THRONG_REAL_DATA`
//! names their folder.

mod coupons;
mod grocery;
mod retail;
mod source;
mod tmall;
