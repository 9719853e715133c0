//! The cores shared between statements: who has worked long waits between two pieces of work while
//! somebody who has worked less is at it, and no more of those than there are cores work at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The work, of all its workers, after which a statement belongs to the next level.
pub(super) const LEVEL_ENDS: [Duration; LEVELS - 1] =
    [Duration::from_micros(500), Duration::from_millis(10), Duration::from_millis(200)];
/// Levels of statements by their work. Those of the first need no core of their own.
pub(super) const LEVELS: usize = 4;
/// How long somebody waits for those who have worked less, or for a core: then the statement is
/// looked at, and after the first a piece of work is done, so that nobody starves.
pub(super) const PATIENCE: Duration = Duration::from_millis(8);
/// How long a worker keeps a core that others wait for.
const SLICE: Duration = Duration::from_millis(2);
/// How long a worker with a core works before the system is told that another thread may have it,
/// while several statements come. A thread that wakes up does not always take the place of one that
/// runs: it may wait for the end of its time, which is some milliseconds.
const UNASKED: Duration = Duration::from_micros(100);
/// How long several statements are said to come after two were at work at once. Without others
/// nobody says so: two workers of one statement that let each other run would stay on one core.
const CROWDED: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread is a worker, and since when it has a core.
    static PLACE: Cell<Place> = const { Cell::new(Place::Outside) };
    /// When the worker let other threads of the system run.
    static ASKED: Cell<Option<Instant>> = const { Cell::new(None) };
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// It is no worker.
    Outside,
    /// It is one that has no core.
    Without,
    /// It has one since then.
    With(Instant),
}

/// Who is at work, by level, and who has a core.
#[derive(Debug)]
pub(super) struct Share {
    at_work: [AtomicUsize; LEVELS],
    /// Workers that wait for lower levels.
    waiting: AtomicUsize,
    lock: Mutex<()>,
    left: Condvar,
    /// How many cores it shares out; 0 for all there are.
    cores: AtomicUsize,
    turns: Mutex<Turns>,
    /// When two statements were at work at once, in nanoseconds after some moment; 0 for never.
    met: AtomicU64,
    /// Workers that wait for a core: what the turns say, to be looked at without them.
    queued: AtomicUsize,
    given: Condvar,
}

/// Invariant 1: at most `cores` workers have a core, counting those that are `given` but not taken.
#[derive(Debug)]
struct Turns {
    taken: usize,
    queued: usize,
    /// Cores that were handed on to somebody in the queue who has not woken yet.
    given: usize,
}

/// What became of the wish to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// The worker may work.
    Ours,
    /// All cores are taken still.
    NotYet,
}

impl Share {
    pub(super) const fn new() -> Self {
        Self {
            at_work: [const { AtomicUsize::new(0) }; LEVELS],
            waiting: AtomicUsize::new(0),
            lock: Mutex::new(()),
            left: Condvar::new(),
            cores: AtomicUsize::new(0),
            met: AtomicU64::new(0),
            turns: Mutex::new(Turns { taken: 0, queued: 0, given: 0 }),
            queued: AtomicUsize::new(0),
            given: Condvar::new(),
        }
    }

    /// One more statement is at work at a level.
    pub(super) fn enter(&self, level: usize) {
        if self.at_work.iter().any(|at_work| at_work.load(Ordering::SeqCst) > 0) {
            self.met.store(nanoseconds(Instant::now()), Ordering::Relaxed);
        }
        self.at_work[level].fetch_add(1, Ordering::SeqCst);
    }

    /// A statement that is at work belongs to another level from now on.
    pub(super) fn change(&self, from: usize, to: usize) {
        self.at_work[to].fetch_add(1, Ordering::SeqCst);
        self.leave(from);
    }

    /// Whether several statements come.
    fn is_crowded(&self, now: Instant) -> bool {
        let met = Duration::from_nanos(self.met.load(Ordering::Relaxed));
        !met.is_zero() && Duration::from_nanos(nanoseconds(now)).saturating_sub(met) < CROWDED
    }

    /// One less is.
    pub(super) fn leave(&self, level: usize) {
        let before = self.at_work[level].fetch_sub(1, Ordering::SeqCst);
        if before == 1 && self.waiting.load(Ordering::SeqCst) > 0 {
            let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
            self.left.notify_all();
        }
    }

