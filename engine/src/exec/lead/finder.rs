//! Who of some chunks is in the leading leaf.

use throng_query::plan::Comparison;

use super::choice::{Lead, Test};
use super::run::LeadLane;
use crate::error::ExecuteError;
use crate::exec::bounds::Bounds;
use crate::exec::planes::Planes;
use crate::exec::wide::{WideRun, WideWalk};
use crate::kernel::{self, Between};

/// Finds them, some chunks at a time.
#[derive(Debug)]
pub(super) enum Finder {
    /// Those with a row.
    Once,
    /// Those with several.
    Often(Often),
    /// Those with some money.
    Money(Money),
}

/// Counts the rows of those who have more than one.
#[derive(Debug)]
pub(super) struct Often {
    wanted: u8,
    by_day: bool,
    /// By rank, how many rows or days.
    counters: Vec<u8>,
}

/// Adds up money.
#[derive(Debug)]
pub(super) struct Money {
    wanted: Between,
    /// By rank, that of those who have several rows.
    sums: Vec<i64>,
    /// The rows of a lane that are enough alone.
    enough: Vec<u32>,
}

/// The sums that compare so with an amount.
fn sums_that(comparison: Comparison, amount: i64) -> Between {
    match comparison {
        Comparison::Equal => Between::new(amount, amount, false),
        Comparison::NotEqual => Between::new(amount, amount, true),
        Comparison::Less => Between::new(amount, i64::MAX, true),
        Comparison::LessOrEqual => Between::new(i64::MIN, amount, false),
        Comparison::Greater => Between::new(i64::MIN, amount, true),
        Comparison::GreaterOrEqual => Between::new(amount, i64::MAX, false),
    }
}

impl Finder {
    pub(super) fn new(lead: &Lead) -> Self {
        match lead.test {
            Test::Once => Self::Once,
            Test::Often { wanted, by_day } => {
                Self::Often(Often { wanted, by_day, counters: Vec::new() })
            }
            Test::Money { comparison, amount, .. } => {
                let wanted = sums_that(comparison, amount);
                Self::Money(Money { wanted, sums: Vec::new(), enough: Vec::new() })
            }
        }
    }

    /// Bytes of it.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Once => 0,
            Self::Often(often) => often.counters.capacity(),
            Self::Money(money) => {
                money.sums.capacity() * size_of::<i64>()
                    + money.enough.capacity() * size_of::<u32>()
            }
        }
    }

    /// Finds who is in the leaf of those that were read, in any order and only if they are to be
    /// listed, and gives back how many; none when money does not fit into 64 bits.
    ///
    /// # Errors
    /// As [`Bounds::pause`].
    pub(super) fn find(
        &mut self,
        walk: &WideWalk<'_, LeadLane>,
        planes: &mut Planes,
        is_listed: bool,
        found: &mut Vec<u32>,
        bounds: &Bounds,
    ) -> Result<Option<u64>, ExecuteError> {
        found.clear();
        let fits = match self {
            Self::Once if is_listed => {
                planes.push_seen((0..walk.runs()).map(|run| walk.run(run).0.consumers), found);
                true
            }
            Self::Once => return Ok(Some(planes.count())),
            Self::Often(often) => {
                often.find(walk, planes, found, bounds)?;
                true
            }
            Self::Money(money) => money.find(walk, planes, found, bounds)?,
        };
        Ok(fits.then_some(found.len() as u64))
    }
}

impl Often {
    /// Counts the rows or days of those with several rows.
    fn find(
        &mut self,
        walk: &WideWalk<'_, LeadLane>,
        planes: &mut Planes,
        found: &mut Vec<u32>,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let Self { wanted, by_day, counters } = self;
        let several = planes.rank() as usize;
        if several == 0 {
            return Ok(());
        }
        counters.clear();
        counters.resize(several, 0);
        for run in 0..walk.runs() {
            let (WideRun { consumers, days, .. }, _) = walk.run(run);
            let (places, ranks) = planes.pick(consumers);
            // Rows of one consumer and day lie together, and no other lane has that day where days
            // are counted.
            let mut before = None;
            for (place, rank) in places.iter().zip(ranks) {
                let row = Some((*rank, days.get(*place as usize)));
                if *by_day && row == before {
                    continue;
                }
                before = row;
                let Some(counter) = counters.get_mut(*rank as usize) else { continue };
                // Who is there already is not found again.
                *counter = counter.saturating_add(u8::from(*counter < *wanted));
                if *counter == *wanted {
                    found.push(consumers[*place as usize]);
                    *counter = u8::MAX;
                }
            }
            bounds.pause()?;
        }
        Ok(())
    }
}

impl Money {
    /// Appends those whose money compares so: who has one row by its amount, the others by sums.
    /// False when a sum does not fit.
    fn find(
        &mut self,
        walk: &WideWalk<'_, LeadLane>,
        planes: &mut Planes,
        found: &mut Vec<u32>,
        bounds: &Bounds,
    ) -> Result<bool, ExecuteError> {
        let Self { wanted, sums, enough } = self;
        sums.clear();
        sums.resize(planes.rank() as usize, 0);
        let mut fits = true;
        for run in 0..walk.runs() {
            let (WideRun { consumers, amounts, .. }, lane) = walk.run(run);
            let own = if lane.is_refund { wanted.of_negatives() } else { *wanted };
            kernel::between(amounts, own, enough);
            planes.push_alone(consumers, enough, found);
            let (places, ranks) = planes.pick(consumers);
            for (place, rank) in places.iter().zip(ranks) {
                let amount = amounts.get(*place as usize).copied().unwrap_or(0);
                let Some(sum) = sums.get_mut(*rank as usize) else { continue };
                let (new, over) = if lane.is_refund {
                    sum.overflowing_sub(amount)
                } else {
                    sum.overflowing_add(amount)
                };
                *sum = new;
                fits &= !over;
            }
            // Its negative would not fit.
            fits &= !(lane.is_refund && amounts.contains(&i64::MIN));
            bounds.pause()?;
        }
        let mut sums = sums.iter();
        planes.each_again(|consumer| {
            if sums.next().is_some_and(|sum| wanted.has(*sum)) {
                found.push(consumer);
            }
        });
        Ok(fits)
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
                let wanted = sums_that(comparison, amount);
                for sum in numbers {
                    let expected = comparison_holds(comparison, sum, amount);
                    assert_eq!(wanted.has(sum), expected, "{sum} {comparison:?} {amount}");
                }
            }
        }
    }
}
