//! Who runs what, so that a cancel request or the server's end can reach it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pgwire::messages::startup::SecretKey;
use throng::Cancel;
use tokio::sync::Notify;

/// One connection's current statement.
#[derive(Debug, Default)]
pub(super) struct Current {
    cancel: Mutex<Option<Arc<Cancel>>>,
    changed: Notify,
}

impl Current {
    /// The switch of a statement that begins now; it stays reachable until the guard is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Begun {
        let cancel = Arc::new(Cancel::default());
        *lock(&self.cancel) = Some(Arc::clone(&cancel));
        Begun { current: Arc::clone(self), cancel }
    }

    fn cancel(&self) {
        if let Some(cancel) = lock(&self.cancel).as_ref() {
            cancel.cancel();
            self.changed.notify_waiters();
        }
    }
}

/// A statement that a cancel request reaches.
#[derive(Debug)]
pub(super) struct Begun {
    current: Arc<Current>,
    pub(super) cancel: Arc<Cancel>,
}

impl Begun {
    /// Waits until the statement is cancelled.
    pub(super) async fn cancelled(&self) {
        loop {
            let changed = self.current.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that a cancel in between is not missed.
            changed.as_mut().enable();
            if self.cancel.is_cancelled() {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        // Its connection is gone: what still runs for it is of no use.
        self.cancel.cancel();
        let mut current = lock(&self.current.cancel);
        if current.as_ref().is_some_and(|cancel| Arc::ptr_eq(cancel, &self.cancel)) {
            *current = None;
        }
    }
}

type Key = (i32, Vec<u8>);

/// All connections by the key that a cancel request has to show.
#[derive(Debug, Default)]
pub(super) struct Connections {
    by_key: Mutex<HashMap<Key, Arc<Current>>>,
    ending: AtomicBool,
}

impl Connections {
    /// Adds a connection until the guard is dropped.
    pub(super) fn register(self: &Arc<Self>, process: i32, secret: &SecretKey) -> Registered {
        let key = (process, secret.to_bytes().to_vec());
        let current = Arc::new(Current::default());
        lock(&self.by_key).insert(key.clone(), Arc::clone(&current));
        Registered { connections: Arc::clone(self), key, current }
    }

    /// Ends the statement of the connection with this key; others' keys are not told from wrong.
    pub(super) fn cancel(&self, process: i32, secret: &SecretKey) {
        let key = (process, secret.to_bytes().to_vec());
        let current = lock(&self.by_key).get(&key).cloned();
        if let Some(current) = current {
            current.cancel();
        }
    }

    /// Ends every statement.
    pub(super) fn cancel_all(&self) {
        self.ending.store(true, Ordering::Relaxed);
        for current in lock(&self.by_key).values() {
            current.cancel();
        }
    }

    /// Whether statements end because the server does.
    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }
}

/// A connection that cancel requests find.
#[derive(Debug)]
pub(super) struct Registered {
    connections: Arc<Connections>,
    key: Key,
    pub(super) current: Arc<Current>,
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.connections.by_key).remove(&self.key);
    }
}

/// The maps are whole after every step, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::Connections;
    use pgwire::messages::startup::SecretKey;
    use std::sync::Arc;

    #[test]
    fn a_key_reaches_its_own_statement_only() {
        let connections = Arc::new(Connections::default());
        let one = connections.register(1, &SecretKey::I32(5));
        let two = connections.register(2, &SecretKey::I32(5));
        let first = one.current.begin();
        let second = two.current.begin();
        connections.cancel(1, &SecretKey::I32(6));
        connections.cancel(3, &SecretKey::I32(5));
        assert!(!first.cancel.is_cancelled() && !second.cancel.is_cancelled());
        // The key of protocol 3.2 may come as bytes.
        connections.cancel(1, &SecretKey::Bytes(vec![0, 0, 0, 5].into()));
        assert!(first.cancel.is_cancelled() && !second.cancel.is_cancelled());
        drop(first);
        let next = one.current.begin();
        assert!(!next.cancel.is_cancelled(), "a cancel does not outlive its statement");
        drop(two);
        connections.cancel(2, &SecretKey::I32(5));
        assert!(!second.cancel.is_cancelled());
        connections.cancel_all();
        assert!(next.cancel.is_cancelled());
    }
}
