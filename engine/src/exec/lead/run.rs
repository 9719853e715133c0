//! Reading the leading leaf on several workers, and asking the rest of those who are in it.

use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::choice::{Lead, Test};
use super::finder::Finder;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::bounds::Bounds;
use crate::exec::listed::{LaneList, Needs, Purpose, each_lane};
use crate::exec::point::{OneConsumer, Wanted, holds_within};
use crate::exec::program::{NodeId, Program};
use crate::exec::run::{SpanWork, for_each_span};
use crate::exec::trace::{NodeTrace, Trace, Way};
use crate::exec::walk::spans;
use crate::exec::wide::{self, WidePass, WideWalk};
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
    pass: WidePass<'v, LeadLane>,
    finder: Finder,
    /// Who was found in the chunks read last, counted from the first of them.
    found: Vec<u32>,
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
    let spans =
        wide::spans(spans(view.chunk_end(), lead.rows, bounds.threads), chunks_max(view, lead));
    let nodes = program.nodes().len();
    let made = for_each_span(spans, bounds, || Taker {
        lead,
        bounds,
        progress: &progress,
        chunks: spans.end.max(1),
        pass: WidePass::new(WideWalk::new(open(view, lead), |_| None), None),
        finder: Finder::new(lead),
        found: Vec::new(),
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
        let found = self.led.consumers.capacity() + self.found.capacity();
        self.pass.memory() + self.finder.memory() + found * size_of::<u32>()
    }

    fn span(&mut self, chunks: Range<u32>) -> Result<(), ExecuteError> {
        if self.progress.over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Self { pass, finder, found, led, .. } = self;
        pass.read(&chunks, &mut led.trace, self.bounds)?;
        let is_listed = self.lead.most.is_some();
        let members = finder.find(&pass.walk, &mut pass.planes, is_listed, found, self.bounds)?;
        let Some(members) = members else {
            self.progress.over.store(true, Ordering::Relaxed);
            return Ok(());
        };
        pass.forget();
        led.members += members;
        if is_listed {
            let first = chunks.start << 16;
            led.consumers.extend(found.iter().map(|consumer| first + consumer));
        }
        self.look_ahead(members, chunks.end);
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

/// How many chunks are read at once, at most: so many that each lane has a page of rows in them,
/// and no more, as planes are as large as these.
fn chunks_max(view: &View, lead: &Lead) -> u32 {
    const PAGE: u64 = 1 << 12;
    let of_one = lead.rows / lead.lanes_read.max(1) / u64::from(view.chunk_end()).max(1);
    u32::try_from(PAGE / of_one.max(1)).unwrap_or(u32::MAX).clamp(4, 32)
}

/// The lanes of the leaf.
fn open<'v>(view: &'v View, lead: &Lead) -> LaneList<'v, LeadLane> {
    let mut lanes = LaneList::new();
    each_lane(view, &lead.lanes, &lead.days, &mut |segment, lane| {
        let (test, behaviour) = (lead.test, lane.behaviour());
        let is_refund = matches!(test, Test::Money { refund, .. } if behaviour == refund);
        let days = lane.first_day()..=lane.last_day();
        let _ = lanes.lane((segment, lane), &lead.days, lead.node, || LeadLane {
            is_refund,
            test,
            days,
        });
    });
    lanes
}
