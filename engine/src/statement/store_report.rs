//! SHOW STORE: how much there is, of what, and where.

use std::collections::BTreeMap;

use throng_query::catalog::Catalog;
use throng_query::date::Date;
use throng_query::plan::NameKind;
use throng_storage::store::KeyTable;

use super::Reading;
use super::reading::{text, text_or_null};
use crate::answer::Value;

/// The kind of the files that hold events.
const SEGMENT: &str = "segments";

/// One row per property, with its value as text.
pub(super) fn lines(reading: &Reading<'_>) -> Vec<Vec<Value>> {
    let (view, settings) = (reading.view, reading.settings);
    let snapshot = view.snapshot();
    let segments = snapshot.segments();
    let files = snapshot.files();
    let events: u64 = segments.iter().map(|segment| segment.rows()).sum();
    let first_day = segments.iter().map(|segment| segment.first_day()).min();
    let day = |day: Option<i32>| day.map(|day| Date(day).to_string());
    let number = |number: u64| Some(number.to_string());
    let keys = |table| number(snapshot.keys_known(table));
    let on_disk = files.iter().filter(|(name, _)| kind_of(name) == SEGMENT).count();
    let row = |(name, value): (&str, Option<String>)| vec![text(name), text_or_null(value)];
    let mut rows: Vec<Vec<Value>> = [
        ("version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("time_zone", Some(settings.time_zone.clone())),
        ("currency", Some(settings.currency.clone())),
        ("events", number(events)),
        ("consumers", keys(KeyTable::Consumer)),
        ("items", keys(KeyTable::Item)),
        ("orders", keys(KeyTable::Order)),
        ("brands", Some(view.names(NameKind::Brand).len().to_string())),
        ("first_day", day(first_day)),
        ("last_day", day(view.newest_day())),
        ("segments_in_memory", Some((segments.len().saturating_sub(on_disk)).to_string())),
        ("segments_on_disk", Some(on_disk.to_string())),
    ]
    .map(row)
    .into();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, bytes) in &files {
        *kinds.entry(kind_of(name)).or_default() += bytes;
    }
    for (kind, bytes) in &kinds {
        rows.push(vec![text(format!("bytes_{kind}")), text(bytes.to_string())]);
    }
    rows.push(row(("bytes_total", number(kinds.values().sum()))));
    rows
}

/// What a file is for, from the beginning of its name.
fn kind_of(name: &str) -> &'static str {
    match name.split('-').next() {
        Some("seg") => SEGMENT,
        Some("idx") => "indexes",
        Some("dict") => "dictionaries",
        Some("wal") => "log",
        Some("catalog") => "catalog",
        Some("memory") => "memory",
        _ => "other",
    }
}
