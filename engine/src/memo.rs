//! What was asked for before: sets - stages of a brand on a day, groups of partitions, live
//! audiences - and the numbers of whole passes.
//!
//! A set is kept under what it is made of, with every name resolved and every day absolute,
//! together with the segments and indexes that have anything of it. It is right as long as a view
//! has the same ones: a batch, late or not, is a new segment, so it ends exactly the sets that read
//! a lane and a day it has rows of. Merging ends those that read what was merged. Numbers are kept
//! alike, under the program and what was counted of it; how many the universe has is not among
//! them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use throng_storage::container::ChunkBits;
use throng_storage::index::IndexFile;
use throng_storage::segment::Segment;

use crate::exec::Node;
use crate::measure::{Asked, Counted};

/// Bytes of sets that are kept when nothing else is said.
pub const MEMO_DEFAULT: usize = 256 << 20;
/// Sets that are known, kept or just seen, and passes whose numbers are.
const ENTRIES_MAX: usize = 4096;
/// One set, or the numbers of one pass, may take this part of all.
const SHARE_MAX: usize = 4;
/// What an entry takes beside its set or numbers and its key: measured roughly.
const ENTRY_BYTES: usize = 256;
/// A chunk's members are kept as a list up to this many: then a bitset is smaller.
const LIST_MAX: usize = 4096;

/// What a set is made of: nodes whose ids are positions in the list, the last being the set.
pub type Expression = Box<[Node]>;

/// Sets kept between statements.
#[derive(Debug)]
pub struct Memo {
    limit: AtomicUsize,
    hits: AtomicU64,
    misses: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Arc<Expression>, Entry>,
    numbers: HashMap<Arc<Asked>, NumberEntry>,
    /// Bytes of all entries.
    bytes: usize,
    /// Counts the uses.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    stamp: Stamp,
    /// None while it was only asked for.
    set: Option<Arc<KeptSet>>,
    /// Whether it was made and is too large.
    large: bool,
    used: u64,
    bytes: usize,
}

#[derive(Debug)]
struct NumberEntry {
    stamp: Stamp,
    numbers: Arc<Vec<Counted>>,
    used: u64,
    bytes: usize,
}

/// What a set was read from.
#[derive(Debug, Clone, Default)]
pub struct Stamp {
    /// Ascending by address. A weak reference keeps an address from being given again, and no file.
    pub segments: Vec<Weak<Segment>>,
    /// In the order of the leaves.
    pub indexes: Vec<Option<Weak<IndexFile>>>,
    /// How many were forgotten, and how often events were deleted.
    pub erased: (u64, usize),
}

/// A whole set.
#[derive(Debug, Default)]
pub struct KeptSet {
    /// By chunk.
    chunks: Vec<KeptChunk>,
    members: u64,
    /// Bytes of the lists and bitsets.
    bytes: usize,
}

/// The members of a chunk.
#[derive(Debug, Clone, Default)]
pub enum KeptChunk {
    /// Nobody.
    #[default]
    Empty,
    /// Ascending positions.
    List(Box<[u16]>),
    /// A bitset.
    Bits(Box<ChunkBits>),
}

/// What the memo knows of a set.
#[derive(Debug)]
pub enum Found {
    /// Its members.
    Set(Arc<KeptSet>),
    /// It was asked for before, so it should be kept.
    Seen,
    /// Nothing, and nothing is to be done: it is asked for the first time, or too large.
    Nothing,
}

/// Figures of a memo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoUse {
    /// Sets that are kept.
    pub sets: usize,
    /// Bytes that everything kept takes.
    pub bytes: usize,
    /// Bytes it may take.
    pub limit: usize,
    /// Passes whose numbers are kept.
    pub passes: usize,
    /// How often a set, or the numbers of a pass, were there.
    pub hits: u64,
    /// How often they were not.
    pub misses: u64,
}

impl Default for Memo {
    fn default() -> Self {
        Self {
            limit: AtomicUsize::new(MEMO_DEFAULT),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }
}

impl Memo {
    /// Changes how many bytes may be kept; 0 keeps nothing.
    pub fn set_limit(&self, bytes: usize) {
        self.limit.store(bytes, Ordering::Relaxed);
        self.lock().shrink(bytes);
    }

    /// Whether anything is kept.
    pub fn is_on(&self) -> bool {
        self.limit.load(Ordering::Relaxed) > 0
    }

    /// Bytes that may be kept.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// Bytes that one set, or the numbers of one pass, may take.
    pub fn set_bytes_max(&self) -> usize {
        self.limit.load(Ordering::Relaxed) / SHARE_MAX
    }

