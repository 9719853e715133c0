//! A world, loaded into Throng portion by portion and told to SQLite alike.

use std::cell::RefCell;
use std::io::Cursor;
use std::ops::ControlFlow;

use tempfile::TempDir;
use throng::attribute::AttributeLoad;
use throng::import::{EventOptions, EventSource, NewBehaviours, load_events};
use throng::query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng::storage::dictionary::KeyColumn;
use throng::storage::names::NameTable;
use throng::storage::store::{BulkOptions, KeyTable, Outcome};
use throng::{CreateOptions, Database, Date, Event as Told, EventBatch, Value, When};

use super::events::OWN_BEHAVIOUR;
use super::sqlite::Twin;
use super::term::STATES;
use super::text;
use super::world::{
    ATTRIBUTES, BRANDS, CATEGORIES, Cell, DECIMAL_SCALE, Deletion, Event, Fact, ITEMS, Kind,
    Portion, TOUCHPOINTS, World,
};

const LOAD_MEMORY: usize = 1 << 26;

/// A store and its twin.
pub struct Pair<'w> {
    pub db: Database,
    pub twin: Twin<'w>,
    _dir: TempDir,
}

impl<'w> Pair<'w> {
    /// Loads everything.
    pub fn build(world: &'w World) -> Self {
        Self::build_with(world, &mut |_| {})
    }

    /// Loads everything, and calls `loaded` after each portion.
    pub fn build_with(world: &'w World, loaded: &mut dyn FnMut(&Database)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let twin = Twin::new(world);
        let ids = RefCell::new(vec![None; world.people.len()]);
        let loader = Loader { world, twin: &twin, ids, tokens: RefCell::default() };
        let mut db = Database::create(&path, &CreateOptions::default()).unwrap();
        db.query(&format!("CREATE BEHAVIOUR {OWN_BEHAVIOUR}")).unwrap();
        for (name, from, until) in &STATES[2..] {
            let (from, until) = (from.join(", "), until.join(", "));
            db.query(&format!("CREATE STATE {name} FROM {from} UNTIL {until}")).unwrap();
        }
        for portion in &world.portions {
            match portion {
                Portion::Reopen => {
                    drop(db);
                    db = Database::open(&path).unwrap();
                }
                other => loader.load(&db, other),
            }
            loaded(&db);
        }
        Self { db, twin, _dir: dir }
    }
}

struct Loader<'a, 'w> {
    world: &'w World,
    twin: &'a Twin<'w>,
    ids: RefCell<Vec<Option<u32>>>,
    tokens: RefCell<u64>,
}

impl Loader<'_, '_> {
    fn load(&self, db: &Database, portion: &Portion) {
        match portion {
            Portion::Padding(count) => pad(db, *count),
            Portion::Bulk(events) => {
                let name = "events.csv".to_owned();
                let reader = Box::new(Cursor::new(self.csv(events)));
                let options = EventOptions {
                    new_behaviours: NewBehaviours::Refuse,
                    memory: LOAD_MEMORY,
                    ..EventOptions::default()
                };
                let source = EventSource::Stream { name, reader };
                let report = load_events(db, source, &options, &mut |_| {});
                let report = report.unwrap_or_else(|e| panic!("seed {}: {e}", self.world.seed));
                assert_eq!(report.kept, events.len() as u64);
                self.twin.events(events, |person| self.id(db, person));
            }
            Portion::Batches(batches) => {
                batches.iter().for_each(|events| self.ingest(db, events));
            }
            Portion::Facts(facts) => self.facts(db, facts),
            Portion::Definitions => self.define(db),
            Portion::Audience(place) => self.audience(db, *place),
            Portion::Checkpoint => db.store().checkpoint().unwrap(),
            Portion::Compact => {
                let compacted = db.compact(&mut |_| ControlFlow::Continue(()));
                assert_eq!(compacted.unwrap().1, ControlFlow::Continue(()));
            }
            Portion::Forget(people) => self.forget(db, people),
            Portion::Delete(deletion) => self.delete(db, deletion),
            Portion::Reopen => unreachable!("the caller reopens"),
        }
    }

    /// The id that the store gave a consumer.
    fn id(&self, db: &Database, person: usize) -> u32 {
        let known = self.ids.borrow()[person];
        known.unwrap_or_else(|| {
            let key = self.world.people[person].strip_prefix("id:");
            let key = key.unwrap_or(&self.world.people[person]);
            let id = db.store().snapshot().id(KeyTable::Consumer, key.as_bytes());
            let id = id.unwrap().unwrap_or_else(|| panic!("{key} was loaded and is not known"));
            self.ids.borrow_mut()[person] = Some(id);
            id
        })
    }

