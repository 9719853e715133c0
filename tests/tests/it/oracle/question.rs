//! Statements as the oracle thinks of them, how random ones are made and how they read.

use super::dice::Dice;
use super::term::{Did, Model, Often, Rows, Term, Whose, Window, some_categories, some_day};
use super::text;
use super::world::{ATTRIBUTES, Audience, BRANDS, Kind, World};

/// One statement.
#[derive(Clone, Debug)]
pub struct Question {
    pub measure: Measure,
    pub filter: Option<Term>,
    pub versus: Option<Term>,
    pub parts: Vec<Part>,
    pub dates: Dates,
    /// Columns from 0, and whether largest first.
    pub order: Vec<(usize, bool)>,
    pub limit: Option<usize>,
}

#[derive(Clone, Debug)]
pub enum Measure {
    Count,
    Spend { brand: Whose, rows: Rows },
    Sum { attribute: usize },
    Overlap { operands: Vec<Operand>, regions: bool },
    Profile,
}

#[derive(Clone, Debug)]
pub struct Operand {
    pub label: Option<String>,
    pub members: Members,
}

#[derive(Clone, Debug)]
pub enum Members {
    Brand(usize),
    Audience(String),
    Set(Term),
}

/// What BY divides consumers into.
#[derive(Clone, Debug)]
pub enum Part {
    Stage { brand: usize, model: String, categories: Vec<usize>, as_of: Option<i32> },
    Attribute(usize),
    Audience(String),
}

#[derive(Clone, Copy, Debug)]
pub enum Dates {
    Newest,
    AsOf(i32),
    Every { step: i32, unit: Unit, from: i32, to: i32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
}

struct Maker<'a> {
    days: &'a [i32],
    models: &'a [Model],
    audiences: &'a [Audience],
}

impl Question {
    pub fn random(dice: &mut Dice, world: &World) -> Self {
        let (models, audiences) = (&world.models, &world.audiences);
        Maker { days: &world.days, models, audiences }.question(dice)
    }

    /// Questions one step simpler than this one.
    pub fn simpler(&self) -> Vec<Self> {
        let mut found = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut copy = self.clone();
            change(&mut copy);
            found.push(copy);
        };
        if self.limit.is_some() {
            add(&|q| q.limit = None);
        }
        if !self.order.is_empty() {
            add(&|q| q.order.clear());
        }
        if self.order.is_empty() && self.filter.is_some() {
            add(&|q| q.filter = None);
        }
        if self.order.is_empty() && !matches!(self.measure, Measure::Profile) {
            for i in 0..self.parts.len() {
                add(&|q| drop(q.parts.remove(i)));
            }
        }
        if self.order.is_empty() && self.versus.is_some() {
            add(&|q| q.versus = None);
        }
        if let Dates::Every { from, .. } = self.dates
            && self.order.is_empty()
        {
            add(&|q| q.dates = Dates::AsOf(from));
        }
        for (i, term) in [&self.filter, &self.versus].into_iter().enumerate() {
            for simpler in term.iter().flat_map(Term::simpler) {
                add(&|q| {
                    *(if i == 0 { &mut q.filter } else { &mut q.versus }) = Some(simpler.clone())
                });
            }
        }
        found
    }

    /// In the words of the language.
    pub fn text(&self) -> String {
        let mut words = match &self.measure {
            Measure::Count => "COUNT".to_owned(),
            Measure::Spend { brand, rows } => {
                let brand = match brand {
                    Whose::Brand(index) => text::name(BRANDS[*index]),
                    _ => "ANY BRAND".to_owned(),
                };
                format!("SUM {brand}.spend{}", text::rows(rows))
            }
            Measure::Sum { attribute } => format!("SUM {}", text::attribute(*attribute)),
            Measure::Overlap { operands, regions } => {
                let operands: Vec<String> = operands.iter().map(Operand::text).collect();
                let regions = if *regions { " REGIONS" } else { "" };
                format!("OVERLAP {}{regions}", operands.join(", "))
            }
            Measure::Profile => "PROFILE".to_owned(),
        };
        if let Some(filter) = &self.filter {
            words += &format!(" WHERE {}", text::term(filter));
        }
        if let Some(versus) = &self.versus {
            words += &format!(" VERSUS {}", text::term(versus));
        }
        if !self.parts.is_empty() {
            let parts: Vec<String> = self.parts.iter().map(Part::text).collect();
            words += &format!(" BY {}", parts.join(", "));
        }
        match self.dates {
            Dates::Newest => {}
            Dates::AsOf(day) => words += &format!(" AS OF {}", text::day(day)),
            Dates::Every { step, unit, from, to } => {
                let unit = format!("{unit:?}").to_uppercase();
                let plural = if step == 1 { "" } else { "S" };
                let (from, to) = (text::day(from), text::day(to));
                words += &format!(" EVERY {step} {unit}{plural} FROM {from} TO {to}");
            }
        }
        if !self.order.is_empty() {
            let key = |(column, down): &(usize, bool)| {
                format!("{}{}", column + 1, if *down { " DESC" } else { "" })
            };
            let keys: Vec<String> = self.order.iter().map(key).collect();
            words += &format!(" ORDER BY {}", keys.join(", "));
        }
        if let Some(limit) = self.limit {
            words += &format!(" LIMIT {limit}");
        }
        words
    }
}

