//! Invented brands: their names, sectors, sizes, prices and campaigns.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks, prices and days of a market are small"
)]

use std::collections::HashSet;

use super::draw::{Draw, Purpose};
use super::funnel::Touchpoint;
use super::people::{AgeBand, Gender, SpendingPower};

/// A line of business: its categories, and whom it attracts.
#[derive(Debug, PartialEq)]
pub struct Sector {
    /// Its name.
    pub name: &'static str,
    /// Its categories, which are the target categories of its brands.
    pub categories: [&'static str; 3],
    /// How much likelier women are than men to be drawn to it.
    pub women: f64,
    /// How likely each age band is drawn to it, relative to the others.
    pub ages: [f64; AgeBand::ALL.len()],
    /// The median price of an item, in minor units.
    pub price: f64,
}

/// One brand.
#[derive(Debug, Clone, PartialEq)]
pub struct Brand {
    /// Its name.
    pub name: String,
    /// Its line of business, an index into [`Sector::ALL`].
    pub sector: usize,
    /// How much it attracts, relative to the others; heavy-tailed.
    pub weight: f64,
    /// Prices as a multiple of the sector's.
    pub premium: f64,
    /// The number of its first item; items are numbered from 1 over all brands.
    pub first_item: u32,
    /// How many items it sells.
    pub items: u32,
    /// Its campaigns.
    pub campaigns: Vec<Campaign>,
}

/// A burst of advertising at one touchpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Campaign {
    /// Where.
    pub touchpoint: Touchpoint,
    /// The offset of its first day.
    pub first: u32,
    /// How many days.
    pub days: u32,
    /// The share of all the brand's visits that it makes.
    pub share: f64,
}

impl Sector {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::of(
            "beauty",
            ["skincare", "makeup", "fragrance"],
            4.0,
            [1.3, 1.4, 1.2, 0.9, 0.7, 0.4],
        )
        .costing(24_000.0),
        Self::of("digital", ["phones", "laptops", "audio"], 0.5, [1.3, 1.3, 1.1, 1.0, 0.8, 0.5])
            .costing(180_000.0),
        Self::of("baby", ["formula", "diapers", "maternity"], 2.2, [0.2, 1.2, 2.0, 1.4, 0.4, 0.3])
            .costing(16_000.0),
        Self::of("sports", ["running", "outdoor", "fitness"], 0.8, [1.5, 1.3, 1.0, 0.9, 0.8, 0.5])
            .costing(32_000.0),
        Self::of("food", ["snacks", "tea", "coffee"], 1.3, [1.1, 1.0, 1.0, 1.0, 1.0, 1.0])
            .costing(5_900.0),
        Self::of("home", ["kitchen", "air care", "laundry"], 1.0, [0.4, 0.8, 1.2, 1.4, 1.3, 1.1])
            .costing(69_000.0),
        Self::of(
            "fashion",
            ["womenswear", "menswear", "bags"],
            2.0,
            [1.5, 1.3, 1.0, 0.8, 0.7, 0.5],
        )
        .costing(26_000.0),
        Self::of("pets", ["cat food", "dog food", "pet care"], 1.5, [1.2, 1.5, 1.2, 0.9, 0.7, 0.4])
            .costing(8_900.0),
    ];

    const fn of(
        name: &'static str,
        categories: [&'static str; 3],
        women: f64,
        ages: [f64; AgeBand::ALL.len()],
    ) -> Self {
        Self { name, categories, women, ages, price: 0.0 }
    }

    const fn costing(mut self, price: f64) -> Self {
        self.price = price;
        self
    }

    /// The number of a category: categories are numbered from 1 over all sectors.
    #[must_use]
    pub const fn category(sector: usize, index: usize) -> u32 {
        (sector * 3 + index) as u32 + 1
    }

    /// The names of all categories, in the order of their numbers.
    #[must_use]
    pub fn category_names() -> Vec<&'static str> {
        Self::ALL.iter().flat_map(|sector| sector.categories).collect()
    }
}

/// The largest brands, with their sectors. The first five compete in beauty.
const LEADERS: [(&str, usize); 24] = [
    ("Aurelle", 0),
    ("澜禾", 0),
    ("Orbin", 1),
    ("Nordlys", 0),
    ("Maison Véra", 0),
    ("KV-9", 0),
    ("极屿", 1),
    ("小鹿满满", 2),
    ("Strada", 3),
    ("茶隐", 4),
    ("Hearthwell", 5),
    ("棠笙", 6),
    ("みなも堂", 0),
    ("Tavi & Rosk", 6),
    ("喵野", 7),
    ("Kalmar", 3),
    ("L'Onde", 0),
    ("沐岸", 5),
    ("Борея", 3),
    ("Früh & Gut", 4),
    ("Pixelor", 1),
    ("알로하린", 0),
    ("云栖里", 6),
    ("Pawmona", 7),
];

const HAN: [&str; 3] =
    ["澜云沐栀霁朔瑾岚鹿汀禾柒", "栖岸屿笙野棠昼隐溪白原月", "记里社坊集堂庄舍阁家"];
