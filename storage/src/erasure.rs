//! What was taken out of a store: the record of it, and what files may still hold of it.

use std::io;
use std::ops::RangeInclusive;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of the salt of an identity's hash.
pub const SALT_BYTES: usize = 16;
/// Bytes of an identity's hash.
pub const HASH_BYTES: usize = 32;

/// One erasure, as it is kept for good. It never holds what was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureRecord {
    /// When, in seconds since 1970-01-01 UTC, as the caller said; none when he did not.
    pub time: Option<i64>,
    /// What was erased.
    pub subject: Subject,
    /// Events that were erased.
    pub events: u64,
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// A consumer.
    Consumer {
        /// The id that the consumer had; nobody will have it again.
        id: u32,
        /// Makes the hash differ from store to store and from erasure to erasure.
        salt: [u8; SALT_BYTES],
        /// [`hash_of`] the salt and the identity.
        hash: [u8; HASH_BYTES],
    },
    /// Events of a brand.
    Events {
        /// Whose.
        brand: u32,
        /// Which behaviours, ascending; all when empty.
        behaviours: Vec<u16>,
        /// The first day.
        first_day: i32,
        /// The last day.
        last_day: i32,
        /// Consumers that had such events.
        consumers: u64,
    },
}

/// Events of a brand that are deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// Whose.
    pub brand: u32,
    /// Which behaviours, ascending; all when empty.
    pub behaviours: Vec<u16>,
    /// From this day on.
    pub first_day: i32,
    /// Up to this day, it included.
    pub last_day: i32,
}

impl Deletion {
    /// The days on which it takes the events of a lane; none when it takes nothing of it.
    pub(crate) fn days_of(&self, brand: u32, behaviour: u16) -> Option<RangeInclusive<i32>> {
        let takes = self.brand == brand
            && (self.behaviours.is_empty() || self.behaviours.binary_search(&behaviour).is_ok());
        takes.then_some(self.first_day..=self.last_day)
    }
}

/// SHA-256 of a salt and an identity: whoever knows both can tell that this identity was erased.
#[must_use]
pub fn hash_of(salt: &[u8; SALT_BYTES], identity: &[u8]) -> [u8; HASH_BYTES] {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(identity);
    hasher.finalize().into()
}

/// What was taken out of a store, and what files may still hold.
///
/// Invariant 1: `pending` is a subset of the buried consumers.
/// Invariant 2: no event that a reader sees, and no later event, is of a buried consumer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Erasures {
    /// By table the positions of keys that are never found again.
    pub(crate) buried: [RoaringBitmap; 3],
    /// Forgotten consumers whose events and memberships files may still hold.
    pub(crate) pending: RoaringBitmap,
    /// Positions of items and orders that pending consumers' events name: those that no other
    /// event names are buried once these consumers' events are gone.
    pub(crate) suspects: [RoaringBitmap; 2],
    pub(crate) records: Vec<ErasureRecord>,
}

/// The consumers one statement forgets, as it goes into the log.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Forgetting {
    pub(crate) records: Vec<ErasureRecord>,
    /// See [`Erasures::suspects`].
    pub(crate) suspects: [RoaringBitmap; 2],
}

/// What an edit of the manifest changes of the erasures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasureEdit {
    /// More positions, in the portable form of roaring bitmaps.
    buried: [Vec<u8>; 3],
    /// Replaces the one before.
    pending: Vec<u8>,
    /// Replaces the ones before.
    suspects: [Vec<u8>; 2],
    /// More records.
    records: Vec<ErasureRecord>,
}

impl Forgetting {
    /// The consumers.
    pub(crate) fn consumers(&self) -> RoaringBitmap {
        let id = |record: &ErasureRecord| match record.subject {
            Subject::Consumer { id, .. } => Some(id),
            Subject::Events { .. } => None,
        };
        self.records.iter().filter_map(id).collect()
    }
}

impl Erasures {
    /// Every erasure so far, the oldest first.
    #[must_use]
    pub fn records(&self) -> &[ErasureRecord] {
        &self.records
    }

    /// Forgotten consumers whom files may still hold: whoever reads rows or indexes takes them
    /// out.
    #[must_use]
    pub fn pending(&self) -> &RoaringBitmap {
        &self.pending
    }

    /// Everybody who was ever forgotten.
    #[must_use]
    pub fn forgotten(&self) -> &RoaringBitmap {
        &self.buried[0]
    }

    /// How often events were deleted.
    #[must_use]
    pub fn deletions(&self) -> usize {
        let is_deletion =
            |record: &&ErasureRecord| matches!(record.subject, Subject::Events { .. });
        self.records.iter().filter(is_deletion).count()
    }

    /// Whether no byte of what a record names is in any file of the store.
    #[must_use]
    pub fn is_gone(&self, record: &ErasureRecord) -> bool {
        match record.subject {
            Subject::Consumer { id, .. } => !self.pending.contains(id),
            Subject::Events { .. } => true,
        }
    }

    /// Takes consumers out.
    pub(crate) fn forget(&mut self, forgetting: &Forgetting) {
        let consumers = forgetting.consumers();
        self.buried[0] |= &consumers;
        self.pending |= consumers;
        for (all, more) in self.suspects.iter_mut().zip(&forgetting.suspects) {
            *all |= more;
        }
        self.records.extend_from_slice(&forgetting.records);
    }

    /// What makes `self` of what was `before`; none when it is the same.
    pub(crate) fn since(&self, before: &Self) -> Option<ErasureEdit> {
        if self == before {
            return None;
        }
        let [consumers, items, orders] = &self.buried;
        let [consumers_before, items_before, orders_before] = &before.buried;
        let added = [consumers - consumers_before, items - items_before, orders - orders_before];
        let records = self.records.get(before.records.len()..).unwrap_or_default();
        Some(ErasureEdit {
            buried: added.map(|positions| bytes_of(&positions)),
            pending: bytes_of(&self.pending),
            suspects: [bytes_of(&self.suspects[0]), bytes_of(&self.suspects[1])],
            records: records.to_vec(),
        })
    }

    /// What an edit changes.
    pub(crate) fn apply(&mut self, edit: &ErasureEdit) -> Result<(), &'static str> {
        for (all, more) in self.buried.iter_mut().zip(&edit.buried) {
            *all |= bitmap_of(more)?;
        }
        self.pending = bitmap_of(&edit.pending)?;
        for (suspects, bytes) in self.suspects.iter_mut().zip(&edit.suspects) {
            *suspects = bitmap_of(bytes)?;
        }
        self.records.extend_from_slice(&edit.records);
        if self.pending.is_subset(&self.buried[0]) {
            Ok(())
        } else {
            Err("an erasure is pending of a consumer that was not forgotten")
        }
    }
}

/// A bitmap in the portable form.
pub(crate) fn bytes_of(bitmap: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    // Writing to memory does not fail.
    let written: io::Result<()> = bitmap.serialize_into(&mut bytes);
    debug_assert!(written.is_ok());
    bytes
}

/// A bitmap from its portable form.
pub(crate) fn bitmap_of(mut bytes: &[u8]) -> Result<RoaringBitmap, &'static str> {
    let bitmap = RoaringBitmap::deserialize_from(&mut bytes);
    let bitmap = bitmap.map_err(|_| "a bitmap does not decode")?;
    if bytes.is_empty() { Ok(bitmap) } else { Err("a bitmap goes on after its end") }
}
