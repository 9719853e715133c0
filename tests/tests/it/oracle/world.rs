//! Random stores: who there is, what happened, and in which portions it is loaded.

use super::dice::Dice;
use super::events::Happenings;
use super::term::{Model, Term};

/// Days that the store accepts.
pub const DAY_MAX: i32 = 65_534;

/// Attributes of every world: name, index of the brand whose attribute it is, type.
pub const ATTRIBUTES: [(&str, Option<usize>, Kind); 9] = [
    ("city_tier", None, Kind::Integer),
    ("age", None, Kind::Text),
    ("power", None, Kind::Decimal),
    ("vip", None, Kind::Boolean),
    ("birthday", None, Kind::Date),
    ("level", Some(0), Kind::Text),
    ("score", Some(1), Kind::Integer),
    ("never loaded", None, Kind::Text),
    ("opted_in", Some(2), Kind::Boolean),
];

/// Digits after the point of a [`Kind::Decimal`].
pub const DECIMAL_SCALE: u8 = 2;
/// Indexes of touchpoints, categories, items.
pub const TOUCHPOINTS: [&str; 4] = ["live", "search_ad", "门店", "member centre"];
pub const CATEGORIES: [&str; 4] = ["skin care", "phones", "it's", "c4"];
pub const ITEMS: [&str; 6] = ["sku-1", "sku-2", "sku-3", "SKU-3", "商品", "sku 6"];
pub const BRANDS: [&str; 6] = ["estee", "oppo", "雅诗兰黛", "SK-II", "by \"quote\"", "quiet"];
/// Never has an event.
pub const QUIET_BRAND: usize = 5;

/// The type of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Decimal,
    Boolean,
    Date,
}

/// The value of an attribute: a number for everything but text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    Number(i64),
}

/// Something a consumer did.
#[derive(Clone, Debug)]
pub struct Event {
    pub person: usize,
    pub brand: usize,
    pub behaviour: &'static str,
    pub day: i32,
    pub second: u32,
    pub count: u32,
    pub amount: i64,
    pub touchpoint: Option<usize>,
    pub category: Option<usize>,
    pub item: Option<usize>,
    pub order: Option<u32>,
}

/// What is known of a consumer.
#[derive(Clone, Debug)]
pub struct Fact {
    pub person: usize,
    /// None: the consumer stands in the file, with empty cells only.
    pub value: Option<(usize, Cell)>,
}

/// A saved set.
#[derive(Clone, Debug)]
pub struct Audience {
    pub name: String,
    pub set: Term,
    /// `Some` when frozen, then perhaps as of a day.
    pub frozen: Option<Option<i32>>,
}

/// One portion of what makes a store.
#[derive(Clone, Debug)]
pub enum Portion {
    /// Keys of consumers that nothing is known of: they only move ids apart.
    Padding(u32),
    Bulk(Vec<Event>),
    /// Small batches through the log.
    Batches(Vec<Vec<Event>>),
    Facts(Vec<Fact>),
    /// Creates the brands, models and attributes.
    Definitions,
    Audience(usize),
    Checkpoint,
    /// Merges everything.
    Compact,
    Reopen,
    /// Forgets people, whoever of them is known.
    Forget(Vec<usize>),
    Delete(Deletion),
}

/// Events of a brand to delete.
#[derive(Clone, Debug)]
pub struct Deletion {
    pub brand: usize,
    /// All when empty.
    pub behaviours: Vec<&'static str>,
    pub first: i32,
    pub last: i32,
}

impl Portion {
    /// Whether it takes something out.
    pub fn is_erasure(&self) -> bool {
        matches!(self, Self::Forget(_) | Self::Delete(_))
    }

    /// The events of a portion.
    pub fn events(&self) -> Vec<&Event> {
        match self {
            Self::Bulk(events) => events.iter().collect(),
            Self::Batches(batches) => batches.iter().flatten().collect(),
            _ => Vec::new(),
        }
    }
}

/// Everything about a store, from one seed.
pub struct World {
    pub seed: u64,
    /// Identities as written.
    pub people: Vec<String>,
    /// Categories that make a brand's opportunity.
    pub targets: Vec<Vec<usize>>,
    pub models: Vec<Model>,
    pub audiences: Vec<Audience>,
    pub portions: Vec<Portion>,
    /// Days with something to see, ascending and distinct.
    pub days: Vec<i32>,
}

