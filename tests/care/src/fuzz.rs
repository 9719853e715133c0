//! Driving targets with mutations of valid files.

use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use crate::mutate::mutate;
use crate::targets::{Outcome, Target};

/// What counts allocations, in every program of this package.
#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes of memory that a decoded row may take, all columns together, while it is checked.
const ROW_BYTES: usize = 128;
/// A run that takes longer hangs.
const TIME_MAX: Duration = Duration::from_secs(10);

/// How long a target is driven.
#[derive(Debug, Clone, Copy)]
pub enum Bound {
    /// So many inputs.
    Count(u64),
    /// So long.
    Time(Duration),
}

/// Drives a target; how many inputs were read to their end, and how many there were.
///
/// # Panics
/// When an input makes it panic, hang, or allocate more than it may. The input is kept in a file.
pub fn fuzz(target: &Target, seed: u64, bound: Bound) -> (u64, u64) {
    let samples = (target.samples)();
    assert!(!samples.is_empty(), "{} has no valid files", target.name);
    for sample in &samples {
        let outcome = attempt(target, sample);
        assert!(matches!(outcome, Outcome::Read(_)), "{}: a valid file is refused", target.name);
    }
    let mut random = Pcg64::seed_from_u64(seed);
    let (start, mut read, mut done) = (Instant::now(), 0, 0);
    loop {
        let goes_on = match bound {
            Bound::Count(count) => done < count,
            Bound::Time(time) => start.elapsed() < time,
        };
        if !goes_on {
            return (read, done);
        }
        let sample = &samples[random.random_range(0..samples.len())];
        let other = &samples[random.random_range(0..samples.len())];
        let mut bytes = mutate(&mut random, sample, other);
        // Three of four reach what is behind the checksums.
        if let Some(shape) = target.reseal
            && random.random_range(0..4) > 0
        {
            bytes = shape.reseal(bytes);
        }
        read += u64::from(matches!(attempt(target, &bytes), Outcome::Read(_)));
        done += 1;
    }
}

/// Runs a target once.
fn attempt(target: &Target, bytes: &[u8]) -> Outcome {
    // Panics within foreign readers, which the engine catches, are not worth a message each.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    ALLOCATOR.reset_peak_usage();
    let (before, start) = (ALLOCATOR.current_usage(), Instant::now());
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    let (taken, peak) = (start.elapsed(), ALLOCATOR.peak_usage());
    set_hook(hook);
    let allocated = peak.saturating_sub(before);
    let Ok(outcome) = outcome else { fail(target, bytes, "panicked") };
    // What was refused may have been decoded before.
    let rows = match outcome {
        Outcome::Read(rows) => usize::try_from(rows).unwrap_or(usize::MAX),
        Outcome::Refused => bytes.len() * 4,
    };
    let allowed = target.allowance + 2 * bytes.len() + rows.saturating_mul(ROW_BYTES);
    if allocated > allowed {
        fail(target, bytes, &format!("allocated {allocated} bytes of {allowed}"));
    }
    if taken > TIME_MAX {
        fail(target, bytes, &format!("took {taken:?}"));
    }
    outcome
}

fn fail(target: &Target, bytes: &[u8], what: &str) -> ! {
    let path = std::env::temp_dir().join(format!("throng-fuzz-{}.bin", target.name));
    std::fs::write(&path, bytes).unwrap();
    panic!("{} {what}; the input is in {}", target.name, path.display());
}
