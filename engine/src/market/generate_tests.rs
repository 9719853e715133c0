//! Tests of a whole market: exactness, determinism, and the planted rates.

use std::collections::{HashMap, HashSet};

use throng_storage::rows::EventColumns;

use super::funnel::behaviour as b;
use super::{FileFormat, Market, MarketBlock, MarketOptions, Rates, Touchpoint};

fn market(consumers: u32, brands: u32, events: u64) -> Market {
    Market::new(MarketOptions { consumers, brands, events, ..MarketOptions::default() }).unwrap()
}

fn all(market: &Market, threads: usize) -> Vec<MarketBlock> {
    let mut out = Vec::new();
    market
        .for_each(
            threads,
            |block| block,
            |block| {
                out.push(block);
                Ok::<(), ()>(())
            },
        )
        .unwrap();
    out
}

fn rows(events: &EventColumns, behaviour: u16) -> impl Iterator<Item = usize> {
    (0..events.len()).filter(move |&row| events.behaviour[row] == behaviour)
}

#[test]
fn a_market_has_exactly_the_events_asked_for() {
    for (consumers, brands, events) in
        [(1, 1, 0), (1, 1, 1), (3, 2, 1000), (10_000, 5, 7), (9_000, 40, 100_003), (50, 9, 600_000)]
    {
        let market = market(consumers, brands, events);
        let blocks = all(&market, 2);
        assert_eq!(blocks.iter().map(|block| block.events.len() as u64).sum::<u64>(), events);
        assert_eq!(blocks.iter().map(|block| block.people.all.len()).sum::<usize>(), {
            consumers as usize
        });
        for block in &blocks {
            check_ranges(&market, block);
        }
    }
}

fn check_ranges(market: &Market, block: &MarketBlock) {
    let events = &block.events;
    let people = u32::try_from(block.people.all.len()).unwrap();
    let items = market.brands().last().map(|brand| brand.first_item + brand.items).unwrap();
    for row in 0..events.len() {
        assert!((block.people.first..block.people.first + people).contains(&events.consumer[row]));
        assert!((1..=market.options().brands).contains(&events.brand[row]));
        assert!((1..=21).contains(&events.behaviour[row]));
        assert!(events.day[row] >= market.options().start.0);
        assert!(events.day[row] <= market.end().0);
        assert!(events.second[row] < 86_400 && events.count[row] > 0);
        assert!(events.touchpoint[row] as usize <= Touchpoint::ALL.len());
        assert!(events.item[row] < items && events.category[row] <= 24);
        assert!(events.order[row] <= block.orders && events.amount[row] >= 0);
    }
}

#[test]
fn the_number_of_threads_changes_nothing_and_the_seed_everything() {
    let one = all(&market(9_000, 30, 90_000), 1);
    assert_eq!(one, all(&market(9_000, 30, 90_000), 3));
    let options = MarketOptions {
        seed: 2,
        consumers: 9_000,
        brands: 30,
        events: 90_000,
        ..MarketOptions::default()
    };
    assert_ne!(one[0].events, all(&Market::new(options).unwrap(), 1)[0].events);
}

#[test]
fn planted_rates_come_out() {
    let market = market(20_000, 30, 600_000);
    let blocks = all(&market, 2);
    let count = |behaviour: u16, touchpoint: Option<Touchpoint>| -> f64 {
        let wanted = touchpoint.map(|touchpoint| touchpoint as u32 + 1);
        let hits: usize = blocks
            .iter()
            .map(|block| {
                rows(&block.events, behaviour)
                    .filter(|&row| wanted.is_none_or(|at| block.events.touchpoint[row] == at))
                    .count()
            })
            .sum();
        hits as f64
    };
    // Whose relation ended still sees advertisements and never clicks; that is a few percent.
    for place in [Touchpoint::Feed, Touchpoint::SearchAd, Touchpoint::ShortVideo] {
        let rate = count(b::CLICK, Some(place)) / count(b::EXPOSURE, Some(place));
        let planted = place.click_rate();
        assert!(rate < planted * 1.02 && rate > planted * 0.88, "{place:?} {rate} {planted}");
        let rate = count(b::VIEW, Some(place)) / count(b::CLICK, Some(place));
        assert!((rate - Rates::VIEW_AFTER_CLICK).abs() < 0.015, "{place:?} {rate}");
    }
    let rate = count(b::INTERACT, None) / count(b::WATCH, None);
    assert!((rate - Rates::INTERACT).abs() < 0.015, "{rate}");
    let rate = count(b::FAVORITE, None) / count(b::VIEW, None);
    assert!((rate - Rates::SIDE_STEPS[0]).abs() < 0.004, "{rate}");
    for behaviour in 1..=21 {
        assert!(count(behaviour, None) > 0.0, "no {behaviour}");
    }
}

