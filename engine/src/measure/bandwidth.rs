//! How fast this machine reads memory: what EXPLAIN ANALYZE compares with.

use std::sync::OnceLock;
use std::time::Instant;

use throng_storage::container::{CHUNK_WORDS, ChunkBits};

use crate::kernel;

/// Bytes that are read: more than the caches of most machines hold. Where a cache is larger, it is
/// the cache's bandwidth that is measured.
pub const BYTES: usize = 64 << 20;
/// Times they are read; the best counts.
const ROUNDS: usize = 3;

/// Bytes a second that all cores together read and count the bits of, as the kernels in use do.
/// Measured once in a process, when it is first asked for, in some tens of milliseconds.
pub fn bytes_per_second() -> f64 {
    static MEASURED: OnceLock<f64> = OnceLock::new();
    *MEASURED.get_or_init(measure)
}

#[expect(clippy::cast_precision_loss, reason = "a rate is shown with few digits")]
fn measure() -> f64 {
    let chunks: Vec<ChunkBits> = vec![[0x5555_5555; CHUNK_WORDS]; BYTES / size_of::<ChunkBits>()];
    let threads = throng_storage::cores();
    let part = chunks.len().div_ceil(threads).max(1);
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let count = |part: &[ChunkBits]| -> u64 {
            part.iter().map(|bits| u64::from(kernel::count(bits))).sum()
        };
        let counted = std::thread::scope(|scope| {
            let parts: Vec<_> =
                chunks.chunks(part).map(|part| scope.spawn(move || count(part))).collect();
            parts.into_iter().map(|part| part.join().unwrap_or(0)).sum::<u64>()
        });
        // The count is used, so that it is made.
        if std::hint::black_box(counted) > 0 {
            best = best.min(start.elapsed().as_secs_f64());
        }
    }
    BYTES as f64 / best
}

#[cfg(test)]
mod tests {
    use super::bytes_per_second;

    #[test]
    fn it_is_a_rate_and_is_measured_once() {
        let rate = bytes_per_second();
        assert!(rate > 1e7 && rate < 1e13, "{rate}");
        assert_eq!(rate.to_bits(), bytes_per_second().to_bits());
    }
}