/// How large a world is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Some hundred consumers, their ids perhaps far apart.
    Small,
    /// Tens of thousands: chunks are dense, in arrays, bitsets and runs.
    Dense,
}

impl World {
    pub fn new(seed: u64, size: Size) -> Self {
        let mut dice = Dice::new(seed);
        let core = usize::try_from(dice.number(50..=400)).unwrap();
        let mut people: Vec<String> = (0..core).map(|i| identity(i, &mut dice)).collect();
        let mut happenings = Happenings::new(core, &mut dice);
        let mut events = happenings.all(&mut dice);
        let mut facts = facts(core, &mut dice);
        if size == Size::Dense {
            crowd(&mut people, &mut events, &mut facts, &happenings, &mut dice);
        }
        let mut days: Vec<i32> = events.iter().map(|event| event.day).collect();
        days.sort_unstable();
        days.dedup();
        let targets = (0..BRANDS.len()).map(|_| target(&mut dice)).collect();
        let models = vec![
            Model::aipl(),
            Model::aipl_quick(),
            Model::lifecycle(),
            Model::deeplink(),
            Model::random("mine", &mut dice, &days),
        ];
        let audiences = audiences(&mut dice, &days, &models);
        let portions = portions(events, facts, audiences.len(), &mut dice);
        Self { seed, people, targets, models, audiences, portions, days }
    }
}

fn identity(i: usize, dice: &mut Dice) -> String {
    match dice.index(5) {
        0 => format!("taobao:u{i}"),
        1 => format!("device:{:016x}", (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        2 => format!("顾客{i}"),
        _ => format!("u{i}"),
    }
}

fn target(dice: &mut Dice) -> Vec<usize> {
    if dice.chance(60) { dice.some(&[0, 1, 2, 3], 3) } else { Vec::new() }
}

fn facts(core: usize, dice: &mut Dice) -> Vec<Fact> {
    let count = if dice.chance(10) { 0 } else { core * 4 };
    (0..count)
        .map(|_| {
            let person = dice.index(core);
            let attribute = dice.index(ATTRIBUTES.len());
            let is_loaded = ATTRIBUTES[attribute].0 != "never loaded" && !dice.chance(3);
            let value = is_loaded.then(|| (attribute, cell(ATTRIBUTES[attribute].2, dice)));
            Fact { person, value }
        })
        .collect()
}

/// A value an attribute of this type may have.
pub fn cell(kind: Kind, dice: &mut Dice) -> Cell {
    match kind {
        Kind::Text => {
            Cell::Text((*dice.pick(&["18-24", "25-29", "30+", "it's", "金卡", ""])).to_owned())
        }
        .non_empty(),
        Kind::Integer if dice.chance(10) => Cell::Number(dice.number(-1_000_000..=1_000_000)),
        Kind::Integer => Cell::Number(dice.number(-2..=5)),
        Kind::Decimal if dice.chance(50) => Cell::Number(dice.number(0..=5) * 50),
        Kind::Decimal => Cell::Number(dice.number(-500..=100_000)),
        Kind::Boolean => Cell::Number(i64::from(dice.chance(30))),
        Kind::Date if dice.chance(10) => Cell::Number(dice.number(-20_000..=20_000)),
        Kind::Date => Cell::Number(dice.number(7_000..=7_030)),
    }
}

impl Cell {
    /// The number of a cell that is one.
    pub fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => panic!("{text} is no number"),
        }
    }

    /// An empty text would be an empty cell of a file, which says nothing.
    fn non_empty(self) -> Self {
        match self {
            Self::Text(text) if text.is_empty() => Self::Text("-".to_owned()),
            other => other,
        }
    }
}

/// Many consumers who each did little, so that lanes and values are dense in their chunks.
fn crowd(
    people: &mut Vec<String>,
    events: &mut Vec<Event>,
    facts: &mut Vec<Fact>,
    happenings: &Happenings,
    dice: &mut Dice,
) {
    let first = people.len();
    let count = usize::try_from(dice.number(66_000..=75_000)).unwrap();
    people.extend((0..count).map(|i| format!("crowd:{i}")));
    let day = happenings.day(dice);
    for person in first..first + count {
        let share = (person - first) * 100 / count;
        // A quarter did the same on one day (a run), a quarter is known by attributes only (half of
        // them alternately), the rest did something at random.
        if share < 25 {
            let mut event = happenings.plain(person, dice);
            event.brand = 0;
            event.behaviour = "exposure";
            event.day = day;
            events.push(event);
        } else if share < 50 {
            let value = Some((0, Cell::Number(i64::from(person % 2 == 0))));
            facts.push(Fact { person, value });
        } else if share < 98 {
            events.push(happenings.plain(person, dice));
        }
    }
}

