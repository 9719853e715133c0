//! What is wrong with a store in terms of what can be done about it.

use std::path::PathBuf;

use super::finding::Finding;

/// One damaged thing, what can be done, and what that costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What can be done.
    pub remedy: Remedy,
    /// What is lost by it.
    pub losses: Vec<Loss>,
}

/// What can be done about damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// The catalog is made anew from the store.
    RebuildCatalog,
    /// The part is written again from its keys, which are whole.
    RebuildPart {
        /// Its number.
        number: u64,
    },
    /// The segment is written again without the lanes that cannot be read.
    RewriteSegment {
        /// Its number.
        number: u64,
    },
    /// The segment is taken out of the store.
    DropSegment {
        /// Its number.
        number: u64,
    },
    /// The index is taken out of the store.
    DropIndex {
        /// Its key.
        key: String,
    },
    /// The log is cut before the damage.
    CutLog,
    /// The dump of definitions is written again from the catalog, which is whole.
    RewriteDump,
    /// Nothing but a backup helps.
    Restore,
}

/// Something that is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// Events of one brand and behaviour.
    Events {
        /// The brand.
        brand: String,
        /// The behaviour.
        behaviour: String,
        /// First and last day, counted from 1970-01-01.
        days: (i32, i32),
        /// How many.
        events: u64,
        /// Of how many consumers.
        consumers: u64,
        /// How this is known.
        source: LossSource,
    },
    /// Events of which nothing is known.
    UnknownEvents {
        /// The file.
        path: PathBuf,
        /// Bytes that it has, or had.
        bytes: u64,
    },
    /// The sets of an index.
    Index {
        /// Its key.
        key: String,
    },
    /// A batch of the log.
    Batch {
        /// Its number in the log.
        sequence: u64,
        /// Events in it.
        events: u64,
        /// Definitions in it: kind and name.
        definitions: Vec<(u8, String)>,
        /// Consumers that it forgets, who are known again without it.
        forgotten: u64,
        /// The token it was sent with.
        token: Option<String>,
    },
    /// Batches of the log of which nothing is known.
    UnknownBatches {
        /// The number of the first.
        from: u64,
        /// The number of the last; none when it is not known.
        to: Option<u64>,
    },
    /// Tokens of which nobody knows whether their batches are lost: they are forgotten, so that
    /// none that is lost is taken for one that is there.
    Tokens {
        /// How many.
        count: u64,
    },
}

/// How a loss is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossSource {
    /// By a directory that matches its checksum.
    Verified,
    /// By a directory that may be damaged itself.
    Unverified,
}

/// Everything that is wrong with a store.
#[derive(Debug, Clone, Default)]
pub struct Diagnosis {
    /// Each damaged thing.
    pub troubles: Vec<Trouble>,
}

impl Diagnosis {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.troubles.is_empty()
    }

    /// Whether everything that is wrong can be repaired.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        self.troubles.iter().all(|trouble| trouble.remedy != Remedy::Restore)
    }
}
