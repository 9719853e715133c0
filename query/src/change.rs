//! What statements that change a store or copy it say: about what exists or does not, whom and
//! what they erase, and how they copy.

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// What DROP and FORGET do about what does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfMissing {
    /// Fail.
    Error,
    /// Do nothing (`IF EXISTS`).
    Ignore,
}

/// What CREATE does about a name that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfExists {
    /// Fail.
    Error,
    /// Replace it (`OR REPLACE`).
    Replace,
    /// Keep it (`IF NOT EXISTS`).
    Keep,
}

/// `FORGET CONSUMER [IF EXISTS] 'ns:id', ...`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forget {
    /// The identities, in the order written.
    pub identities: Vec<String>,
    /// What to do about an identity that nobody has.
    pub missing: IfMissing,
}

/// `DELETE EVENTS OF brand BETWEEN a AND b [DID (x, y)]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteEvents {
    /// Whose events.
    pub brand: String,
    /// Which behaviours; all when empty.
    pub behaviours: Vec<String>,
    /// The first day.
    pub first: Date,
    /// The last day.
    pub last: Date,
}

/// `BACKUP TO 'dir' [COPY] [VERIFY]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// The directory, where the store is.
    pub dir: String,
    /// How files come there.
    pub files: BackupFiles,
    /// Which files are read again.
    pub verify: BackupVerify,
}

/// How a backup's files come to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackupFiles {
    /// By a second name where the file system can, else by a copy.
    Linked,
    /// By copies (`COPY`).
    Copied,
}

/// Which files of a backup are verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BackupVerify {
    /// Those that are new.
    New,
    /// Those too that an earlier backup brought (`VERIFY`).
    All,
}