    fn csv(&self, events: &[Event]) -> Vec<u8> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let columns = "consumer,brand,behaviour,time,touchpoint,category,item,order,count,amount";
        csv.write_record(columns.split(',')).unwrap();
        let named = |names: &[&str], index: Option<usize>| {
            index.map_or(String::new(), |index| names[index].to_owned())
        };
        for event in events {
            let (hours, rest) = (event.second / 3_600, event.second % 3_600);
            let date = text::date_text(event.day);
            csv.write_record([
                self.world.people[event.person].clone(),
                BRANDS[event.brand].to_owned(),
                event.behaviour.to_owned(),
                format!("{date} {hours:02}:{:02}:{:02}", rest / 60, rest % 60),
                named(&TOUCHPOINTS, event.touchpoint),
                named(&CATEGORIES, event.category),
                named(&ITEMS, event.item),
                event.order.map_or(String::new(), |order| format!("o{order}")),
                event.count.to_string(),
                text::decimal(event.amount, 2),
            ])
            .unwrap();
        }
        csv.into_inner().unwrap()
    }

    fn ingest(&self, db: &Database, events: &[Event]) {
        let orders: Vec<Option<String>> =
            events.iter().map(|event| event.order.map(|order| format!("o{order}"))).collect();
        let mut batch = EventBatch::new();
        for (event, order) in events.iter().zip(&orders) {
            let at = When::Local { day: Date(event.day), second: event.second };
            let person = &self.world.people[event.person];
            let told = Told::new(person, BRANDS[event.brand], event.behaviour, at);
            batch.push(&Told {
                touchpoint: event.touchpoint.map(|i| TOUCHPOINTS[i]),
                category: event.category.map(|i| CATEGORIES[i]),
                item: event.item.map(|i| ITEMS[i]),
                order: order.as_deref(),
                count: event.count,
                amount: event.amount,
                ..told
            });
        }
        // Some batches are sent twice, as a client does that lost the answer.
        let token = self.tokens.replace_with(|token| *token + 1).to_string();
        let token = events.len().is_multiple_of(3).then_some(token.as_str());
        let applied = Outcome::Applied { events: events.len() as u64 };
        assert_eq!(db.ingest(&batch, token).unwrap(), applied);
        if token.is_some() {
            assert_eq!(db.ingest(&batch, token).unwrap(), Outcome::Repeated);
        }
        self.twin.events(events, |person| self.id(db, person));
    }

    fn forget(&self, db: &Database, people: &[usize]) {
        let listed: Vec<_> =
            people.iter().map(|person| text::literal(&self.world.people[*person])).collect();
        let mut expected = (0, 0);
        for person in people {
            if let Some(id) = self.ids.borrow_mut()[*person].take() {
                expected = (expected.0 + 1, expected.1 + self.twin.forget(id));
            }
        }
        let statement = format!("FORGET CONSUMER IF EXISTS {}", listed.join(", "));
        assert_eq!(erased(db, &statement), expected, "seed {}: {statement}", self.world.seed);
    }

    fn delete(&self, db: &Database, deletion: &Deletion) {
        let (first, last) = (text::day(deletion.first), text::day(deletion.last));
        let brand = text::name(BRANDS[deletion.brand]);
        let mut statement = format!("DELETE EVENTS OF {brand} BETWEEN {first} AND {last}");
        if !deletion.behaviours.is_empty() {
            statement += &format!(" DID ({})", deletion.behaviours.join(", "));
        }
        let expected = self.twin.delete(deletion);
        assert_eq!(erased(db, &statement), expected, "seed {}: {statement}", self.world.seed);
    }

    fn facts(&self, db: &Database, facts: &[Fact]) {
        let options = BulkOptions { token: None, memory: LOAD_MEMORY };
        let mut bulk = db.store().bulk(options).unwrap();
        let mut keys = KeyColumn::default();
        for fact in facts {
            let person = &self.world.people[fact.person];
            keys.push(person.strip_prefix("id:").unwrap_or(person).as_bytes());
        }
        let mut ids = Vec::new();
        bulk.intern(KeyTable::Consumer, &keys, &mut ids).unwrap();
        let mut load = AttributeLoad::default();
        let mut columns = Vec::new();
        for (name, brand, kind) in ATTRIBUTES {
            let brand = brand.map(|brand| BRANDS[brand].to_owned());
            let attribute = AttributeRef { brand, name: name.to_owned() };
            columns.push(load.column(attribute, attribute_type(kind)));
        }
        for (fact, id) in facts.iter().zip(ids) {
            match &fact.value {
                None => load.consumer(id),
                Some((attribute, Cell::Text(text))) => {
                    load.text(columns[*attribute], id, text).unwrap();
                }
                Some((attribute, Cell::Number(number))) => {
                    let value = match ATTRIBUTES[*attribute].2 {
                        Kind::Boolean => AttributeValue::Boolean(*number != 0),
                        _ => AttributeValue::Number(*number),
                    };
                    load.value(columns[*attribute], id, &value).unwrap();
                }
            }
        }
        load.write(db.store(), &mut bulk).unwrap();
        let _ = bulk.commit(&mut |_, _| {}).unwrap();
        self.twin.facts(facts, |person| self.id(db, person));
    }

    fn define(&self, db: &Database) {
        // Definitions may only use names that are known: these may not have been loaded yet.
        for (table, names) in
            [(NameTable::Touchpoint, TOUCHPOINTS), (NameTable::Category, CATEGORIES)]
        {
            for name in names {
                db.store().names().intern(table, name).unwrap();
            }
        }
        for (brand, targets) in BRANDS.iter().zip(&self.world.targets) {
            let targets: Vec<String> =
                targets.iter().map(|target| text::literal(CATEGORIES[*target])).collect();
            let words = if targets.is_empty() {
                String::new()
            } else {
                format!(" TARGET CATEGORIES ({})", targets.join(", "))
            };
            run(db, &format!("CREATE OR REPLACE BRAND {}{words}", text::name(brand)));
        }
        for (index, (_, _, kind)) in ATTRIBUTES.iter().enumerate() {
            let kind = match kind {
                Kind::Text => "TEXT".to_owned(),
                Kind::Integer => "INTEGER".to_owned(),
                Kind::Decimal => format!("DECIMAL({DECIMAL_SCALE})"),
                Kind::Boolean => "BOOLEAN".to_owned(),
                Kind::Date => "DATE".to_owned(),
            };
            let name = text::attribute(index);
            run(db, &format!("CREATE ATTRIBUTE IF NOT EXISTS {name} {kind}"));
        }
        for model in self.world.models.iter().filter(|model| !model.is_built_in) {
            let (name, stages) = (text::name(&model.name), text::model(model));
            run(db, &format!("CREATE MODEL {name} AS {stages}"));
        }
    }

    fn audience(&self, db: &Database, place: usize) {
        let audience = &self.world.audiences[place];
        let frozen = if audience.frozen.is_some() { "FROZEN " } else { "" };
        let as_of = audience.frozen.flatten();
        let as_of = as_of.map_or(String::new(), |day| format!(" AS OF {}", text::day(day)));
        let (name, set) = (text::name(&audience.name), text::term(&audience.set));
        run(db, &format!("CREATE {frozen}AUDIENCE {name} AS {set}{as_of}"));
        if audience.frozen.is_some() {
            self.twin.freeze(place);
        }
    }
}

