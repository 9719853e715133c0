//! Compaction in the background: one thread that takes a share of one core and ends at once.

use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use throng_storage::store::{CompactionStep, Depth, WriteError};

use crate::present::Present;

/// Whether segments are merged while nobody asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// They are.
    #[default]
    On,
    /// Only [`crate::Database::compact`] merges.
    Off,
}

/// How segments are merged in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactionOptions {
    /// Whether they are.
    pub background: Background,
    /// The share of one core that it may take, in percent: 1 to 100.
    pub core_percent: u32,
}

impl Default for CompactionOptions {
    fn default() -> Self {
        Self { background: Background::On, core_percent: 25 }
    }
}

/// A store that is only opened for a question or two is not merged meanwhile.
const FIRST_LOOK: Duration = Duration::from_secs(2);
/// Between two looks at a store in which nothing was due.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// After a merge that failed: a full disk does not get room within moments.
const TRY_AGAIN: Duration = Duration::from_secs(30);
/// Rest that is owed is taken from this much on, since short sleeps are never short.
const REST_MIN: Duration = Duration::from_millis(10);

/// The thread. Dropping it stops the merge that is going on and waits for the thread's end.
#[derive(Debug)]
pub(crate) struct Compactor {
    signals: Arc<Signals>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread is told.
#[derive(Debug, Default)]
struct Signals {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stop: bool,
    /// How many others are compacting on demand.
    holds: usize,
}

impl State {
    fn is_quiet(&self) -> bool {
        self.stop || self.holds > 0
    }
}

impl Signals {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps, until it is told to stop at most; whether it was.
    fn sleep(&self, time: Duration) -> ControlFlow<()> {
        let state = self.lock();
        let sleep = self.changed.wait_timeout_while(state, time, |state| !state.stop);
        let (state, _) = sleep.unwrap_or_else(PoisonError::into_inner);
        if state.stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Sleeps in the middle of a merge, which ends when somebody compacts on demand as well.
    fn rest(&self, time: Duration) -> ControlFlow<()> {
        let state = self.lock();
        let sleep = self.changed.wait_timeout_while(state, time, |state| !state.is_quiet());
        let (state, _) = sleep.unwrap_or_else(PoisonError::into_inner);
        if state.is_quiet() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// While it lives, nothing is merged in the background.
#[derive(Debug)]
pub(crate) struct Hold<'c>(&'c Signals);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.lock().holds -= 1;
    }
}

impl Compactor {
    /// Begins to merge what is due in a store.
    pub(crate) fn start(present: &Arc<Present>, options: CompactionOptions) -> Self {
        let signals = Arc::new(Signals::default());
        let thread = match options.background {
            Background::Off => None,
            Background::On => {
                let worker = Worker {
                    present: Arc::clone(present),
                    signals: Arc::clone(&signals),
                    percent: options.core_percent.clamp(1, 100),
                };
                let named = std::thread::Builder::new().name("compactor".to_owned());
                // Without a thread the store works, and is merged on demand.
                named.spawn(move || worker.run()).ok()
            }
        };
        Self { signals, thread }
    }

    /// Ends the merge that is going on, and lets none begin.
    pub(crate) fn hold(&self) -> Hold<'_> {
        self.signals.lock().holds += 1;
        self.signals.changed.notify_all();
        Hold(&self.signals)
    }
}

impl Drop for Compactor {
    fn drop(&mut self) {
        self.signals.lock().stop = true;
        self.signals.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has merged nothing, and says so itself.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Worker {
    present: Arc<Present>,
    signals: Arc<Signals>,
    percent: u32,
}

impl Worker {
    fn run(&self) {
        // The version of the store in which nothing was due. A backup that is only looked at stays
        // as it was made, so that the next one into it is not refused.
        let store = self.present.store();
        let mut idle = store.is_backup().then(|| store.snapshot().version());
        let mut wait = FIRST_LOOK;
        while self.signals.sleep(wait).is_continue() {
            wait = LOOK_AGAIN;
            let version = self.present.store().snapshot().version();
            if idle == Some(version) || self.signals.lock().is_quiet() {
                continue;
            }
            let mut pace = Pace::new(self.percent);
            let mut pause = |_| match pace.owed() {
                Some(rest) => {
                    let rested = self.signals.rest(rest);
                    pace.rested();
                    rested
                }
                None if self.signals.lock().is_quiet() => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            };
            match self.present.store().compact_step(Depth::Due, &mut pause) {
                Ok(CompactionStep::Idle) => idle = Some(version),
                Ok(CompactionStep::Stopped) => {}
                Ok(CompactionStep::Done(_)) => {
                    self.present.renew_view();
                    wait = Duration::ZERO;
                }
                Err(WriteError::ReadOnly(_)) => return,
                Err(_) => wait = TRY_AGAIN,
            }
        }
    }
}

/// Keeps to a share of one core: after so much work, so much rest.
#[derive(Debug)]
struct Pace {
    percent: u32,
    working_since: Instant,
}

impl Pace {
    fn new(percent: u32) -> Self {
        Self { percent, working_since: Instant::now() }
    }

    /// The rest that is owed for the work since the last, when it is worth taking.
    fn owed(&self) -> Option<Duration> {
        let owed = self.working_since.elapsed() * (100 - self.percent) / self.percent;
        (owed >= REST_MIN).then_some(owed)
    }

    fn rested(&mut self) {
        self.working_since = Instant::now();
    }
}