impl Operand {
    fn members(&self) -> String {
        match &self.members {
            Members::Brand(brand) => text::name(BRANDS[*brand]),
            Members::Audience(audience) => format!("AUDIENCE {}", text::name(audience)),
            Members::Set(term) => format!("({})", text::term(term)),
        }
    }

    fn text(&self) -> String {
        let label = self.label.as_ref();
        let label = label.map_or(String::new(), |label| format!(" AS {}", text::name(label)));
        format!("{}{label}", self.members())
    }

    /// What the answer calls it.
    pub fn shown(&self) -> String {
        match (&self.label, &self.members) {
            (Some(label), _) => label.clone(),
            (None, Members::Brand(brand)) => BRANDS[*brand].to_owned(),
            (None, Members::Audience(audience)) => audience.clone(),
            (None, Members::Set(Term::Audience(audience))) => audience.clone(),
            (None, Members::Set(term)) => text::term(term),
        }
    }
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::Stage { brand, model, categories, as_of } => {
                let stage = format!("{}{}", text::stage(*brand, model), text::within(categories));
                match as_of {
                    None => stage,
                    Some(day) => format!("({stage} AS OF {})", text::day(*day)),
                }
            }
            Self::Attribute(attribute) => text::attribute(*attribute),
            Self::Audience(audience) => format!("AUDIENCE {}", text::name(audience)),
        }
    }
}

