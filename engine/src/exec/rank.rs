//! The top of a ranking: where it begins hangs on everybody who is ranked, so it is found before
//! the program that uses it is made.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use throng_query::plan::{AtLeast, Comparison, Did, RankedBy, Set, Top};

use super::bounds::Bounds;
use super::compile::{Compiler, Context};
use super::eval::Worker;
use super::leaf::keyed::{KeyChoice, KeyReader, RowKey};
use super::leaf::spend::SpendReader;
use super::memory::Held;
use super::program::{Leaf, NodeId, SpendChoice};
use super::run::for_each_chunk;
use crate::error::{ExecuteError, MemoryUse};
use crate::view::View;

/// What somebody without a purchase is ranked by, where it is lateness.
const NEVER: i128 = i128::MIN;

/// Beginnings kept for one view.
const KEPT_MAX: usize = 4_096;
/// Bytes that a value and how many have it take.
const VALUE_BYTES: usize = 64;

/// A ranking at one brand on one day.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Asked {
    day: i32,
    subject: Option<String>,
    top: Top,
}

/// The values at which the tops begin that were asked of one view; none where nobody is ranked.
#[derive(Debug, Default)]
pub struct Beginnings {
    found: Mutex<HashMap<Asked, Option<i128>>>,
}

/// How many have each value.
type Values = BTreeMap<i128, u64>;

impl Compiler<'_> {
    /// Those at the top: whoever is ranked and has at least the value at which the top begins.
    pub(super) fn top(&mut self, top: &Top, at: Context<'_>) -> Result<NodeId, ExecuteError> {
        let Some(least) = self.beginning(top, at)? else { return Ok(self.nobody()) };
        let ranked = self.compile(&ranked(top), at)?;
        let mut all = vec![ranked];
        if at.day != self.day {
            all.push(self.program.leaf(Leaf::Universe { day: at.day }));
        }
        match top.by {
            RankedBy::Spend => {
                let least = i64::try_from(least).map_err(|_| ExecuteError::Overflow)?;
                all.push(self.spent(&top.of, Comparison::GreaterOrEqual, least, at)?);
            }
            RankedBy::Frequency if least > 0 => {
                let days = u32::try_from(least).map_err(|_| ExecuteError::Overflow)?;
                let did = Did { at_least: AtLeast::Days(days), ..bought(top) };
                all.push(self.did(&did, at)?);
            }
            RankedBy::Recency if least != NEVER => {
                let first = i32::try_from(least).map_err(|_| ExecuteError::Overflow)?;
                let late = self.bought_since(top, first, at)?;
                all.push(late);
            }
            RankedBy::Frequency | RankedBy::Recency => {}
        }
        Ok(self.and(all))
    }

    fn bought_since(
        &mut self,
        top: &Top,
        first: i32,
        at: Context<'_>,
    ) -> Result<NodeId, ExecuteError> {
        let Some(KeyChoice { lanes, mut rows, .. }) =
            self.purchases_in(&top.of, RowKey::Day, at)?
        else {
            return Ok(self.nobody());
        };
        rows.first = rows.first.max(first);
        Ok(self.program.leaf(Leaf::Did { lanes, at_least: AtLeast::Times(1), rows }))
    }

    /// The value at which a top begins; none when nobody is in it.
    fn beginning(&self, top: &Top, at: Context<'_>) -> Result<Option<i128>, ExecuteError> {
        let subject = at.subject.map(str::to_owned);
        let asked = Asked { day: at.day, subject, top: top.clone() };
        let kept = &self.view.beginnings().found;
        let lock = || kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().get(&asked) {
            return Ok(*found);
        }
        let values = self.ranked_values(top, at)?;
        let found = beginning(&values, top.per_million);
        let mut kept = lock();
        if kept.len() < KEPT_MAX {
            kept.insert(asked, found);
        }
        Ok(found)
    }

    /// How many of those ranked have each value: a pass over the chunks of its own.
    fn ranked_values(&self, top: &Top, at: Context<'_>) -> Result<Values, ExecuteError> {
        let view = self.view;
        let mut inner = Compiler::new(view, at.day).within(self.bounds.clone());
        let node = inner.compile(&ranked(top), at)?;
        let node = inner.within_universe(node);
        inner.program.ask(node);
        let choice = match top.by {
            RankedBy::Spend => inner.spend_in(&top.of, at)?.map(Ranker::Spend),
            RankedBy::Frequency | RankedBy::Recency => {
                inner.purchases_in(&top.of, RowKey::Day, at)?.map(Ranker::Days)
            }
        };
        let (parts, _) = for_each_chunk(
            view,
            &inner.program,
            &self.bounds,
            || Ranking {
                by: top.by,
                reader: choice.as_ref().map(|choice| choice.open(view)),
                values: Values::new(),
                held: self.bounds.holds(MemoryUse::Ranking),
            },
            |worker, ranking| ranking.chunk(worker, node, &self.bounds),
        )?;
        let mut all = Values::new();
        for (value, many) in parts.into_iter().flat_map(|ranking| ranking.values) {
            *all.entry(value).or_default() += many;
        }
        Ok(all)
    }
}

