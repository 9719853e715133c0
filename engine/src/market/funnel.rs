//! What one consumer does at one brand: visits that run down a funnel, purchases and what follows.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "days, counts and amounts of a market are far below the limits of their types"
)]

use throng_storage::rows::EventColumns;

use super::brands::{Brand, Sector};
use super::calendar::{Calendar, Season};
use super::draw::Draw;
use super::people::Person;

/// Where a visit begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Touchpoint {
    /// An advertisement in a feed of recommendations.
    Feed,
    /// An advertisement beside search results.
    SearchAd,
    /// A banner.
    Display,
    /// An advertisement among short videos.
    ShortVideo,
    /// A live stream.
    Live,
    /// A search for the brand.
    Search,
    /// A search for a category.
    Category,
    /// The brand's shop.
    Shop,
    /// An article or a note about the brand.
    Content,
    /// The member centre.
    MemberCentre,
    /// A store in a street.
    Offline,
}

/// The planted rates: each is the chance of a step, given the step before.
#[derive(Debug)]
pub struct Rates;

/// The numbers of behaviours, as a store numbers them.
pub(crate) mod behaviour {
    pub(crate) const EXPOSURE: u16 = 1;
    pub(crate) const CLICK: u16 = 2;
    pub(crate) const VIEW: u16 = 3;
    pub(crate) const SEARCH: u16 = 4;
    pub(crate) const CATEGORY_SEARCH: u16 = 5;
    pub(crate) const FAVORITE: u16 = 6;
    pub(crate) const CART: u16 = 7;
    pub(crate) const BUY: u16 = 8;
    pub(crate) const REFUND: u16 = 9;
    pub(crate) const REVIEW_POSITIVE: u16 = 10;
    pub(crate) const INTERACT: u16 = 11;
    pub(crate) const COUPON: u16 = 12;
    pub(crate) const SHARE: u16 = 13;
    pub(crate) const SAMPLE: u16 = 14;
    pub(crate) const DEPOSIT: u16 = 15;
    pub(crate) const CONTENT: u16 = 16;
    pub(crate) const WATCH: u16 = 17;
    pub(crate) const JOIN: u16 = 18;
    pub(crate) const LEAVE: u16 = 19;
    pub(crate) const FOLLOW: u16 = 20;
    pub(crate) const UNFOLLOW: u16 = 21;
}

impl Touchpoint {
    /// All of them; position i has number i + 1 in a market's events.
    pub const ALL: [Self; 11] = [
        Self::Feed,
        Self::SearchAd,
        Self::Display,
        Self::ShortVideo,
        Self::Live,
        Self::Search,
        Self::Category,
        Self::Shop,
        Self::Content,
        Self::MemberCentre,
        Self::Offline,
    ];
    /// Those that campaigns pay for.
    pub const PAID: [Self; 5] =
        [Self::Feed, Self::SearchAd, Self::Display, Self::ShortVideo, Self::Live];
    /// The share of visits outside campaigns that begin at each.
    pub const SHARES: [f64; 11] =
        [0.26, 0.13, 0.12, 0.14, 0.08, 0.06, 0.05, 0.07, 0.05, 0.015, 0.025];

    /// As written in data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        [
            "feed",
            "search_ad",
            "display",
            "short_video",
            "live",
            "search",
            "category",
            "shop",
            "content",
            "member_centre",
            "offline",
        ][self as usize]
    }

    /// The chance that an advertisement seen here is clicked; 0 where there is none.
    #[must_use]
    pub const fn click_rate(self) -> f64 {
        match self {
            Self::Feed => 0.11,
            Self::SearchAd => 0.22,
            Self::Display => 0.04,
            Self::ShortVideo => 0.12,
            _ => 0.0,
        }
    }
}