    /// What is known of a set read from these sources.
    pub fn find(&self, expression: &Arc<Expression>, stamp: &Stamp) -> Found {
        let mut state = self.lock();
        state.clock += 1;
        let clock = state.clock;
        if let Some(entry) = state.entries.get_mut(expression)
            && entry.stamp == *stamp
        {
            entry.used = clock;
            let found = match &entry.set {
                Some(set) => Found::Set(Arc::clone(set)),
                None if entry.large => Found::Nothing,
                None => Found::Seen,
            };
            drop(state);
            let counter = if matches!(found, Found::Set(_)) { &self.hits } else { &self.misses };
            counter.fetch_add(1, Ordering::Relaxed);
            return found;
        }
        let bytes = key_bytes(expression) + stamp.bytes();
        let stamp = stamp.clone();
        state.put(expression, Entry { stamp, set: None, large: false, used: clock, bytes });
        state.shrink(self.limit.load(Ordering::Relaxed));
        drop(state);
        self.misses.fetch_add(1, Ordering::Relaxed);
        Found::Nothing
    }

    /// Keeps a set, or notes that it is too large: none stands for one that was not even gathered.
    pub fn keep(&self, expression: &Arc<Expression>, stamp: Stamp, set: Option<KeptSet>) {
        let max = self.set_bytes_max();
        let set = set.filter(|set| set.bytes() <= max);
        let mut state = self.lock();
        state.clock += 1;
        let used = state.clock;
        let own = set.as_ref().map_or(0, KeptSet::bytes);
        let bytes = key_bytes(expression) + stamp.bytes() + own;
        let (large, set) = (set.is_none(), set.map(Arc::new));
        state.put(expression, Entry { stamp, set, large, used, bytes });
        state.shrink(self.limit.load(Ordering::Relaxed));
    }

