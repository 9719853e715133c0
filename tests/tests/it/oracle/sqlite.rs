//! The same store in SQLite.

use std::cell::RefCell;
use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::sql::{Asked, sample_table, universe};
use super::term::Term;
use super::world::{ATTRIBUTES, Cell, Deletion, Event, Fact, World};

/// A world in tables.
pub struct Twin<'w> {
    pub world: &'w World,
    pub connection: Connection,
    /// Tables of samples, and how many consumers there were when each was filled.
    samples: RefCell<HashMap<String, u32>>,
}

const SCHEMA: &str = "
    CREATE TABLE person (id INTEGER PRIMARY KEY, place INTEGER UNIQUE, born INTEGER, known INTEGER);
    CREATE TABLE event (c INTEGER, brand INTEGER, behaviour TEXT, day INTEGER, sec INTEGER,
        n INTEGER, amount INTEGER, tp INTEGER, cat INTEGER, item INTEGER, ord INTEGER);
    CREATE INDEX event_c ON event (c, brand, behaviour, day);
    CREATE INDEX event_b ON event (brand, behaviour, day);
    CREATE INDEX event_o ON event (ord) WHERE ord IS NOT NULL;
    CREATE INDEX event_r ON event (ord) WHERE behaviour = 'refund';
    CREATE TABLE attr (a INTEGER, c INTEGER, v, PRIMARY KEY (a, c)) WITHOUT ROWID;
    CREATE TABLE target (brand INTEGER, cat INTEGER);
    CREATE TABLE frozen (k INTEGER, c INTEGER, PRIMARY KEY (k, c)) WITHOUT ROWID;";

