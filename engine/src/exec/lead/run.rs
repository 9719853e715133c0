//! Reading the leading leaf on several workers, and asking the rest of those who are in it.

use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::choice::{Lead, Test};
use super::finder::{Finder, TooMuch};
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::point::{OneConsumer, Wanted, holds_within};
use crate::exec::program::{NodeId, Program};
use crate::exec::run::{SpanWork, for_each_span};
use crate::exec::trace::{NodeTrace, Trace, Way};
use crate::exec::walk::{Needs, Purpose, ROWS_BETWEEN_PAUSES, Walk, each_lane, spans};
use crate::view::View;

/// Consumers looked up between two looks at the clock.
const CONSUMERS_BETWEEN_PAUSES: usize = 32;

/// Who is in the leading leaf.
#[derive(Debug)]
pub struct Led {
    /// How many.
    pub members: u64,
    /// Who, where there is something to ask of them.
    pub consumers: Vec<u32>,
    /// What was touched.
    pub trace: Trace,
}

/// What the rows of a lane are read for.
#[derive(Debug)]
pub(super) struct LeadLane {
    /// Whether its money is given back.
    pub(super) is_refund: bool,
    test: Test,
    days: RangeInclusive<i32>,
}

impl Purpose for LeadLane {
    fn settle(&mut self, read: &RangeInclusive<i32>) -> Needs {
        let whole = read.start() <= self.days.start() && self.days.end() <= read.end();
        match self.test {
            Test::Once if whole => Needs::Consumers,
            Test::Once | Test::Often { .. } => Needs::Days,
            Test::Money { .. } => Needs::Amounts,
        }
    }
}

/// How far all workers have come.
#[derive(Debug, Default)]
struct Progress {
    found: AtomicU64,
    /// Whether it is of no use to go on.
    over: AtomicBool,
}

/// What one worker has.
struct Taker<'v> {
    lead: &'v Lead,
    bounds: &'v Bounds,
    progress: &'v Progress,
    chunks: u32,
    walk: Walk<'v, LeadLane>,
    finder: Finder,
    /// Positions found in a chunk.
    lows: Vec<u16>,
    led: Led,
}

/// Finds who is in the leading leaf; none when they are too many to be looked up, or have more
/// money than fits into 64 bits.
///
/// # Errors
/// When bytes of the store are corrupt; a cancellation, the deadline or the memory limit.
pub fn lead(
    view: &View,
    program: &Program,
    lead: &Lead,
    bounds: &Bounds,
) -> Result<Option<Led>, ExecuteError> {
    let start = Instant::now();
    let progress = Progress::default();
    let spans = spans(view.chunk_end(), lead.rows, bounds.threads);
    let nodes = program.nodes().len();
    let made = for_each_span(spans, bounds, || Taker {
        lead,
        bounds,
        progress: &progress,
        chunks: spans.end.max(1),
        walk: open(view, lead),
        finder: Finder::new(lead),
        lows: Vec::new(),
        led: Led {
            members: 0,
            consumers: Vec::new(),
            trace: Trace {
                nodes: vec![NodeTrace::default(); nodes],
                workers: 1,
                ..Trace::default()
            },
        },
    })?;
    if progress.over.into_inner() {
        return Ok(None);
    }
    let trace = Trace { way: Way::Lead, ..Trace::default() };
    let mut all = Led { members: 0, consumers: Vec::new(), trace };
    for own in made {
        all.members += own.members;
        all.consumers.extend(own.consumers);
        all.trace.merge(&own.trace);
    }
    all.trace.elapsed = start.elapsed();
    Ok(Some(all))
}

/// Calls `visit` with each of the consumers found, saying of some nodes whether it is in them.
///
/// # Errors
/// As [`lead`], and whatever `visit` returns.
pub fn others(
    view: &View,
    program: &Program,
    (lead, led): (&Lead, &mut Led),
    nodes: &[NodeId],
    bounds: &Bounds,
    mut visit: impl FnMut(&[bool]) -> Result<(), ExecuteError>,
) -> Result<(), ExecuteError> {
    let start = Instant::now();
    // What is void, and who is in the universe, is read where it lies: neighbours together.
    led.consumers.sort_unstable();
    let first = led.consumers.first().copied().unwrap_or(0);
    let mut one = OneConsumer::within(view, first, Wanted::of(program), bounds.clone());
    for some in led.consumers.chunks(CONSUMERS_BETWEEN_PAUSES) {
        bounds.pause()?;
        for consumer in some {
            one.turn_to(*consumer);
            visit(&holds_within(&mut one, program, lead.node, nodes)?)?;
        }
    }
    led.trace.consumers = led.consumers.len() as u64;
    led.trace.elapsed += start.elapsed();
    Ok(())
}

impl SpanWork for Taker<'_> {
    type Made = Led;

    const MEMORY_OF: MemoryUse = MemoryUse::Rows;

    fn memory(&self) -> usize {
        let found = self.led.consumers.capacity() * size_of::<u32>() + self.lows.capacity() * 2;
        self.walk.memory() + self.finder.memory() + found
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        if self.progress.over.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.walk.read(chunks.clone(), &mut self.led.trace, self.bounds)?;
        let before = self.led.members;
        let mut since = 0;
        for chunk in chunks.clone() {
            if since > ROWS_BETWEEN_PAUSES {
                since = 0;
                self.bounds.pause()?;
            }
            self.lows.clear();
            match self.finder.find(&self.walk, chunk, &mut self.lows) {
                Ok(rows) => since += rows,
                Err(TooMuch) => {
                    self.progress.over.store(true, Ordering::Relaxed);
                    return Ok(());
                }
            }
            self.led.members += self.lows.len() as u64;
            if self.lead.most.is_some() {
                let consumer = |low: &u16| chunk << 16 | u32::from(*low);
                self.led.consumers.extend(self.lows.iter().map(consumer));
            }
        }
        self.led.trace.chunks += u64::from(chunks.end - chunks.start);
        self.look_ahead(self.led.members - before, chunks.end);
        Ok(())
    }

    fn finish(self) -> Self::Made {
        self.led
    }
}

impl Taker<'_> {
    /// Ends it when more were found than may be, told from how many chunks were read.
    fn look_ahead(&self, more: u64, read: u32) {
        let Some(most) = self.lead.most else { return };
        let found = self.progress.found.fetch_add(more, Ordering::Relaxed) + more;
        // The first chunks may have more than the others.
        let share = most.saturating_mul(u64::from(read)) / u64::from(self.chunks);
        let so_far = share.saturating_add(most / 8);
        if found > so_far.min(most) {
            self.progress.over.store(true, Ordering::Relaxed);
        }
    }
}

/// Opens the lanes of the leaf.
fn open<'v>(view: &'v View, lead: &Lead) -> Walk<'v, LeadLane> {
    let mut walk = Walk::new();
    each_lane(view, &lead.lanes, &lead.days, &mut |segment, lane| {
        let (test, behaviour) = (lead.test, lane.behaviour());
        let is_refund = matches!(test, Test::Money { refund, .. } if behaviour == refund);
        let days = lane.first_day()..=lane.last_day();
        let _ = walk.lane((segment, lane), &lead.days, lead.node, || LeadLane {
            is_refund,
            test,
            days,
        });
    });
    walk.settle();
    walk
}
