//! Stores against a naive model of what they hold.

mod backup;
mod beside;
mod care;
mod compaction;
mod concurrent;
mod crash;
mod erasure;
mod faults;
mod merges;
mod model;
mod random;
mod repair;

use std::collections::BTreeMap;
use std::path::Path;

use rand::{Rng, RngExt};

use super::shared::Tuning;
use super::{Definition, KeyTable, Settings, Snapshot, Store};
use crate::dictionary::KeyColumn;
use crate::names::{NameTable, Names};
use crate::rows::EventColumns;
use crate::segment::{ColumnSet, RowBuffer};

/// Everything in one row, by name: consumer, brand, behaviour, day, second, count, touchpoint,
/// category, item, order, amount.
type Row = (String, String, String, i32, u32, u32, String, String, String, String, i64);

fn settings() -> Settings {
    Settings { time_zone: "Asia/Shanghai".into(), currency: "CNY".into(), exponent: 2 }
}

/// Small limits, so that everything happens within few rows.
fn small() -> Tuning {
    Tuning {
        checkpoint_rows: 700,
        checkpoint_bytes: 1 << 20,
        tail_keys: 50,
        tail_bytes: 1 << 20,
        segment_rows: 150,
        ..Tuning::default()
    }
}

fn named(names: &Names, table: NameTable, name: &str) -> u32 {
    if name.is_empty() { 0 } else { names.intern(table, name).unwrap() }
}

/// Rows as columns, with keys and names interned.
fn columns_of(
    rows: &[Row],
    names: &Names,
    mut intern: impl FnMut(KeyTable, &KeyColumn, &mut Vec<u32>),
) -> EventColumns {
    let mut events = EventColumns::default();
    let keys: KeyColumn = rows.iter().map(|row| row.0.as_bytes()).collect();
    intern(KeyTable::Consumer, &keys, &mut events.consumer);
    let mut optional = |table, pick: &dyn Fn(&Row) -> &str| {
        let there: Vec<_> = rows.iter().map(pick).collect();
        if there.iter().all(|key| key.is_empty()) {
            return Vec::new();
        }
        let keys: KeyColumn =
            there.iter().filter(|key| !key.is_empty()).map(|key| key.as_bytes()).collect();
        let mut ids = Vec::new();
        intern(table, &keys, &mut ids);
        let mut ids = ids.into_iter();
        there.iter().map(|key| if key.is_empty() { 0 } else { ids.next().unwrap() }).collect()
    };
    events.item = optional(KeyTable::Item, &|row| &row.8);
    events.order = optional(KeyTable::Order, &|row| &row.9);
    for row in rows {
        events.brand.push(named(names, NameTable::Brand, &row.1));
        let behaviour = named(names, NameTable::Behaviour, &row.2);
        events.behaviour.push(u16::try_from(behaviour).unwrap());
        events.day.push(row.3);
        events.second.push(row.4);
        events.count.push(row.5);
        events.touchpoint.push(named(names, NameTable::Touchpoint, &row.6));
        events.category.push(named(names, NameTable::Category, &row.7));
        events.amount.push(row.10);
    }
    events
}

/// All rows of a snapshot, sorted.
fn rows_of(snapshot: &Snapshot) -> Vec<Row> {
    let name = |table, id: u32| {
        if id == 0 { String::new() } else { snapshot.names().name(table, id).unwrap().to_string() }
    };
    let key = |table: KeyTable, id: u32| {
        if id < table.first_id() {
            return String::new();
        }
        String::from_utf8(snapshot.key(table, id).unwrap().unwrap()).unwrap()
    };
    let mut rows = Vec::new();
    let forgotten = snapshot.erasures().pending();
    for segment in snapshot.segments() {
        let events = segment.read_all().unwrap();
        let at = |column: &[u32], i: usize, default: u32| column.get(i).copied().unwrap_or(default);
        for i in (0..events.len()).filter(|&i| !forgotten.contains(events.consumer[i])) {
            rows.push((
                key(KeyTable::Consumer, events.consumer[i]),
                name(NameTable::Brand, events.brand[i]),
                name(NameTable::Behaviour, u32::from(events.behaviour[i])),
                events.day[i],
                at(&events.second, i, 0),
                at(&events.count, i, 1),
                name(NameTable::Touchpoint, at(&events.touchpoint, i, 0)),
                name(NameTable::Category, at(&events.category, i, 0)),
                key(KeyTable::Item, at(&events.item, i, 0)),
                key(KeyTable::Order, at(&events.order, i, 0)),
                events.amount.get(i).copied().unwrap_or(0),
            ));
        }
    }
    rows.sort();
    rows
}

/// The first day of every consumer, by the presence lanes.
fn first_days(snapshot: &Snapshot) -> BTreeMap<String, i32> {
    let mut days = BTreeMap::new();
    let mut buffer = RowBuffer::default();
    for segment in snapshot.segments() {
        let Some(presence) = segment.presence() else { continue };
        let (first, last) = presence.chunks();
        let mut cursor = presence.cursor();
        for chunk in first..=last {
            let Some(rows) = cursor.chunk(chunk).unwrap() else { continue };
            rows.decode(ColumnSet::DAY, &mut buffer).unwrap();
            for (&low, &day) in buffer.low.iter().zip(&buffer.day) {
                let id = (chunk << 16) | u32::from(low);
                if snapshot.erasures().pending().contains(id) {
                    continue;
                }
                let key = snapshot.key(KeyTable::Consumer, id).unwrap().unwrap();
                let first = days.entry(String::from_utf8(key).unwrap()).or_insert(day);
                *first = day.min(*first);
            }
        }
    }
    days
}

fn random_rows(random: &mut impl Rng, rows: usize) -> Vec<Row> {
    let pick = |random: &mut dyn Rng, prefix: &str, of: u32, none: u32| {
        let number = random.random_range(0..of + none);
        if number < of { format!("{prefix}{number}") } else { String::new() }
    };
    let days = if random.random_range(0..2) == 0 { 17_000..17_010 } else { 16_800..17_400 };
    (0..rows)
        .map(|_| {
            (
                pick(random, "consumer:", 400, 0),
                pick(random, "brand", 5, 0),
                pick(random, "did", 4, 0),
                random.random_range(days.clone()),
                random.random_range(0..86_400),
                random.random_range(1..4),
                pick(random, "touch", 3, 2),
                pick(random, "category", 3, 2),
                pick(random, "item", 30, 5),
                pick(random, "order", 300, 100),
                random.random_range(-50..5_000),
            )
        })
        .collect()
}

/// Appends a batch; the outcome.
fn batch(store: &Store, token: Option<&str>, rows: &[Row]) -> super::Outcome {
    let mut writer = store.writer().unwrap();
    let events = columns_of(rows, store.names(), |table, keys, ids| {
        writer.intern(table, keys, ids).unwrap();
    });
    writer.append(token, events).unwrap().wait().unwrap()
}

fn define(kind: u8, name: &str, value: Option<&str>) -> Definition {
    Definition { kind, name: name.into(), value: value.map(|value| value.as_bytes().to_vec()) }
}

fn names_in(dir: &Path) -> Vec<String> {
    use crate::io::{Disk, SystemDisk};
    SystemDisk.list(dir).unwrap()
}

fn copy_dir(from: &Path, to: &Path) {
    use crate::io::{Disk, SystemDisk};
    SystemDisk.create_dir(to).unwrap();
    for name in names_in(from) {
        if name == "catalog" {
            continue;
        }
        let file = SystemDisk.create(&to.join(&name)).unwrap();
        file.append(&crate::io::read(&from.join(&name)).unwrap()).unwrap();
    }
}