    /// Counts numbers that were not there, and will be read from the store.
    pub fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers of a pass over these sources, by day. What is not there is not counted: see
    /// [`Self::miss`].
    pub fn numbers(&self, asked: &Asked, stamp: &Stamp) -> Option<Arc<Vec<Counted>>> {
        let mut state = self.lock();
        state.clock += 1;
        let clock = state.clock;
        let entry = state.numbers.get_mut(asked).filter(|entry| entry.stamp == *stamp);
        let numbers = entry.map(|entry| {
            entry.used = clock;
            Arc::clone(&entry.numbers)
        });
        drop(state);
        if numbers.is_some() {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        numbers
    }

    /// Keeps the numbers of a pass, unless they are too many.
    pub fn keep_numbers(&self, asked: Asked, stamp: Stamp, numbers: Vec<Counted>) {
        let own = numbers.iter().map(Counted::bytes).sum::<usize>();
        let bytes = ENTRY_BYTES + asked.bytes() + stamp.bytes() + own;
        if bytes > self.set_bytes_max() {
            return;
        }
        let mut state = self.lock();
        state.clock += 1;
        let used = state.clock;
        let entry = NumberEntry { stamp, numbers: Arc::new(numbers), used, bytes };
        state.bytes += bytes;
        if let Some(before) = state.numbers.insert(Arc::new(asked), entry) {
            state.bytes -= before.bytes;
        }
        state.shrink(self.limit.load(Ordering::Relaxed));
    }

    /// How it is used.
    pub fn usage(&self) -> MemoUse {
        let state = self.lock();
        MemoUse {
            sets: state.entries.values().filter(|entry| entry.set.is_some()).count(),
            bytes: state.bytes,
            passes: state.numbers.len(),
            limit: self.limit.load(Ordering::Relaxed),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the entry of a set takes beside it and its sources.
fn key_bytes(expression: &Expression) -> usize {
    ENTRY_BYTES + expression.iter().map(Node::bytes).sum::<usize>()
}

/// What of a state may be let go.
enum Key {
    Set(Arc<Expression>),
    Numbers(Arc<Asked>),
}

impl State {
    fn put(&mut self, expression: &Arc<Expression>, entry: Entry) {
        self.bytes += entry.bytes;
        if let Some(before) = self.entries.insert(Arc::clone(expression), entry) {
            self.bytes -= before.bytes;
        }
    }

    fn count(&self) -> usize {
        self.entries.len() + self.numbers.len()
    }

    /// Lets go of what was used longest ago until the rest fits.
    fn shrink(&mut self, limit: usize) {
        if self.bytes <= limit && self.count() <= ENTRIES_MAX {
            return;
        }
        // What was read from files that are gone is never asked for again.
        self.entries.retain(|_, entry| entry.stamp.is_alive());
        self.numbers.retain(|_, entry| entry.stamp.is_alive());
        let sets = self.entries.values().map(|entry| entry.bytes);
        self.bytes = sets.chain(self.numbers.values().map(|entry| entry.bytes)).sum();
        let sets = self.entries.iter().map(|(key, of)| (of.used, Key::Set(Arc::clone(key))));
        let numbers = self.numbers.iter().map(|(key, of)| (of.used, Key::Numbers(Arc::clone(key))));
        let mut by_use: Vec<_> = sets.chain(numbers).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        // A sixteenth more, so that this is not done for each new one.
        let (bytes, count) = (limit - limit / 16, ENTRIES_MAX - ENTRIES_MAX / 16);
        for (_, key) in by_use {
            if self.bytes <= bytes && self.count() <= count {
                break;
            }
            let gone = match key {
                Key::Set(key) => self.entries.remove(&key).map(|entry| entry.bytes),
                Key::Numbers(key) => self.numbers.remove(&key).map(|entry| entry.bytes),
            };
            self.bytes -= gone.unwrap_or(0);
        }
    }
}

impl Stamp {
    /// Whether everything it was read from is still somebody's.
    fn is_alive(&self) -> bool {
        self.segments.iter().all(|segment| segment.strong_count() > 0)
            && self.indexes.iter().flatten().all(|index| index.strong_count() > 0)
    }

    fn bytes(&self) -> usize {
        (self.segments.len() + self.indexes.len()) * size_of::<Weak<Segment>>()
    }

    /// Ends the adding.
    pub fn settle(&mut self) {
        self.segments.sort_unstable_by_key(Weak::as_ptr);
        self.segments.dedup_by(|a, b| Weak::ptr_eq(a, b));
    }
}

impl PartialEq for Stamp {
    fn eq(&self, other: &Self) -> bool {
        let alike = |(a, b): (&Option<Weak<IndexFile>>, &Option<Weak<IndexFile>>)| match (a, b) {
            (Some(a), Some(b)) => Weak::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        self.erased == other.erased
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(a, b)| Weak::ptr_eq(a, b))
            && self.indexes.len() == other.indexes.len()
            && self.indexes.iter().zip(&other.indexes).all(alike)
    }
}

impl KeptSet {
    /// Puts the members of a chunk in their place.
    pub fn put(&mut self, chunk: u32, part: KeptChunk) {
        let place = chunk as usize;
        if self.chunks.len() <= place {
            self.chunks.resize(place + 1, KeptChunk::Empty);
        }
        self.members += part.count();
        self.bytes += part.own_bytes();
        self.chunks[place] = part;
    }

    /// The members of a chunk.
    pub fn chunk(&self, chunk: u32) -> &KeptChunk {
        const EMPTY: &KeptChunk = &KeptChunk::Empty;
        self.chunks.get(chunk as usize).unwrap_or(EMPTY)
    }

    /// Whether a consumer is a member.
    pub fn contains(&self, consumer: u32) -> bool {
        let low = u16::try_from(consumer & 0xFFFF).unwrap_or_default();
        match self.chunk(consumer >> 16) {
            KeptChunk::Empty => false,
            KeptChunk::List(list) => list.binary_search(&low).is_ok(),
            KeptChunk::Bits(bits) => crate::kernel::test(bits, low),
        }
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> usize {
        self.bytes + self.chunks.capacity() * size_of::<KeptChunk>()
    }

    /// How many members it has.
    pub fn members(&self) -> u64 {
        self.members
    }
}

impl KeptChunk {
    /// Ascending members.
    pub fn from_list(list: &[u16]) -> Self {
        if list.is_empty() { Self::Empty } else { Self::List(list.into()) }
    }

    /// The members of a bitset, in the smaller shape.
    pub fn from_bits(bits: &ChunkBits) -> Self {
        let members = crate::kernel::count(bits) as usize;
        if members > LIST_MAX {
            return Self::Bits(Box::new(*bits));
        }
        let mut list = Vec::with_capacity(members);
        crate::kernel::for_each(bits, |low| list.push(low));
        Self::from_list(&list)
    }

    fn count(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::List(list) => list.len() as u64,
            Self::Bits(bits) => u64::from(crate::kernel::count(bits)),
        }
    }

    /// Bytes of its list or bitset.
    pub fn own_bytes(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::List(list) => list.len() * 2,
            Self::Bits(_) => size_of::<ChunkBits>(),
        }
    }
}
