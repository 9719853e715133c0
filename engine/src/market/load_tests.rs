//! A market in a store answers as a market in memory does.

use std::collections::{HashMap, HashSet};

use super::funnel::behaviour as b;
use super::{Market, MarketOptions, MarketProgress, People};
use crate::answer::Value;
use crate::database::{CreateOptions, Database};

/// Events of one brand, as (consumer, behaviour, day, amount).
fn events_of(market: &Market, brand: u32) -> Vec<(u32, u16, i32, i64)> {
    let mut out = Vec::new();
    for index in 0..market.blocks() {
        let events = market.block(index).events;
        for row in (0..events.len()).filter(|&row| events.brand[row] == brand) {
            let (consumer, behaviour) = (events.consumer[row], events.behaviour[row]);
            out.push((consumer, behaviour, events.day[row], events.amount[row]));
        }
    }
    out
}

fn count(database: &Database, statement: &str) -> i64 {
    match database.query(statement).unwrap().rows[0].as_slice() {
        [Value::Integer(count)] => *count,
        other => panic!("{statement}: {other:?}"),
    }
}

#[test]
fn a_loaded_market_answers_as_it_was_made() {
    let options =
        MarketOptions { consumers: 6_000, brands: 10, events: 60_000, ..MarketOptions::default() };
    let market = Market::new(options).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let database = Database::create(dir.path(), &CreateOptions::default()).unwrap();
    let mut made = 0;
    let mut progress = |now| {
        if let MarketProgress::Made(events) = now {
            made = events;
        }
    };
    market.load(&database, 2, 1 << 20, &mut progress).unwrap();
    assert_eq!(made, 60_000);

    assert_eq!(count(&database, "COUNT"), 6_000);
    let name = |brand: u32| market.brands()[brand as usize - 1].name.replace('"', "\"\"");
    for brand in 1..=10 {
        let events = events_of(&market, brand);
        let who = |behaviour| -> HashSet<u32> {
            events.iter().filter(|e| e.1 == behaviour).map(|e| e.0).collect()
        };
        for (behaviour, word) in [(b::VIEW, "view"), (b::EXPOSURE, "exposure"), (b::CART, "cart")] {
            let statement = format!("COUNT WHERE \"{}\" DID {word}", name(brand));
            assert_eq!(count(&database, &statement), i64::try_from(who(behaviour).len()).unwrap());
        }
        let mut spent = 0;
        for &(_, behaviour, _, amount) in &events {
            spent += match behaviour {
                b::BUY => amount,
                b::REFUND => -amount,
                _ => 0,
            };
        }
        let answer = database.query(&format!("SUM \"{}\".spend", name(brand))).unwrap();
        let Value::Numeric(sum) = answer.rows[0][0] else { panic!("{answer:?}") };
        assert_eq!((sum.unscaled, sum.scale), (i128::from(spent), 2));
    }

    let mut tiers: HashMap<u8, i64> = HashMap::new();
    let mut unknown = 0;
    for index in 0..market.blocks() {
        let People { all, .. } = market.block(index).people;
        for person in all {
            *tiers.entry(person.city_tier).or_default() += 1;
            unknown += i64::from(person.known_age().is_none());
        }
    }
    for (tier, wanted) in tiers {
        assert_eq!(count(&database, &format!("COUNT WHERE city_tier = {tier}")), wanted);
    }
    assert_eq!(count(&database, "COUNT WHERE age IS UNKNOWN"), unknown);
    assert_eq!(count(&database, "COUNT WHERE birth_year IS UNKNOWN"), unknown);
}
