//! Questions of valuation and profiles, beside the simplest question about the same consumers.

use std::path::Path;

use serde_json::json;
use throng::Database;
use throng::attribute::{AttributeLoad, ColumnId};
use throng::query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng::storage::store::{BulkOptions, KeyTable};

use crate::growth::{quiet, timed};
use crate::{Failure, Outcome};

/// Attributes of text and how many values each has, the first ones likelier.
const TEXTS: [(&str, u64); 7] = [
    ("gender", 2),
    ("age", 6),
    ("city_tier", 5),
    ("region", 7),
    ("province", 31),
    ("income", 9),
    ("device", 4),
];
/// The eighth is yes or no.
const FLAG: &str = "member";
/// One consumer of so many has no value of an attribute.
const LACKING: u64 = 20;
/// Values between two looks at how many are gathered.
const SETTLED_EVERY: u32 = 1 << 20;
/// Memory of a load before it spills.
const LOAD_MEMORY: usize = 1 << 30;

/// Questions about the largest brand on the last day: name, statement, and the most times of what
/// it is held against that are wanted.
const BASE: (&str, &str) = ("AIPL", "COUNT BY brand_0001.stage");
const QUESTIONS: [(&str, &str, f64); 4] = [
    ("FLOW over 60 days", "FLOW brand_0001 FROM '2017-10-31' TO '2017-12-30'", 2.2),
    (
        "LEDGER over 60 days",
        "LEDGER brand_0001 FROM '2017-10-31' TO '2017-12-30' HORIZON 90 DAYS",
        4.0,
    ),
    ("ASSET by cohorts", "ASSET brand_0001 AS OF '2017-12-30' HORIZON 90 DAYS USING cohort", 6.0),
    ("ASSET by a chain", "ASSET brand_0001 AS OF '2017-12-30' HORIZON 90 DAYS USING markov", 12.0),
];
const SET: &str = "WHERE brand_0001.stage IN (A, I, P, L)";
const SET_NAME: &str = "count of the assets";
const PROFILE_NAME: &str = "PROFILE over 8 attributes";
const PROFILE_WANTED: f64 = 8.0;

/// Gives every consumer of a store eight attributes.
///
/// # Errors
/// When the store cannot be written.
pub fn attributes(path: &Path) -> Outcome {
    let database = quiet(path)?;
    let mut bulk = database.store().bulk(BulkOptions { token: None, memory: LOAD_MEMORY })?;
    let view = database.view()?;
    let consumers = view.snapshot().keys(KeyTable::Consumer);
    let mut load = AttributeLoad::default();
    for (place, (name, values)) in (0..).zip(TEXTS) {
        let column = load.column(attribute(name), AttributeType::Text);
        let texts: Vec<String> = (0..values).map(|value| format!("{name}_{value:02}")).collect();
        each(consumers, &mut load, &view, |load, consumer| {
            let lot = draw(place, consumer);
            let value = value_of(lot / LACKING, values);
            match texts.get(value) {
                Some(text) if !lot.is_multiple_of(LACKING) => load.text(column, consumer, text),
                _ => Ok(()),
            }
        })?;
    }
    let flag: ColumnId = load.column(attribute(FLAG), AttributeType::Boolean);
    each(consumers, &mut load, &view, |load, consumer| {
        let is_member = draw(TEXTS.len() as u64, consumer).is_multiple_of(3);
        load.value(flag, consumer, &AttributeValue::Boolean(is_member))
    })?;
    load.write(database.store(), &mut bulk)?;
    bulk.commit(&mut |_, _| {})?;
    println!("{}", json!({ "consumers": consumers, "attributes": TEXTS.len() + 1 }));
    Ok(())
}

fn attribute(name: &str) -> AttributeRef {
    AttributeRef { brand: None, name: name.to_owned() }
}

/// Gives consumers what `give` has for them, and merges it now and then.
fn each<E: Into<Failure>>(
    consumers: u32,
    load: &mut AttributeLoad,
    view: &throng::View,
    mut give: impl FnMut(&mut AttributeLoad, u32) -> Result<(), E>,
) -> Outcome {
    for consumer in 0..consumers {
        give(load, consumer).map_err(Into::into)?;
        if consumer % SETTLED_EVERY == SETTLED_EVERY - 1 {
            load.settle(view)?;
        }
    }
    Ok(())
}

/// Splitmix64 of a consumer and an attribute: Steele, Lea and Flood, 2014.
fn draw(attribute: u64, consumer: u32) -> u64 {
    let seed = (attribute << 32) | u64::from(consumer);
    let mut word = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

/// A value by lot: low ones are likelier, as the smaller of two draws is.
fn value_of(lot: u64, values: u64) -> usize {
    let smaller = (lot % values).min(lot / values % values);
    usize::try_from(smaller).unwrap_or_default()
}

/// Times the questions and prints each, with what it is held against, as a line of JSON.
///
/// # Errors
/// When the store cannot be read, or a statement is refused.
pub fn valuation(path: &Path, rounds: usize) -> Outcome {
    let database = quiet(path)?;
    let base = ask(&database, BASE.1, rounds)?;
    for (name, text, wanted) in QUESTIONS {
        say(name, BASE.0, ask(&database, text, rounds)?, base, wanted);
    }
    let count = ask(&database, &format!("COUNT {SET}"), rounds)?;
    let names: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).chain([FLAG]).collect();
    let profile = ask(&database, &format!("PROFILE {SET} BY {}", names.join(", ")), rounds)?;
    say(PROFILE_NAME, SET_NAME, profile, count, PROFILE_WANTED);
    Ok(())
}

fn ask(database: &Database, text: &str, rounds: usize) -> Result<f64, Failure> {
    timed(rounds, || Ok(database.query(text)?.rows.len()))
}

fn say(name: &str, base: &str, ms: f64, base_ms: f64, wanted: f64) {
    let line = json!({
        "question": name, "ms": ms, "base": base, "base_ms": base_ms, "wanted": wanted,
    });
    println!("{line}");
}

#[cfg(test)]
mod tests {
    use super::{draw, value_of};

    #[test]
    fn low_values_are_likelier() {
        let mut counts = [0_i32; 4];
        (0..40_000).for_each(|consumer| counts[value_of(draw(1, consumer) / 20, 4)] += 1);
        // The smaller of two of four: 7, 5, 3 and 1 of 16.
        for (count, share) in counts.into_iter().zip([7, 5, 3, 1]) {
            assert!((count - 2_500 * share).abs() < 400, "{counts:?}");
        }
    }
}
