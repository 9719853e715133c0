//! LEDGER: the change of a brand's asset between two days, split exactly.
//!
//! With v1 and v2 the values of a consumer of each stage as of the first and the second day, who
//! moved from stage i to j changes the asset by v1_j - v1_i; who stayed by nothing; and what is
//! left, sum of N_j (v2_j - v1_j), is repricing. Each n v is rounded to whole minor units, and
//! repricing takes what rounding leaves, so that opening and parts add up to closing exactly.

use std::borrow::Cow;
use std::collections::BTreeMap;

use throng_query::builtin::DEFAULT_MODEL;
use throng_query::plan::{Column, Dates, Ledger, Measure, Query};

use super::asset::{exponent, money};
use super::cohort::{self, Told, stage};
use super::finish::{Finished, count};
use super::fraction::Fraction;
use super::moves::{Move, place_of};
use super::partial::DayPartial;
use super::steps::Step;
use super::worth;
use crate::answer::{Date, Value};
use crate::error::ExecuteError;

/// The parts in the order of rows, and what they are called where a flow says otherwise.
const PARTS: [(Move, &str); 5] = [
    (Move::New, "new"),
    (Move::Deepened, "deepened"),
    (Move::Stayed, "kept"),
    (Move::Shallowed, "shallowed"),
    (Move::Lost, "lost"),
];

/// The cohorts of both days, and who moved between them.
pub fn steps<'q>(query: &Query, of: &Ledger) -> Vec<Step<'q>> {
    let moved = Query {
        measure: Measure::Count,
        filter: query.filter.clone(),
        versus: None,
        partitions: vec![stage(of.into(), Some(of.from)), stage(of.into(), Some(of.to))],
        dates: Dates::AsOf(Some(of.to)),
        forecast_days: None,
        order: Vec::new(),
        limit: None,
    };
    vec![
        cohort::step(of.into(), of.from.0, of.horizon_days, &[]),
        cohort::step(of.into(), of.to.0, of.horizon_days, &[]),
        Step::new(vec![of.to.0], Cow::Owned(moved)),
    ]
}

/// What the consumers of each stage are worth as of a day.
struct Prices {
    day: Date,
    told: BTreeMap<u32, Told>,
}

impl Prices {
    /// What some consumers of a stage are worth; outside the brand's stages nothing.
    fn of(&self, place: Option<u32>, consumers: i128) -> Result<i128, ExecuteError> {
        let Some(place) = place.filter(|_| consumers > 0) else { return Ok(0) };
        let told = self.told.get(&place).copied().unwrap_or_default();
        let Some(value) = Fraction::new(told.money, told.heads) else {
            let name = worth::stages().find(|(other, _)| *other == place);
            let stage = name.map_or("", |(_, name)| name);
            return Err(ExecuteError::NoValue { stage, day: self.day });
        };
        value.times(consumers).ok_or(ExecuteError::Overflow)
    }
}

/// Consumers and money of one part.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    consumers: i128,
    amount: i128,
}

impl Part {
    fn add(&mut self, consumers: i128, amount: i128) -> Result<(), ExecuteError> {
        self.consumers += consumers;
        self.amount = self.amount.checked_add(amount).ok_or(ExecuteError::Overflow)?;
        Ok(())
    }
}

/// The rows: part, consumers, amount.
///
/// # Errors
/// When a stage has no value, or a number does not fit its column.
pub fn finish(
    of: &Ledger,
    columns: &[Column],
    days: &[DayPartial],
) -> Result<Finished, ExecuteError> {
    let [before, after, moved] = days else {
        return Ok(Finished { rows: Vec::new(), notices: Vec::new() });
    };
    let first = Prices { day: of.from, told: cohort::told(before)? };
    let second = Prices { day: of.to, told: cohort::told(after)? };
    let mut parts: BTreeMap<Move, Part> = BTreeMap::new();
    let (mut start, mut end) = (BTreeMap::new(), BTreeMap::new());
    for (keys, numbers) in moved.groups.first().into_iter().flatten() {
        let ([from, to], Some(members)) = (keys.as_slice(), numbers.first()) else { continue };
        let places = [from, to].map(|key| place_of(DEFAULT_MODEL, key));
        let Some(kind) = Move::between(places[0], places[1]) else { continue };
        let amount = first.of(places[1], *members)? - first.of(places[0], *members)?;
        parts.entry(kind).or_default().add(*members, amount)?;
        *start.entry(places[0]).or_insert(0) += members;
        *end.entry(places[1]).or_insert(0) += members;
    }
    let (opening, closing) = (total(&first, &start)?, total(&second, &end)?);
    let exponent = exponent(columns);
    let row = |name: &str, consumers: Value, amount: i128| {
        vec![Value::Text(name.to_owned()), consumers, money(amount, exponent)]
    };
    let mut rows = vec![row("opening", count(opening.consumers)?, opening.amount)];
    let mut rest = closing.amount - opening.amount;
    for (kind, name) in PARTS {
        let part = parts.get(&kind).copied().unwrap_or_default();
        rest -= part.amount;
        rows.push(row(name, count(part.consumers)?, part.amount));
    }
    rows.push(row("repricing", Value::Null, rest));
    rows.push(row("closing", count(closing.consumers)?, closing.amount));
    let mut notices = vec![format!(
        "cohort, horizon {} days: moves are priced as of {}, repricing is what {} changed; no \
         discount",
        of.horizon_days, of.from, of.to
    )];
    if opening.consumers == 0 && closing.consumers == 0 {
        notices.push(format!("`{}` has no consumers here on either day", of.brand));
    }
    Ok(Finished { rows, notices })
}

/// All consumers of a day and their asset: one rounded product per stage, as ASSET has them.
fn total(prices: &Prices, stages: &BTreeMap<Option<u32>, i128>) -> Result<Part, ExecuteError> {
    let mut all = Part::default();
    for (place, consumers) in stages {
        if place.is_some() {
            all.add(*consumers, prices.of(*place, *consumers)?)?;
        }
    }
    Ok(all)
}
