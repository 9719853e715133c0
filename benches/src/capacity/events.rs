//! Events in the order of their days: the reference distribution (docs/benchmarks.md), any size.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "draws are scaled into ranges far below the limits of their types"
)]

use throng::market::REFERENCE_START;
use throng::market::reference_key;
use throng::storage::dictionary::KeyColumn;
use throng::storage::rows::EventColumns;

/// Events of a batch.
const BATCH: u64 = 1 << 17;
/// Events of one load at most, so that building its segments takes bounded memory.
const LOAD_EVENTS_MAX: u64 = 16_000_000;
/// Loads lie within the blocks that segments are aligned to.
const BLOCK_DAYS: u32 = 64;

/// Behaviours with their shares in percent, and the one that has amounts.
pub(super) const BEHAVIOURS: [(&str, u32); 8] = [
    ("exposure", 45),
    ("click", 15),
    ("view", 22),
    ("search", 4),
    ("favorite", 3),
    ("cart", 5),
    (BOUGHT, 5),
    ("review_positive", 1),
];
const BOUGHT: &str = "buy";

/// All events of a store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Events {
    pub(super) count: u64,
    pub(super) consumers: u64,
    pub(super) brands: u32,
    pub(super) days: u32,
}

/// Some events of one day with the identities of their consumers.
#[derive(Debug)]
pub(super) struct Batch {
    /// Without consumers; brands are numbered from 0, behaviours by their place in `BEHAVIOURS`.
    pub(super) events: EventColumns,
    pub(super) keys: KeyColumn,
}

/// Splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// Uniform within [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end)) as u32
    }
}

impl Events {
    /// Days of one load: a power of two, so that loads lie within blocks.
    fn load_days(&self) -> u32 {
        let mut days = BLOCK_DAYS;
        while days > 1 && self.count / u64::from(self.days) * u64::from(days) > LOAD_EVENTS_MAX {
            days /= 2;
        }
        days
    }

    /// The loads, each some days after the first.
    pub(super) fn loads(&self) -> Vec<std::ops::Range<u32>> {
        let length = self.load_days();
        let start = REFERENCE_START.0.unsigned_abs();
        let mut loads = Vec::new();
        let mut day = 0;
        while day < self.days {
            let end = ((start + day) / length + 1) * length - start;
            loads.push(day..end.min(self.days));
            day = end;
        }
        loads
    }

    /// Events of some days.
    pub(super) fn of_days(&self, days: &std::ops::Range<u32>) -> u64 {
        let before = |day: u32| self.count * u64::from(day) / u64::from(self.days);
        before(days.end) - before(days.start)
    }

    /// Calls `take` with the batches of some days, in their order, until it fails.
    pub(super) fn for_each<E>(
        &self,
        days: std::ops::Range<u32>,
        mut take: impl FnMut(Batch) -> Result<(), E>,
    ) -> Result<(), E> {
        for day in days {
            let count = self.of_days(&(day..day + 1));
            for first in (0..count).step_by(BATCH as usize) {
                let number = (u64::from(day) << 32) | (first / BATCH);
                take(self.batch(day, number, BATCH.min(count - first)))?;
            }
        }
        Ok(())
    }

    fn batch(&self, day: u32, number: u64, rows: u64) -> Batch {
        let mut draw = Draw(Draw(number ^ crate::SEED << 48).next());
        let (mut events, mut keys) = (EventColumns::default(), KeyColumn::default());
        for _ in 0..rows {
            let u = draw.unit();
            events.brand.push((f64::from(self.brands) * u * u * u) as u32);
            let u = draw.unit();
            let consumer = (self.consumers as f64 * u * u.sqrt()) as u32;
            keys.push(reference_key(consumer).as_bytes());
            events.day.push(REFERENCE_START.0 + day.cast_signed());
            let mut lot = draw.below(100);
            let place = BEHAVIOURS.iter().position(|(_, share)| {
                let here = lot < *share;
                lot = lot.saturating_sub(*share);
                here
            });
            let place = place.unwrap_or_default();
            events.behaviour.push(place as u16);
            let bought = BEHAVIOURS.get(place).is_some_and(|(name, _)| *name == BOUGHT);
            events.amount.push(if bought { 1000 + i64::from(draw.below(50_000)) } else { 0 });
        }
        Batch { events, keys }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::{BEHAVIOURS, Events};

    #[test]
    fn loads_have_every_day_once_and_lie_within_blocks() {
        for count in [1_000, 200_000, 1_000_000_000] {
            let events = Events { count, consumers: count / 10, brands: 10, days: 730 };
            let loads = events.loads();
            let days: Vec<u32> = loads.iter().cloned().flatten().collect();
            assert_eq!(days, (0..730).collect::<Vec<_>>());
            assert_eq!(loads.iter().map(|days| events.of_days(days)).sum::<u64>(), count);
            assert!(loads.iter().all(|days| {
                let block = |day: u32| (16_801 + day) / 64;
                block(days.start) == block(days.end - 1)
                    && (days.len() == 1 || events.of_days(days) <= super::LOAD_EVENTS_MAX)
            }));
        }
    }

    #[test]
    fn events_have_the_stated_distributions() {
        let all = Events { count: 300_000, consumers: 30_000, brands: 1_000, days: 10 };
        let (mut rows, mut bought, mut small, mut days) = (0, 0, 0, Vec::new());
        let done = all.for_each(0..10, |batch| {
            let events = &batch.events;
            assert_eq!(batch.keys.len(), events.brand.len());
            rows += events.brand.len();
            bought += events.amount.iter().filter(|amount| **amount >= 1_000).count();
            small += events.brand.iter().filter(|brand| **brand < 8).count();
            days.extend_from_slice(&events.day);
            assert!(events.behaviour.iter().all(|b| usize::from(*b) < BEHAVIOURS.len()));
            Ok::<(), Infallible>(())
        });
        assert_eq!(done, Ok(()));
        assert_eq!(rows, 300_000);
        assert!(days.is_sorted());
        // 5 percent are bought; P(brand < k of 1000) = (k / 1000)^(1/3).
        assert!((bought as f64 / 300_000.0 - 0.05).abs() < 0.003, "{bought}");
        assert!((small as f64 / 300_000.0 - 0.2).abs() < 0.005, "{small}");
    }
}
