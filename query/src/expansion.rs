//! What the measures by name are made of: counts and sums of the language.
//!
//! One table: the engine runs it, SHOW MEASURES prints it.

use crate::builtin::{ASSET_STAGES, DEFAULT_MODEL, MEMBER};
use crate::date::Date;
use crate::plan::{
    AtLeast, BrandRef, Did, Figure, Grow, Measure, Named, NamedKind, Purchases, RowFilter, Set,
    Spend, Window,
};

/// Days in which a member who did something is thriving.
const THRIVING_DAYS: u32 = 180;
/// What a thriving member does.
const THRIVING: [&str; 4] = ["cart", "favorite", "coupon", "interact"];
/// Stages that a consumer can rise from.
const RISING: [&str; 3] = ["A", "I", "P"];

/// The sets that a measure counts as of a day, each within the statement's WHERE; none of GROW.
#[must_use]
pub fn counted(of: &Named, day: Date) -> Vec<Set> {
    let stages = |stages: &[&str], day: Option<Date>| stage(&of.brand, stages, day);
    match &of.kind {
        NamedKind::Fast { days } => {
            let mut sets = vec![fertile(&of.brand, *days, day)];
            sets.extend(risen(&of.brand, *days, day));
            let member = Set::State { brand: named(&of.brand), state: MEMBER.to_owned() };
            sets.push(member.clone());
            let active = Did {
                brand: named(&of.brand),
                behaviours: THRIVING.map(str::to_owned).to_vec(),
                at_least: AtLeast::Times(1),
                window: Window::LastDays(THRIVING_DAYS),
                rows: RowFilter::default(),
            };
            sets.push(Set::And(vec![member, Set::Did(active)]));
            sets
        }
        NamedKind::Deepening { days } => risen(&of.brand, *days, day),
        NamedKind::Reservoir => vec![stages(&["A", "I"], None), stages(&["P", "L"], None)],
        NamedKind::Penetration { window, rows } => {
            [named(&of.brand), BrandRef::Any].map(|brand| bought(brand, *window, rows)).to_vec()
        }
        NamedKind::Grow(_) => Vec::new(),
    }
}

/// What GROW counts and sums as of a day: of the period before and of the one asked about, buyers,
/// categories, days of categories, and money.
#[must_use]
pub fn grown(brand: &str, grow: &Grow, day: Date) -> Vec<(Measure, Option<Set>)> {
    let (before, period) = periods(grow, day);
    let mut parts = Vec::with_capacity(8);
    for (first, last) in [before, period] {
        let window = Window::Between(first, last);
        let spend = || Spend { brand: named(brand), window, rows: grow.rows.clone() };
        parts.push((Measure::Count, Some(bought(named(brand), window, &grow.rows))));
        for figure in [Figure::Categories, Figure::CategoryDays] {
            parts.push((Measure::Purchases(Purchases { figure, of: spend() }), None));
        }
        parts.push((Measure::Spend(spend()), None));
    }
    parts
}

/// The period that GROW compares with, and the one it is asked about.
#[must_use]
pub fn periods(grow: &Grow, day: Date) -> ((Date, Date), (Date, Date)) {
    let back = |day: Date, days: u32| Date(day.0.saturating_sub_unsigned(days));
    let (first, last) = match grow.period {
        Window::LastDays(days) => (back(day, days - 1), day),
        Window::Between(first, last) => (first, last),
        Window::Always | Window::BeforeLastDays(_) => (day, day),
    };
    let length = last.0.abs_diff(first.0) + 1;
    let before = grow.against.unwrap_or((back(first, length), back(first, 1)));
    (before, (first, last))
}

/// In A, I, P or L on any of the days that end with a day.
fn fertile(brand: &str, days: u32, day: Date) -> Set {
    let mut each: Vec<Set> = (0..days)
        .map(|back| Date(day.0.saturating_sub_unsigned(back)))
        .map(|day| stage(brand, &ASSET_STAGES, Some(day)))
        .collect();
    if each.len() == 1 { each.remove(0) } else { Set::Or(each) }
}

/// Those who are higher at a period's end than the day before it began, and whoever could be.
fn risen(brand: &str, days: u32, day: Date) -> Vec<Set> {
    let start = Date(day.0.saturating_sub_unsigned(days));
    let rise = |from: &str, to: &[&str]| {
        Set::And(vec![stage(brand, &[from], Some(start)), stage(brand, to, Some(day))])
    };
    let risen =
        Set::Or(vec![rise("A", &["I", "P", "L"]), rise("I", &["P", "L"]), rise("P", &["L"])]);
    vec![risen, stage(brand, &RISING, Some(start))]
}