#[test]
fn the_festival_lifts_purchases() {
    let market = market(20_000, 30, 600_000);
    let mut buys: HashMap<i32, HashSet<(u32, u32)>> = HashMap::new();
    let mut deposits = 0;
    let mut kept = 0;
    for block in all(&market, 2) {
        let events = &block.events;
        let mut paid = HashSet::new();
        for row in rows(events, b::BUY) {
            let order = (block.index, events.order[row]);
            buys.entry(events.day[row]).or_default().insert(order);
            paid.insert(events.order[row]);
        }
        for row in rows(events, b::DEPOSIT) {
            deposits += 1;
            kept += u32::from(paid.contains(&events.order[row]));
        }
    }
    let on = |text: &str| {
        let day = text.parse::<throng_query::date::Date>().unwrap();
        buys.get(&day.0).map_or(0, HashSet::len) as f64
    };
    let ordinary = (on("2017-09-09") + on("2017-09-16") + on("2017-09-23")) / 3.0;
    let festival = on("2017-11-11");
    assert!(festival > 8.0 * ordinary, "{festival} {ordinary}");
    assert!(on("2017-11-04") < ordinary, "carts wait during the presale");
    assert!(deposits > 300);
    let share = f64::from(kept) / f64::from(deposits);
    // A second deposit of the same relation is not kept.
    assert!(share > 0.75 && share < Rates::DEPOSIT_KEPT + 0.02, "{share}");
}

#[test]
fn refunds_never_exceed_their_orders() {
    let mut refunds = 0;
    for block in all(&market(10_000, 30, 300_000), 2) {
        let events = &block.events;
        let mut paid: HashMap<(u32, u32, u32), (i64, i32)> = HashMap::new();
        let key = |row: usize| (events.consumer[row], events.brand[row], events.order[row]);
        for row in rows(events, b::BUY) {
            assert_ne!(events.order[row], 0);
            let entry = paid.entry(key(row)).or_default();
            *entry = (entry.0 + events.amount[row], events.day[row]);
        }
        for row in rows(events, b::REFUND) {
            let (amount, day) = paid[&key(row)];
            assert!(events.amount[row] <= amount && events.day[row] > day);
            refunds += 1;
        }
    }
    assert!(refunds > 50);
}

#[test]
fn files_have_a_cell_for_each_column() {
    let market = market(300, 20, 5_000);
    let block = market.block(0);
    let mut text = String::new();
    market.write_events(&block, FileFormat::Csv, &mut text);
    let first = text.lines().next().unwrap();
    assert_eq!(text.lines().count(), 5_000);
    assert!(text.lines().all(|line| line.split(',').count() == 10), "{first}");
    text.clear();
    market.write_attributes(&block, FileFormat::Csv, &mut text);
    assert_eq!(text.lines().count(), 300);
    assert!(text.lines().all(|line| line.split(',').count() == 7));
    text.clear();
    market.write_events(&block, FileFormat::JsonLines, &mut text);
    market.write_attributes(&block, FileFormat::JsonLines, &mut text);
    for line in text.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object["consumer"].as_str().unwrap().starts_with('u'), "{line}");
    }
    assert!(
        market.brands().iter().all(|brand| !brand.name.contains([',', '"', '\\', '\n'])),
        "names are written as they are"
    );
}
