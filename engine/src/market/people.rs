//! The consumers of a market: attributes that hang together, and how they shape behaviour.
#![expect(
    clippy::cast_possible_truncation,
    reason = "ages, years and days of registration are small"
)]

use throng_query::date::Date;

use super::draw::{Alias, Draw, Purpose};

/// An age band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgeBand {
    /// 18 to 24 years.
    From18,
    /// 25 to 29 years.
    From25,
    /// 30 to 34 years.
    From30,
    /// 35 to 39 years.
    From35,
    /// 40 to 49 years.
    From40,
    /// 50 years and more.
    From50,
}

/// A gender, as shops record it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gender {
    /// `female`
    Female,
    /// `male`
    Male,
}

/// How much somebody spends, in three classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpendingPower {
    /// `low`
    Low,
    /// `middle`
    Middle,
    /// `high`
    High,
}

/// One consumer, as they are; what a shop knows of them is in [`Person::known_age`] and so on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Person {
    /// Age band at the market's first day.
    pub age: AgeBand,
    /// Gender.
    pub gender: Gender,
    /// City tier, 1 (the largest cities) to 5.
    pub city_tier: u8,
    /// Spending power.
    pub power: SpendingPower,
    /// Year of birth.
    pub birth_year: i32,
    /// The day of registration, before the market's first day.
    pub registered: Date,
    /// Visits, as a multiple of the average consumer's median.
    pub activity: f64,
    /// Money per purchase, as a multiple of the brand's.
    pub thrift: f64,
    /// Which attributes the shop does not know.
    hidden: u8,
}

/// The consumers of one block.
#[derive(Debug, Clone, PartialEq)]
pub struct People {
    /// The number of the first one.
    pub first: u32,
    /// All of them.
    pub all: Vec<Person>,
}

impl AgeBand {
    /// All of them, youngest first.
    pub const ALL: [Self; 6] =
        [Self::From18, Self::From25, Self::From30, Self::From35, Self::From40, Self::From50];
    /// How common each one is.
    pub const SHARES: [f64; 6] = [0.24, 0.22, 0.19, 0.13, 0.13, 0.09];
    const YEARS: [(u32, u32); 6] = [(18, 7), (25, 5), (30, 5), (35, 5), (40, 10), (50, 25)];

    /// As written in data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["18-24", "25-29", "30-34", "35-39", "40-49", "50+"][self as usize]
    }
}

impl Gender {
    /// The share of women.
    pub const WOMEN: f64 = 0.54;

    /// As written in data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["female", "male"][self as usize]
    }
}

impl SpendingPower {
    /// All of them, lowest first.
    pub const ALL: [Self; 3] = [Self::Low, Self::Middle, Self::High];

    /// As written in data.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["low", "middle", "high"][self as usize]
    }

    /// Visits and money of these people, as multiples.
    #[must_use]
    pub const fn effect(self) -> (f64, f64) {
        [(0.8, 0.75), (1.0, 1.0), (1.3, 1.5)][self as usize]
    }
}

impl Person {
    /// How common each city tier is.
    pub const TIERS: [f64; 5] = [0.19, 0.24, 0.24, 0.19, 0.14];
    /// How often the shop does not know somebody's age (and year of birth).
    pub const AGE_UNKNOWN: f64 = 0.06;
    /// How often the shop does not know somebody's gender.
    pub const GENDER_UNKNOWN: f64 = 0.04;

    /// The age band, if the shop knows it.
    #[must_use]
    pub fn known_age(&self) -> Option<AgeBand> {
        (self.hidden & 1 == 0).then_some(self.age)
    }

    /// The year of birth, if the shop knows it.
    #[must_use]
    pub fn known_birth_year(&self) -> Option<i32> {
        (self.hidden & 1 == 0).then_some(self.birth_year)
    }

    /// The gender, if the shop knows it.
    #[must_use]
    pub fn known_gender(&self) -> Option<Gender> {
        (self.hidden & 2 == 0).then_some(self.gender)
    }
}

