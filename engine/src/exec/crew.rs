//! Threads that are kept between statements: the workers of a statement beside its own thread.
//!
//! A thread begins some 70 microseconds after it is wanted, one that was kept and has just worked
//! in less than one, and one that has gone to sleep as soon as the system wakes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use crate::error::ExecuteError;

/// How long the thread of a statement looks whether its workers have ended before it sleeps.
const LOOKS: Duration = Duration::from_micros(100);

/// The threads of this process: statements of all its stores share them.
static CREW: OnceLock<Option<Crew>> = OnceLock::new();

/// Threads that are kept.
#[derive(Debug)]
struct Crew {
    pool: ThreadPool,
    /// Threads that nobody has. Whoever wants one and finds none begins one of its own: no work
    /// waits here until another statement's has ended.
    free: AtomicUsize,
}

/// Threads of the crew that somebody has.
#[derive(Debug)]
struct Taken<'c> {
    crew: &'c Crew,
    threads: usize,
}

impl Crew {
    fn new() -> Option<Self> {
        // A core for each, beside that of a statement's own thread: with more of them one that is
        // woken beside one that still looks for work comes to the statement's core.
        let threads = throng_storage::cores().saturating_sub(1).max(1);
        let named = |number: usize| format!("throng-worker-{number}");
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(named).build().ok()?;
        Some(Self { pool, free: AtomicUsize::new(threads) })
    }

    /// Takes as many threads as are free, at most so many.
    fn take(&self, wanted: usize) -> Taken<'_> {
        let less = |free: usize| Some(free - free.min(wanted));
        let before = self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        Taken { crew: self, threads: before.unwrap_or_default().min(wanted) }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.crew.free.fetch_add(self.threads, Ordering::SeqCst);
    }
}

/// Runs `work` on this thread and on `workers - 1` more, and gives back what each made.
///
/// # Errors
/// [`ExecuteError::Panicked`] when one panics.
pub(super) fn on_workers<T: Send>(
    workers: usize,
    work: &(impl Fn() -> T + Sync),
) -> Result<Vec<T>, ExecuteError> {
    if workers <= 1 {
        return Ok(vec![work()]);
    }
    match CREW.get_or_init(Crew::new) {
        Some(crew) => on_crew(crew, workers - 1, work),
        None => on_threads(workers - 1, work, work),
    }
}

/// As [`on_workers`], with kept threads as far as there are free ones.
fn on_crew<T: Send>(
    crew: &Crew,
    others: usize,
    work: &(impl Fn() -> T + Sync),
) -> Result<Vec<T>, ExecuteError> {
    let taken = crew.take(others);
    let kept = taken.threads;
    let (made, ended) = (Mutex::new(Vec::with_capacity(kept)), AtomicUsize::new(0));
    let core = Core::present();
    let main = || {
        crew.pool.in_place_scope(|scope| {
            for _ in 0..kept {
                scope.spawn(|_| {
                    core.leave();
                    let one = work();
                    made.lock().unwrap_or_else(PoisonError::into_inner).push(one);
                    ended.fetch_add(1, Ordering::Release);
                });
            }
            let own = work();
            look_for(|| ended.load(Ordering::Acquire) == kept);
            own
        })
    };
    let mut results = on_threads(others - kept, work, main)?;
    results.append(&mut made.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(results)
}

/// The core on which a thread runs.
#[derive(Debug, Clone, Copy)]
struct Core {
    #[cfg(target_os = "linux")]
    number: usize,
}

#[cfg(target_os = "linux")]
impl Core {
    fn present() -> Self {
        Self { number: rustix::thread::sched_getcpu() }
    }

    /// Brings this thread to another core if it runs on this one. A thread that is woken often
    /// comes to the core of who woke it, also where another is idle, and stays there for some
    /// milliseconds: two workers would take as long as one.
    fn leave(self) {
        use rustix::thread::{sched_getaffinity, sched_getcpu, sched_setaffinity};
        if sched_getcpu() != self.number {
            return;
        }
        let Ok(all) = sched_getaffinity(None) else { return };
        let mut others = all;
        others.unset(self.number);
        // Where it may not go elsewhere it stays; what it may is as before in the end.
        if others.count() > 0 && sched_setaffinity(None, &others).is_ok() {
            let _ = sched_setaffinity(None, &all);
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Core {
    fn present() -> Self {
        Self {}
    }

    fn leave(self) {}
}

/// Waits until something has come true, for a short time at most: to sleep and to be woken takes
/// longer than what is waited for mostly does.
fn look_for(come: impl Fn() -> bool) {
    let start = Instant::now();
    while !come() && start.elapsed() < LOOKS {
        std::thread::yield_now();
    }
    // What follows in the other thread takes some nanoseconds still.
    for _ in 0..32 {
        std::hint::spin_loop();
    }
}

/// Runs `main` on this thread and `work` on so many new ones.
fn on_threads<T: Send>(
    others: usize,
    work: &(impl Fn() -> T + Sync),
    main: impl FnOnce() -> T,
) -> Result<Vec<T>, ExecuteError> {
    if others == 0 {
        return Ok(vec![main()]);
    }
    crossbeam::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(|_| work())).collect();
        let mut results = vec![main()];
        for other in others {
            results.push(other.join().map_err(|_| ExecuteError::Panicked)?);
        }
        Ok(results)
    })
    .map_err(|_| ExecuteError::Panicked)?
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn as_many_workers_as_are_wanted_work_at_once() {
        for workers in [1, 2, 3, 64] {
            // Nobody ends before all have begun.
            let barrier = Barrier::new(workers);
            let made = on_workers(workers, &|| barrier.wait().is_leader()).unwrap();
            assert_eq!(made.len(), workers);
            assert_eq!(made.iter().filter(|leader| **leader).count(), 1);
        }
    }

    #[test]
    fn statements_do_not_wait_for_each_other() {
        let statements = 16;
        let barrier = Barrier::new(3 * statements);
        std::thread::scope(|scope| {
            for _ in 0..statements {
                scope.spawn(|| on_workers(3, &|| barrier.wait()).unwrap());
            }
        });
        let crew = CREW.get().unwrap().as_ref().unwrap();
        while crew.free.load(Ordering::SeqCst) < crew.pool.current_num_threads() {
            std::thread::yield_now();
        }
    }
}