impl Rates {
    /// A click leads to a view.
    pub const VIEW_AFTER_CLICK: f64 = 0.72;
    /// A visit without an advertisement leads to a view: live, search, category, shop, content,
    /// member centre, offline.
    pub const VIEW: [f64; 7] = [0.32, 0.78, 0.35, 1.0, 0.22, 0.40, 0.50];
    /// Somebody who watches also interacts.
    pub const INTERACT: f64 = 0.15;
    /// A visitor of a store takes a sample.
    pub const SAMPLE: f64 = 0.30;
    /// A visitor of the member centre takes a coupon.
    pub const COUPON_MEMBER: f64 = 0.50;
    /// A view leads to a favourite, a coupon, a share.
    pub const SIDE_STEPS: [f64; 3] = [0.05, 0.03, 0.008];
    /// A view makes a follower.
    pub const FOLLOW: f64 = 0.012;
    /// A view leads to the cart, times the consumer's taste for the brand.
    pub const CART: f64 = 0.16;
    /// A cart leads to a purchase on an ordinary day, times taste.
    pub const BUY: f64 = 0.30;
    /// Direct purchases during a presale, as a multiple.
    pub const BUY_IN_PRESALE: f64 = 0.35;
    /// During a presale, a cart leads to a deposit.
    pub const DEPOSIT: f64 = 0.20;
    /// A deposit is followed by the purchase on the festival's day.
    pub const DEPOSIT_KEPT: f64 = 0.93;
    /// A cart that waits during a presale is bought on the festival's day.
    pub const WAITED: f64 = 0.30;
    /// The part of the price that is paid as a deposit.
    pub const DEPOSIT_PART: f64 = 0.10;
    /// After a purchase: a positive review within 3 to 12 days.
    pub const REVIEW: f64 = 0.12;
    /// After a purchase: a refund within 1 to 14 days; on a festival's day
    /// [`Self::REFUND_FESTIVAL`].
    pub const REFUND: f64 = 0.05;
    /// See [`Self::REFUND`].
    pub const REFUND_FESTIVAL: f64 = 0.09;
    /// A refund is of the whole purchase; else of half.
    pub const REFUND_WHOLE: f64 = 0.70;
    /// After a purchase: becomes a member.
    pub const JOIN: f64 = 0.13;
    /// After a purchase: the relation ends; only advertisements still reach the consumer,
    /// unclicked.
    pub const LAPSE: f64 = 0.15;
    /// At a visit, a member leaves, a follower unfollows.
    pub const QUIT: [f64; 2] = [0.004, 0.006];
    /// The spread (sigma of a log-normal) of taste over the relations of a market.
    pub const TASTE: f64 = 0.5;
    /// Taste after the first purchase, as a multiple.
    pub const TASTE_OF_BUYERS: f64 = 1.6;
}

/// Where events go.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) events: EventColumns,
    /// Positions of exposures that led to nothing.
    pub(crate) idle: Vec<u32>,
    /// Orders so far; they are numbered from 1 within a block.
    pub(crate) orders: u32,
}

/// One event but for its relation.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    day: u32,
    second: u32,
    behaviour: u16,
    count: u32,
    touchpoint: u32,
    category: u32,
    item: u32,
    order: u32,
    amount: i64,
}

/// A purchase to come on a festival's day.
#[derive(Debug, Clone, Copy)]
struct Due {
    day: u32,
    order: u32,
    touchpoint: Touchpoint,
}

/// One consumer at one brand.
#[derive(Debug)]
pub(crate) struct Relation<'a> {
    pub(crate) consumer: u32,
    pub(crate) brand_id: u32,
    pub(crate) brand: &'a Brand,
    pub(crate) person: &'a Person,
    taste: f64,
    member: bool,
    follower: bool,
    lapsed: bool,
    bought: bool,
    product: (u32, u32),
    due: Option<Due>,
}

/// What a relation is played with.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    pub(crate) calendar: &'a Calendar,
    pub(crate) draw: &'a mut Draw,
    pub(crate) sink: &'a mut Sink,
}

