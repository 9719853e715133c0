//! The cores shared between statements: who has worked long waits between two pieces of work while
//! somebody who has worked less is at it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The work, of all its workers, after which a statement belongs to the next level.
const LEVEL_ENDS: [Duration; LEVELS - 1] =
    [Duration::from_millis(2), Duration::from_millis(20), Duration::from_millis(400)];
const LEVELS: usize = 4;
/// How long somebody waits for those who have worked less: then a piece of work is done, so that
/// no statement starves.
const PATIENCE: Duration = Duration::from_millis(8);

/// The cores of this process: statements of all its stores share them.
static CORES: Share = Share::new();

/// Who is at work, by level.
#[derive(Debug)]
struct Share {
    at_work: [AtomicUsize; LEVELS],
    /// Workers that wait for lower levels.
    waiting: AtomicUsize,
    lock: Mutex<()>,
    left: Condvar,
}

impl Share {
    const fn new() -> Self {
        Self {
            at_work: [const { AtomicUsize::new(0) }; LEVELS],
            waiting: AtomicUsize::new(0),
            lock: Mutex::new(()),
            left: Condvar::new(),
        }
    }

    fn is_lighter_at_work(&self, level: usize) -> bool {
        self.at_work[..level].iter().any(|at_work| at_work.load(Ordering::SeqCst) > 0)
    }

    fn leave(&self, level: usize) {
        let before = self.at_work[level].fetch_sub(1, Ordering::SeqCst);
        if before == 1 && self.waiting.load(Ordering::SeqCst) > 0 {
            let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.left.notify_all();
        }
    }

    fn wait(&self, level: usize) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |(): &mut ()| self.is_lighter_at_work(level);
        // Whoever leaves between the look and the wait needs the lock to tell.
        drop(self.left.wait_timeout_while(lock, PATIENCE, busy));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What one statement has worked.
// Invariant 1: while `passes` is above 0, the share counts the statement once, at `level`.
#[derive(Debug)]
pub struct Work {
    share: &'static Share,
    nanoseconds: AtomicU64,
    level: AtomicUsize,
    /// Passes under way; held while the level changes.
    passes: Mutex<usize>,
}

/// While it lives, its statement is at work.
#[derive(Debug)]
pub struct AtWork(Arc<Work>);

impl Default for Work {
    fn default() -> Self {
        Self::within(&CORES)
    }
}

impl Work {
    /// A statement that begins.
    fn within(share: &'static Share) -> Self {
        let (nanoseconds, level, passes) = Default::default();
        Self { share, nanoseconds, level, passes }
    }

    /// The statement is at work from now on.
    pub fn begin(self: &Arc<Self>) -> AtWork {
        let mut passes = self.passes();
        *passes += 1;
        if *passes == 1 {
            self.share.at_work[self.level()].fetch_add(1, Ordering::SeqCst);
        }
        AtWork(Arc::clone(self))
    }

    /// A worker has worked so long.
    pub fn add(&self, time: Duration) {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let done = self.nanoseconds.fetch_add(time, Ordering::Relaxed).saturating_add(time);
        let reached = |end: &&Duration| Duration::from_nanos(done) >= **end;
        let level = LEVEL_ENDS.iter().take_while(reached).count();
        if level <= self.level() {
            return;
        }
        let passes = self.passes();
        // Another worker may have come first.
        let before = self.level.fetch_max(level, Ordering::SeqCst);
        if before < level && *passes > 0 {
            self.share.at_work[level].fetch_add(1, Ordering::SeqCst);
            self.share.leave(before);
        }
    }

    /// Waits while a statement that has worked less is at work, for some milliseconds at most; how
    /// long.
    pub fn give_way(&self) -> Duration {
        let level = self.level();
        if level == 0 || !self.share.is_lighter_at_work(level) {
            return Duration::ZERO;
        }
        let start = Instant::now();
        self.share.wait(level);
        start.elapsed()
    }

    fn level(&self) -> usize {
        self.level.load(Ordering::SeqCst)
    }

    fn passes(&self) -> MutexGuard<'_, usize> {
        self.passes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut passes = self.0.passes();
        *passes -= 1;
        if *passes == 0 {
            self.0.share.leave(self.0.level());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn counts(share: &Share) -> [usize; LEVELS] {
        [0, 1, 2, 3].map(|level| share.at_work[level].load(Ordering::SeqCst))
    }

    #[test]
    fn statements_are_counted_once_at_their_level() {
        static SHARE: Share = Share::new();
        let work = Arc::new(Work::within(&SHARE));
        let (first, second) = (work.begin(), work.begin());
        assert_eq!(counts(&SHARE), [1, 0, 0, 0]);
        work.add(Duration::from_micros(1_999));
        assert_eq!(counts(&SHARE), [1, 0, 0, 0]);
        work.add(Duration::from_micros(1));
        assert_eq!(counts(&SHARE), [0, 1, 0, 0]);
        drop(first);
        assert_eq!(counts(&SHARE), [0, 1, 0, 0]);
        drop(second);
        assert_eq!(counts(&SHARE), [0, 0, 0, 0]);
        work.add(Duration::from_secs(1));
        let _again = work.begin();
        assert_eq!(counts(&SHARE), [0, 0, 0, 1]);
    }

    #[test]
    fn the_heavy_wait_for_the_light_and_not_for_ever() {
        static SHARE: Share = Share::new();
        let heavy = Arc::new(Work::within(&SHARE));
        let light = Arc::new(Work::within(&SHARE));
        let _heavy = heavy.begin();
        heavy.add(Duration::from_secs(1));
        let at_work = light.begin();
        light.give_way();
        let start = Instant::now();
        heavy.give_way();
        assert!(start.elapsed() >= PATIENCE, "it waited, and then went on");
        let waited = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let start = Instant::now();
                while SHARE.is_lighter_at_work(2) {
                    heavy.give_way();
                }
                start.elapsed()
            });
            std::thread::sleep(3 * PATIENCE);
            drop(at_work);
            waiting.join().unwrap()
        });
        assert!(waited >= 2 * PATIENCE);
        let start = Instant::now();
        for _ in 0..1_000 {
            heavy.give_way();
        }
        assert!(start.elapsed() < Duration::from_millis(500), "alone, nobody waits");
    }
}
