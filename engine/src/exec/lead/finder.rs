//! Who of a chunk is in the leading leaf.

use throng_query::plan::Comparison;
use throng_storage::container::{CHUNK_SIZE, ChunkBits};

use super::choice::{Lead, Test};
use super::run::LeadLane;
use crate::exec::set::filled;
use crate::exec::walk::Walk;

/// Finds them, chunk by chunk.
#[derive(Debug)]
pub(super) enum Finder {
    /// Those with a row.
    Once(Seen),
    /// Those with several.
    Often(Often),
    /// Those with some money.
    Money(Money),
}

/// Positions seen; none between chunks.
#[derive(Debug)]
pub(super) struct Seen(Box<ChunkBits>);

/// Counts the rows of those who have more than one.
#[derive(Debug)]
pub(super) struct Often {
    wanted: u8,
    by_day: bool,
    again: Again,
    /// By position, how many rows or days; all 0 between chunks. Made when it is first needed.
    counters: Vec<u8>,
}

/// Adds up money.
#[derive(Debug)]
pub(super) struct Money {
    wanted: Sums,
    again: Again,
    /// By position; all 0 between chunks.
    sums: Box<[i64; CHUNK_SIZE]>,
}

/// Positions with several rows.
#[derive(Debug)]
struct Again {
    /// While rows are passed the first time, all; then those with several.
    seen: Seen,
    /// Those with several; who has more than two is listed more than once.
    lows: Vec<u16>,
}

/// Sums that compare so with an amount: those between two, or all others.
#[derive(Debug, Clone, Copy)]
struct Sums {
    first: i64,
    /// How many more there are.
    span: u64,
    others: bool,
}

/// A sum that does not fit into 64 bits.
#[derive(Debug)]
pub(super) struct TooMuch;

impl Seen {
    /// Notes a position. Whether it was there.
    #[inline]
    fn add(&mut self, low: u16) -> bool {
        let (word, bit) = (&mut self.0[usize::from(low >> 6)], 1 << (low & 63));
        let before = *word & bit != 0;
        *word |= bit;
        before
    }

    #[inline]
    fn has(&self, low: u16) -> bool {
        self.0[usize::from(low >> 6)] >> (low & 63) & 1 == 1
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }
}

impl Sums {
    fn that(comparison: Comparison, amount: i64) -> Self {
        let between = |first: i64, last: i64, others: bool| Self {
            first,
            span: last.wrapping_sub(first).cast_unsigned(),
            others,
        };
        match comparison {
            Comparison::Equal => between(amount, amount, false),
            Comparison::NotEqual => between(amount, amount, true),
            Comparison::Less => between(amount, i64::MAX, true),
            Comparison::LessOrEqual => between(i64::MIN, amount, false),
            Comparison::Greater => between(i64::MIN, amount, true),
            Comparison::GreaterOrEqual => between(amount, i64::MAX, false),
        }
    }

    #[inline]
    fn has(self, sum: i64) -> bool {
        (sum.wrapping_sub(self.first).cast_unsigned() <= self.span) != self.others
    }
}

impl Again {
    fn new() -> Self {
        Self { seen: Seen(filled(0)), lows: Vec::new() }
    }

    /// Finds those of a chunk. How many rows it has.
    fn find(&mut self, walk: &Walk<'_, LeadLane>, chunk: u32) -> usize {
        let mut rows = 0;
        walk.chunk(chunk, |of, _| {
            rows += of.lows.len();
            for low in of.lows {
                if self.seen.add(*low) {
                    self.lows.push(*low);
                }
            }
        });
        if rows > 0 {
            self.seen.clear();
            for low in &self.lows {
                self.seen.add(*low);
            }
        }
        rows
    }

    /// Ends a chunk.
    fn clear(&mut self) {
        if !self.lows.is_empty() {
            self.lows.clear();
            self.seen.clear();
        }
    }

    fn memory(&self) -> usize {
        size_of::<ChunkBits>() + self.lows.capacity() * size_of::<u16>()
    }
}

