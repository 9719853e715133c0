//! Sets as the oracle thinks of them, and how random ones are made.

use super::dice::Dice;
use super::events::OWN_BEHAVIOUR;
use super::world::{ATTRIBUTES, Audience, BRANDS, CATEGORIES, Cell, DAY_MAX, ITEMS, Kind, cell};

/// A condition on one consumer.
#[derive(Clone, Debug)]
pub enum Term {
    All,
    And(Vec<Term>),
    Or(Vec<Term>),
    Not(Box<Term>),
    Stage {
        brand: usize,
        model: String,
        stages: Vec<String>,
        /// By the events in these alone; by all when empty.
        categories: Vec<usize>,
        as_of: Option<i32>,
        negated: bool,
    },
    Did(Did),
    /// Net spend between two amounts, both included, as one of the language's comparisons.
    Spent {
        brand: Whose,
        rows: Rows,
        test: MoneyTest,
    },
    /// What was paid for a piece on average.
    Price {
        brand: Whose,
        rows: Rows,
        test: MoneyTest,
    },
    State {
        brand: Whose,
        /// Of [`STATES`].
        state: usize,
        negated: bool,
    },
    Attribute {
        attribute: usize,
        test: CellTest,
    },
    Audience(String),
    /// Those at the top of a ranking.
    Top(Top),
    Sample {
        per_million: u32,
        seed: u64,
    },
}

/// A state as it is written, the behaviours that begin it and those that end it.
type State = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The built-in states, and two that every store is given.
pub const STATES: [State; 4] = [
    ("MEMBER", &["join"], &["leave"]),
    ("FOLLOWER", &["follow"], &["unfollow"]),
    ("\"trying it\"", &["sample", "click", "view"], &["buy", "refund", OWN_BEHAVIOUR]),
    ("waiting", &["cart"], &["buy", "exposure"]),
];

/// Whose events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Brand(usize),
    Any,
    /// The brand whose stage is asked.
    Subject,
}

/// The top of those in `among`, or of the buyers.
#[derive(Clone, Debug)]
pub struct Top {
    pub per_million: u32,
    pub among: Option<Box<Term>>,
    /// `spend`, `frequency`, `recency` or `price`.
    pub by: &'static str,
    pub brand: Whose,
    pub rows: Rows,
}

/// Behaviour: empty behaviours stand for any.
#[derive(Clone, Debug)]
pub struct Did {
    pub brand: Whose,
    pub behaviours: Vec<&'static str>,
    pub often: Often,
    pub rows: Rows,
}

#[derive(Clone, Copy, Debug)]
pub enum Often {
    Once,
    Times(u32),
    Days(u32),
}

/// Which rows.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub window: Option<Window>,
    pub touchpoints: Vec<usize>,
    pub categories: Vec<usize>,
    /// The last index plus one stands for an item nobody ever saw.
    pub items: Vec<usize>,
    pub target_categories: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Window {
    Last(u32),
    Before(u32),
    Between(i32, i32),
    On(i32),
}

#[derive(Clone, Copy, Debug)]
pub enum MoneyTest {
    Compare(&'static str, i64),
    Between(i64, i64),
}

#[derive(Clone, Debug)]
pub enum CellTest {
    Compare(&'static str, Cell),
    In(Vec<Cell>),
    NotIn(Vec<Cell>),
    Between(Cell, Cell),
    Unknown,
    Known,
}

/// A stage model: the first rule that holds wins.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: String,
    pub stages: Vec<(String, Term)>,
    pub is_built_in: bool,
}

const COMPARISONS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];