    pub(super) fn is_lighter_at_work(&self, level: usize) -> bool {
        self.at_work[..level].iter().any(|at_work| at_work.load(Ordering::SeqCst) > 0)
    }

    /// Whether the thread need not give way: nobody has worked less, and if it is a worker it has a
    /// core that it may keep for a while.
    pub(super) fn goes_on(&self, level: usize) -> bool {
        if level == 0 {
            return true;
        }
        let keeps = match PLACE.get() {
            Place::Outside => true,
            Place::Without => false,
            Place::With(since) => {
                let now = Instant::now();
                let asked = ASKED.get().is_some_and(|asked| now - asked < UNASKED);
                if !asked && self.is_crowded(now) {
                    std::thread::yield_now();
                    ASKED.set(Some(now));
                }
                self.queued.load(Ordering::SeqCst) == 0 || now - since < SLICE
            }
        };
        keeps && !self.is_lighter_at_work(level)
    }

    /// Gives way to whoever has worked less, and takes a core if the thread is a worker.
    pub(super) fn give_way(&self, level: usize) -> Turn {
        if let Place::With(_) = PLACE.get() {
            self.hand_on();
        }
        self.wait(level);
        match PLACE.get() {
            Place::Outside => Turn::Ours,
            Place::Without | Place::With(_) => self.take(),
        }
    }

    fn wait(&self, level: usize) {
        if !self.is_lighter_at_work(level) {
            return;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |(): &mut ()| self.is_lighter_at_work(level);
        // Whoever leaves between the look and the wait needs the lock to tell.
        drop(self.left.wait_timeout_while(lock, PATIENCE, busy));
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Takes a core, or waits for one that is handed on.
    fn take(&self) -> Turn {
        let mut turns = self.turns();
        if turns.taken + turns.given < self.cores() {
            turns.taken += 1;
            PLACE.set(Place::With(Instant::now()));
            return Turn::Ours;
        }
        turns.queued += 1;
        self.queued.store(turns.queued, Ordering::SeqCst);
        let none = |turns: &mut Turns| turns.given == 0;
        let waited = self.given.wait_timeout_while(turns, PATIENCE, none);
        let (mut turns, _) = waited.unwrap_or_else(PoisonError::into_inner);
        turns.queued -= 1;
        self.queued.store(turns.queued, Ordering::SeqCst);
        if turns.given == 0 {
            return Turn::NotYet;
        }
        turns.given -= 1;
        turns.taken += 1;
        PLACE.set(Place::With(Instant::now()));
        Turn::Ours
    }

    /// Gives the thread's core to whoever waits for one.
    fn hand_on(&self) {
        PLACE.set(Place::Without);
        let mut turns = self.turns();
        turns.taken -= 1;
        if turns.queued > turns.given {
            turns.given += 1;
            self.given.notify_one();
        }
    }

    fn cores(&self) -> usize {
        match self.cores.load(Ordering::Relaxed) {
            0 => throng_storage::cores(),
            cores => cores,
        }
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long after some moment that is, at least 1.
fn nanoseconds(moment: Instant) -> u64 {
    static FIRST: OnceLock<Instant> = OnceLock::new();
    let first = *FIRST.get_or_init(|| moment);
    u64::try_from((moment - first).as_nanos()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
impl Share {
    /// How many statements are at work, by level.
    pub(super) fn counts(&self) -> [usize; LEVELS] {
        [0, 1, 2, 3].map(|level| self.at_work[level].load(Ordering::SeqCst))
    }

    /// Has it share out so many cores.
    pub(super) fn set_cores(&self, cores: usize) {
        self.cores.store(cores, Ordering::SeqCst);
    }
}

/// While it lives, its thread is a worker; then it has no core any more.
#[derive(Debug)]
pub(super) struct AsWorker {
    share: &'static Share,
    before: Place,
}

impl AsWorker {
    pub(super) fn new(share: &'static Share) -> Self {
        // A worker within a worker keeps the core that it has.
        let before = PLACE.get();
        if let Place::Outside = before {
            PLACE.set(Place::Without);
        }
        Self { share, before }
    }
}

impl Drop for AsWorker {
    fn drop(&mut self) {
        if let Place::Outside = self.before {
            if let Place::With(_) = PLACE.get() {
                self.share.hand_on();
            }
            PLACE.set(Place::Outside);
        }
    }
}
