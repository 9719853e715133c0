//! Which days are busy: the week, the seasons' shopping festivals, the hours of a day.
#![expect(
    clippy::cast_possible_truncation,
    reason = "days of a market and hours of a day are small"
)]

use throng_query::date::Date;

use super::draw::{Alias, Draw};

/// Relative number of visits from Monday to Sunday.
pub(crate) const WEEK: [f64; 7] = [0.94, 0.92, 0.93, 0.96, 1.02, 1.13, 1.10];

/// Relative number of visits per hour of an ordinary day.
const HOURS: [f64; 24] = [
    2.0, 1.0, 0.5, 0.3, 0.3, 0.5, 1.2, 2.4, 3.6, 4.6, 5.2, 5.0, 5.4, 5.2, 4.8, 4.8, 4.6, 4.4, 4.8,
    6.4, 8.2, 9.0, 7.8, 4.6,
];

/// A shopping festival.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Festival {
    /// The day itself.
    pub day: Date,
    /// The first day on which deposits are taken.
    pub presale: Date,
    /// Visits on the day, as a multiple of an ordinary day's.
    pub visits: f64,
    /// The chance that a cart becomes a purchase on the day, as a multiple of an ordinary day's.
    pub conversion: f64,
}

/// Where a day stands in the season.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Season {
    Ordinary,
    /// Deposits are taken, carts wait.
    Presale(Festival),
    Day(Festival),
}

/// The days of a market and how busy each one is.
#[derive(Debug, Clone)]
pub struct Calendar {
    start: Date,
    weights: Vec<f64>,
    festivals: Vec<Festival>,
    seasons: Vec<Season>,
    alias: Alias,
    hours: Alias,
}

impl Festival {
    /// 11 November: deposits from 20 October.
    pub const NOVEMBER: (f64, f64) = (4.0, 2.0);
    /// 18 June: deposits from 1 June.
    pub const JUNE: (f64, f64) = (2.2, 1.5);

    /// Every festival that touches the days from `start` to `end`.
    #[must_use]
    pub fn within(start: Date, end: Date) -> Vec<Self> {
        let mut out = Vec::new();
        for year in start.ymd().0..=end.ymd().0 {
            let dated = |month, day, first_month, first_day, (visits, conversion)| {
                let day = Date::from_ymd(year, month, day)?;
                let presale = Date::from_ymd(year, first_month, first_day)?;
                let touches = day.plus_days(7) >= start && presale <= end;
                touches.then_some(Self { day, presale, visits, conversion })
            };
            out.extend(dated(6, 18, 6, 1, Self::JUNE));
            out.extend(dated(11, 11, 10, 20, Self::NOVEMBER));
        }
        out
    }

    /// Visits on a day as a multiple of an ordinary day's: a rise towards the day, a peak, a slump.
    #[must_use]
    pub fn lift(&self, day: Date) -> f64 {
        let after = day.0 - self.day.0;
        match after {
            0 => self.visits,
            1 => 1.0 + (self.visits - 1.0) * 0.15,
            2..=7 => 0.75,
            -3..=-1 => 1.0 + (self.visits - 1.0) * 0.2 * f64::from(4 + after) / 3.0,
            _ if day == self.presale => 1.0 + (self.visits - 1.0) * 0.3,
            _ if day > self.presale && after < 0 => 1.15,
            _ => 1.0,
        }
    }
}

impl Calendar {
    pub(crate) fn new(start: Date, days: u32) -> Self {
        let end = start.plus_days(days as i32 - 1);
        let festivals = Festival::within(start, end);
        let (mut weights, mut seasons) = (Vec::new(), Vec::new());
        for offset in 0..days as i32 {
            let day = start.plus_days(offset);
            // 1970-01-01 was a Thursday.
            let weekday = (day.0 + 3).rem_euclid(7) as usize;
            let lift: f64 = festivals.iter().map(|f| f.lift(day)).product();
            weights.push(WEEK[weekday] * lift);
            seasons.push(match festivals.iter().find(|f| f.presale <= day && day <= f.day) {
                Some(festival) if festival.day == day => Season::Day(*festival),
                Some(festival) => Season::Presale(*festival),
                None => Season::Ordinary,
            });
        }
        let alias = Alias::new(&weights);
        Self { start, weights, festivals, seasons, alias, hours: Alias::new(&HOURS) }
    }