const LATIN: [[&str; 12]; 3] = [
    ["Aur", "Bel", "Cor", "Dal", "Fen", "Hav", "Jor", "Lum", "Nor", "Per", "Sol", "Zel"],
    ["a", "e", "i", "o", "ia", "ea", "an", "en", "or", "é", "ö", "å"],
    ["ne", "lle", "ris", "dys", "vik", "ta", "mo", "sse", "via", "rn", "wyn", "que"],
];

/// Makes the brands, the largest first.
pub(crate) fn make(seed: u64, count: u32, days: u32) -> Vec<Brand> {
    let mut names = HashSet::new();
    let mut first_item = 1;
    let mut brands = Vec::with_capacity(count as usize);
    for rank in 0..count {
        let mut draw = Draw::new(seed, Purpose::Brands, u64::from(rank));
        let (name, sector) = match LEADERS.get(rank as usize) {
            Some((name, sector)) => ((*name).to_owned(), *sector),
            None => (invent(&mut draw), draw.below(Sector::ALL.len() as u32) as usize),
        };
        let name = unique(name, &mut names);
        // Zipf's law with a flattened head, so that the leaders are comparable.
        let weight = draw.log_normal(0.15) / f64::from(rank + 4).powf(1.1);
        let items = ((4_000.0 * weight.sqrt()) as u32).max(12);
        brands.push(Brand {
            name,
            sector,
            weight,
            premium: draw.log_normal(0.5),
            first_item,
            items,
            campaigns: campaigns(&mut draw, days),
        });
        first_item += items;
    }
    brands
}

fn campaigns(draw: &mut Draw, days: u32) -> Vec<Campaign> {
    let count = draw.below(4);
    let mut out = Vec::new();
    for _ in 0..count {
        let length = (7 + draw.below(15)).min(days);
        let touchpoint = Touchpoint::PAID[draw.below(Touchpoint::PAID.len() as u32) as usize];
        let first = draw.below(days - length + 1);
        out.push(Campaign { touchpoint, first, days: length, share: 0.02 + 0.06 * draw.unit() });
    }
    out
}

fn invent(draw: &mut Draw) -> String {
    if draw.chance(0.4) {
        let mut name = String::new();
        for set in HAN {
            let count = set.chars().count() as u32;
            name.extend(set.chars().nth(draw.below(count) as usize));
        }
        return name;
    }
    let mut pick = |part: usize| LATIN[part][draw.below(12) as usize];
    let word = format!("{}{}{}", pick(0), pick(1), pick(2));
    match draw.below(8) {
        0 => format!("Maison {word}"),
        1 => format!("{word} & Co"),
        _ => word,
    }
}

/// The name, with a number when it is taken.
fn unique(name: String, names: &mut HashSet<String>) -> String {
    let mut candidate = name.clone();
    let mut number = 2;
    while !names.insert(candidate.clone()) {
        candidate = format!("{name} {number}");
        number += 1;
    }
    candidate
}

impl Brand {
    /// How much it draws such a person, relative to other brands.
    #[must_use]
    pub fn pull(&self, gender: Gender, age: AgeBand, power: SpendingPower) -> f64 {
        let sector = &Sector::ALL[self.sector];
        let by_gender = match gender {
            Gender::Female => sector.women.sqrt(),
            Gender::Male => 1.0 / sector.women.sqrt(),
        };
        // Dear brands draw those who spend, cheap ones those who save.
        let by_price = match power {
            SpendingPower::Low => 1.0 / self.premium,
            SpendingPower::Middle => 1.0,
            SpendingPower::High => self.premium,
        };
        self.weight * by_gender * sector.ages[age as usize] * by_price
    }
}

#[cfg(test)]
mod tests {
    use super::{Brand, HashSet, Sector, make};

    #[test]
    fn names_are_distinct_and_sizes_heavy_tailed() {
        let brands = make(1, 5_000, 120);
        let names: HashSet<&str> = brands.iter().map(|b| b.name.as_str()).collect();
        assert_eq!(names.len(), brands.len());
        let total: f64 = brands.iter().map(|b| b.weight).sum();
        let head: f64 = brands.iter().take(50).map(|b| b.weight).sum();
        assert!(head / total > 0.4, "{}", head / total);
        assert!(brands.iter().all(|b: &Brand| b.items >= 12 && b.sector < Sector::ALL.len()));
        assert!(brands.windows(2).all(|w| w[0].first_item + w[0].items == w[1].first_item));
    }

    #[test]
    fn campaigns_lie_within_the_days() {
        for days in [1, 5, 120] {
            for brand in make(3, 300, days) {
                for campaign in brand.campaigns {
                    assert!(campaign.first + campaign.days <= days && campaign.days > 0);
                }
            }
        }
    }

    #[test]
    fn a_brand_does_not_depend_on_how_many_there_are() {
        assert_eq!(make(9, 40, 100), make(9, 400, 100)[..40]);
    }
}