/// Which rows tell the values.
#[derive(Debug)]
enum Ranker {
    Spend(SpendChoice),
    Days(KeyChoice),
}

enum RankReader<'v> {
    Spend(SpendReader<'v>),
    Days(KeyReader<'v>),
}

impl Ranker {
    fn open<'v>(&self, view: &'v View) -> RankReader<'v> {
        match self {
            Self::Spend(choice) => RankReader::Spend(SpendReader::new(view, choice)),
            Self::Days(choice) => RankReader::Days(KeyReader::new(view, choice)),
        }
    }
}

/// What one worker has of the values.
struct Ranking<'v> {
    by: RankedBy,
    reader: Option<RankReader<'v>>,
    values: Values,
    held: Held,
}

impl<'v> Ranking<'v> {
    fn chunk(
        &mut self,
        worker: &mut Worker<'v>,
        node: NodeId,
        bounds: &Bounds,
    ) -> Result<(), ExecuteError> {
        let Self { by, reader, values, held } = self;
        rank_chunk(worker, (node, *by), reader, values, bounds)?;
        held.set(values.len() * VALUE_BYTES)
    }
}

fn rank_chunk<'v>(
    worker: &mut Worker<'v>,
    (node, by): (NodeId, RankedBy),
    reader: &mut Option<RankReader<'v>>,
    values: &mut Values,
    bounds: &Bounds,
) -> Result<(), ExecuteError> {
    let mut members = Vec::new();
    worker.set(node)?.for_each(|low| members.push(low));
    if members.is_empty() {
        return Ok(());
    }
    let chunk = worker.chunk();
    let mut own: HashMap<u16, i128> = HashMap::new();
    let mut tools = worker.tools();
    match reader {
        None => {}
        Some(RankReader::Spend(reader)) => {
            let filled = reader.fill(chunk, &mut tools);
            let scratch = &mut *tools.scratch;
            for low in scratch.lows.drain(..) {
                let money = std::mem::take(&mut scratch.sums[usize::from(low)]);
                *own.entry(low).or_default() += money;
            }
            filled?;
        }
        Some(RankReader::Days(reader)) => {
            for (low, day) in reader.read(chunk, &mut tools, bounds)? {
                // Days come ascending.
                let days = own.entry(*low).or_default();
                *days = if by == RankedBy::Recency { i128::from(*day) } else { *days + 1 };
            }
        }
    }
    let missing = if by == RankedBy::Recency { NEVER } else { 0 };
    for low in members {
        *values.entry(own.get(&low).copied().unwrap_or(missing)).or_default() += 1;
    }
    Ok(())
}

/// The value of the last who has fewer than so many parts of all above.
fn beginning(values: &Values, per_million: u32) -> Option<i128> {
    let all: u128 = values.values().map(|many| u128::from(*many)).sum();
    let (mut above, mut least) = (0_u128, None);
    for (value, many) in values.iter().rev() {
        if above * 1_000_000 >= all * u128::from(per_million) {
            break;
        }
        least = Some(*value);
        above += u128::from(*many);
    }
    least
}

/// Who is ranked.
fn ranked(top: &Top) -> Set {
    match &top.among {
        Some(set) => (**set).clone(),
        None => Set::Did(bought(top)),
    }
}

/// A purchase among those that count.
fn bought(top: &Top) -> Did {
    Did {
        brand: top.of.brand.clone(),
        behaviours: vec!["buy".to_owned()],
        at_least: AtLeast::Times(1),
        window: top.of.window,
        rows: top.of.rows.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_level_is_in_together() {
        let values: Values = [(1, 5), (7, 2), (9, 3)].into();
        let top = |per_million| beginning(&values, per_million);
        assert_eq!(top(0), None);
        assert_eq!(top(1), Some(9));
        assert_eq!(top(300_000), Some(9));
        assert_eq!(top(300_001), Some(7));
        assert_eq!(top(500_000), Some(7));
        assert_eq!(top(1_000_000), Some(1));
        assert_eq!(beginning(&Values::new(), 1_000_000), None);
    }
}
