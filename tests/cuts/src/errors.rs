//! Which calls of a disk fail, and how.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;

use throng_storage::io::Action;

/// A kind of error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// EIO: the disk did not do it.
    Io,
    /// ENOSPC: no room, a part of a write is there.
    NoSpace,
    /// EDQUOT: no more room for this user.
    Quota,
    /// EMFILE: too many open files. Only what opens a file gives it.
    Handles,
    /// EINTR, where nobody asked again.
    Interrupted,
    /// A write that ends in the middle.
    Short,
    /// A sync that the disk does not confirm.
    Sync,
}

impl ErrorClass {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Io,
        Self::NoSpace,
        Self::Quota,
        Self::Handles,
        Self::Interrupted,
        Self::Short,
        Self::Sync,
    ];

    /// Whether such a call can give it.
    pub(crate) fn is_of(self, action: Action) -> bool {
        self.of(action).is_some()
    }

    /// The error, where such a call can give it.
    fn of(self, action: Action) -> Option<Error> {
        use Action::{Create, Link, List, Lock, Map, Open, Read, Rename, Sync, Truncate, Write};
        let opens = matches!(action, Create | List | Lock | Map | Open | Read);
        let takes_room = matches!(action, Create | Link | Lock | Rename | Sync | Write);
        match self {
            Self::Io => Some(Error::from_raw_os_error(5)),
            Self::NoSpace if takes_room => Some(ErrorKind::StorageFull.into()),
            Self::Quota if takes_room => Some(ErrorKind::QuotaExceeded.into()),
            Self::Handles if opens => Some(Error::from_raw_os_error(24)),
            Self::Interrupted if opens || action == Write || action == Truncate => {
                Some(ErrorKind::Interrupted.into())
            }
            Self::Short if action == Write => Some(ErrorKind::WriteZero.into()),
            Self::Sync if action == Sync => Some(Error::from_raw_os_error(5)),
            _ => None,
        }
    }
}

/// Whether a fault passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// One call fails.
    Once,
    /// Every call fails from then on, until the disk is repaired.
    Sticky,
}

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
pub struct ErrorPlan {
    /// The first, counted from 1.
    pub call: u64,
    /// How.
    pub class: ErrorClass,
    /// For how long.
    pub lasting: Lasting,
}

impl ErrorPlan {
    /// The error for a call.
    pub(crate) fn at(&self, call: u64, action: Action) -> Option<Error> {
        let hit = match self.lasting {
            Lasting::Once => call == self.call,
            Lasting::Sticky => call >= self.call,
        };
        if hit { self.class.of(action) } else { None }
    }

    /// How much of a failed write is in the file.
    pub(crate) fn part_written(&self, bytes: usize) -> usize {
        match self.class {
            ErrorClass::NoSpace | ErrorClass::Quota | ErrorClass::Short => bytes / 2,
            ErrorClass::Io => bytes / 3,
            _ => 0,
        }
    }
}

impl fmt::Display for ErrorPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} at call {}", self.class, self.lasting, self.call)
    }
}

/// An error that was given.
#[derive(Debug, Clone)]
pub struct Injected {
    /// The call.
    pub call: u64,
    /// What it tried.
    pub action: Action,
    /// On what.
    pub path: PathBuf,
    /// Operations before it.
    pub ops: usize,
}
