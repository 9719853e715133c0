//! Marks: for each consumer of a chunk, the leaves it is in.

use std::ops::{Range, RangeInclusive};

use throng_storage::container::CHUNK_SIZE;

use super::counts::Counts;
use super::leaf_bits::{LeafBits, Mark};
use crate::exec::listed::{Needs, Purpose};

/// Leaves that may be counted in marks; of what is beyond, sets are made.
pub(super) const COUNTERS_MAX: usize = 4;

/// What a counter can count to.
pub(super) const COUNTED_MAX: u16 = u8::MAX as u16;

/// What the rows of a lane are counted in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) counter: usize,
    /// Whether days are counted, not rows.
    pub(super) by_day: bool,
}

/// A leaf that needs several rows.
#[derive(Debug, Clone)]
struct Count<const WORDS: usize> {
    mark: LeafBits<WORDS>,
    first: u16,
    span: u16,
    counted: Counted,
    wanted: u8,
}

/// How the rows of one lane mark their consumers.
#[derive(Debug)]
pub(super) struct Marking<const WORDS: usize> {
    /// What every row brings.
    all: LeafBits<WORDS>,
    /// What a row of each day brings, from `first` on.
    by_day: Vec<LeafBits<WORDS>>,
    first: u16,
    counts: Vec<Count<WORDS>>,
}

impl<const WORDS: usize> Marking<WORDS> {
    /// No marks yet, for rows between two days.
    pub(super) fn new(first: i32, last: i32) -> Self {
        let days = usize::try_from(last - first + 1).unwrap_or(0);
        let first = u16::try_from(first).unwrap_or(0);
        let none = LeafBits::NONE;
        Self { all: none, by_day: vec![none; days], first, counts: Vec::new() }
    }

    /// The places of some days.
    fn places(&self, days: &RangeInclusive<i32>) -> Range<usize> {
        let place = |day: i32| {
            let place = day.saturating_sub(i32::from(self.first));
            usize::try_from(place).unwrap_or(0).min(self.by_day.len())
        };
        let start = place(*days.start());
        start..place(days.end().saturating_add(1)).max(start)
    }

    /// Every row on some days brings a mark.
    pub(super) fn once(&mut self, mark: LeafBits<WORDS>, days: &RangeInclusive<i32>) {
        let days = self.places(days);
        self.by_day[days].iter_mut().for_each(|marks| *marks |= mark);
    }

    /// So many rows on some days bring a mark.
    pub(super) fn count(
        &mut self,
        mark: LeafBits<WORDS>,
        days: &RangeInclusive<i32>,
        counted: Counted,
        wanted: u8,
    ) {
        let day = |day: i32| u16::try_from(day.clamp(0, i32::from(u16::MAX))).unwrap_or(0);
        let (first, last) = (day(*days.start()), day(*days.end()));
        self.counts.push(Count { mark, first, span: last.saturating_sub(first), counted, wanted });
    }
}

impl<const WORDS: usize> Marking<WORDS> {
    /// What a row of some day brings, once it is settled.
    #[inline]
    pub(super) fn of_day(&self, day: u16) -> LeafBits<WORDS> {
        if self.by_day.is_empty() {
            return self.all;
        }
        let at = usize::from(day.wrapping_sub(self.first));
        self.by_day.get(at).copied().unwrap_or(LeafBits::ANY)
    }

    /// Whether every row that is read brings the same, but for what is counted.
    pub(super) fn is_even(&self) -> bool {
        self.by_day.is_empty()
    }

    /// Whether a row of some day brings anything, or is counted.
    fn is_of_use(&self, day: u16) -> bool {
        let counts = |count: &Count<WORDS>| day.wrapping_sub(count.first) <= count.span;
        self.of_day(day) != LeafBits::ANY || self.counts.iter().any(counts)
    }

    /// Of each day from the lane's first on, whether its rows are of use; none when all are that
    /// are read.
    pub(super) fn days_of_use(
        &self,
        (first, last): (i32, i32),
        read: &RangeInclusive<i32>,
    ) -> Option<Vec<bool>> {
        let day = |day: i32| u16::try_from(day).unwrap_or(0);
        let all: Vec<bool> = (first..=last).map(|of| self.is_of_use(day(of))).collect();
        let is_idle = |(day, of_use): (i32, &bool)| read.contains(&day) && !of_use;
        (first..).zip(&all).any(is_idle).then_some(all)
    }
}

impl<const WORDS: usize> Purpose for Marking<WORDS> {
    /// Gives every row the mark of whoever has one.
    fn settle(&mut self, read: &RangeInclusive<i32>) -> Needs {
        self.by_day.iter_mut().for_each(|marks| *marks |= LeafBits::ANY);
        let own = &self.by_day[self.places(read)];
        let is_whole = own.len() == self.by_day.len();
        let all = own.first().copied().unwrap_or(LeafBits::ANY);
        if own.iter().all(|marks| *marks == all) {
            (self.all, self.by_day) = (all, Vec::new());
        }
        let is_even = self.by_day.is_empty() && self.counts.is_empty();
        if is_whole && is_even { Needs::Consumers } else { Needs::Days }
    }
}

