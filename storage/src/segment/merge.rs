//! Merging segments into segments of aligned blocks of days, chunk by chunk of lane by lane: what
//! is in memory is one chunk of each input, and the lane that is being written.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::erasure::Deletion;
use crate::error::CorruptError;
use crate::segment::gather::{Gather, LeftOut, Pick};
use crate::segment::presence::FirstDays;
use crate::segment::reader::{Lane, Segment};
use crate::segment::rows::{ColumnSet, RowBuffer};
use crate::segment::stream::{SegmentStream, StreamError};

/// Consecutive days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DayBlock {
    pub(crate) first: i32,
    pub(crate) last: i32,
}

impl DayBlock {
    pub(crate) fn contains(self, day: i32) -> bool {
        self.first <= day && day <= self.last
    }
}

/// Why a merge ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// It was told to.
    #[error("the merge was stopped")]
    Stopped,
}

/// Where the segments made go.
pub(crate) trait Output {
    /// Begins a segment whose days count from `first_day`. Its file is complete, and not synced,
    /// when the merge has ended.
    fn begin(&mut self, first_day: u16) -> Result<SegmentStream, MergeError>;
    /// Called again and again with the rows read since; `Break` ends the merge.
    fn pause(&mut self, rows: u64) -> ControlFlow<()>;
}

/// What a merge leaves out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Without<'w> {
    /// Everything of these.
    pub(crate) consumers: &'w RoaringBitmap,
    /// These events.
    pub(crate) events: Option<&'w Deletion>,
    /// Whose first days are others without them.
    pub(crate) presence: Option<PresenceChange<'w>>,
}

/// Other first days for some consumers of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PresenceChange<'w> {
    /// Nothing of theirs is taken over from the presence lane.
    pub(crate) of: &'w RoaringBitmap,
    /// By chunk: what is theirs now.
    pub(crate) days: &'w FirstDaysByChunk,
}

/// By chunk, the low halves of consumers with the day of their first event.
pub(crate) type FirstDaysByChunk = BTreeMap<u32, Vec<(u16, i32)>>;

/// A merge of segments.
pub(crate) struct Merge<'m> {
    /// The oldest first: of rows that agree in lane, consumer, day and second, theirs come first.
    pub(crate) inputs: &'m [Arc<Segment>],
    /// Ascending, not overlapping, and together holding every day of the inputs.
    pub(crate) blocks: &'m [DayBlock],
    /// Events of a segment from which the next one begins. What does not fit goes on in another
    /// segment of the same block, from the next lane or, within a large lane, the next chunk.
    pub(crate) rows_max: u64,
    pub(crate) without: &'m Without<'m>,
}

/// A block of the result.
struct Target {
    block: DayBlock,
    /// The first day with an event.
    first_day: u16,
    stream: Option<SegmentStream>,
}

