//! The work of one statement, and its level among the others.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::share::{AsWorker, LEVEL_ENDS, Share, Turn};

/// The cores of this process: statements of all its stores share them.
static CORES: Share = Share::new();

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
            self.share.enter(self.level());
        }
        AtWork(Arc::clone(self))
    }

    /// The thread is a worker of the statement while the guard lives.
    pub(super) fn as_worker(&self) -> AsWorker {
        AsWorker::new(self.share)
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
            self.share.change(before, level);
        }
    }

    /// Waits while a statement that has worked less is at work, for some milliseconds at most, and
    /// as long for a core, if the thread is a worker and the statement has worked long. How long.
    pub(super) fn give_way(&self) -> (Duration, Turn) {
        let level = self.level();
        if self.share.goes_on(level) {
            return (Duration::ZERO, Turn::Ours);
        }
        let start = Instant::now();
        let turn = self.share.give_way(level);
        (start.elapsed(), turn)
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
    use std::sync::atomic::AtomicBool;

    use super::super::share::PATIENCE;
    use super::*;

    #[test]
    fn statements_are_counted_once_at_their_level() {
        static SHARE: Share = Share::new();
        let work = Arc::new(Work::within(&SHARE));
        let (first, second) = (work.begin(), work.begin());
        assert_eq!(SHARE.counts(), [1, 0, 0, 0]);
        work.add(Duration::from_micros(499));
        assert_eq!(SHARE.counts(), [1, 0, 0, 0]);
        work.add(Duration::from_micros(1));
        assert_eq!(SHARE.counts(), [0, 1, 0, 0]);
        drop(first);
        assert_eq!(SHARE.counts(), [0, 1, 0, 0]);
        drop(second);
        assert_eq!(SHARE.counts(), [0, 0, 0, 0]);
        work.add(Duration::from_secs(1));
        let _again = work.begin();
        assert_eq!(SHARE.counts(), [0, 0, 0, 1]);
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

    #[test]
    fn no_more_heavy_workers_than_cores_are_at_work_and_each_gets_its_turn() {
        static SHARE: Share = Share::new();
        SHARE.set_cores(2);
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let over = AtomicBool::new(false);
        let pieces = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..6)
                .map(|_| {
                    scope.spawn(|| {
                        let work = Arc::new(Work::within(&SHARE));
                        let _at_work = work.begin();
                        work.add(Duration::from_secs(1));
                        let _as_worker = work.as_worker();
                        let mut pieces = 0_usize;
                        while !over.load(Ordering::SeqCst) {
                            if work.give_way().1 == Turn::NotYet {
                                continue;
                            }
                            let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            std::thread::sleep(Duration::from_micros(200));
                            working.fetch_sub(1, Ordering::SeqCst);
                            pieces += 1;
                        }
                        pieces
                    })
                })
                .collect();
            std::thread::sleep(Duration::from_millis(400));
            over.store(true, Ordering::SeqCst);
            workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(most.load(Ordering::SeqCst), 2);
        assert!(pieces.iter().all(|&pieces| pieces > 10), "{pieces:?}");
        // Nothing is left taken: two begin at once again.
        let heavy = Arc::new(Work::within(&SHARE));
        heavy.add(Duration::from_secs(1));
        let _as_worker = heavy.as_worker();
        let start = Instant::now();
        assert_eq!(heavy.give_way().1, Turn::Ours);
        assert!(start.elapsed() < PATIENCE);
        // A core that is never handed on is not waited for longer than it takes to look again.
        SHARE.set_cores(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _as_worker = heavy.as_worker();
                assert_eq!(heavy.give_way().1, Turn::NotYet);
            });
        });
    }
}
