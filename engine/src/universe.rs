//! The universe of a view by day: everyone's first day, and how many there are as of any day.
//!
//! A segment's presence lane says who has an event there and on which day first. Reading those of
//! all consumers for each statement would cost more than the rest of most statements, so a view
//! gathers them once, at the first statement that asks, and hands them on: the next view only adds
//! the segments that are new. Counting the universe is then one look-up, and who is in it one
//! comparison per consumer.

use std::ops::{Range, RangeFrom};
use std::slice::IterMut;
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;
use throng_storage::container::CHUNK_SIZE;
use throng_storage::error::CorruptError;
use throng_storage::index::IndexFile;
use throng_storage::segment::{ColumnSet, LaneCursor, RowBuffer, Segment};
use throng_storage::store::{KeyTable, Snapshot};

use crate::attribute::KNOWN_KEY;

/// The first day of nobody in particular: no event yet.
pub const NEVER: u16 = u16::MAX;
/// Chunks whose first days are kept in memory: 512 MiB, for 268 million consumers. A larger
/// store's universe is read from its presence lanes each time.
pub const CHUNKS_KEPT_MAX: u32 = 1 << 12;
/// Days a consumer's first event can be on.
const DAYS: usize = 1 << 16;
/// Consumers gathered by one thread alone: starting more would cost more than it saves.
const CHUNKS_ALONE_MAX: u32 = 4;

/// The first day of each consumer of a chunk, in days since 1970-01-01, or [`NEVER`].
pub type FirstDays = [u16; CHUNK_SIZE];

/// The universe of one view.
#[derive(Debug)]
pub struct Universe {
    /// The segments that were gathered.
    segments: Vec<Arc<Segment>>,
    /// How many are known by attributes.
    known: u64,
    /// Everybody who was ever forgotten: nobody of them has a first day.
    forgotten: RoaringBitmap,
    /// How often events were deleted.
    deletions: usize,
    /// By chunk; none where nobody has an event.
    chunks: Vec<Option<Arc<FirstDays>>>,
    /// By day: how many have an event on or before it and are not known by attributes.
    until: Vec<u64>,
}

/// A place for a view's universe, filled when it is first asked for.
#[derive(Debug, Default)]
pub struct Gathered(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    before: Option<Arc<Universe>>,
    own: Option<Arc<Universe>>,
}

impl Gathered {
    /// A place that will begin with what an earlier view gathered.
    pub fn after(before: Option<&Self>) -> Self {
        let before = before.and_then(|before| {
            let state = before.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.own.clone().or_else(|| state.before.clone())
        });
        Self(Mutex::new(State { before, own: None }))
    }

    /// The universe of a snapshot, gathered now unless it was before; none when the store has
    /// more consumers than are kept.
    ///
    /// # Errors
    /// When a presence lane is corrupt.
    pub fn get(&self, snapshot: &Snapshot) -> Result<Option<Arc<Universe>>, CorruptError> {
        if chunk_end(snapshot) > CHUNKS_KEPT_MAX {
            return Ok(None);
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = &state.own {
            return Ok(Some(Arc::clone(own)));
        }
        let own = Arc::new(Universe::gather(snapshot, state.before.as_deref())?);
        state.before = None;
        state.own = Some(Arc::clone(&own));
        Ok(Some(own))
    }
}

impl Gathered {
    /// Whether asking for it gathers nothing and waits for nobody.
    pub fn is_ready(&self, snapshot: &Snapshot) -> bool {
        let is_there = || self.0.try_lock().is_ok_and(|state| state.own.is_some());
        chunk_end(snapshot) > CHUNKS_KEPT_MAX || is_there()
    }
}

fn chunk_end(snapshot: &Snapshot) -> u32 {
    snapshot.keys(KeyTable::Consumer).div_ceil(1 << 16)
}

impl Universe {
    fn gather(snapshot: &Snapshot, before: Option<&Self>) -> Result<Self, CorruptError> {
        let held = |segment: &Arc<Segment>, by: &[Arc<Segment>]| {
            by.iter().any(|other| Arc::ptr_eq(other, segment))
        };
        // Where no events were deleted first days only fall, so what was gathered from segments
        // that have been merged since still holds, but for consumers who were forgotten.
        let erasures = snapshot.erasures();
        let before = before.filter(|before| before.deletions == erasures.deletions());
        let mut chunks = before.map_or_else(Vec::new, |before| before.chunks.clone());
        chunks.resize(chunks.len().max(chunk_end(snapshot) as usize), None);
        let old = before.map_or(&[][..], |before| &before.segments);
        let new: Vec<_> = snapshot.segments().iter().filter(|s| !held(s, old)).collect();
        add(&mut chunks, &new)?;
        let (forgotten, pending) = (erasures.forgotten(), erasures.pending());
        match before {
            Some(before) => take_out(&mut chunks, &((forgotten - &before.forgotten) | pending)),
            None => take_out(&mut chunks, forgotten),
        }
        let index = snapshot.index(KNOWN_KEY);
        let until = count(&chunks, index.map(|index| &**index))?;
        let known = match index {
            Some(index) => index.cardinality(0) - count_in(index, pending)?,
            None => 0,
        };
        Ok(Self {
            segments: snapshot.segments().to_vec(),
            known,
            forgotten: forgotten.clone(),
            deletions: erasures.deletions(),
            chunks,
            until,
        })
    }