fn did(behaviours: &[&'static str], often: Often, last: Option<u32>) -> Term {
    let rows = Rows { window: last.map(Window::Last), ..Rows::default() };
    Term::Did(Did { brand: Whose::Subject, behaviours: behaviours.to_vec(), often, rows })
}

impl Model {
    /// The stages of the design's table, written down once more from there.
    pub fn aipl() -> Self {
        Self::built_in("aipl", false)
    }

    pub fn aipl_quick() -> Self {
        Self::built_in("aipl_quick", true)
    }

    /// The design's table, by who bought when.
    pub fn lifecycle() -> Self {
        let bought = |window| {
            let rows = Rows { window, ..Rows::default() };
            let (brand, behaviours) = (Whose::Subject, vec!["buy"]);
            Term::Did(Did { brand, behaviours, often: Often::Once, rows })
        };
        let within = |days| bought(Some(Window::Last(days)));
        let before = bought(Some(Window::Before(30)));
        let stages = vec![
            ("active".to_owned(), Term::And(vec![within(90), before])),
            ("new".to_owned(), within(30)),
            ("dormant".to_owned(), within(365)),
            ("lost".to_owned(), bought(None)),
            ("prospect".to_owned(), did(&[], Often::Once, None)),
        ];
        Self { name: "lifecycle".to_owned(), stages, is_built_in: true }
    }

    /// Refines aipl: as the first rule that holds wins, who is in I is in neither L nor P.
    pub fn deeplink() -> Self {
        let aipl = Self::aipl();
        let rule = |place: usize| aipl.stages[place].1.clone();
        let and = |place, term| Term::And(vec![rule(place), term]);
        let state = |state| Term::State { brand: Whose::Subject, state, negated: false };
        let told = ["share", "interact", "coupon", "sample", "search"];
        let enthused = vec![state(0), state(1), did(&told, Often::Once, Some(15))];
        let wanted = did(&["cart", "favorite", "deposit"], Often::Once, Some(15));
        let praised = did(&["review_positive", "share"], Often::Once, Some(365));
        let spends = Term::Top(Top {
            per_million: 200_000,
            among: Some(Box::new(rule(0))),
            by: "spend",
            brand: Whose::Subject,
            rows: Rows { window: Some(Window::Last(365)), ..Rows::default() },
        });
        let keen = Term::Or(vec![praised, Term::And(vec![state(0), spends])]);
        let stages = vec![
            ("keen".to_owned(), and(0, keen)),
            ("numerous".to_owned(), rule(0)),
            ("initial".to_owned(), rule(1)),
            ("perform".to_owned(), and(2, wanted)),
            ("enthuse".to_owned(), and(2, Term::Or(enthused))),
            ("engage".to_owned(), rule(2)),
            ("discover".to_owned(), rule(3)),
        ];
        Self { name: "deeplink".to_owned(), stages, is_built_in: true }
    }

    fn built_in(name: &str, quick: bool) -> Self {
        let mut interest =
            vec!["search", "favorite", "cart", "interact", "coupon", "share", "sample", "deposit"];
        let mut awareness = vec!["exposure", "content", "watch", "category_search", "view"];
        if quick { &mut interest } else { &mut awareness }.push("click");
        let state = |state| Term::State { brand: Whose::Subject, state, negated: false };
        let rows =
            Rows { window: Some(Window::Last(30)), target_categories: true, ..Rows::default() };
        let opportunity = Did { brand: Whose::Any, behaviours: vec![], often: Often::Once, rows };
        let reviewed = vec![
            did(&["review_positive"], Often::Once, Some(365)),
            did(&["buy"], Often::Once, None),
        ];
        let loyalty = vec![did(&["buy"], Often::Days(2), Some(365)), Term::And(reviewed)];
        let interested = vec![
            state(0),
            state(1),
            did(&interest, Often::Once, Some(15)),
            did(&["view"], Often::Days(2), Some(15)),
        ];
        let stages = vec![
            ("L".to_owned(), Term::Or(loyalty)),
            ("P".to_owned(), did(&["buy"], Often::Once, Some(913))),
            ("I".to_owned(), Term::Or(interested)),
            ("A".to_owned(), did(&awareness, Often::Once, Some(15))),
            ("O".to_owned(), Term::Did(opportunity)),
        ];
        Self { name: name.to_owned(), stages, is_built_in: true }
    }

    pub fn random(name: &str, dice: &mut Dice, days: &[i32]) -> Self {
        let names = ["keen", "A", "lapsed one", "新客"];
        let count = 1 + dice.index(names.len());
        let maker = Maker { days, models: &[], audiences: &[], subject: true };
        let rule = |dice: &mut Dice| maker.term(dice, 2);
        let stages = names[..count].iter().map(|name| ((*name).to_owned(), rule(dice))).collect();
        Self { name: name.to_owned(), stages, is_built_in: false }
    }

    /// The stages' names, and `none` behind them.
    pub fn stage_names(&self) -> Vec<String> {
        let names = self.stages.iter().map(|(name, _)| name.clone());
        names.chain(["none".to_owned()]).collect()
    }
}

/// A day to ask about: on the edges of windows that end or begin with an event, often.
pub fn some_day(dice: &mut Dice, days: &[i32]) -> i32 {
    let day = if days.is_empty() { 0 } else { *dice.pick(days) };
    let shift = match dice.index(8) {
        0 => 0,
        1 => *dice.pick(&[-1, 1, 2]),
        2 | 3 => *dice.pick(&[14, 15, 16, 29, 30, 31]),
        4 => *dice.pick(&[364, 365, 912, 913, 914]),
        5 => i32::try_from(dice.number(-60..=60)).unwrap(),
        6 => *dice.pick(&[6, 7, 10_000, -10_000]),
        _ => i32::try_from(dice.number(-10..=10)).unwrap(),
    };
    (day + shift).clamp(-5, DAY_MAX + 500)
}

/// Mostly all of them.
pub fn some_categories(dice: &mut Dice) -> Vec<usize> {
    if dice.chance(75) { Vec::new() } else { dice.some(&[0, 1, 2, 3], 2) }
}

struct Maker<'a> {
    days: &'a [i32],
    models: &'a [Model],
    audiences: &'a [Audience],
    subject: bool,
}

