//! The files, and what tests of brands ask of both sides.

use std::collections::HashMap;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use flate2::read::MultiGzDecoder;
use throng::{Database, Value};

use crate::oracle::expect::Out;
use crate::oracle::sql::universe;
use crate::oracle::sqlite::Twin;
use crate::oracle::term::{Model, Term};
use crate::oracle::text;
use crate::oracle::world::{Event, World};

/// The folder of one data set; none, with the reason printed, where there is none.
pub fn folder(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("THRONG_REAL_DATA") else {
        println!("skipped: THRONG_REAL_DATA is not set, so there is no {name}");
        return None;
    };
    let folder = Path::new(&root).join(name);
    assert!(folder.is_dir(), "THRONG_REAL_DATA has no {name}");
    Some(folder)
}

/// The rows of a gzipped CSV as maps from its header.
pub fn rows(path: &Path) -> impl Iterator<Item = HashMap<String, String>> {
    let file = BufReader::new(fs::File::open(path).unwrap());
    let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(file));
    let header: StringRecord = reader.headers().unwrap().clone();
    reader.into_records().map(move |row| {
        let row = row.unwrap();
        header.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect()
    })
}

/// Names in the order they are first seen, by number.
#[derive(Default)]
pub struct Names {
    pub names: Vec<String>,
    numbers: HashMap<String, usize>,
}

impl Names {
    pub fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

/// An event without any detail.
pub fn event(person: usize, brand: usize, behaviour: &'static str, day: i32) -> Event {
    Event {
        person,
        brand,
        behaviour,
        day,
        second: 0,
        count: 1,
        amount: 0,
        touchpoint: None,
        category: None,
        item: None,
        order: None,
    }
}

/// A world without anything of its own: only the built-in models.
pub fn bare_world(people: usize) -> World {
    World {
        seed: 0,
        people: vec![String::new(); people],
        targets: Vec::new(),
        models: vec![Model::aipl()],
        audiences: Vec::new(),
        portions: Vec::new(),
        days: Vec::new(),
    }
}

/// The brands with the most events, most first.
pub fn largest(events: &[Event], count: usize) -> Vec<usize> {
    let mut sizes: HashMap<usize, i64> = HashMap::new();
    for event in events {
        *sizes.entry(event.brand).or_default() += 1;
    }
    let mut brands: Vec<(i64, usize)> = sizes.into_iter().map(|(brand, n)| (-n, brand)).collect();
    brands.sort_unstable();
    brands.into_iter().take(count).map(|(_, brand)| brand).collect()
}

/// Both sides of one data set.
pub struct Sides<'w> {
    pub db: Database,
    pub twin: Twin<'w>,
    pub brands: Names,
}

const STAGES: [&str; 6] = ["L", "P", "I", "A", "O", "none"];

impl Sides<'_> {
    fn name(&self, brand: usize) -> String {
        format!("\"{}\"", self.brands.names[brand])
    }

    fn ask(&self, statement: &str) -> Vec<Vec<String>> {
        let answer = self.db.query(statement).unwrap_or_else(|e| panic!("{e}\n{statement}"));
        let shown = |value: &Value| match value {
            Value::Double(number) => format!("{number:.9}"),
            other => other.to_string(),
        };
        answer.rows.iter().map(|row| row.iter().map(shown).collect()).collect()
    }

    fn select(&self, sql: &str) -> Vec<Vec<i64>> {
        let mut statement = self.twin.connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn stage_name(number: i64) -> String {
        STAGES[usize::try_from(number).unwrap()].to_owned()
    }

    /// AIPL of brands for every week from the first day to the last. Returns the comparisons.
    pub fn every_week(&self, brands: &[usize], first: i32, last: i32) -> usize {
        let mut compared = 0;
        for &brand in brands {
            let (from, to) = (text::day(first), text::day(last));
            let name = self.name(brand);
            let statement = format!("COUNT BY {name}.stage EVERY 1 WEEK FROM {from} TO {to}");
            let mut expected = Vec::new();
            for day in (first..=last).step_by(7) {
                let stage = self.twin.asked(day).stage(brand, "aipl", None);
                let sql = format!(
                    "SELECT {stage} AS s, count(*) FROM person u WHERE {} GROUP BY s ORDER BY s",
                    universe(day)
                );
                for row in self.select(&sql) {
                    let stage = Self::stage_name(row[0]);
                    expected.push(vec![text::date_text(day), stage, row[1].to_string()]);
                }
                compared += 1;
            }
            assert_eq!(self.ask(&statement), expected, "{statement}");
        }
        compared
    }

    /// The flow of brands between two days.
    pub fn flow(&self, brands: &[usize], first: i32, last: i32) {
        for &brand in brands {
            let (from, to) = (text::day(first), text::day(last));
            let name = self.name(brand);
            let statement = format!("COUNT BY {name}.stage AS OF {from}, {name}.stage AS OF {to}");
            let asked = self.twin.asked(last);
            let sql = format!(
                "SELECT {} AS a, {} AS b, count(*) FROM person u WHERE {} GROUP BY a, b \
                 ORDER BY a, b",
                asked.stage(brand, "aipl", Some(first)),
                asked.stage(brand, "aipl", None),
                universe(last)
            );
            let shown = |row: Vec<i64>| {
                vec![Self::stage_name(row[0]), Self::stage_name(row[1]), row[2].to_string()]
            };
            let expected: Vec<Vec<String>> = self.select(&sql).into_iter().map(shown).collect();
            assert!(expected.len() > 1, "{statement}: nothing flows");
            assert_eq!(self.ask(&statement), expected, "{statement}");
        }
    }

    /// The overlap of brands' consumer assets, all pairs.
    pub fn overlap(&self, brands: &[usize], day: i32) {
        let names: Vec<String> = brands.iter().map(|&brand| self.name(brand)).collect();
        let statement = format!("OVERLAP {} AS OF {}", names.join(", "), text::day(day));
        let mut masks = Vec::new();
        for (place, &brand) in brands.iter().enumerate() {
            let stages = STAGES[..4].iter().map(|stage| (*stage).to_owned()).collect();
            let model = "aipl".to_owned();
            let assets = Term::Stage {
                brand,
                model,
                stages,
                categories: Vec::new(),
                as_of: None,
                negated: false,
            };
            masks.push(format!("{} * {}", self.twin.asked(day).condition(&assets), 1 << place));
        }
        let sql = format!(
            "SELECT {} AS m, count(*) FROM person u WHERE {} GROUP BY m",
            masks.join(" + "),
            universe(day)
        );
        let found = self.select(&sql);
        let with = |mask: i64| -> i64 {
            found.iter().filter(|row| row[0] & mask == mask).map(|row| row[1]).sum()
        };
        let mut expected = Vec::new();
        for left in 0..brands.len() {
            for right in left + 1..brands.len() {
                let both = with(1 << left | 1 << right);
                let (l, r) = (with(1 << left), with(1 << right));
                expected.push([l, r, both].map(|n| Out::Integer(n).to_string()).to_vec());
            }
        }
        let answer = self.ask(&statement);
        let counts: Vec<Vec<String>> = answer.iter().map(|row| row[2..5].to_vec()).collect();
        assert_eq!(counts, expected, "{statement}");
        assert!(expected.iter().any(|row| row[2] != "0"), "no two brands share anybody");
    }
}
