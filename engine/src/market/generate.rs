//! Making a market: block by block, in order, on any number of threads.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "positions within a block and mean numbers of visits are small"
)]

use std::sync::mpsc;
use std::thread;

use throng_query::date::Date;
use throng_storage::rows::EventColumns;

use super::brands::{self, Brand};
use super::calendar::Calendar;
use super::draw::{Alias, Draw, Purpose};
use super::funnel::{Play, Relation, Sink, Touchpoint, behaviour};
use super::options::{MarketError, MarketOptions};
use super::people::{AgeBand, Census, Gender, People, Person, SpendingPower};

/// Consumers of a block, unless they have very many events.
const BLOCK_CONSUMERS: u64 = 4096;
/// Events of a block, unless one consumer has more.
const BLOCK_EVENTS: u64 = 250_000;
/// Brands that one consumer may have to do with.
const BRANDS_OF_ONE: u32 = 12;
/// The part of the events that visits are meant to make; exposures fill up the rest.
const PLAYED: f64 = 0.97;

/// A market that can be made, whole or in parts, as often as wanted.
#[derive(Debug)]
pub struct Market {
    options: MarketOptions,
    brands: Vec<Brand>,
    calendar: Calendar,
    census: Census,
    /// Brands by how much they draw each kind of person.
    pulls: Vec<Alias>,
    touchpoints: Alias,
    events_per_visit: f64,
    block_consumers: u32,
}

/// A run of consumers with all they did.
///
/// Numbers are the market's own: consumers from 0, brands by [`Market::brands`] from 1, behaviours
/// as a store has them, touchpoints by [`Touchpoint::ALL`] from 1, categories by
/// [`super::Sector::category_names`] from 1, items from 1; orders from 1 within the block.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketBlock {
    /// Which block.
    pub index: u32,
    /// The consumers.
    pub people: People,
    /// Their events: consumer by consumer, all columns filled.
    pub events: EventColumns,
    /// How many orders.
    pub orders: u32,
}

impl Market {
    /// Prepares a market; takes milliseconds.
    ///
    /// # Errors
    /// When the options are out of range.
    pub fn new(options: MarketOptions) -> Result<Self, MarketError> {
        options.check()?;
        let brands = brands::make(options.seed, options.brands, options.days);
        let mut pulls = Vec::new();
        for gender in [Gender::Female, Gender::Male] {
            for age in AgeBand::ALL {
                for power in SpendingPower::ALL {
                    let weights: Vec<f64> =
                        brands.iter().map(|brand| brand.pull(gender, age, power)).collect();
                    pulls.push(Alias::new(&weights));
                }
            }
        }
        let blocks = u64::from(options.consumers)
            .div_ceil(BLOCK_CONSUMERS)
            .max(options.events.div_ceil(BLOCK_EVENTS))
            .min(u64::from(options.consumers));
        let mut market = Self {
            calendar: Calendar::new(options.start, options.days),
            census: Census::new(options.start),
            touchpoints: Alias::new(&Touchpoint::SHARES),
            block_consumers: u64::from(options.consumers).div_ceil(blocks) as u32,
            events_per_visit: 1.5,
            options,
            brands,
            pulls,
        };
        market.calibrate();
        Ok(market)
    }

    /// The options it was made with.
    #[must_use]
    pub fn options(&self) -> &MarketOptions {
        &self.options
    }

    /// The brands; position i has number i + 1. The first ones are the largest.
    #[must_use]
    pub fn brands(&self) -> &[Brand] {
        &self.brands
    }

    /// The days and their festivals.
    #[must_use]
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// The last day.
    #[must_use]
    pub fn end(&self) -> Date {
        self.options.end()
    }

    /// How many blocks.
    #[must_use]
    pub fn blocks(&self) -> u32 {
        self.options.consumers.div_ceil(self.block_consumers)
    }

