//! The writer's turn: one batch or bulk load is put together at a time.

use std::ops::ControlFlow;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long somebody who may be told to stop waits before asking.
const ASK_AGAIN: Duration = Duration::from_millis(10);

/// Whose turn it is. Unlike a mutex's guard, a turn may be taken over by another thread.
#[derive(Debug, Default)]
pub(super) struct Turn {
    taken: Mutex<bool>,
    free: Condvar,
}

/// The turn. Dropping it passes it on.
#[derive(Debug)]
pub(super) struct TurnGuard<'t>(&'t Turn);

impl Turn {
    /// Waits for the turn.
    pub(super) fn take(&self) -> TurnGuard<'_> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            taken = self.free.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = true;
        TurnGuard(self)
    }

    /// Waits for the turn until it is told to stop; `stop` is asked now and then.
    pub(super) fn take_unless(
        &self,
        stop: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Option<TurnGuard<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken {
            let waited = self.free.wait_timeout(taken, ASK_AGAIN);
            taken = waited.unwrap_or_else(PoisonError::into_inner).0;
            if *taken {
                drop(taken);
                if stop().is_break() {
                    return None;
                }
                taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
        *taken = true;
        Some(TurnGuard(self))
    }
}

impl Drop for TurnGuard<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.0.free.notify_one();
    }
}