/// How many consumers and events a statement says it erased.
fn erased(db: &Database, statement: &str) -> (i64, i64) {
    let answer = db.query(statement).unwrap_or_else(|error| panic!("{error}\n{statement}"));
    match answer.rows[0][..] {
        [Value::Integer(consumers), Value::Integer(events)] => (consumers, events),
        _ => panic!("{statement}: {:?}", answer.rows),
    }
}

fn run(db: &Database, statement: &str) {
    db.query(statement).unwrap_or_else(|error| panic!("{error}\n{statement}"));
}

fn attribute_type(kind: Kind) -> AttributeType {
    match kind {
        Kind::Text => AttributeType::Text,
        Kind::Integer => AttributeType::Integer,
        Kind::Decimal => AttributeType::Decimal { scale: DECIMAL_SCALE },
        Kind::Boolean => AttributeType::Boolean,
        Kind::Date => AttributeType::Date,
    }
}

/// Keys of consumers that nothing is known of, as a load leaves them that came to nothing: others
/// are moved to later chunks, and these are in no universe.
fn pad(db: &Database, count: u32) {
    let mut bulk = db.store().bulk(BulkOptions { token: None, memory: LOAD_MEMORY }).unwrap();
    let first = db.store().snapshot().keys(KeyTable::Consumer);
    let mut keys = KeyColumn::default();
    for i in 0..count {
        keys.push(format!("nobody:{}", first + i).as_bytes());
    }
    bulk.intern(KeyTable::Consumer, &keys, &mut Vec::new()).unwrap();
    let _ = bulk.commit(&mut |_, _| {}).unwrap();
}