/// What is known of one consumer. It lies in one place and is as small as can be: those of a chunk
/// are met in any order, and should stay in the cache.
#[derive(Debug, Clone, Copy)]
struct Cell<M, const COUNTERS: usize> {
    mark: M,
    /// By counter, how many were counted, or the most there can be.
    counters: [u8; COUNTERS],
}

/// The marks of one chunk.
#[derive(Debug)]
pub(super) struct Marks<M, const WORDS: usize, const COUNTERS: usize> {
    /// By position; all 0 between chunks.
    cells: Box<[Cell<M, COUNTERS>; CHUNK_SIZE]>,
    touched: Touched,
}

/// Positions with a mark.
#[derive(Debug)]
struct Touched {
    /// A power of two of places, more than there can be positions: a place is found without a
    /// branch.
    list: Box<[u16; 2 * CHUNK_SIZE]>,
    count: usize,
}

impl Touched {
    fn positions(&self) -> &[u16] {
        self.list.get(..self.count).unwrap_or_default()
    }
}

/// A list of a fixed length, on the heap.
fn filled<T: Copy + std::fmt::Debug, const N: usize>(value: T) -> Box<[T; N]> {
    vec![value; N].into_boxed_slice().try_into().expect("it has this length")
}

impl<M: Mark<WORDS>, const WORDS: usize, const COUNTERS: usize> Marks<M, WORDS, COUNTERS> {
    const EMPTY: Cell<M, COUNTERS> = Cell { mark: M::NONE, counters: [0; COUNTERS] };
    /// Bytes of it.
    pub(super) const BYTES: usize =
        CHUNK_SIZE * (size_of::<Cell<M, COUNTERS>>() + 2 * size_of::<u16>());

    /// Nobody has a mark.
    pub(super) fn new() -> Self {
        Self { cells: filled(Self::EMPTY), touched: Touched { list: filled(0), count: 0 } }
    }

    /// Marks positions.
    #[inline]
    fn mark(&mut self, marks: impl Iterator<Item = (u16, M)>) {
        let mut count = self.touched.count;
        for (low, marks) in marks {
            let cell = &mut self.cells[usize::from(low)];
            // Written before it is known whether it is new, so that no branch has to be guessed.
            self.touched.list[count % (2 * CHUNK_SIZE)] = low;
            count += usize::from(cell.mark == M::NONE);
            cell.mark |= marks;
        }
        self.touched.count = count;
    }

    /// Marks the consumers of a lane's rows.
    pub(super) fn add(&mut self, lows: &[u16], days: &[u16], how: &Marking<WORDS>) {
        if how.by_day.is_empty() {
            let all = M::of(how.all);
            self.mark(lows.iter().map(|low| (*low, all)));
        } else {
            let by_day = how.by_day.as_slice();
            self.mark(lows.iter().zip(days).map(|(low, day)| {
                let at = usize::from(day.wrapping_sub(how.first));
                (*low, M::of(by_day.get(at).copied().unwrap_or(LeafBits::ANY)))
            }));
        }
        for count in &how.counts {
            self.count_rows(lows, days, count);
        }
    }

    /// Rows of one consumer and day lie together, and no other lane has rows of that day where days
    /// are counted.
    fn count_rows(&mut self, lows: &[u16], days: &[u16], how: &Count<WORDS>) {
        let Count { first, span, wanted, counted: Counted { counter, by_day }, .. } = *how;
        let mark = M::of(how.mark);
        let mut before = None;
        for (low, day) in lows.iter().zip(days) {
            let row = Some((*low, *day));
            let counts = day.wrapping_sub(first) <= span && !(by_day && row == before);
            before = row;
            let cell = &mut self.cells[usize::from(*low)];
            let Some(number) = cell.counters.get_mut(counter) else { return };
            *number = number.saturating_add(u8::from(counts));
            if *number >= wanted {
                cell.mark |= mark;
            }
        }
    }

    /// Marks whoever has a row in some set.
    pub(super) fn add_member(&mut self, low: u16, mut mark: LeafBits<WORDS>) {
        mark |= LeafBits::ANY;
        self.mark(std::iter::once((low, M::of(mark))));
    }

    /// Marks those with marks already for whom `holds`.
    pub(super) fn look_up(&mut self, mark: LeafBits<WORDS>, mut holds: impl FnMut(u16) -> bool) {
        for low in self.touched.positions() {
            if holds(*low) {
                self.cells[usize::from(*low)].mark |= M::of(mark);
            }
        }
    }

    /// Calls `visit` with the marks of the first positions, of as many as there are sums.
    pub(super) fn each_of(&self, sums: &[i128], mut visit: impl FnMut(LeafBits<WORDS>, i128)) {
        for (cell, sum) in self.cells.iter().zip(sums) {
            visit(cell.mark.into(), *sum);
        }
    }

    /// The marks of a position.
    pub(super) fn of(&self, low: u16) -> LeafBits<WORDS> {
        self.cells[usize::from(low)].mark.into()
    }

    /// Counts the marks by combination; nobody has one then.
    pub(super) fn count_into(&mut self, counts: &mut Counts<WORDS>) {
        let cells = &mut self.cells;
        counts.add(self.touched.positions().iter().map(|low| {
            let cell = std::mem::replace(&mut cells[usize::from(*low)], Self::EMPTY);
            cell.mark.into()
        }));
        self.touched.count = 0;
    }
}