impl<'w> Twin<'w> {
    pub fn new(world: &'w World) -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        for (brand, targets) in world.targets.iter().enumerate() {
            for target in targets {
                connection
                    .execute(
                        "INSERT INTO target VALUES (?1, ?2)",
                        params![number(brand), number(*target)],
                    )
                    .unwrap();
            }
        }
        Self { world, connection, samples: RefCell::default() }
    }

    /// Tells of a consumer and the id that the store gave.
    pub fn person(&self, place: usize, id: u32) {
        let sql = "INSERT OR IGNORE INTO person VALUES (?1, ?2, NULL, 0)";
        self.connection.prepare_cached(sql).unwrap().execute(params![id, number(place)]).unwrap();
    }

    pub fn events(&self, events: &[Event], id: impl Fn(usize) -> u32) {
        let sql = "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let born = "UPDATE person SET born = min(coalesce(born, ?2), ?2) WHERE id = ?1";
        self.connection.execute_batch("BEGIN").unwrap();
        for e in events {
            let c = id(e.person);
            self.person(e.person, c);
            let row = params![
                c,
                number(e.brand),
                e.behaviour,
                e.day,
                e.second,
                e.count,
                e.amount,
                e.touchpoint.map(number),
                e.category.map(number),
                e.item.map(number),
                e.order
            ];
            self.connection.prepare_cached(sql).unwrap().execute(row).unwrap();
            self.connection.prepare_cached(born).unwrap().execute(params![c, e.day]).unwrap();
        }
        self.connection.execute_batch("COMMIT").unwrap();
    }

    pub fn facts(&self, facts: &[Fact], id: impl Fn(usize) -> u32) {
        let known = "UPDATE person SET known = 1 WHERE id = ?1";
        let sql = "INSERT OR REPLACE INTO attr VALUES (?1, ?2, ?3)";
        self.connection.execute_batch("BEGIN").unwrap();
        for fact in facts {
            let c = id(fact.person);
            self.person(fact.person, c);
            self.connection.prepare_cached(known).unwrap().execute([c]).unwrap();
            let mut insert = self.connection.prepare_cached(sql).unwrap();
            match &fact.value {
                Some((a, Cell::Text(text))) => {
                    insert.execute(params![number(*a), c, text]).unwrap()
                }
                Some((a, Cell::Number(value))) => {
                    insert.execute(params![number(*a), c, value]).unwrap()
                }
                None => 0,
            };
        }
        self.connection.execute_batch("COMMIT").unwrap();
        debug_assert!(facts.iter().flat_map(|f| &f.value).all(|(a, _)| *a < ATTRIBUTES.len()));
    }

    /// Takes a consumer out; how many events went.
    pub fn forget(&self, id: u32) -> i64 {
        let delete = |table: &str, column: &str| {
            let sql = format!("DELETE FROM {table} WHERE {column} = ?1");
            i64::try_from(self.connection.execute(&sql, [id]).unwrap()).unwrap()
        };
        for (table, column) in [("person", "id"), ("attr", "c"), ("frozen", "c")] {
            delete(table, column);
        }
        self.samples.borrow_mut().clear();
        delete("event", "c")
    }

    /// Deletes events; how many consumers had them, and how many they were.
    pub fn delete(&self, deletion: &Deletion) -> (i64, i64) {
        let behaviours: Vec<_> =
            deletion.behaviours.iter().map(|behaviour| format!("'{behaviour}'")).collect();
        let mut which = format!(
            "brand = {} AND day BETWEEN {} AND {}",
            deletion.brand, deletion.first, deletion.last
        );
        if !behaviours.is_empty() {
            which += &format!(" AND behaviour IN ({})", behaviours.join(", "));
        }
        let count = |what: &str| -> i64 {
            let sql = format!("SELECT count({what}) FROM event WHERE {which}");
            self.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let counts = (count("DISTINCT c"), count("*"));
        let sql = format!(
            "CREATE TEMP TABLE touched AS SELECT DISTINCT c FROM event WHERE {which};
             DELETE FROM event WHERE {which};
             UPDATE person SET born = (SELECT min(day) FROM event WHERE event.c = person.id)
                 WHERE id IN (SELECT c FROM touched);
             DROP TABLE touched;"
        );
        self.connection.execute_batch(&sql).unwrap();
        counts
    }

    /// Keeps the members of a frozen audience.
    pub fn freeze(&self, place: usize) {
        let audience = &self.world.audiences[place];
        let day = audience.frozen.unwrap().unwrap_or_else(|| self.newest_day());
        self.prepare(&audience.set);
        let (all, is_in) = (universe(day), self.asked(day).condition(&audience.set));
        let sql = format!(
            "INSERT INTO frozen SELECT {place}, u.id FROM person u WHERE {all} AND {is_in}"
        );
        self.connection.execute_batch(&sql).unwrap();
    }

    pub fn asked(&self, day: i32) -> Asked<'_> {
        let (models, audiences) = (&self.world.models, &self.world.audiences);
        Asked { day, subject: None, categories: &[], models, audiences }
    }

    pub fn newest_day(&self) -> i32 {
        let sql = "SELECT coalesce(max(day), 0) FROM event";
        self.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Fills the tables that a set needs.
    pub fn prepare(&self, term: &Term) {
        match term {
            Term::And(parts) | Term::Or(parts) => parts.iter().for_each(|part| self.prepare(part)),
            Term::Not(inner) => self.prepare(inner),
            Term::Sample { per_million, seed } => self.sample(*per_million, *seed),
            Term::Audience(name) => {
                let audiences = &self.world.audiences;
                let audience = audiences.iter().find(|audience| audience.name == *name).unwrap();
                self.prepare(&audience.set);
            }
            Term::Stage { model, .. } => self.prepare_model(model),
            _ => {}
        }
    }

    /// Fills the tables that a model's rules need.
    pub fn prepare_model(&self, name: &str) {
        let model = self.world.models.iter().find(|model| model.name == *name).unwrap();
        model.stages.iter().for_each(|(_, rule)| self.prepare(rule));
    }

    fn sample(&self, per_million: u32, seed: u64) {
        let table = sample_table(per_million, seed);
        let count = "SELECT count(*) FROM person";
        let people: u32 = self.connection.query_row(count, [], |row| row.get(0)).unwrap();
        if self.samples.borrow_mut().insert(table.clone(), people) == Some(people) {
            return;
        }
        let create =
            format!("DROP TABLE IF EXISTS {table}; CREATE TABLE {table} (c INTEGER PRIMARY KEY)");
        self.connection.execute_batch(&create).unwrap();
        let mut ids = self.connection.prepare("SELECT id FROM person").unwrap();
        let ids: Vec<u32> =
            ids.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let mut insert =
            self.connection.prepare(&format!("INSERT INTO {table} VALUES (?1)")).unwrap();
        for id in ids.into_iter().filter(|id| in_sample(*id, per_million, seed)) {
            insert.execute([id]).unwrap();
        }
    }
}

/// The formula of the documentation, written once more: with 128 bits and remainders.
fn in_sample(id: u32, per_million: u32, seed: u64) -> bool {
    const WORD: u128 = 1 << 64;
    let mut z = (u128::from(id) + (u128::from(seed) + 1) * 0x9E37_79B9_7F4A_7C15) % WORD;
    z = ((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9) % WORD;
    z = ((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB) % WORD;
    let top = (z ^ (z >> 31)) >> 32;
    top * 1_000_000 < u128::from(per_million) * (1 << 32)
}

fn number(index: usize) -> i64 {
    i64::try_from(index).unwrap()
}
