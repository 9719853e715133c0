//! The newest keys, in memory.

use roaring::RoaringBitmap;

use super::bucket::{
    Bucket, Candidates, EMPTY, Filler, buckets_for, goes_on, hash_of, home, insert, remove_newest,
};
use super::keys::{KeyColumn, same};
use crate::prefetch::prefetch;

/// Keys at positions `first..first + len`.
///
/// Invariant 1: `buckets` has a free slot for `room` keys, and `len <= room`.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) first: u32,
    keys: KeyColumn,
    buckets: Vec<Bucket>,
    room: usize,
}

const ROOM_MIN: usize = 1024;

impl Tail {
    pub(super) fn new(first: u32) -> Self {
        Self::with_room(first, ROOM_MIN)
    }

    /// With a table for so many keys.
    pub(super) fn with_room(first: u32, room: usize) -> Self {
        let room = room.max(ROOM_MIN);
        let buckets = vec![EMPTY; buckets_for(room)];
        Self { first, keys: KeyColumn::default(), buckets, room }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn keys(&self) -> &KeyColumn {
        &self.keys
    }

    /// The key at an index below `len`.
    pub(super) fn key(&self, index: usize) -> &[u8] {
        self.keys.get(index)
    }

    /// The index of a key, but for buried positions.
    pub(super) fn find(&self, hash: u64, key: &[u8], buried: &RoaringBitmap) -> Option<u32> {
        let mut at = home(hash, self.buckets.len());
        loop {
            let bucket = &self.buckets[at].0;
            let found = Candidates::new(bucket, hash).find(|&index| {
                same(self.keys.get(index as usize), key) && !buried.contains(self.first + index)
            });
            if found.is_some() || !goes_on(bucket) {
                return found;
            }
            at = if at + 1 == self.buckets.len() { 0 } else { at + 1 };
        }
    }

    /// Starts to load what `find` will look at.
    pub(super) fn prefetch_bucket(&self, hash: u64) {
        prefetch(&self.buckets, home(hash, self.buckets.len()));
    }

    /// The first candidate's index, whose end is being loaded.
    pub(super) fn prefetch_end(&self, hash: u64) -> Option<u32> {
        let bucket = &self.buckets[home(hash, self.buckets.len())].0;
        let index = Candidates::new(bucket, hash).next()?;
        prefetch(&self.keys.ends, index as usize);
        Some(index)
    }

    pub(super) fn prefetch_key(&self, index: u32) {
        prefetch(&self.keys.bytes, (self.keys.ends[index as usize] as usize).saturating_sub(1));
    }

    /// Adds a key that is not there. There must be room.
    pub(super) fn add(&mut self, hash: u64, key: &[u8]) -> u32 {
        debug_assert!(self.keys.len() < self.room, "grow before");
        let index = u32::try_from(self.keys.len()).expect("a tail is far below 2^32 keys");
        self.keys.push(key);
        insert(&mut self.buckets, hash, index);
        index
    }

    /// A larger table when there is no room for `more` keys. It is made while readers go on.
    pub(super) fn larger(&self, more: usize) -> Option<(Vec<Bucket>, usize)> {
        if self.keys.len() + more <= self.room {
            return None;
        }
        let room = (self.keys.len() + more).max(2 * self.room);
        Some((self.filled(room), room))
    }

    pub(super) fn replace_table(&mut self, (buckets, room): (Vec<Bucket>, usize)) {
        self.buckets = buckets;
        self.room = room;
    }

    /// Forgets the keys from an index on.
    pub(super) fn truncate(&mut self, length: usize) {
        if length >= self.keys.len() {
            return;
        }
        if length < self.keys.len() / 2 {
            self.cut(length);
            self.room = self.keys.len().max(ROOM_MIN);
            self.buckets = self.filled(self.room);
            return;
        }
        for index in (length..self.keys.len()).rev() {
            let hash = hash_of(self.keys.get(index));
            let index = u32::try_from(index).expect("a tail is far below 2^32 keys");
            remove_newest(&mut self.buckets, hash, index);
        }
        self.cut(length);
    }

    fn filled(&self, room: usize) -> Vec<Bucket> {
        let mut filler = Filler::new(buckets_for(room));
        self.keys.iter().for_each(|key| filler.add(key));
        filler.finish()
    }

    fn cut(&mut self, length: usize) {
        self.keys.ends.truncate(length);
        self.keys.bytes.truncate(self.keys.ends.last().map_or(0, |&end| end as usize));
    }
}
