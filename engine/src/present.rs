//! The store with the newest view of it that somebody asked for.

use std::sync::{Arc, Mutex, PoisonError};

use throng_storage::store::Store;

use crate::error::DefinitionError;
use crate::memo::Memo;
use crate::view::View;

/// What the database and its compactor share.
#[derive(Debug)]
pub(crate) struct Present {
    store: Store,
    /// The newest view that was asked for.
    view: Mutex<Option<Arc<View>>>,
    memo: Arc<Memo>,
}

impl Present {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, view: Mutex::new(None), memo: Arc::default() }
    }

    pub(crate) fn memo(&self) -> &Memo {
        &self.memo
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// The present, resolved.
    pub(crate) fn view(&self) -> Result<Arc<View>, DefinitionError> {
        let snapshot = self.store.snapshot();
        let before = self.view.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(view) = &before
            && view.snapshot().version() >= snapshot.version()
        {
            return Ok(Arc::clone(view));
        }
        // Resolved without the lock: two threads may do the same work, none waits for it.
        let view = Arc::new(
            View::resolve(&self.store, snapshot, before.as_deref())?.with_memo(&self.memo),
        );
        let mut newest = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_ref().is_none_or(|other| other.version() < view.version()) {
            *newest = Some(Arc::clone(&view));
        }
        Ok(view)
    }

    /// The present, where somebody resolved it already and nobody holds it now.
    pub(crate) fn ready_view(&self) -> Option<Arc<View>> {
        let version = self.store.snapshot().version();
        let view = self.view.try_lock().ok()?;
        view.as_ref().filter(|view| view.snapshot().version() >= version).map(Arc::clone)
    }

    /// Lets go of files that were merged into others, which the newest view would keep until the
    /// next statement.
    pub(crate) fn renew_view(&self) {
        let is_held = self.view.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if is_held {
            // What cannot be resolved is told to whoever asks.
            let _ = self.view();
        }
    }
}