    /// The first day.
    #[must_use]
    pub fn start(&self) -> Date {
        self.start
    }

    /// How many days.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.weights.len() as u32
    }

    /// The festivals that touch these days.
    #[must_use]
    pub fn festivals(&self) -> &[Festival] {
        &self.festivals
    }

    /// How many visits fall on the day at this offset, relative to an ordinary one.
    #[must_use]
    pub fn weight(&self, offset: u32) -> f64 {
        self.weights.get(offset as usize).copied().unwrap_or(0.0)
    }

    /// The offset of a visit's day.
    pub(crate) fn draw_day(&self, draw: &mut Draw) -> u32 {
        self.alias.draw(draw) as u32
    }

    /// The second of a visit's start. On a festival's day, a fifth come in its first hour.
    pub(crate) fn draw_second(&self, day: u32, draw: &mut Draw) -> u32 {
        let hour = match self.season(day) {
            Season::Day(_) if draw.chance(0.2) => 0,
            _ => self.hours.draw(draw) as u32,
        };
        hour * 3600 + draw.below(3600)
    }

    pub(crate) fn season(&self, offset: u32) -> Season {
        self.seasons.get(offset as usize).copied().unwrap_or(Season::Ordinary)
    }

    /// The offset of a date, if it is one of the days.
    #[must_use]
    pub fn offset(&self, date: Date) -> Option<u32> {
        u32::try_from(date.0 - self.start.0).ok().filter(|&offset| offset < self.days())
    }
}

#[cfg(test)]
mod tests {
    use super::{Calendar, Date, Draw, Season};
    use crate::market::draw::Purpose;

    #[test]
    fn the_festival_peaks_on_its_day_and_slumps_after() {
        let start: Date = "2017-08-15".parse().unwrap();
        let calendar = Calendar::new(start, 120);
        let weight = |text: &str| calendar.weight(calendar.offset(text.parse().unwrap()).unwrap());
        // All Saturdays.
        assert!((weight("2017-11-11") / weight("2017-09-09") - 4.0).abs() < 1e-9);
        assert!((weight("2017-11-18") / weight("2017-09-09") - 0.75).abs() < 1e-9);
        assert!(weight("2017-11-10") > weight("2017-11-09"));
        assert_eq!(calendar.festivals().len(), 1);
        let season = |text: &str| calendar.season(calendar.offset(text.parse().unwrap()).unwrap());
        assert_eq!(season("2017-10-19"), Season::Ordinary);
        assert!(matches!(season("2017-10-20"), Season::Presale(_)));
        assert!(matches!(season("2017-11-11"), Season::Day(_)));
        assert_eq!(season("2017-11-12"), Season::Ordinary);
        assert_eq!(calendar.offset("2017-12-13".parse().unwrap()), None);
    }

    #[test]
    fn two_years_have_four_festivals() {
        let calendar = Calendar::new("2016-01-01".parse().unwrap(), 730);
        assert_eq!(calendar.festivals().len(), 4);
    }

    #[test]
    fn seconds_lie_within_the_day_and_follow_the_hours() {
        let calendar = Calendar::new("2017-11-10".parse().unwrap(), 2);
        let mut draw = Draw::new(1, Purpose::Visits, 0);
        let (mut evening, mut night, mut opening) = (0, 0, 0);
        for _ in 0..10_000 {
            let second = calendar.draw_second(0, &mut draw);
            assert!(second < 86_400);
            evening += u32::from((20 * 3600..22 * 3600).contains(&second));
            night += u32::from((3 * 3600..5 * 3600).contains(&second));
            opening += u32::from(calendar.draw_second(1, &mut draw) < 3600);
        }
        assert!(evening > 10 * night);
        assert!((1_900..2_500).contains(&opening), "{opening}");
    }
}
