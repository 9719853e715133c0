//! Deleting events of a brand: the segments that have them are written again without them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::checkpoint::checkpoint;
use super::commit::{Memory, Plan, commit};
use super::compact::{Job, Writing, write};
use super::error::WriteError;
use super::files::Draft;
use super::handle::Store;
use super::shared::Shared;
use super::snapshot::Snapshot;
use super::trace::{deleted_of, each_present, first_days_without};
use crate::erasure::{Deletion, ErasureRecord, Subject};
use crate::error::CorruptError;
use crate::segment::{FirstDaysByChunk, PresenceChange, Without};

/// What a deletion did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Consumers that had such events.
    pub consumers: u64,
    /// The events.
    pub events: u64,
}

impl Store {
    /// Deletes a brand's events of some days, all or none of them. On return that is durable, no
    /// new snapshot has them, and neither has any file: the segments with such events are written
    /// again and exchanged by one edit of the manifest. It waits for a merge and for a bulk load
    /// that are under way, and writers wait for it. What comes later stays. `time` goes into the
    /// record, in seconds since 1970-01-01 UTC; where there are no such events there is no record.
    ///
    /// # Errors
    /// When bytes are corrupt or a file cannot be written; then nothing changed.
    pub fn delete_events(
        &self,
        deletion: &Deletion,
        time: Option<i64>,
    ) -> Result<Deleted, WriteError> {
        let shared = &*self.shared;
        let snapshot = shared.present();
        let _work = snapshot.compaction.work();
        let turn = shared.turn.take();
        // Now every event is in a file, and nobody adds any.
        checkpoint(shared, &turn)?;
        let snapshot = shared.present();
        let mut affected = Affected::default();
        for (number, segment) in snapshot.disk.iter() {
            let forgotten = snapshot.erasures().pending();
            let consumers = &mut affected.consumers;
            let events = deleted_of(segment, deletion, forgotten, consumers)?;
            if events > 0 {
                affected.events += events;
                affected.segments.insert(*number);
            }
        }
        if affected.events == 0 {
            return Ok(Deleted::default());
        }
        affected.find_first_days(&snapshot, deletion)?;
        let record = ErasureRecord {
            time,
            subject: Subject::Events {
                brand: deletion.brand,
                behaviours: deletion.behaviours.clone(),
                first_day: deletion.first_day,
                last_day: deletion.last_day,
                consumers: affected.consumers.len(),
            },
            events: affected.events,
        };
        affected.publish(shared, &snapshot, deletion, record)?;
        Ok(Deleted { consumers: affected.consumers.len(), events: affected.events })
    }
}

/// What a deletion touches.
#[derive(Debug, Default)]
struct Affected {
    events: u64,
    /// Who has such events.
    consumers: RoaringBitmap,
    /// The numbers of the segments that are written again: those with such events, and those whose
    /// presence lane is wrong without them.
    segments: BTreeSet<u64>,
    /// By segment the first day of each of the consumers beside the deleted events.
    days: BTreeMap<u64, FirstDaysByChunk>,
}

impl Affected {
    /// Adds the segments whose presence lane is wrong once the events are gone: it knows a
    /// consumer from a day on which nothing is left, since segments of one merge keep it in one of
    /// them; or it left it to another one to know a consumer. In a segment that is written again
    /// every affected consumer gets the day of the first event that is left there.
    fn find_first_days(
        &mut self,
        snapshot: &Snapshot,
        deletion: &Deletion,
    ) -> Result<(), CorruptError> {
        let mut first: HashMap<u32, i32> = HashMap::new();
        for (number, segment) in snapshot.disk.iter() {
            let days = first_days_without(segment, &self.consumers, deletion)?;
            for (consumer, day) in each(&days) {
                let first = first.entry(consumer).or_insert(day);
                *first = (*first).min(day);
            }
            self.days.insert(*number, days);
        }
        let mut said = RoaringBitmap::new();
        for (number, segment) in snapshot.disk.iter() {
            let mut wrong = false;
            let mut right = Vec::new();
            let own = self.days.get(number);
            each_present(segment, &self.consumers, |consumer, day| {
                if first.get(&consumer) == Some(&day) {
                    right.push(consumer);
                } else {
                    wrong |= own.and_then(|own| day_of(own, consumer)) != Some(day);
                }
            })?;
            if wrong {
                self.segments.insert(*number);
            }
            if !self.segments.contains(number) {
                said.extend(right);
            }
        }
        let mut unsaid = first;
        unsaid.retain(|consumer, _| !said.contains(*consumer));
        let numbers: Vec<u64> = self.days.keys().copied().collect();
        // What is written again anyway says it first.
        let (again, others): (Vec<_>, Vec<_>) =
            numbers.into_iter().partition(|number| self.segments.contains(number));
        for number in again.into_iter().chain(others) {
            for (consumer, day) in self.days.get(&number).into_iter().flat_map(each) {
                if unsaid.get(&consumer) == Some(&day) {
                    unsaid.remove(&consumer);
                    self.segments.insert(number);
                }
            }
        }
        Ok(())
    }

    fn publish(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        deletion: &Deletion,
        record: ErasureRecord,
    ) -> Result<(), WriteError> {
        let draft = Draft::new(&shared.files);
        let mut plan = Plan { memory: Memory::None, ..Plan::default() };
        for &number in &self.segments {
            let Some(segment) = snapshot.segment(number) else { continue };
            let Some(days) = self.days.get(&number) else { continue };
            let without = Without {
                consumers: snapshot.erasures().pending(),
                events: Some(deletion),
                presence: Some(PresenceChange { of: &self.consumers, days }),
            };
            let job = Job::rewriting(number, segment);
            let to = Writing { shared, snapshot, draft: &draft };
            let written = write(&to, &job, &without, &mut |_| ControlFlow::Continue(()))?;
            plan.segments.extend(written.into_iter().flatten());
            plan.segments_removed.push(number);
        }
        let mut erasures = snapshot.erasures().clone();
        erasures.records.push(record);
        plan.erasures = Some(Arc::new(erasures));
        commit(shared, draft, plan)
    }
}

/// The day of a consumer.
fn day_of(days: &FirstDaysByChunk, consumer: u32) -> Option<i32> {
    let lows = days.get(&(consumer >> 16))?;
    let low = u16::try_from(consumer & 0xffff).ok()?;
    let at = lows.binary_search_by_key(&low, |(low, _)| *low).ok()?;
    lows.get(at).map(|(_, day)| *day)
}

/// Every consumer with a day.
fn each(days: &FirstDaysByChunk) -> impl Iterator<Item = (u32, i32)> {
    days.iter().flat_map(|(chunk, lows)| {
        lows.iter().map(move |(low, day)| (chunk << 16 | u32::from(*low), *day))
    })
}