/// The moment and place of a visit.
#[derive(Debug, Clone, Copy)]
struct Visit {
    day: u32,
    second: u32,
    touchpoint: Touchpoint,
}

impl<'a> Relation<'a> {
    pub(crate) fn new(
        consumer: u32,
        brand_id: u32,
        brand: &'a Brand,
        person: &'a Person,
        draw: &mut Draw,
    ) -> Self {
        Self {
            consumer,
            brand_id,
            brand,
            person,
            taste: draw.log_normal(Rates::TASTE),
            member: draw.chance(0.02),
            follower: draw.chance(0.02),
            lapsed: false,
            bought: false,
            product: (0, 0),
            due: None,
        }
    }

    /// Plays the visits, which are in the order of their days.
    pub(crate) fn run(&mut self, visits: &[(u32, Touchpoint)], play: &mut Play<'_>) {
        if self.member || self.follower {
            self.begin(visits, play);
        }
        for &(day, touchpoint) in visits {
            if self.due.is_some_and(|due| due.day <= day) {
                self.settle(play);
            }
            let second = play.calendar.draw_second(day, play.draw);
            self.visit(Visit { day, second, touchpoint }, play);
        }
        if self.due.is_some() {
            self.settle(play);
        }
    }

    /// Who was a member or a follower before the first visit is recorded as joining with it.
    fn begin(&self, visits: &[(u32, Touchpoint)], play: &mut Play<'_>) {
        let Some(&(day, _)) = visits.first() else { return };
        for (holds, behaviour) in
            [(self.member, behaviour::JOIN), (self.follower, behaviour::FOLLOW)]
        {
            if holds {
                self.emit(play, Row { day, behaviour, ..Row::default() });
            }
        }
    }

    fn emit(&self, play: &mut Play<'_>, row: Row) {
        let events = &mut play.sink.events;
        events.consumer.push(self.consumer);
        events.brand.push(self.brand_id);
        events.behaviour.push(row.behaviour);
        events.day.push(play.calendar.start().0 + row.day as i32);
        events.second.push(row.second.min(86_399));
        events.count.push(row.count.max(1));
        events.touchpoint.push(row.touchpoint);
        events.category.push(row.category);
        events.item.push(row.item);
        events.order.push(row.order);
        events.amount.push(row.amount);
    }

    /// A step of a visit.
    fn step(&self, play: &mut Play<'_>, visit: &mut Visit, behaviour: u16) {
        let touchpoint = visit.touchpoint as u32 + 1;
        let Visit { day, second, .. } = *visit;
        let row = Row { day, second, behaviour, touchpoint, ..Row::default() };
        self.emit(play, row);
        visit.second += 5 + play.draw.below(60);
    }

    /// A step that concerns the product looked at.
    fn step_on_product(&self, play: &mut Play<'_>, visit: &mut Visit, behaviour: u16, count: u32) {
        let (category, item) = self.product;
        let touchpoint = visit.touchpoint as u32 + 1;
        let Visit { day, second, .. } = *visit;
        let row =
            Row { day, second, behaviour, count, touchpoint, category, item, ..Row::default() };
        self.emit(play, row);
        visit.second += 5 + play.draw.below(90);
    }

