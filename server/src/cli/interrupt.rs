//! Ctrl-C: ends the running statement, or the process when none runs.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use throng::Cancel;

/// The exit code of a process that was ended by Ctrl-C: 128 + SIGINT.
const EXIT_INTERRUPTED: i32 = 130;

/// What Ctrl-C ends. There is one in a process.
#[derive(Debug, Default)]
pub(super) struct Interrupt {
    running: Mutex<Option<Arc<Cancel>>>,
}

/// While it lives, Ctrl-C ends a statement.
#[derive(Debug)]
pub(super) struct Armed {
    interrupt: &'static Interrupt,
}

impl Interrupt {
    /// Takes over Ctrl-C for the rest of the process. Without it Ctrl-C ends the process at once.
    pub(super) fn install() -> &'static Self {
        static INTERRUPT: OnceLock<Interrupt> = OnceLock::new();
        let mut first = false;
        let interrupt = INTERRUPT.get_or_init(|| {
            first = true;
            Self::default()
        });
        if first {
            // Without the thread Ctrl-C ends the process, which is good enough.
            let _ = thread::Builder::new().name("interrupt".to_owned()).spawn(|| interrupt.wait());
        }
        interrupt
    }

    fn wait(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match running {
                // A second Ctrl-C does not wait for the statement to notice the first.
                Some(cancel) if !cancel.is_cancelled() => cancel.cancel(),
                _ => std::process::exit(EXIT_INTERRUPTED),
            }
        }
    }

    /// From now on Ctrl-C ends this statement.
    pub(super) fn arm(&'static self, cancel: &Arc<Cancel>) -> Armed {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(cancel));
        Armed { interrupt: self }
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        *self.interrupt.running.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