/// What is drawn from to make people.
#[derive(Debug, Clone)]
pub(crate) struct Census {
    ages: Alias,
    tiers: Alias,
    start: Date,
}

impl Census {
    pub(crate) fn new(start: Date) -> Self {
        Self { ages: Alias::new(&AgeBand::SHARES), tiers: Alias::new(&Person::TIERS), start }
    }

    /// The consumers `first..end`, each from a stream of their own.
    pub(crate) fn people(&self, seed: u64, first: u32, end: u32) -> People {
        let all = (first..end)
            .map(|number| self.person(&mut Draw::new(seed, Purpose::People, u64::from(number))))
            .collect();
        People { first, all }
    }

    fn person(&self, draw: &mut Draw) -> Person {
        let age = AgeBand::ALL[self.ages.draw(draw)];
        let gender = if draw.chance(Gender::WOMEN) { Gender::Female } else { Gender::Male };
        let city_tier = self.tiers.draw(draw) as u8 + 1;
        // Larger cities and the middle of life have more to spend.
        let earning = [-0.5, 0.1, 0.4, 0.5, 0.3, -0.2][age as usize];
        let score = draw.normal() + earning + 0.3 * (3.0 - f64::from(city_tier));
        let power = match score {
            s if s < -0.5 => SpendingPower::Low,
            s if s < 0.8 => SpendingPower::Middle,
            _ => SpendingPower::High,
        };
        let (youngest, years) = AgeBand::YEARS[age as usize];
        let old = (youngest + draw.below(years)) as i32;
        let (visits, money) = power.effect();
        let youth = [1.25, 1.15, 1.0, 0.9, 0.8, 0.6][age as usize];
        let registered = self.start.plus_days(-1 - draw.below(8 * 365) as i32);
        let hidden = u8::from(draw.chance(Person::AGE_UNKNOWN))
            | u8::from(draw.chance(Person::GENDER_UNKNOWN)) << 1;
        Person {
            age,
            gender,
            city_tier,
            power,
            birth_year: self.start.ymd().0 - old,
            registered: registered.max(Date(0)),
            activity: visits * youth * draw.log_normal(0.9),
            thrift: money * draw.log_normal(0.3),
            hidden,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Census, Gender, Person, SpendingPower};

    #[test]
    fn attributes_have_their_shares_and_hang_together() {
        let census = Census::new("2017-08-15".parse().unwrap());
        let people = census.people(5, 0, 50_000).all;
        let share = |test: &dyn Fn(&Person) -> bool| {
            f64::from(u32::try_from(people.iter().filter(|p| test(p)).count()).unwrap()) / 50_000.0
        };
        assert!((share(&|p| p.gender == Gender::Female) - 0.54).abs() < 0.01);
        assert!((share(&|p| p.known_age().is_none()) - 0.06).abs() < 0.005);
        assert!((share(&|p| p.city_tier == 1) - 0.19).abs() < 0.01);
        let rich = |tier: u8| {
            share(&|p| p.city_tier == tier && p.power == SpendingPower::High)
                / share(&|p| p.city_tier == tier)
        };
        assert!(rich(1) > 1.8 * rich(5), "{} {}", rich(1), rich(5));
        assert!(people.iter().all(|p| (1917..=1999).contains(&p.birth_year)));
        let busy = |power| {
            let of: Vec<f64> =
                people.iter().filter(|p| p.power == power).map(|p| p.activity).collect();
            of.iter().sum::<f64>() / f64::from(u32::try_from(of.len()).unwrap())
        };
        assert!(busy(SpendingPower::High) > 1.3 * busy(SpendingPower::Low));
    }

    #[test]
    fn a_person_does_not_depend_on_the_block() {
        let census = Census::new("2017-08-15".parse().unwrap());
        assert_eq!(census.people(5, 0, 100).all[40..60], census.people(5, 40, 60).all[..]);
    }
}