impl Term {
    pub fn random(
        dice: &mut Dice,
        days: &[i32],
        models: &[Model],
        audiences: &[Audience],
        depth: usize,
    ) -> Self {
        Maker { days, models, audiences, subject: false }.term(dice, depth)
    }

    /// The terms one step simpler than this one.
    pub fn simpler(&self) -> Vec<Self> {
        match self {
            Self::And(parts) | Self::Or(parts) => {
                let mut found = parts.clone();
                for i in 0..parts.len() {
                    for part in parts[i].simpler() {
                        let mut changed = parts.clone();
                        changed[i] = part;
                        found.push(self.with_parts(changed));
                    }
                    if parts.len() > 2 {
                        let mut fewer = parts.clone();
                        fewer.remove(i);
                        found.push(self.with_parts(fewer));
                    }
                }
                found
            }
            Self::Not(inner) => {
                let mut found = vec![(**inner).clone()];
                found.extend(inner.simpler().into_iter().map(|term| Self::Not(Box::new(term))));
                found
            }
            Self::Did(did) => {
                let often = Did { often: Often::Once, ..did.clone() };
                let rows = Did { rows: Rows::default(), ..did.clone() };
                let changed = [often, rows].into_iter().filter(|to| {
                    format!("{to:?}") != format!("{did:?}") && !did.rows.target_categories
                });
                changed.map(Self::Did).collect()
            }
            _ => Vec::new(),
        }
    }

    fn with_parts(&self, parts: Vec<Self>) -> Self {
        if matches!(self, Self::And(_)) { Self::And(parts) } else { Self::Or(parts) }
    }
}

