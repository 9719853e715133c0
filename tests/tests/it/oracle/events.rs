//! Random histories: orders and their refunds, joining and leaving, repeats, ties.

use super::dice::Dice;
use super::world::{DAY_MAX, Event, QUIET_BRAND};

/// Behaviours besides those of orders and states, often ones first.
const BEHAVIOURS: [&str; 16] = [
    "view",
    "exposure",
    "click",
    "search",
    "cart",
    "favorite",
    "content",
    "watch",
    "review_positive",
    "category_search",
    "interact",
    "coupon",
    "share",
    "sample",
    "deposit",
    "try_on",
];

/// Not built in: a store has to be told of it.
pub const OWN_BEHAVIOUR: &str = "try_on";

/// How things happen in one world.
pub struct Happenings {
    people: usize,
    events: usize,
    first_day: i32,
    days: i32,
    seconds: Seconds,
    next_order: u32,
}

#[derive(Clone, Copy)]
enum Seconds {
    /// Day resolution.
    Midnight,
    /// Few different ones: ties.
    Few,
    Any,
}

impl Happenings {
    pub fn new(people: usize, dice: &mut Dice) -> Self {
        let days = *dice.pick(&[1, 20, 60, 400, 400, 1_200]);
        // Around 2016-02-29, 2000-02-29, a turn of the year, and both ends of what a store takes.
        let center = *dice.pick(&[16_860, 16_860, 11_016, 17_530, days / 2, DAY_MAX - days / 2]);
        let first_day = (center - days / 2).clamp(0, DAY_MAX - days);
        let events = usize::try_from(dice.number(200..=3_000)).unwrap();
        let seconds = *dice.pick(&[Seconds::Midnight, Seconds::Few, Seconds::Any]);
        Self { people, events, first_day, days, seconds, next_order: 1 }
    }

    pub fn all(&mut self, dice: &mut Dice) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < self.events {
            let person = dice.index(self.people);
            let from = events.len();
            match dice.index(10) {
                0 | 1 => self.purchase(person, dice, &mut events),
                2 => self.states(person, dice, &mut events),
                3 => self.burst(person, dice, &mut events),
                _ => events.push(self.plain(person, dice)),
            }
            if dice.chance(3) {
                let again = events[from].clone();
                events.push(again);
            }
        }
        events
    }

    pub fn day(&self, dice: &mut Dice) -> i32 {
        let last = self.first_day + self.days;
        let day = if dice.chance(5) {
            // Far from the rest: late data, or old.
            *dice.pick(&[0, DAY_MAX, self.first_day - 400, last + 1, last + 366])
        } else {
            self.first_day + i32::try_from(dice.index(usize::try_from(self.days).unwrap())).unwrap()
        };
        day.clamp(0, DAY_MAX)
    }

    fn second(&self, dice: &mut Dice) -> u32 {
        match self.seconds {
            Seconds::Midnight => 0,
            Seconds::Few => *dice.pick(&[0, 1, 43_200, 86_399]),
            Seconds::Any => u32::try_from(dice.number(0..=86_399)).unwrap(),
        }
    }

    /// One event of no particular kind.
    pub fn plain(&self, person: usize, dice: &mut Dice) -> Event {
        let behaviour = if dice.chance(8) {
            *dice.pick(&["buy", "refund", "join", "leave", "follow", "unfollow"])
        } else {
            BEHAVIOURS[dice.heavy(BEHAVIOURS.len())]
        };
        Event {
            person,
            brand: dice.heavy(QUIET_BRAND),
            behaviour,
            day: self.day(dice),
            second: self.second(dice),
            count: if dice.chance(85) { 1 } else { *dice.pick(&[2, 3, 5, 300, 1_000_000]) },
            amount: if dice.chance(20) { dice.number(0..=60_000) } else { 0 },
            touchpoint: dice.chance(40).then(|| dice.heavy(4)),
            category: dice.chance(50).then(|| dice.heavy(4)),
            item: dice.chance(40).then(|| dice.heavy(6)),
            order: None,
        }
    }

    /// A purchase of one or more rows, and what is given back of it.
    fn purchase(&mut self, person: usize, dice: &mut Dice, events: &mut Vec<Event>) {
        let order = self.next_order;
        self.next_order += 1;
        let mut total = 0;
        let template = self.plain(person, dice);
        for _ in 0..1 + dice.heavy(3) {
            let amount = if dice.chance(5) { 0 } else { dice.number(1..=50_000) };
            total += amount;
            let mut row = self.plain(person, dice);
            row.behaviour = "buy";
            row.brand = template.brand;
            row.day = if dice.chance(80) { template.day } else { row.day };
            row.amount = amount;
            row.order = (!dice.chance(15)).then_some(order);
            events.push(row);
        }
        if dice.chance(50) {
            return;
        }
        let parts = 1 + dice.heavy(3);
        for part in 0..parts {
            let mut row = self.plain(person, dice);
            row.behaviour = "refund";
            row.brand = template.brand;
            row.day =
                (template.day + i32::try_from(dice.number(-2..=40)).unwrap()).clamp(0, DAY_MAX);
            row.order = Some(order);
            let share = total / i64::try_from(parts).unwrap();
            let last = part + 1 == parts;
            row.amount = match dice.index(6) {
                0 => (share / 2).max(0),
                1 => share + 1,
                2 => (share - 1).max(0),
                _ if last => total - share * i64::try_from(part).unwrap(),
                _ => share,
            };
            match dice.index(20) {
                0 => row.order = None,
                1 => row.order = Some(order + 10_000),
                2 => row.brand = dice.index(QUIET_BRAND),
                3 => row.person = dice.index(self.people),
                _ => {}
            }
            events.push(row);
        }
    }

    /// Joins and leaves, often on one day and at one second.
    fn states(&mut self, person: usize, dice: &mut Dice, events: &mut Vec<Event>) {
        let pair = *dice.pick(&[["join", "leave"], ["follow", "unfollow"]]);
        let template = self.plain(person, dice);
        for _ in 0..1 + dice.index(4) {
            let mut row = self.plain(person, dice);
            row.brand = template.brand;
            row.behaviour = pair[dice.heavy(2)];
            if dice.chance(50) {
                row.day = template.day;
                if dice.chance(50) {
                    row.second = template.second;
                }
            }
            events.push(row);
        }
    }

    /// The same again and again: repeats on one day and on days that follow each other.
    fn burst(&mut self, person: usize, dice: &mut Dice, events: &mut Vec<Event>) {
        let template = self.plain(person, dice);
        for i in 0..2 + i32::try_from(dice.index(6)).unwrap() {
            let mut row = template.clone();
            if dice.chance(60) {
                row.day = (template.day + i).min(DAY_MAX);
            }
            events.push(row);
        }
    }
}
