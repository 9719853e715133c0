//! Reference data for measurements: events and sets of known, independent distributions.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "draws are scaled into ranges far below the limits of their types"
)]

use std::fmt::Write;

use throng_query::date::Date;
use throng_storage::rows::EventColumns;

use super::draw::{Draw, Purpose, mix};
use super::funnel::behaviour;
use super::generate::in_order;

/// Brands of the reference events.
pub const REFERENCE_BRANDS: u32 = 1000;
/// Consumers of the reference events.
pub const REFERENCE_CONSUMERS: u32 = 20_000_000;
/// Days of the reference events.
pub const REFERENCE_DAYS: u32 = 730;
/// Their first day, 2016-01-01.
pub const REFERENCE_START: Date = Date(16_801);
/// Characters of a consumer's key in the reference file.
pub const REFERENCE_KEY_BYTES: usize = 17;

/// Events of a batch.
const BATCH: u64 = 1 << 17;
/// Seconds that the reference file's times (UTC) lie before the days' own (UTC+8).
const ZONE_SECONDS: i64 = 8 * 3600;

/// Behaviours with their shares in percent.
const BEHAVIOURS: [(u16, &str, u32); 8] = [
    (behaviour::EXPOSURE, "exposure", 45),
    (behaviour::CLICK, "click", 15),
    (behaviour::VIEW, "view", 22),
    (behaviour::SEARCH, "search", 4),
    (behaviour::FAVORITE, "favorite", 3),
    (behaviour::CART, "cart", 5),
    (behaviour::BUY, "buy", 5),
    (behaviour::REVIEW_POSITIVE, "review_positive", 1),
];

/// Independent events: brand `floor(1000 u^3)`, consumer `floor(20 M u^1.5)`, day uniform over 730,
/// second uniform; behaviours of fixed shares; a buy's amount 10.00 to 509.99, uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceEvents {
    count: u64,
    seed: u64,
}

/// So many reference events.
#[must_use]
pub fn reference_events(count: u64, seed: u64) -> ReferenceEvents {
    ReferenceEvents { count, seed }
}

/// The key of a reference consumer: 17 characters without an order.
#[must_use]
pub fn reference_key(consumer: u32) -> String {
    format!("u{:016x}", mix(u64::from(consumer)))
}

impl ReferenceEvents {
    /// How many batches.
    #[must_use]
    pub fn batches(&self) -> u32 {
        self.count.div_ceil(BATCH) as u32
    }

    /// One batch. Consumers are numbered from 0, brands from 1, behaviours as in every store.
    #[must_use]
    pub fn batch(&self, index: u32) -> EventColumns {
        let mut draw = Draw::new(self.seed, Purpose::Events, u64::from(index));
        let rows = BATCH.min(self.count - u64::from(index) * BATCH) as usize;
        let mut events = EventColumns::default();
        for _ in 0..rows {
            let u = draw.unit();
            events.brand.push((f64::from(REFERENCE_BRANDS) * u * u * u) as u32 + 1);
            let u = draw.unit();
            events.consumer.push((f64::from(REFERENCE_CONSUMERS) * u * u.sqrt()) as u32);
            events.day.push(REFERENCE_START.0 + draw.below(REFERENCE_DAYS).cast_signed());
            events.second.push(draw.below(86_400));
            let mut lot = draw.below(100);
            let mut behaviour = 0;
            for (id, _, share) in BEHAVIOURS {
                behaviour = id;
                if lot < share {
                    break;
                }
                lot -= share;
            }
            events.behaviour.push(behaviour);
            let bought = behaviour == behaviour::BUY;
            events.amount.push(if bought { 1000 + i64::from(draw.below(50_000)) } else { 0 });
        }
        events
    }

    /// Makes all batches on some threads; `work` runs on them, `take` here, in the batches' order.
    ///
    /// # Errors
    /// The first error of `take`; nothing more is made then.
    pub fn for_each<T: Send, E>(
        &self,
        threads: usize,
        work: impl Fn(EventColumns) -> T + Sync,
        mut take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        in_order(self.batches(), threads, |index| work(self.batch(index)), &mut take)
    }

    /// The name of a brand.
    #[must_use]
    pub fn brand_name(brand: u32) -> String {
        format!("brand_{brand:04}")
    }

    /// The first line of the CSV form.
    pub const CSV_HEADER: &str = "consumer,brand,behaviour,time,amount\n";

    /// Adds a batch's CSV lines: consumers by their keys, times in unix seconds such that the day
    /// in UTC+8 is the batch's, amounts in major units for buys and empty for the rest.
    pub fn write_csv(events: &EventColumns, out: &mut String) {
        for row in 0..events.len() {
            let (day, second) = (i64::from(events.day[row]), i64::from(events.second[row]));
            let name = BEHAVIOURS
                .iter()
                .find(|(id, _, _)| *id == events.behaviour[row])
                .map_or("exposure", |(_, name, _)| name);
            let key = mix(u64::from(events.consumer[row]));
            let brand = events.brand[row];
            let time = day * 86_400 + second - ZONE_SECONDS;
            // Writing to a string cannot fail.
            let _ = write!(out, "u{key:016x},brand_{brand:04},{name},{time},");
            let amount = events.amount[row];
            if amount != 0 {
                let _ = write!(out, "{}.{:02}", amount / 100, amount % 100);
            }
            out.push('\n');
        }
    }
}

/// Independent random sets over many consumers.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferenceSets {
    consumers: u32,
    seed: u64,
    sets: Vec<(String, f64)>,
}