    fn visit(&mut self, mut visit: Visit, play: &mut Play<'_>) {
        let click_rate = visit.touchpoint.click_rate();
        if self.lapsed || click_rate > 0.0 {
            self.step(play, &mut visit, behaviour::EXPOSURE);
            if self.lapsed || !play.draw.chance(click_rate) {
                play.sink.idle.push(play.sink.events.len() as u32 - 1);
                return;
            }
            self.step(play, &mut visit, behaviour::CLICK);
            if play.draw.chance(Rates::VIEW_AFTER_CLICK) {
                self.browse(visit, play);
            }
            return;
        }
        match visit.touchpoint {
            Touchpoint::Live => {
                self.step(play, &mut visit, behaviour::WATCH);
                if play.draw.chance(Rates::INTERACT) {
                    self.step(play, &mut visit, behaviour::INTERACT);
                }
            }
            Touchpoint::Search => self.step(play, &mut visit, behaviour::SEARCH),
            Touchpoint::Category => {
                self.choose(play.draw);
                self.step_on_product(play, &mut visit, behaviour::CATEGORY_SEARCH, 1);
            }
            Touchpoint::Content => self.step(play, &mut visit, behaviour::CONTENT),
            Touchpoint::MemberCentre if play.draw.chance(Rates::COUPON_MEMBER) => {
                self.step(play, &mut visit, behaviour::COUPON);
            }
            Touchpoint::Offline if play.draw.chance(Rates::SAMPLE) => {
                self.step(play, &mut visit, behaviour::SAMPLE);
            }
            _ => {}
        }
        let rate = Rates::VIEW[visit.touchpoint as usize - Touchpoint::Live as usize];
        if play.draw.chance(rate) {
            self.browse(visit, play);
        }
        self.quit(visit, play);
    }

    fn quit(&mut self, mut visit: Visit, play: &mut Play<'_>) {
        if self.member && play.draw.chance(Rates::QUIT[0]) {
            self.member = false;
            self.step(play, &mut visit, behaviour::LEAVE);
        }
        if self.follower && play.draw.chance(Rates::QUIT[1]) {
            self.follower = false;
            self.step(play, &mut visit, behaviour::UNFOLLOW);
        }
    }

    /// Picks a product of the brand: low numbers sell most.
    fn choose(&mut self, draw: &mut Draw) {
        let skew = draw.unit();
        let item = ((skew * skew * f64::from(self.brand.items)) as u32).min(self.brand.items - 1);
        let category = Sector::category(self.brand.sector, (item % 3) as usize);
        self.product = (category, self.brand.first_item + item);
    }

    fn browse(&mut self, mut visit: Visit, play: &mut Play<'_>) {
        self.choose(play.draw);
        let count = 1 + play.draw.geometric(0.75);
        self.step_on_product(play, &mut visit, behaviour::VIEW, count);
        let steps = [behaviour::FAVORITE, behaviour::COUPON, behaviour::SHARE];
        for (behaviour, rate) in steps.into_iter().zip(Rates::SIDE_STEPS) {
            if play.draw.chance(rate) {
                self.step_on_product(play, &mut visit, behaviour, 1);
            }
        }
        if !self.follower && play.draw.chance(Rates::FOLLOW) {
            self.follower = true;
            self.step(play, &mut visit, behaviour::FOLLOW);
        }
        if play.draw.chance(Rates::CART * self.taste) {
            self.step_on_product(play, &mut visit, behaviour::CART, 1);
            self.consider(visit, play);
        }
    }

    fn consider(&mut self, mut visit: Visit, play: &mut Play<'_>) {
        let buy = Rates::BUY * self.taste;
        match play.calendar.season(visit.day) {
            Season::Ordinary => {
                if play.draw.chance(buy) {
                    self.buy(visit, play, 0);
                }
            }
            Season::Day(festival) => {
                if play.draw.chance(buy * festival.conversion) {
                    self.buy(visit, play, 0);
                }
            }
            Season::Presale(festival) => {
                if play.draw.chance(buy * Rates::BUY_IN_PRESALE) {
                    return self.buy(visit, play, 0);
                }
                let day = play.calendar.offset(festival.day);
                let deposit = play.draw.chance(Rates::DEPOSIT);
                let order = if deposit { self.deposit(&mut visit, play) } else { 0 };
                let kept = if deposit { Rates::DEPOSIT_KEPT } else { Rates::WAITED };
                if self.due.is_none() && play.draw.chance(kept) {
                    let touchpoint = visit.touchpoint;
                    self.due = day.map(|day| Due { day, order, touchpoint });
                }
            }
        }
    }

