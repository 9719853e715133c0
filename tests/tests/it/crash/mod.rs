//! kill -9 at any moment: every acknowledged batch is there, no partial one is, the store opens.

mod copying;
mod ingesting;
mod ledger;
mod loading;