impl Merge<'_> {
    /// Writes the segments.
    pub(crate) fn run(&self, output: &mut dyn Output) -> Result<(), MergeError> {
        let mut writer = Writer {
            targets: self.targets()?,
            rows_max: self.rows_max,
            output,
            gather: Gather::new(self.inputs.len(), self.blocks),
            without: self.without,
        };
        let mut lanes: Vec<_> = self.inputs.iter().map(|input| input.lanes().peekable()).collect();
        let key = |lane: &Lane<'_>| (lane.brand(), lane.behaviour());
        while let Some(next) = lanes.iter_mut().filter_map(|l| l.peek().map(key)).min() {
            let matching = lanes.iter_mut().map(|l| l.next_if(|lane| key(lane) == next));
            let parts: Vec<_> =
                (0..).zip(matching).filter_map(|(input, lane)| Some((input, lane?))).collect();
            writer.lane(next, &parts)?;
        }
        self.presence(&mut writer)?;
        for target in &mut writer.targets {
            if let Some(stream) = target.stream.take() {
                stream.finish()?;
            }
        }
        Ok(())
    }

    /// The blocks with the first day of each that has an event.
    fn targets(&self) -> Result<Vec<Target>, MergeError> {
        let mut first = vec![None::<i32>; self.blocks.len()];
        let at = |day| self.blocks.partition_point(|block| block.last < day);
        let mut across = Vec::new();
        for lane in self.inputs.iter().flat_map(|i| i.lanes().chain(i.presence())) {
            let place = at(lane.first_day());
            if place == at(lane.last_day()) {
                if let Some(first) = first.get_mut(place) {
                    *first = Some(first.map_or(lane.first_day(), |day| day.min(lane.first_day())));
                }
            } else {
                across.push(lane);
            }
        }
        let mut rows = RowBuffer::default();
        for lane in across {
            let open = |(first, block): (&Option<i32>, &DayBlock)| *first != Some(block.first);
            let touched = at(lane.first_day())..=at(lane.last_day());
            let (known, blocks) = (first.get(touched.clone()), self.blocks.get(touched));
            if !known.into_iter().flatten().zip(blocks.into_iter().flatten()).any(open) {
                continue;
            }
            each_chunk(lane, |chunk| {
                chunk.decode(ColumnSet::DAY, &mut rows)?;
                for &day in &rows.day {
                    if let Some(first) = first.get_mut(at(day)) {
                        *first = Some(first.map_or(day, |first| first.min(day)));
                    }
                }
                Ok(())
            })?;
        }
        let target = |(block, first): (&DayBlock, Option<i32>)| Target {
            block: *block,
            first_day: u16::try_from(first.unwrap_or(block.first)).unwrap_or(u16::MAX),
            stream: None,
        };
        Ok(self.blocks.iter().zip(first).map(target).collect())
    }

    /// The presence lanes: of each consumer the first of all days, in the block of that day.
    fn presence(&self, writer: &mut Writer<'_, '_>) -> Result<(), MergeError> {
        let mut cursors: Vec<_> =
            self.inputs.iter().filter_map(|input| Some(input.presence()?.cursor())).collect();
        let mut days = FirstDays::default();
        let mut rows = RowBuffer::default();
        let mut chunk = 0;
        loop {
            let mut next = None;
            for cursor in &mut cursors {
                let here = cursor.next_chunk(chunk)?;
                next = [next, here].into_iter().flatten().min();
            }
            let added = |change: &PresenceChange<'_>| {
                change.days.range(chunk..).next().map(|(number, _)| *number)
            };
            let changed = self.without.presence.as_ref().and_then(added);
            let next = [next, changed].into_iter().flatten().min();
            let Some(number) = next else { return Ok(()) };
            let mut left_out = lows_in(self.without.consumers, number);
            if let Some(change) = &self.without.presence {
                left_out.extend(lows_in(change.of, number));
                left_out.sort_unstable();
                for &(low, day) in change.days.get(&number).into_iter().flatten() {
                    days.note(low, day);
                }
            }
            for cursor in &mut cursors {
                if let Some(part) = cursor.chunk(number)? {
                    part.decode(ColumnSet::DAY, &mut rows)?;
                    for (&low, &day) in rows.low.iter().zip(&rows.day) {
                        if left_out.binary_search(&low).is_err() {
                            days.note(low, day);
                        }
                    }
                }
            }
            days.sort();
            writer.first_days(number, &mut days)?;
            if writer.output.pause(0).is_break() {
                return Err(MergeError::Stopped);
            }
            chunk = number + 1;
        }
    }
}

/// The low halves of a bitmap's members in a chunk.
fn lows_in(members: &RoaringBitmap, chunk: u32) -> Vec<u16> {
    let base = chunk << 16;
    let within = members.range(base..=base | 0xffff);
    within.filter_map(|member| u16::try_from(member - base).ok()).collect()
}