impl Maker<'_> {
    fn question(&self, dice: &mut Dice) -> Question {
        if dice.chance(12) {
            return self.course(dice);
        }
        let measure = match dice.index(20) {
            0..=2 => self.spend(dice),
            3 => Measure::Sum { attribute: self.numeric(dice) },
            4..=6 => self.overlap(dice),
            7 | 8 => Measure::Profile,
            _ => Measure::Count,
        };
        let takes_parts = !matches!(measure, Measure::Overlap { .. });
        let is_profile = matches!(measure, Measure::Profile);
        let is_count = matches!(measure, Measure::Count);
        let filter = dice.chance(75).then(|| self.term(dice));
        let versus = ((is_count && dice.chance(15)) || (is_profile && dice.chance(60)))
            .then(|| self.term(dice));
        let parts = match (takes_parts, is_profile) {
            (false, _) => Vec::new(),
            (_, true) => (0..1 + dice.index(3)).map(|_| self.part(dice)).collect(),
            _ => (0..*dice.pick(&[0, 0, 1, 1, 1, 2, 2, 3])).map(|_| self.part(dice)).collect(),
        };
        let mut question = Question {
            measure,
            filter,
            versus,
            parts,
            dates: self.dates(dice),
            order: Vec::new(),
            limit: None,
        };
        let columns = question.columns();
        if dice.chance(20) {
            let columns: Vec<usize> = (0..columns).collect();
            let keys = dice.some(&columns, 2);
            question.order = keys.into_iter().map(|column| (column, dice.chance(50))).collect();
        }
        question.limit = dice.chance(15).then(|| dice.index(12));
        question
    }

    /// Many dates of conditions that read the same rows over windows of their own.
    fn course(&self, dice: &mut Dice) -> Question {
        let brand = Whose::Brand(dice.heavy(BRANDS.len()));
        let behaviours = vec![*dice.pick(&["buy", "view", "cart", "click"])];
        let mut did = || {
            let often = match dice.index(4) {
                0 => Often::Once,
                1 => Often::Times(2 + u32::try_from(dice.index(2)).unwrap()),
                _ => Often::Days(2 + u32::try_from(dice.index(3)).unwrap()),
            };
            let last = [None, Some(7), Some(30), Some(90), Some(365)];
            let window = dice.pick(&last).map(Window::Last);
            let rows = Rows { window, ..Rows::default() };
            Term::Did(Did { brand, behaviours: behaviours.clone(), often, rows })
        };
        let (first, second) = (did(), did());
        let filter = match dice.index(4) {
            0 => Term::Or(vec![first, second]),
            1 => Term::And(vec![first, Term::Not(Box::new(second))]),
            2 => Term::And(vec![first, second]),
            _ => first,
        };
        let measure = if dice.chance(30) { self.spend(dice) } else { Measure::Count };
        let from = some_day(dice, self.days);
        let step = i32::try_from(1 + dice.heavy(20)).unwrap();
        let count = i32::try_from(dice.number(2..=24)).unwrap();
        Question {
            measure,
            filter: Some(filter),
            versus: None,
            parts: if dice.chance(20) { vec![self.part(dice)] } else { Vec::new() },
            dates: Dates::Every { step, unit: Unit::Day, from, to: from + step * count },
            order: Vec::new(),
            limit: None,
        }
    }

    fn term(&self, dice: &mut Dice) -> Term {
        let depth = dice.index(4);
        Term::random(dice, self.days, self.models, self.audiences, depth)
    }

    fn dates(&self, dice: &mut Dice) -> Dates {
        match dice.index(12) {
            0 | 1 => Dates::Newest,
            2 => {
                let from = some_day(dice, self.days);
                let unit = *dice.pick(&[Unit::Day, Unit::Week, Unit::Month]);
                let step = i32::try_from(1 + dice.heavy(4)).unwrap();
                let length = match unit {
                    Unit::Day => 1,
                    Unit::Week => 7,
                    Unit::Month => 31,
                };
                let count = i32::try_from(dice.number(0..=4)).unwrap();
                let to = from + step * length * count + i32::try_from(dice.index(3)).unwrap();
                Dates::Every { step, unit, from, to }
            }
            _ => Dates::AsOf(some_day(dice, self.days)),
        }
    }

    fn part(&self, dice: &mut Dice) -> Part {
        match dice.index(8) {
            0..=3 => Part::Stage {
                brand: dice.heavy(BRANDS.len()),
                model: dice.pick(self.models).name.clone(),
                categories: some_categories(dice),
                as_of: dice.chance(40).then(|| some_day(dice, self.days)),
            },
            4 => Part::Audience(dice.pick(self.audiences).name.clone()),
            _ => Part::Attribute(dice.index(ATTRIBUTES.len())),
        }
    }

    fn numeric(&self, dice: &mut Dice) -> usize {
        let numeric = |i: &usize| matches!(ATTRIBUTES[*i].2, Kind::Integer | Kind::Decimal);
        let all: Vec<usize> = (0..ATTRIBUTES.len()).filter(numeric).collect();
        *dice.pick(&all)
    }

    fn spend(&self, dice: &mut Dice) -> Measure {
        let window = match dice.index(4) {
            0 => None,
            1 => Some(Window::On(some_day(dice, self.days))),
            2 => {
                let (a, b) = (some_day(dice, self.days), some_day(dice, self.days));
                Some(Window::Between(a.min(b), a.max(b)))
            }
            _ => Some(Window::Last(*dice.pick(&[1, 30, 365]))),
        };
        let touchpoints = if dice.chance(15) { vec![dice.index(4)] } else { Vec::new() };
        let items = if dice.chance(15) { vec![dice.index(7)] } else { Vec::new() };
        let brand =
            if dice.chance(15) { Whose::Any } else { Whose::Brand(dice.heavy(BRANDS.len())) };
        Measure::Spend { brand, rows: Rows { window, touchpoints, items, ..Rows::default() } }
    }

    fn overlap(&self, dice: &mut Dice) -> Measure {
        let regions = dice.chance(50);
        let count = 2 + dice.heavy(if regions { 4 } else { 6 });
        let mut operands: Vec<Operand> = (0..count).map(|i| self.operand(dice, i)).collect();
        // Labels of one statement differ.
        for i in 1..operands.len() {
            let shown = operands[i].shown();
            if operands[..i].iter().any(|other| other.shown() == shown) {
                operands[i].label = Some(format!("again {i}"));
            }
        }
        Measure::Overlap { operands, regions }
    }

    fn operand(&self, dice: &mut Dice, place: usize) -> Operand {
        let members = match dice.index(4) {
            0 | 1 => Members::Brand(dice.index(BRANDS.len())),
            2 => Members::Audience(dice.pick(self.audiences).name.clone()),
            _ => Members::Set(Term::random(dice, self.days, self.models, self.audiences, 1)),
        };
        Operand { label: Some(format!("set {place}")).filter(|_| dice.chance(70)), members }
    }
}

impl Question {
    fn columns(&self) -> usize {
        let every = usize::from(matches!(self.dates, Dates::Every { .. }));
        let columns = match &self.measure {
            Measure::Overlap { regions: true, .. } => 3,
            Measure::Overlap { regions: false, .. } => 7,
            Measure::Profile => 8,
            _ => self.parts.len() + 1 + usize::from(self.versus.is_some()),
        };
        every + columns
    }
}
