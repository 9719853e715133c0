//! How many cores there are.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cores the program may use, as far as the system says; at least 1. It is looked up
/// once: the standard library reads files of the system each time, which costs more than a small
/// question.
#[must_use]
pub fn cores() -> usize {
    /// 0 before it was looked up.
    static CORES: AtomicUsize = AtomicUsize::new(0);
    match CORES.load(Ordering::Relaxed) {
        0 => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            CORES.store(cores, Ordering::Relaxed);
            cores
        }
        cores => cores,
    }
}