fn audiences(dice: &mut Dice, days: &[i32], models: &[Model]) -> Vec<Audience> {
    let mut made: Vec<Audience> = Vec::new();
    for i in 0..4 {
        let set = Term::random(dice, days, models, &made, 2);
        let as_of = dice.chance(60).then(|| super::term::some_day(dice, days));
        let frozen = (i % 2 == 1).then_some(as_of);
        made.push(Audience {
            name: ["warm", "kept", "潜客", "all of it"][i].to_owned(),
            set,
            frozen,
        });
    }
    made
}

/// Cuts everything into portions, in an order of its own, with interruptions.
fn portions(
    events: Vec<Event>,
    facts: Vec<Fact>,
    audiences: usize,
    dice: &mut Dice,
) -> Vec<Portion> {
    let mut events = events;
    if dice.chance(50) {
        dice.shuffle(&mut events);
    } else {
        events.sort_by_key(|event| event.day);
    }
    let mut portions = Vec::new();
    let pieces = 1 + dice.index(5);
    for piece in cut(events, pieces) {
        // Tens of thousands of events are not for the log.
        if piece.len() > 3_000 || dice.chance(50) {
            portions.push(Portion::Bulk(piece));
        } else {
            let batches = 1 + piece.len() / usize::try_from(dice.number(1..=60)).unwrap();
            portions.push(Portion::Batches(cut(piece, batches.min(60))));
        }
    }
    let loads = 1 + dice.index(3);
    for piece in cut(facts, loads).into_iter().filter(|piece| !piece.is_empty()) {
        let at = dice.index(portions.len() + 1);
        portions.insert(at, Portion::Facts(piece));
    }
    for _ in 0..dice.index(6) {
        let padding = u32::try_from(dice.number(1..=90_000)).unwrap();
        let other =
            [Portion::Checkpoint, Portion::Reopen, Portion::Padding(padding), Portion::Compact];
        let at = dice.index(portions.len() + 1);
        portions.insert(at, dice.pick(&other).clone());
    }
    let middle = 1 + dice.index(portions.len());
    portions.insert(middle, Portion::Definitions);
    let mut at = middle;
    for audience in 0..audiences {
        at = at + 1 + dice.index(portions.len() - at);
        portions.insert(at, Portion::Audience(audience));
    }
    let known: Vec<Event> = portions.iter().flat_map(Portion::events).cloned().collect();
    for erasure in erasures(&known, dice) {
        // A deletion names its brand.
        let from = match erasure {
            Portion::Delete(_) => 1 + portions.iter().position(is_definitions).unwrap_or(0),
            _ => 0,
        };
        let at = from + dice.index(portions.len() + 1 - from);
        portions.insert(at, erasure);
    }
    portions
}

fn is_definitions(portion: &Portion) -> bool {
    matches!(portion, Portion::Definitions)
}

/// A few people to forget, and a few wrong loads: what some event names.
fn erasures(events: &[Event], dice: &mut Dice) -> Vec<Portion> {
    let mut erasures = Vec::new();
    for _ in 0..dice.index(4) {
        let people = (0..1 + dice.index(5)).map(|_| events[dice.index(events.len())].person);
        erasures.push(Portion::Forget(people.collect()));
    }
    for _ in 0..dice.index(3) {
        let (one, other) = (dice.index(events.len()), dice.index(events.len()));
        let (one, other) = (&events[one], &events[other]);
        let behaviours = if dice.chance(50) { vec![one.behaviour] } else { Vec::new() };
        let (first, last) = (one.day.min(other.day), one.day.max(other.day));
        erasures.push(Portion::Delete(Deletion { brand: one.brand, behaviours, first, last }));
    }
    erasures
}

fn cut<T>(list: Vec<T>, pieces: usize) -> Vec<Vec<T>> {
    let size = list.len().div_ceil(pieces).max(1);
    let mut list = list.into_iter().peekable();
    let mut cut = Vec::new();
    while list.peek().is_some() {
        cut.push(list.by_ref().take(size).collect());
    }
    cut
}