/// Calls `each` with every chunk of a lane.
fn each_chunk(
    lane: Lane<'_>,
    mut each: impl FnMut(&crate::segment::LaneChunk<'_>) -> Result<(), CorruptError>,
) -> Result<(), CorruptError> {
    let mut cursor = lane.cursor();
    let mut next = cursor.next_chunk(0)?;
    while let Some(number) = next {
        if let Some(chunk) = cursor.chunk(number)? {
            each(&chunk)?;
        }
        next = cursor.next_chunk(number + 1)?;
    }
    Ok(())
}

/// What is being written.
struct Writer<'w, 'o> {
    targets: Vec<Target>,
    rows_max: u64,
    output: &'w mut (dyn Output + 'o),
    gather: Gather,
    without: &'w Without<'w>,
}

impl Writer<'_, '_> {
    /// Merges one lane of several inputs.
    fn lane(&mut self, key: (u32, u16), parts: &[(usize, Lane<'_>)]) -> Result<(), MergeError> {
        let columns = parts.iter().fold(ColumnSet::DAY, |all, (_, lane)| all.with(lane.columns()));
        let total: u64 = parts.iter().map(|(_, lane)| lane.rows()).sum();
        let mut cursors: Vec<_> = parts.iter().map(|(input, l)| (*input, l.cursor())).collect();
        let mut chunk = 0;
        loop {
            let mut next = None;
            for (_, cursor) in &mut cursors {
                let here = cursor.next_chunk(chunk)?;
                next = [next, here].into_iter().flatten().min();
            }
            let Some(number) = next else { break };
            let mut rows = 0;
            let left_out = lows_in(self.without.consumers, number);
            let days = self.without.events.and_then(|events| events.days_of(key.0, key.1));
            self.gather.begin(columns, LeftOut { consumers: left_out, days });
            for (input, cursor) in &mut cursors {
                if let Some(part) = cursor.chunk(number)? {
                    rows += u64::from(part.rows());
                    part.decode(columns, self.gather.buffer(*input))?;
                }
            }
            self.gather.order();
            for at in 0..self.targets.len() {
                let picks = self.gather.take_picks(at);
                if !picks.is_empty() {
                    self.chunk(at, key, number, total, &picks)?;
                }
                self.gather.give_back(at, picks);
            }
            if self.output.pause(rows).is_break() {
                return Err(MergeError::Stopped);
            }
            chunk = number + 1;
        }
        for target in &mut self.targets {
            if let Some(stream) = &mut target.stream {
                stream.end_lane()?;
            }
        }
        Ok(())
    }

    /// Adds the rows of one chunk to a block.
    fn chunk(
        &mut self,
        at: usize,
        key: (u32, u16),
        chunk: u32,
        lane_rows: u64,
        picks: &[Pick],
    ) -> Result<(), MergeError> {
        // Only where there is one block, all of the lane is known to come.
        let expected = if self.targets.len() == 1 { lane_rows } else { picks.len() as u64 };
        let Some(target) = self.targets.get_mut(at) else { return Ok(()) };
        if let Some(stream) = &mut target.stream {
            let begins = stream.lane_rows() == 0;
            let full = if begins {
                stream.rows() > 0 && stream.rows() + expected > self.rows_max
            } else {
                stream.lane_rows() >= self.rows_max
            };
            if full {
                stream.end_lane()?;
                if let Some(stream) = target.stream.take() {
                    stream.finish()?;
                }
            }
        }
        let first_day = target.first_day;
        let stream = match &mut target.stream {
            Some(stream) => stream,
            none => none.insert(self.output.begin(first_day)?),
        };
        (stream.rows.brand, stream.rows.behaviour) = key;
        self.gather.fill(chunk, picks, &mut stream.rows);
        Ok(stream.end_chunk()?)
    }

    /// Adds a chunk's first days to the presence lanes.
    fn first_days(&mut self, chunk: u32, days: &mut FirstDays) -> Result<(), MergeError> {
        for target in &mut self.targets {
            let block = target.block;
            if !days.has(block) {
                continue;
            }
            let stream = match &mut target.stream {
                Some(stream) => stream,
                none => none.insert(self.output.begin(target.first_day)?),
            };
            (stream.rows.brand, stream.rows.behaviour) = (0, 0);
            days.fill(chunk, block, &mut stream.rows);
            stream.end_chunk()?;
        }
        days.clear();
        Ok(())
    }
}
