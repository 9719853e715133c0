//! What a statement's parts hold in memory, added up against its limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{ExecuteError, MemoryUse};

/// Bytes that all parts of one statement hold together.
///
/// Large parts are counted, by what they are known or estimated to take, before or soon after they
/// grow; what every statement needs, some kilobytes, is not.
// Invariant 1: `held` is the sum of what living `Held`s count and of what was kept.
#[derive(Debug)]
pub struct Account {
    limit: usize,
    held: AtomicUsize,
    peak: AtomicUsize,
}

/// What one part of a statement holds; given back when dropped.
#[derive(Debug)]
pub struct Held {
    account: Arc<Account>,
    of: MemoryUse,
    bytes: usize,
}

impl Account {
    /// Nothing is held.
    pub fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0), peak: AtomicUsize::new(0) }
    }

    /// The most that was held at once.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// Holds so many bytes until the statement ends.
    ///
    /// # Errors
    /// When that is more than the limit allows.
    pub fn keep(&self, bytes: usize, of: MemoryUse) -> Result<(), ExecuteError> {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        let needed = before.saturating_add(bytes);
        if needed > self.limit {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
            return Err(ExecuteError::Memory { limit: self.limit, needed, of });
        }
        self.peak.fetch_max(needed, Ordering::Relaxed);
        Ok(())
    }
}

impl Held {
    /// A part that holds nothing yet.
    pub fn new(account: &Arc<Account>, of: MemoryUse) -> Self {
        Self { account: Arc::clone(account), of, bytes: 0 }
    }

    /// Holds so many bytes from now on.
    ///
    /// # Errors
    /// When that is more than the limit allows; then it holds what it held before.
    pub fn set(&mut self, bytes: usize) -> Result<(), ExecuteError> {
        if bytes > self.bytes {
            self.account.keep(bytes - self.bytes, self.of)?;
        } else {
            self.account.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.account.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_are_given_back() {
        let account = Arc::new(Account::new(100));
        let mut rows = Held::new(&account, MemoryUse::Rows);
        let mut groups = Held::new(&account, MemoryUse::Groups);
        rows.set(60).unwrap();
        groups.set(40).unwrap();
        let error = groups.set(41).unwrap_err();
        let expected = ExecuteError::Memory { limit: 100, needed: 101, of: MemoryUse::Groups };
        assert_eq!(error.to_string(), expected.to_string());
        rows.set(10).unwrap();
        groups.set(90).unwrap();
        drop(groups);
        account.keep(90, MemoryUse::Answer).unwrap();
        assert!(account.keep(1, MemoryUse::Answer).is_err());
        assert_eq!(account.peak(), 100);
        drop(rows);
        assert!(account.keep(10, MemoryUse::Answer).is_ok());
    }
}