fn named(brand: &str) -> BrandRef {
    BrandRef::Named(brand.to_owned())
}

fn stage(brand: &str, stages: &[&str], as_of: Option<Date>) -> Set {
    let stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
    let (model, categories) = (DEFAULT_MODEL.to_owned(), Vec::new());
    Set::Stage { brand: named(brand), model, stages, categories, as_of }
}

fn bought(brand: BrandRef, window: Window, rows: &RowFilter) -> Set {
    let behaviours = vec!["buy".to_owned()];
    Set::Did(Did { brand, behaviours, at_least: AtLeast::Times(1), window, rows: rows.clone() })
}

/// A number that has a name.
#[derive(Debug, Clone, Copy)]
pub struct MeasureEntry {
    /// Its name: the measure's, and the column's where it has several.
    pub name: &'static str,
    /// How it is asked.
    pub statement: &'static str,
    /// What it is made of, in the language. D is the as-of day, n the days of the period.
    pub definition: &'static str,
    /// Where the name, and where the formula, comes from.
    pub source: &'static str,
}

const FAST: &str = "FAST brand [IN LAST n DAYS]";
const GROW: &str = "GROW brand IN LAST n DAYS | BETWEEN a AND b [AGAINST BETWEEN c AND d]";
const FAST_SOURCE: &str = "Alibaba FAST (2018); the formula is ours";
const GROW_SOURCE: &str = "Alibaba GROW (2019); the split is Shapley's (1953)";

/// Every number that has a name, for SHOW MEASURES.
#[must_use]
pub fn measures() -> Vec<MeasureEntry> {
    let entry = |(name, statement, definition, source)| MeasureEntry {
        name,
        statement,
        definition,
        source,
    };
    let all = [
        (
            "fast.fertility",
            FAST,
            "COUNT WHERE brand.stage AS OF D IN (A, I, P, L) OR brand.stage AS OF D - 1 IN (A, I, \
             P, L) OR ..., one term for each of the n days",
            "Alibaba FAST (2018)",
        ),
        ("fast.advancing", FAST, "deepening, of the same days", FAST_SOURCE),
        ("fast.superiority", FAST, "COUNT WHERE brand IS MEMBER", "Alibaba FAST (2018)"),
        (
            "fast.thriving",
            FAST,
            "COUNT WHERE brand IS MEMBER AND brand DID (cart, favorite, coupon, interact) IN LAST \
             180 DAYS / COUNT WHERE brand IS MEMBER",
            "Alibaba FAST (2018)",
        ),
        (
            "deepening",
            "DEEPENING brand [IN LAST n DAYS]",
            "COUNT WHERE brand.moved(A TO (I, P, L), D - n, D) OR brand.moved(I TO (P, L), D - n, \
             D) OR brand.moved(P TO L, D - n, D) / COUNT WHERE brand.stage AS OF D - n IN \
             (A, I, P)",
            FAST_SOURCE,
        ),
        (
            "reservoir",
            "RESERVOIR brand",
            "COUNT WHERE brand.stage IN (A, I) / COUNT WHERE brand.stage IN (P, L)",
            "the data bank's aiPlRate; the formula follows its name",
        ),
        (
            "penetration",
            "PENETRATION brand [window] [filters]",
            "COUNT WHERE brand DID buy [window] [filters] / COUNT WHERE ANY BRAND DID buy [window] \
             [filters]",
            "common in market research",
        ),
        (
            "grow.penetration",
            GROW,
            "Shapley share of B = COUNT WHERE brand DID buy in the change of revenue = B x range x \
             frequency x price",
            GROW_SOURCE,
        ),
        ("grow.range", GROW, "the same of SUM brand.categories / B", GROW_SOURCE),
        (
            "grow.frequency",
            GROW,
            "the same of SUM brand.category_days / SUM brand.categories",
            GROW_SOURCE,
        ),
        (
            "grow.price",
            GROW,
            "the same of SUM brand.spend / SUM brand.category_days, and what rounding leaves",
            GROW_SOURCE,
        ),
    ];
    all.map(entry).to_vec()
}