    /// Makes one block.
    #[must_use]
    pub fn block(&self, index: u32) -> MarketBlock {
        let blocks = u128::from(self.blocks());
        let until = |block: u32| {
            let share = u128::from(self.options.events) * u128::from(block) / blocks;
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let budget = (until(index + 1) - until(index)) as usize;
        let people = self.people(index);
        let (mut sink, relations) = self.play(index, &people, budget as f64 * PLAYED);
        if sink.events.len() < budget {
            self.fill(index, &relations, &people, budget, &mut sink);
        } else {
            trim(&mut sink, budget);
        }
        MarketBlock { index, people, events: sink.events, orders: sink.orders }
    }

    fn people(&self, index: u32) -> People {
        let first = index * self.block_consumers;
        let end = first.saturating_add(self.block_consumers).min(self.options.consumers);
        self.census.people(self.options.seed, first, end)
    }

    /// Finds out how many events a visit makes, by playing a few people.
    fn calibrate(&mut self) {
        let mut people = self.people(0);
        let all = people.all.len();
        people.all.truncate(2048);
        let per_person = self.options.events as f64 / f64::from(self.options.consumers);
        let target = per_person * people.all.len().min(all) as f64 * PLAYED;
        for _ in 0..3 {
            let (sink, _) = self.play(0, &people, target);
            if sink.events.len() < 200 {
                return;
            }
            self.events_per_visit *= sink.events.len() as f64 / target;
        }
    }

    /// Plays all visits of some people, meant to make so many events.
    fn play(&self, index: u32, people: &People, target: f64) -> (Sink, Vec<(u32, u32)>) {
        let mut draw = Draw::new(self.options.seed, Purpose::Visits, u64::from(index));
        let mut sink = Sink::default();
        let mut relations = Vec::new();
        let mut visits = Vec::new();
        let activity: f64 = people.all.iter().map(|person| person.activity).sum();
        let visits_per_activity = target / self.events_per_visit / activity;
        for (consumer, person) in (people.first..).zip(&people.all) {
            let (chosen, count) = self.choose_brands(person, &mut draw);
            // The k-th brand gets the k-th part of the visits of the first.
            let whole: f64 = (1..=count).map(|rank| 1.0 / rank as f64).sum();
            for (rank, &brand) in chosen.iter().take(count).enumerate() {
                let share = 1.0 / (rank + 1) as f64 / whole;
                relations.push((consumer, brand));
                let mean = person.activity * visits_per_activity * share;
                let number = draw.poisson(mean);
                if number == 0 {
                    continue;
                }
                let the_brand = &self.brands[brand as usize];
                visits.clear();
                visits.extend((0..number).map(|_| self.draw_visit(the_brand, &mut draw)));
                visits.sort_unstable();
                let mut relation = Relation::new(consumer, brand + 1, the_brand, person, &mut draw);
                let calendar = &self.calendar;
                relation.run(&visits, &mut Play { calendar, draw: &mut draw, sink: &mut sink });
            }
        }
        (sink, relations)
    }

    /// The brands somebody has to do with, dearest first.
    fn choose_brands(
        &self,
        person: &Person,
        draw: &mut Draw,
    ) -> ([u32; BRANDS_OF_ONE as usize], usize) {
        let kind = (person.gender as usize * AgeBand::ALL.len() + person.age as usize)
            * SpendingPower::ALL.len()
            + person.power as usize;
        let wanted = (1 + draw.poisson(2.2 * person.activity.sqrt())).min(BRANDS_OF_ONE);
        let mut chosen = [0; BRANDS_OF_ONE as usize];
        let mut count = 0;
        for _ in 0..wanted {
            let brand = self.pulls[kind].draw(draw) as u32;
            if !chosen[..count].contains(&brand) {
                chosen[count] = brand;
                count += 1;
            }
        }
        (chosen, count)
    }

    fn draw_visit(&self, brand: &Brand, draw: &mut Draw) -> (u32, Touchpoint) {
        let mut lot = draw.unit();
        for campaign in &brand.campaigns {
            lot -= campaign.share;
            if lot < 0.0 {
                return (campaign.first + draw.below(campaign.days), campaign.touchpoint);
            }
        }
        (self.calendar.draw_day(draw), Touchpoint::ALL[self.touchpoints.draw(draw)])
    }

    /// Adds exposures that lead to nothing until the budget is met.
    fn fill(
        &self,
        index: u32,
        relations: &[(u32, u32)],
        people: &People,
        budget: usize,
        sink: &mut Sink,
    ) {
        let mut draw = Draw::new(self.options.seed, Purpose::Filler, u64::from(index));
        let events = &mut sink.events;
        while events.len() < budget {
            let (consumer, brand) = if relations.is_empty() {
                (people.first, 0)
            } else {
                relations[draw.below(relations.len() as u32) as usize]
            };
            let day = self.calendar.draw_day(&mut draw);
            events.consumer.push(consumer);
            events.brand.push(brand + 1);
            events.behaviour.push(behaviour::EXPOSURE);
            events.day.push(self.options.start.0 + day.cast_signed());
            events.second.push(self.calendar.draw_second(day, &mut draw));
            events.count.push(1);
            events.touchpoint.push(Touchpoint::Display as u32 + 1);
            events.category.push(0);
            events.item.push(0);
            events.order.push(0);
            events.amount.push(0);
        }
    }

    /// Makes all blocks on some threads; `work` runs on them, `take` here, in the blocks' order.
    ///
    /// # Errors
    /// The first error of `take`; nothing more is made then.
    pub fn for_each<T: Send, E>(
        &self,
        threads: usize,
        work: impl Fn(MarketBlock) -> T + Sync,
        mut take: impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        in_order(self.blocks(), threads, |index| work(self.block(index)), &mut take)
    }
}

/// Makes the parts `0..count` on some threads and takes them here in their order. At most two
/// finished parts per thread wait, so that memory stays bounded.
pub(super) fn in_order<T: Send, E>(
    count: u32,
    threads: usize,
    make: impl Fn(u32) -> T + Sync,
    take: &mut dyn FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.clamp(1, 64);
    let make = &make;
    thread::scope(|scope| {
        let mut receivers = Vec::with_capacity(threads);
        for thread in 0..threads {
            let (sender, receiver) = mpsc::sync_channel(1);
            receivers.push(receiver);
            scope.spawn(move || {
                for index in (0..count).skip(thread).step_by(threads) {
                    // The taker has gone when it met an error.
                    if sender.send(make(index)).is_err() {
                        return;
                    }
                }
            });
        }
        for index in 0..count as usize {
            let Ok(part) = receivers[index % threads].recv() else { break };
            take(part)?;
        }
        Ok(())
    })
}

/// Removes events down to the budget: first exposures that led to nothing, evenly, then the last.
fn trim(sink: &mut Sink, budget: usize) {
    let events = &mut sink.events;
    let excess = events.len() - budget;
    if excess == 0 {
        return;
    }
    let mut keep = vec![true; events.len()];
    let removable = excess.min(sink.idle.len());
    for number in 0..removable {
        let position = sink.idle[number * sink.idle.len() / removable];
        keep[position as usize] = false;
    }
    let mut rest = excess - removable;
    for kept in keep.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        if *kept {
            *kept = false;
            rest -= 1;
        }
    }
    fn retain<T: Copy>(column: &mut Vec<T>, keep: &[bool]) {
        let mut flags = keep.iter();
        column.retain(|_| flags.next().is_some_and(|&kept| kept));
    }
    retain(&mut events.consumer, &keep);
    retain(&mut events.brand, &keep);
    retain(&mut events.behaviour, &keep);
    retain(&mut events.day, &keep);
    retain(&mut events.second, &keep);
    retain(&mut events.count, &keep);
    retain(&mut events.touchpoint, &keep);
    retain(&mut events.category, &keep);
    retain(&mut events.item, &keep);
    retain(&mut events.order, &keep);
    retain(&mut events.amount, &keep);
}