    fn deposit(&self, visit: &mut Visit, play: &mut Play<'_>) -> u32 {
        play.sink.orders += 1;
        let order = play.sink.orders;
        let amount = round(self.price(play.draw) * Rates::DEPOSIT_PART);
        let (category, item) = self.product;
        let Visit { day, second, touchpoint } = *visit;
        let touchpoint = touchpoint as u32 + 1;
        let behaviour = behaviour::DEPOSIT;
        let count = 1;
        self.emit(
            play,
            Row { day, second, behaviour, count, touchpoint, category, item, order, amount },
        );
        order
    }

    /// Buys what was left for the festival.
    fn settle(&mut self, play: &mut Play<'_>) {
        let Some(due) = self.due.take() else { return };
        let second = play.calendar.draw_second(due.day, play.draw);
        let visit = Visit { day: due.day, second, touchpoint: due.touchpoint };
        self.buy(visit, play, due.order);
    }

    fn price(&self, draw: &mut Draw) -> f64 {
        let sector = Sector::ALL[self.brand.sector].price;
        sector * self.brand.premium * self.person.thrift * draw.log_normal(0.4)
    }

    /// A purchase and what follows from it. Order 0 makes a new one.
    fn buy(&mut self, visit: Visit, play: &mut Play<'_>, order: u32) {
        let order = if order == 0 {
            play.sink.orders += 1;
            play.sink.orders
        } else {
            order
        };
        let lines = 1 + play.draw.geometric(0.8).min(9);
        let Visit { day, second, touchpoint } = visit;
        let touchpoint = touchpoint as u32 + 1;
        let mut total = 0;
        for line in 0..lines {
            if line > 0 {
                self.choose(play.draw);
            }
            let (category, item) = self.product;
            let count = 1 + play.draw.geometric(0.85).min(9);
            let amount = round(self.price(play.draw)) * i64::from(count);
            total += amount;
            let behaviour = behaviour::BUY;
            self.emit(
                play,
                Row { day, second, behaviour, count, touchpoint, category, item, order, amount },
            );
        }
        if !self.bought {
            self.bought = true;
            self.taste *= Rates::TASTE_OF_BUYERS;
        }
        self.follow_up(visit, play, order, total);
    }

    fn follow_up(&mut self, mut visit: Visit, play: &mut Play<'_>, order: u32, total: i64) {
        let bought = visit.day;
        let festival = matches!(play.calendar.season(bought), Season::Day(_));
        if !self.member && play.draw.chance(Rates::JOIN) {
            self.member = true;
            visit.second += 60;
            self.step(play, &mut visit, behaviour::JOIN);
        }
        let later = |from, days, play: &mut Play<'_>| {
            let day = bought + from + play.draw.below(days);
            let second = play.calendar.draw_second(day, play.draw);
            (day < play.calendar.days()).then_some((day, second))
        };
        let refund = if festival { Rates::REFUND_FESTIVAL } else { Rates::REFUND };
        let (category, item) = self.product;
        if play.draw.chance(refund) {
            let whole = play.draw.chance(Rates::REFUND_WHOLE);
            let amount = if whole { total } else { total / 2 };
            if let Some((day, second)) = later(1, 14, play) {
                let behaviour = behaviour::REFUND;
                let row = Row { day, second, behaviour, order, amount, ..Row::default() };
                self.emit(play, row);
            }
        } else if play.draw.chance(Rates::REVIEW)
            && let Some((day, second)) = later(3, 10, play)
        {
            let behaviour = behaviour::REVIEW_POSITIVE;
            self.emit(play, Row { day, second, behaviour, category, item, ..Row::default() });
        }
        self.lapsed = play.draw.chance(Rates::LAPSE);
    }
}

/// To whole tenths of the major unit, at least one.
fn round(amount: f64) -> i64 {
    ((amount / 10.0).round() as i64).max(1) * 10
}