    /// How many are in it as of a day.
    pub fn count(&self, day: i32) -> u64 {
        let until = match usize::try_from(day) {
            Ok(day) => self.until.get(day).or(self.until.last()).copied().unwrap_or(0),
            Err(_) => 0,
        };
        self.known + until
    }

    /// The first days in a chunk; none when nobody has an event there.
    pub fn first_days(&self, chunk: u32) -> Option<&FirstDays> {
        self.chunks.get(chunk as usize)?.as_deref()
    }
}

/// Takes consumers out.
fn take_out(chunks: &mut [Option<Arc<FirstDays>>], consumers: &RoaringBitmap) {
    for consumer in consumers {
        let (chunk, low) = (consumer >> 16, consumer & 0xFFFF);
        if let Some(Some(days)) = chunks.get_mut(chunk as usize)
            && days[low as usize] != NEVER
        {
            Arc::make_mut(days)[low as usize] = NEVER;
        }
    }
}

/// How many of some consumers are in the first set of an index.
fn count_in(index: &IndexFile, consumers: &RoaringBitmap) -> Result<u64, CorruptError> {
    if index.sets() == 0 {
        return Ok(0);
    }
    let mut cursor = index.cursor(0);
    let mut found = 0;
    for consumer in consumers {
        let low = u16::try_from(consumer & 0xFFFF).unwrap_or_default();
        let container = cursor.chunk(consumer >> 16)?;
        found += u64::from(container.is_some_and(|container| container.contains(low)));
    }
    Ok(found)
}

/// Takes the minimum with the presence lanes of segments, chunk by chunk.
fn add(
    chunks: &mut [Option<Arc<FirstDays>>],
    segments: &[&Arc<Segment>],
) -> Result<(), CorruptError> {
    let lanes: Vec<_> = segments.iter().filter_map(|segment| segment.presence()).collect();
    let first = lanes.iter().map(|lane| lane.chunks().0).min().unwrap_or(0);
    let end = lanes.iter().map(|lane| lane.chunks().1 + 1).max().unwrap_or(0);
    let end = end.min(u32::try_from(chunks.len()).unwrap_or(u32::MAX));
    in_parallel(chunks, first..end, |numbered| {
        let mut cursors: Vec<_> = lanes.iter().map(|lane| lane.cursor()).collect();
        let mut rows = RowBuffer::default();
        for (number, chunk) in numbered {
            for cursor in &mut cursors {
                lower(chunk, cursor, number, &mut rows)?;
            }
        }
        Ok(())
    })
}

fn lower(
    chunk: &mut Option<Arc<FirstDays>>,
    cursor: &mut LaneCursor<'_>,
    number: u32,
    rows: &mut RowBuffer,
) -> Result<(), CorruptError> {
    let Some(part) = cursor.chunk(number)? else { return Ok(()) };
    part.decode(ColumnSet::DAY, rows)?;
    let days = chunk.get_or_insert_with(|| Arc::new([NEVER; CHUNK_SIZE]));
    let days = Arc::make_mut(days);
    for (low, day) in rows.low.iter().zip(&rows.day) {
        let first = &mut days[usize::from(*low)];
        *first = (*first).min(u16::try_from(*day).unwrap_or(NEVER));
    }
    Ok(())
}

/// By day, how many that are not known have their first event on or before it.
fn count(
    chunks: &[Option<Arc<FirstDays>>],
    known: Option<&IndexFile>,
) -> Result<Vec<u64>, CorruptError> {
    let mut until = vec![0_u64; DAYS];
    let mut cursor = known.filter(|known| known.sets() > 0).map(|known| known.cursor(0));
    for (number, chunk) in (0..).zip(chunks) {
        let Some(days) = chunk else { continue };
        days.iter().for_each(|day| until[usize::from(*day)] += 1);
        if let Some(container) = cursor.as_mut().map(|c| c.chunk(number)).transpose()?.flatten() {
            for low in &container {
                until[usize::from(days[usize::from(low)])] -= 1;
            }
        }
    }
    until.truncate(usize::from(NEVER));
    until.truncate(until.iter().rposition(|first| *first > 0).map_or(0, |last| last + 1));
    let mut sum = 0;
    for number in &mut until {
        sum += *number;
        *number = sum;
    }
    Ok(until)
}

/// Some chunks with their numbers.
type Numbered<'c> = std::iter::Zip<RangeFrom<u32>, IterMut<'c, Option<Arc<FirstDays>>>>;

/// Gives each of a range of chunks to one of some threads.
fn in_parallel(
    chunks: &mut [Option<Arc<FirstDays>>],
    range: Range<u32>,
    work: impl Fn(Numbered<'_>) -> Result<(), CorruptError> + Sync,
) -> Result<(), CorruptError> {
    let Some(mine) = chunks.get_mut(range.start as usize..range.end as usize) else {
        return Ok(());
    };
    let cores = throng_storage::cores();
    let threads = if range.end - range.start <= CHUNKS_ALONE_MAX { 1 } else { cores };
    let size = mine.len().div_ceil(threads).max(1);
    let work = &work;
    std::thread::scope(|scope| {
        let parts: Vec<_> = mine
            .chunks_mut(size)
            .zip((range.start..).step_by(size))
            .map(|(part, first)| scope.spawn(move || work((first..).zip(part))))
            .collect();
        let mut joined = parts.into_iter().map(|part| part.join());
        joined.try_for_each(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::{CreateOptions, Database, Event, EventBatch, When};

    /// Adds events of consumers on days, through the log.
    fn ingest(database: &Database, events: &[(u32, i32)]) {
        let mut batch = EventBatch::new();
        for (consumer, day) in events {
            let when = When::day(throng_query::date::Date(*day));
            batch.push(&Event::new(&format!("c{consumer}"), "b", "view", when));
        }
        database.ingest(&batch, None).unwrap();
    }

    #[test]
    fn it_counts_and_holds_everyone_by_day_whatever_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let database =
            Database::create(&folder.path().join("s"), &CreateOptions::default()).unwrap();
        let mut rng = rand_pcg::Pcg64::seed_from_u64(9);
        let mut first: BTreeMap<u32, i32> = BTreeMap::new();
        for round in 0..6 {
            let start = 17_000 - 100 * round;
            let mut draw = |_| (rng.random_range(0..3000), start + rng.random_range(0..300));
            let events: Vec<(u32, i32)> = (0..500).map(&mut draw).collect();
            for (consumer, day) in &events {
                let known = first.entry(*consumer).or_insert(*day);
                *known = (*known).min(*day);
            }
            ingest(&database, &events);
            let view = database.view().unwrap();
            let universe = view.universe().unwrap().unwrap();
            assert!(Arc::ptr_eq(&universe, &view.universe().unwrap().unwrap()));
            for day in [-1, 0, 16_400, 16_900, 17_000, 17_100, 17_299, 70_000, i32::MAX] {
                let expected = first.values().filter(|first| **first <= day).count() as u64;
                assert_eq!(universe.count(day), expected, "as of {day}");
                if (0..60_000).contains(&day) {
                    let text = format!("COUNT AS OF '{}'", throng_query::date::Date(day));
                    let answer = database.query(&text).unwrap();
                    assert_eq!(answer.rows[0][0].to_string(), expected.to_string());
                }
            }
        }
    }
}
