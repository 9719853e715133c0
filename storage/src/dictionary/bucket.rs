//! A hash table of positions in buckets of one cache line. It stores no keys: whoever looks up
//! compares with the key at each candidate's position.
//!
//! A bucket is 64 bytes: 12 tags, how many slots are taken (from the first on), how many keys went
//! past it because it was full (255: at least that many), two zero bytes, 12 positions (u32).

use crate::prefetch::prefetch;

/// Slots of a bucket.
pub(super) const SLOTS: usize = 12;
/// Bytes of a bucket.
pub(super) const BUCKET_BYTES: usize = 64;

const COUNT: usize = 12;
const PAST: usize = 13;
const POSITIONS: usize = 16;
const _: () = assert!(POSITIONS + SLOTS * 4 == BUCKET_BYTES);

/// One bucket, in memory as on disk.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Bucket(pub(super) [u8; BUCKET_BYTES]);

pub(super) const EMPTY: Bucket = Bucket([0; BUCKET_BYTES]);

/// The hash of a key. The high half chooses the bucket, the low byte is the tag.
#[inline]
pub(super) fn hash_of(key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(key)
}

/// The bucket in which the search for a hash begins.
#[inline]
pub(super) fn home(hash: u64, buckets: usize) -> usize {
    // The product of two 32-bit numbers, shifted back to 32 bits: below `buckets`.
    (((hash >> 32) * buckets as u64) >> 32) as usize
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low byte is what is wanted")]
fn tag_of(hash: u64) -> u8 {
    hash as u8
}

/// Slots of a bucket whose tag is that of a hash, and now and then one more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidates<'b> {
    bucket: &'b [u8; BUCKET_BYTES],
    marks: u128,
}

impl<'b> Candidates<'b> {
    #[inline]
    pub(super) fn new(bucket: &'b [u8; BUCKET_BYTES], hash: u64) -> Self {
        const LOW: u128 = u128::from_le_bytes([0x01; 16]);
        const HIGH: u128 = u128::from_le_bytes([0x80; 16]);
        let mut head = [0; 16];
        head.copy_from_slice(&bucket[..16]);
        // A byte is zero where the tags are equal; a borrow can mark the byte above one as well.
        let equal = u128::from_le_bytes(head) ^ (LOW * u128::from(tag_of(hash)));
        let taken = (1_u128 << (8 * u32::from(bucket[COUNT]).min(12))) - 1;
        Self { bucket, marks: equal.wrapping_sub(LOW) & !equal & HIGH & taken }
    }
}

impl Iterator for Candidates<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.marks == 0 {
            return None;
        }
        let slot = (self.marks.trailing_zeros() / 8) as usize;
        self.marks &= self.marks - 1;
        Some(position_in(self.bucket, slot))
    }
}

#[inline]
fn position_in(bucket: &[u8; BUCKET_BYTES], slot: usize) -> u32 {
    let at = POSITIONS + 4 * slot;
    u32::from_le_bytes([bucket[at], bucket[at + 1], bucket[at + 2], bucket[at + 3]])
}

/// Whether keys that belong here are in a later bucket.
#[inline]
pub(super) fn goes_on(bucket: &[u8; BUCKET_BYTES]) -> bool {
    bucket[PAST] != 0
}

/// How many buckets hold a number of keys with short searches.
pub(super) fn buckets_for(keys: usize) -> usize {
    keys.div_ceil(9) + 1
}

/// Adds a position. There must be a free slot.
pub(super) fn insert(buckets: &mut [Bucket], hash: u64, position: u32) {
    let mut at = home(hash, buckets.len());
    loop {
        let bucket = &mut buckets[at].0;
        let count = usize::from(bucket[COUNT]);
        if count < SLOTS {
            bucket[count] = tag_of(hash);
            bucket[COUNT] += 1;
            let slot = POSITIONS + 4 * count;
            bucket[slot..slot + 4].copy_from_slice(&position.to_le_bytes());
            return;
        }
        bucket[PAST] = bucket[PAST].saturating_add(1);
        at = if at + 1 == buckets.len() { 0 } else { at + 1 };
    }
}

/// Takes back the newest position that was added.
pub(super) fn remove_newest(buckets: &mut [Bucket], hash: u64, position: u32) {
    let mut at = home(hash, buckets.len());
    for _ in 0..buckets.len() {
        let bucket = &mut buckets[at].0;
        let count = usize::from(bucket[COUNT]);
        if count > 0 && position_in(bucket, count - 1) == position {
            bucket[COUNT] -= 1;
            return;
        }
        // 255 means at least 255: it can no longer be counted down.
        if bucket[PAST] != u8::MAX {
            bucket[PAST] = bucket[PAST].saturating_sub(1);
        }
        at = if at + 1 == buckets.len() { 0 } else { at + 1 };
    }
}

/// Fills a table with positions from 0 on, each bucket being loaded some keys ahead.
pub(super) struct Filler {
    buckets: Vec<Bucket>,
    // None where a position has no key to be found by.
    waiting: [Option<u64>; Self::AHEAD as usize],
    count: u32,
}

impl Filler {
    const AHEAD: u32 = 16;

    pub(super) fn new(buckets: usize) -> Self {
        Self { buckets: vec![EMPTY; buckets], waiting: [None; Self::AHEAD as usize], count: 0 }
    }

    pub(super) fn add(&mut self, key: &[u8]) {
        let hash = hash_of(key);
        prefetch(&self.buckets, home(hash, self.buckets.len()));
        self.wait(Some(hash));
    }

    /// Passes over a position at which no key shall be found.
    pub(super) fn skip(&mut self) {
        self.wait(None);
    }

    fn wait(&mut self, hash: Option<u64>) {
        let slot = (self.count % Self::AHEAD) as usize;
        if let Some(position) = self.count.checked_sub(Self::AHEAD) {
            self.insert(slot, position);
        }
        self.waiting[slot] = hash;
        self.count += 1;
    }

    fn insert(&mut self, slot: usize, position: u32) {
        if let Some(hash) = self.waiting[slot] {
            insert(&mut self.buckets, hash, position);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Bucket> {
        for position in self.count.saturating_sub(Self::AHEAD)..self.count {
            let slot = (position % Self::AHEAD) as usize;
            self.insert(slot, position);
        }
        self.buckets
    }
}