/// Twenty-six sets over so many consumers: six named ones of densities .03 .01 .02 .15 .20 .12,
/// and twenty of density .0005 x 400^(i/19).
#[must_use]
pub fn reference_sets(consumers: u32, seed: u64) -> ReferenceSets {
    let named =
        [("P1", 0.03), ("L1", 0.01), ("L2", 0.02), ("age3", 0.15), ("age4", 0.20), ("tier1", 0.12)];
    let mut sets: Vec<(String, f64)> =
        named.into_iter().map(|(name, density)| (name.to_owned(), density)).collect();
    for i in 0..20 {
        sets.push((format!("set{i:02}"), 0.0005 * 400_f64.powf(f64::from(i) / 19.0)));
    }
    ReferenceSets { consumers, seed, sets }
}

impl ReferenceSets {
    /// Names and densities, by set.
    #[must_use]
    pub fn sets(&self) -> &[(String, f64)] {
        &self.sets
    }

    /// How many consumers they are drawn from.
    #[must_use]
    pub fn consumers(&self) -> u32 {
        self.consumers
    }

    /// How many chunks of 2^16 consumers.
    #[must_use]
    pub fn chunks(&self) -> u32 {
        self.consumers.div_ceil(1 << 16)
    }

    /// The positions of a set's members in a chunk, ascending, replacing what `out` held.
    pub fn chunk(&self, set: usize, chunk: u32, out: &mut Vec<u16>) {
        out.clear();
        let Some((_, density)) = self.sets.get(set) else { return };
        let start = u64::from(chunk) << 16;
        let size = u64::from(self.consumers).saturating_sub(start).min(1 << 16);
        let stream = (set as u64) << 32 | u64::from(chunk);
        let mut draw = Draw::new(self.seed, Purpose::Set, stream);
        // The gaps between the members of an independent random set are geometric.
        let scale = (1.0 - density).ln();
        let mut position = 0_f64;
        loop {
            position += ((1.0 - draw.unit()).ln() / scale).floor();
            if position >= size as f64 {
                return;
            }
            out.push(position as u16);
            position += 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        BEHAVIOURS, REFERENCE_KEY_BYTES, ReferenceEvents, reference_events, reference_key,
        reference_sets,
    };

    #[test]
    fn events_have_the_stated_distributions() {
        let reference = reference_events(400_000, 1);
        let mut all = Vec::new();
        reference
            .for_each(
                3,
                |batch| batch,
                |batch| {
                    all.push(batch);
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
        let rows: usize = all.iter().map(|batch| batch.len()).sum();
        assert_eq!(rows, 400_000);
        let share = |test: &dyn Fn(&super::EventColumns, usize) -> bool| {
            let hits: usize =
                all.iter().map(|b| (0..b.len()).filter(|&row| test(b, row)).count()).sum();
            hits as f64 / 400_000.0
        };
        for (id, name, percent) in BEHAVIOURS {
            let found = share(&|b, row| b.behaviour[row] == id);
            assert!((found - f64::from(percent) / 100.0).abs() < 0.003, "{name} {found}");
        }
        // P(brand <= k of 1000) = (k / 1000)^(1/3); P(consumer < c of 20 M) = (c / 20 M)^(2/3).
        assert!((share(&|b, row| b.brand[row] <= 8) - 0.2).abs() < 0.003);
        assert!((share(&|b, row| b.consumer[row] < 2_500_000) - 0.25).abs() < 0.003);
        assert!((share(&|b, row| b.day[row] < 16_801 + 73) - 0.1).abs() < 0.003);
        assert!((share(&|b, row| b.amount[row] >= 26_000) - 0.025).abs() < 0.002);
        assert!(share(&|b, row| b.brand[row] == 0 || b.brand[row] > 1000) == 0.0);
    }

    #[test]
    fn the_file_reads_back() {
        assert_eq!(reference_key(7).len(), REFERENCE_KEY_BYTES);
        let events = reference_events(500, 3).batch(0);
        let mut text = String::new();
        ReferenceEvents::write_csv(&events, &mut text);
        for (row, line) in text.lines().enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells[0], reference_key(events.consumer[row]));
            assert_eq!(cells[1], ReferenceEvents::brand_name(events.brand[row]));
            let time: i64 = cells[3].parse().unwrap();
            assert_eq!((time + 8 * 3600).div_euclid(86_400), i64::from(events.day[row]));
            let cents = cells[4].replace('.', "");
            assert_eq!(cents.parse::<i64>().unwrap_or(0), events.amount[row]);
        }
        assert_eq!(text.lines().count(), 500);
    }

    #[test]
    fn sets_have_their_densities_and_end_with_the_consumers() {
        let sets = reference_sets(300_000, 1);
        assert_eq!(sets.sets().len(), 26);
        assert!((sets.sets()[25].1 - 0.2).abs() < 1e-9);
        let mut out = Vec::new();
        for (set, (name, density)) in sets.sets().iter().enumerate() {
            let mut count = 0;
            for chunk in 0..sets.chunks() {
                sets.chunk(set, chunk, &mut out);
                assert!(out.windows(2).all(|w| w[0] < w[1]));
                assert!(out.iter().all(|&p| chunk << 16 | u32::from(p) < 300_000));
                count += out.len();
            }
            let expected = 300_000.0 * density;
            assert!((count as f64 - expected).abs() < 6.0 * expected.sqrt(), "{name} {count}");
        }
    }
}