impl Maker<'_> {
    fn term(&self, dice: &mut Dice, depth: usize) -> Term {
        if depth == 0 || dice.chance(35) {
            return self.leaf(dice);
        }
        let parts = |dice: &mut Dice| {
            (0..2 + dice.heavy(3)).map(|_| self.term(dice, depth - 1)).collect::<Vec<_>>()
        };
        match dice.index(5) {
            0 | 1 => Term::And(parts(dice)),
            2 | 3 => Term::Or(parts(dice)),
            _ => Term::Not(Box::new(self.term(dice, depth - 1))),
        }
    }

    fn leaf(&self, dice: &mut Dice) -> Term {
        let negated = dice.chance(20);
        if dice.chance(6) {
            return self.top(dice);
        }
        if self.subject {
            return match dice.index(8) {
                1 => attribute(dice, false),
                2 => sample(dice),
                0 => Term::State { brand: Whose::Subject, state: dice.index(4), negated },
                3 => self.spent(dice),
                _ => Term::Did(self.did(dice)),
            };
        }
        match dice.index(16) {
            0..=5 => Term::Did(self.did(dice)),
            6 => self.spent(dice),
            7 => self.priced(dice),
            8 => {
                let brand = Whose::Brand(dice.heavy(BRANDS.len()));
                Term::State { brand, state: dice.index(4), negated }
            }
            9 | 10 => attribute(dice, true),
            11 if !self.audiences.is_empty() => {
                Term::Audience(dice.pick(self.audiences).name.clone())
            }
            12 => sample(dice),
            13 if dice.chance(10) => Term::All,
            _ if !self.models.is_empty() => self.stage(dice, negated),
            _ => Term::Did(self.did(dice)),
        }
    }

    fn top(&self, dice: &mut Dice) -> Term {
        let among = dice.chance(60).then(|| Box::new(Term::Did(self.did(dice))));
        Term::Top(Top {
            per_million: *dice.pick(&[1, 100_000, 250_000, 333_333, 500_000, 1_000_000]),
            among,
            by: ["spend", "frequency", "recency", "price"][dice.index(4)],
            brand: self.whose(dice),
            rows: self.rows(dice),
        })
    }

    fn stage(&self, dice: &mut Dice, negated: bool) -> Term {
        let model = dice.pick(self.models);
        Term::Stage {
            brand: dice.heavy(BRANDS.len()),
            model: model.name.clone(),
            stages: dice.some(&model.stage_names(), 3),
            categories: some_categories(dice),
            as_of: dice.chance(25).then(|| some_day(dice, self.days)),
            negated,
        }
    }

    fn whose(&self, dice: &mut Dice) -> Whose {
        match dice.index(8) {
            0 => Whose::Any,
            _ if self.subject => Whose::Subject,
            _ => Whose::Brand(dice.heavy(BRANDS.len())),
        }
    }

    fn did(&self, dice: &mut Dice) -> Did {
        const NAMES: [&str; 21] = [
            "buy",
            "view",
            "exposure",
            "click",
            "search",
            "cart",
            "refund",
            "favorite",
            "join",
            "leave",
            "follow",
            "unfollow",
            "review_positive",
            "content",
            "watch",
            "interact",
            "coupon",
            "share",
            "sample",
            "deposit",
            OWN_BEHAVIOUR,
        ];
        let behaviours = match dice.index(8) {
            0 => Vec::new(),
            1 | 2 => dice.some(&NAMES, 6),
            _ => vec![NAMES[dice.heavy(NAMES.len())]],
        };
        let often = match dice.index(6) {
            0 => Often::Times(*dice.pick(&[1, 2, 2, 3, 4, 301, 1_000_000, 2_000_001])),
            1 | 2 => Often::Days(*dice.pick(&[1, 2, 2, 3, 5])),
            _ => Often::Once,
        };
        let brand = self.whose(dice);
        let mut rows = self.rows(dice);
        rows.target_categories = (self.subject || brand != Whose::Any) && dice.chance(8);
        Did { brand, behaviours, often, rows }
    }

    fn rows(&self, dice: &mut Dice) -> Rows {
        let window = match dice.index(8) {
            0..=3 => {
                let days = *dice.pick(&[1, 2, 7, 15, 15, 30, 64, 65, 365, 913, 60_000]);
                Some(if dice.chance(20) { Window::Before(days) } else { Window::Last(days) })
            }
            4 => {
                let (a, b) = (some_day(dice, self.days), some_day(dice, self.days));
                Some(Window::Between(a.min(b), a.max(b)))
            }
            5 if dice.chance(50) => Some(Window::On(some_day(dice, self.days))),
            _ => None,
        };
        let list = |dice: &mut Dice, percent, length: usize| {
            let all: Vec<usize> = (0..length).collect();
            if dice.chance(percent) { dice.some(&all, 3) } else { Vec::new() }
        };
        Rows {
            window,
            touchpoints: list(dice, 15, 4),
            categories: list(dice, 15, CATEGORIES.len()),
            items: list(dice, 10, ITEMS.len() + 1),
            target_categories: false,
        }
    }

    fn priced(&self, dice: &mut Dice) -> Term {
        match self.spent(dice) {
            Term::Spent { brand, rows, test } => Term::Price { brand, rows, test },
            other => other,
        }
    }

    fn spent(&self, dice: &mut Dice) -> Term {
        let amount = |dice: &mut Dice| match dice.index(4) {
            0 => 0,
            1 => dice.number(-5_000..=5_000),
            _ => dice.number(0..=80_000),
        };
        let test = if dice.chance(15) {
            let (a, b) = (amount(dice), amount(dice));
            MoneyTest::Between(a.min(b), a.max(b))
        } else {
            MoneyTest::Compare(COMPARISONS[dice.index(6)], amount(dice))
        };
        Term::Spent { brand: self.whose(dice), rows: self.rows(dice), test }
    }
}

fn sample(dice: &mut Dice) -> Term {
    let per_million = *dice.pick(&[1, 1_000_000, 100_000, 500_000, 333_333, 5_000]);
    Term::Sample { per_million, seed: u64::try_from(dice.number(0..=9)).unwrap() }
}

/// A condition on an attribute; in a model's rule only on one of consumers.
fn attribute(dice: &mut Dice, of_brands: bool) -> Term {
    let usable = |i: &usize| of_brands || ATTRIBUTES[*i].1.is_none();
    let all: Vec<usize> = (0..ATTRIBUTES.len()).filter(usable).collect();
    let attribute = *dice.pick(&all);
    let kind = ATTRIBUTES[attribute].2;
    let ordered = !matches!(kind, Kind::Text | Kind::Boolean);
    let cells = |dice: &mut Dice| (0..1 + dice.index(3)).map(|_| cell(kind, dice)).collect();
    let test = match dice.index(8) {
        0 => CellTest::Unknown,
        1 => CellTest::Known,
        2 => CellTest::In(cells(dice)),
        3 => CellTest::NotIn(cells(dice)),
        4 if ordered => {
            let (a, b) = (cell(kind, dice), cell(kind, dice));
            if a.number() <= b.number() { CellTest::Between(a, b) } else { CellTest::Between(b, a) }
        }
        _ => {
            let known = if ordered { 6 } else { 2 };
            CellTest::Compare(COMPARISONS[dice.index(known)], cell(kind, dice))
        }
    };
    Term::Attribute { attribute, test }
}
