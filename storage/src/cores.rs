//! How many cores there are.

use std::sync::OnceLock;

/// How many cores the program may use, as far as the system says; at least 1. It is looked up
/// once: the standard library reads files of the system each time, which costs more than a small
/// question.
#[must_use]
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