impl Finder {
    pub(super) fn new(lead: &Lead) -> Self {
        match lead.test {
            Test::Once => Self::Once(Seen(filled(0))),
            Test::Often { wanted, by_day } => {
                Self::Often(Often { wanted, by_day, again: Again::new(), counters: Vec::new() })
            }
            Test::Money { comparison, amount, .. } => {
                let wanted = Sums::that(comparison, amount);
                Self::Money(Money { wanted, again: Again::new(), sums: filled(0) })
            }
        }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Once(_) => size_of::<ChunkBits>(),
            Self::Often(often) => CHUNK_SIZE + often.again.memory(),
            Self::Money(money) => CHUNK_SIZE * size_of::<i64>() + money.again.memory(),
        }
    }

    /// Appends the positions of a chunk that are in the leaf, in any order. How many rows it has.
    ///
    /// # Errors
    /// When money does not fit; the finder is of no use then.
    pub(super) fn find(
        &mut self,
        walk: &Walk<'_, LeadLane>,
        chunk: u32,
        found: &mut Vec<u16>,
    ) -> Result<usize, TooMuch> {
        match self {
            Self::Once(seen) => {
                let mut rows = 0;
                walk.chunk(chunk, |of, _| {
                    rows += of.lows.len();
                    found.extend(of.lows.iter().filter(|low| !seen.add(**low)));
                });
                if rows > 0 {
                    seen.clear();
                }
                Ok(rows)
            }
            Self::Often(often) => {
                let rows = often.again.find(walk, chunk);
                if !often.again.lows.is_empty() {
                    often.count(walk, chunk, found);
                }
                often.again.clear();
                Ok(rows)
            }
            Self::Money(money) => {
                let rows = money.again.find(walk, chunk);
                if rows > 0 {
                    money.find(walk, chunk, found)?;
                }
                money.again.clear();
                Ok(rows)
            }
        }
    }
}

impl Often {
    /// Counts the rows or days of those with several rows.
    fn count(&mut self, walk: &Walk<'_, LeadLane>, chunk: u32, found: &mut Vec<u16>) {
        let Self { wanted, by_day, again, counters } = self;
        counters.resize(CHUNK_SIZE, 0);
        walk.chunk(chunk, |of, _| {
            // Rows of one consumer and day lie together, and no other lane has that day where days
            // are counted.
            let mut before = None;
            for (low, day) in of.lows.iter().zip(of.days).filter(|(low, _)| again.seen.has(**low)) {
                let row = Some((*low, *day));
                if *by_day && row == before {
                    continue;
                }
                before = row;
                let counter = &mut counters[usize::from(*low)];
                // Who is there already is not found again.
                *counter = counter.saturating_add(u8::from(*counter < *wanted));
                if *counter == *wanted {
                    found.push(*low);
                    *counter = u8::MAX;
                }
            }
        });
        for low in &again.lows {
            counters[usize::from(*low)] = 0;
        }
    }
}

impl Money {
    /// Appends those whose money compares so: who has one row by its amount, the others by sums.
    fn find(
        &mut self,
        walk: &Walk<'_, LeadLane>,
        chunk: u32,
        found: &mut Vec<u16>,
    ) -> Result<(), TooMuch> {
        let Self { wanted, again, sums } = self;
        let mut fits = true;
        walk.chunk(chunk, |of, lane| {
            for (low, amount) in of.lows.iter().zip(of.amounts) {
                let (own, over) =
                    if lane.is_refund { 0_i64.overflowing_sub(*amount) } else { (*amount, false) };
                fits &= !over;
                // Most have one row, of another amount.
                if !(again.seen.has(*low) | wanted.has(own)) {
                    continue;
                }
                if again.seen.has(*low) {
                    let sum = &mut sums[usize::from(*low)];
                    let (new, over) = sum.overflowing_add(own);
                    *sum = new;
                    fits &= !over;
                } else {
                    found.push(*low);
                }
            }
        });
        again.lows.sort_unstable();
        again.lows.dedup();
        for low in &again.lows {
            if wanted.has(std::mem::take(&mut sums[usize::from(*low)])) {
                found.push(*low);
            }
        }
        if fits { Ok(()) } else { Err(TooMuch) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::compile::comparison_holds;

    #[test]
    fn sums_compare_as_numbers_do() {
        let numbers = [i64::MIN, i64::MIN + 1, -50_000, -1, 0, 1, 49_999, i64::MAX - 1, i64::MAX];
        for comparison in [
            Comparison::Equal,
            Comparison::NotEqual,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
        ] {
            for amount in numbers {
                let wanted = Sums::that(comparison, amount);
                for sum in numbers {
                    let expected = comparison_holds(comparison, sum, amount);
                    assert_eq!(wanted.has(sum), expected, "{sum} {comparison:?} {amount}");
                }
            }
        }
    }
}
