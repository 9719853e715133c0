//! The top of a ranking: where it begins hangs on everybody who is ranked, so it is found before
//! the program that uses it is made.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use throng_query::plan::{AtLeast, Comparison, Did, RankedBy, Set, Top};

use super::bounds::Bounds;
use super::compile::{Compiler, Context};
use super::eval::Worker;
use super::leaf::Tools;
use super::leaf::keyed::{KeyChoice, KeyReader, RowKey};
use super::leaf::spend::SpendReader;
use super::memory::Held;
use super::program::{Leaf, NodeId, PiecePrice, SpendChoice};
use super::run::for_each_chunk;
use crate::error::{ExecuteError, MemoryUse};
use crate::view::View;

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
    found: Mutex<HashMap<Asked, Option<Level>>>,
}

/// What somebody is ranked by.
#[derive(Debug, Clone, Copy)]
enum Level {
    /// Nothing: no purchase, where it is lateness or price.
    Never,
    /// So much money, so many days, or a day; of a price, money for so many pieces, at least 1.
    Of { value: i128, pieces: i64 },
}

impl Level {
    fn whole(value: i128) -> Self {
        Self::Of { value, pieces: 1 }
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Never, Self::Never) => Ordering::Equal,
            (Self::Never, Self::Of { .. }) => Ordering::Less,
            (Self::Of { .. }, Self::Never) => Ordering::Greater,
            (Self::Of { value, pieces }, Self::Of { value: other, pieces: others }) => {
                // As fractions. Money of one consumer is below 2^63, so nothing overflows.
                let scaled = |value: &i128, by: &i64| value.saturating_mul(i128::from(*by));
                scaled(value, others).cmp(&scaled(other, pieces))
            }
        }
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Level {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Level {}

/// How many have each value.
type Values = BTreeMap<Level, u64>;

impl Compiler<'_> {
    /// Those at the top: whoever is ranked and has at least the value at which the top begins.
    pub(super) fn top(&mut self, top: &Top, at: Context<'_>) -> Result<NodeId, ExecuteError> {
        let Some(least) = self.beginning(top, at)? else { return Ok(self.nobody()) };
        let ranked = self.compile(&ranked(top), at)?;
        let mut all = vec![ranked];
        if at.day != self.day {
            all.push(self.program.leaf(Leaf::Universe { day: at.day }));
        }
        if let Level::Of { value, pieces } = least {
            all.extend(self.at_least(top, value, pieces, at)?);
        }
        Ok(self.and(all))
    }

    /// Those with at least a value; none where everybody has it.
    fn at_least(
        &mut self,
        top: &Top,
        value: i128,
        pieces: i64,
        at: Context<'_>,
    ) -> Result<Option<NodeId>, ExecuteError> {
        let too_large = |_| ExecuteError::Overflow;
        let node = match top.by {
            RankedBy::Spend => {
                let least = i64::try_from(value).map_err(too_large)?;
                self.spent(&top.of, Comparison::GreaterOrEqual, least, at)?
            }
            RankedBy::Frequency if value > 0 => {
                let days = u32::try_from(value).map_err(too_large)?;
                self.did(&Did { at_least: AtLeast::Days(days), ..bought(top) }, at)?
            }
            RankedBy::Frequency => return Ok(None),
            RankedBy::Recency => {
                let first = i32::try_from(value).map_err(too_large)?;
                self.bought_since(top, first, at)?
            }
            RankedBy::Price => {
                let price = PiecePrice { money: i64::try_from(value).map_err(too_large)?, pieces };
                self.priced(&top.of, Comparison::GreaterOrEqual, price, at)?
            }
        };
        Ok(Some(node))
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
    fn beginning(&self, top: &Top, at: Context<'_>) -> Result<Option<Level>, ExecuteError> {
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
            RankedBy::Price => inner.spend_in(&top.of, at)?.map(Ranker::Price),
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
    Price(SpendChoice),
    Days(KeyChoice),
}

enum RankReader<'v> {
    Spend(SpendReader<'v>),
    /// Of purchases that are not void: their money, and their pieces.
    Price(SpendReader<'v>, SpendReader<'v>),
    Days(KeyReader<'v>),
}

impl Ranker {
    fn open<'v>(&self, view: &'v View) -> RankReader<'v> {
        match self {
            Self::Spend(choice) => RankReader::Spend(SpendReader::new(view, choice)),
            Self::Price(choice) => {
                let reader = |money, pieces| {
                    let above = Some(PiecePrice { money, pieces });
                    SpendReader::new(view, &SpendChoice { above, ..choice.clone() })
                };
                RankReader::Price(reader(0, 1), reader(-1, 0))
            }
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
    let mut own: HashMap<u16, Level> = HashMap::new();
    let mut tools = worker.tools();
    match reader {
        None => {}
        Some(RankReader::Spend(reader)) => {
            let sums = sums(reader, chunk, &mut tools)?.into_iter();
            own.extend(sums.map(|(low, money)| (low, Level::whole(money))));
        }
        Some(RankReader::Price(money, pieces)) => {
            let money = sums(money, chunk, &mut tools)?;
            for (low, pieces) in sums(pieces, chunk, &mut tools)? {
                let value = money.get(&low).copied().unwrap_or(0);
                let pieces = i64::try_from(pieces).map_err(|_| ExecuteError::Overflow)?;
                own.insert(low, Level::Of { value, pieces });
            }
        }
        Some(RankReader::Days(reader)) => {
            for (low, day) in reader.read(chunk, &mut tools, bounds)? {
                // Days come ascending.
                let before = match own.get(low) {
                    Some(Level::Of { value, .. }) => *value,
                    _ => 0,
                };
                let recent = by == RankedBy::Recency;
                let value = if recent { i128::from(*day) } else { before + 1 };
                own.insert(*low, Level::whole(value));
            }
        }
    }
    let missing = match by {
        RankedBy::Recency | RankedBy::Price => Level::Never,
        RankedBy::Spend | RankedBy::Frequency => Level::whole(0),
    };
    for low in members {
        *values.entry(own.get(&low).copied().unwrap_or(missing)).or_default() += 1;
    }
    Ok(())
}

/// What a reader sums for each consumer of a chunk with a row.
fn sums<'v>(
    reader: &mut SpendReader<'v>,
    chunk: u32,
    tools: &mut Tools<'_, 'v>,
) -> Result<HashMap<u16, i128>, ExecuteError> {
    let filled = reader.fill(chunk, tools);
    let scratch = &mut *tools.scratch;
    let mut own: HashMap<u16, i128> = HashMap::new();
    for low in scratch.lows.drain(..) {
        let sum = std::mem::take(&mut scratch.sums[usize::from(low)]);
        *own.entry(low).or_default() += sum;
    }
    filled.map(|()| own)
}

/// The value of the last who has fewer than so many parts of all above.
fn beginning(values: &Values, per_million: u32) -> Option<Level> {
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
        let counted = [(1, 5), (7, 2), (9, 3)];
        let values: Values = counted.map(|(value, many)| (Level::whole(value), many)).into();
        let top = |per_million| beginning(&values, per_million);
        let whole = |value| Some(Level::whole(value));
        assert_eq!(top(0), None);
        assert_eq!(top(1), whole(9));
        assert_eq!(top(300_000), whole(9));
        assert_eq!(top(300_001), whole(7));
        assert_eq!(top(500_000), whole(7));
        assert_eq!(top(1_000_000), whole(1));
        assert_eq!(beginning(&Values::new(), 1_000_000), None);
    }

    #[test]
    fn prices_are_ordered_as_fractions() {
        let price = |value, pieces| Level::Of { value, pieces };
        assert_eq!(price(10, 4), price(5, 2));
        assert!(price(10, 3) > price(10, 4));
        assert!(price(0, 7) > Level::Never);
    }
}
