//! Bad input, a bad store and a full disk: a clear error, and nothing lost.

mod disk;
mod files;
mod stores;
mod trial;
