//! Loading without a store: what rows become, and what is said of bad ones.

mod events;
mod rejects;
mod split;
mod store;
mod times;

use std::io::Write;
use std::sync::Arc;

use throng_storage::names::{NameTable, Names};
use throng_storage::rows::EventColumns;
use throng_storage::store::Settings;

use super::batch::EventBatch;
use super::error::LoadError;
use super::events::{Load, resolve};
use super::options::{EventOptions, EventSource};
use super::plan::Target;
use super::report::LoadReport;
use crate::behaviour::BUILT_IN;

/// What a load gave: its events with the keys they had, as text.
pub(super) struct Loaded {
    pub(super) report: LoadReport,
    pub(super) rows: Vec<String>,
}

pub(super) fn names() -> Arc<Names> {
    let names = Names::default();
    for name in BUILT_IN {
        names.intern(NameTable::Behaviour, name).unwrap();
    }
    Arc::new(names)
}

pub(super) fn settings() -> Settings {
    Settings { time_zone: "Asia/Shanghai".to_owned(), currency: "CNY".to_owned(), exponent: 2 }
}

pub(super) fn stream(bytes: &[u8]) -> EventSource {
    let reader = Box::new(std::io::Cursor::new(bytes.to_vec()));
    EventSource::Stream { name: "stdin".to_owned(), reader }
}

pub(super) fn load(bytes: &[u8], options: &EventOptions) -> Result<Loaded, LoadError> {
    load_source(stream(bytes), options)
}

/// Loads into memory: rows as `consumer brand behaviour day second count touchpoint category item
/// order amount`, `-` where there is none.
pub(super) fn load_source(
    source: EventSource,
    options: &EventOptions,
) -> Result<Loaded, LoadError> {
    let names = names();
    let target = Target::new(&settings(), Arc::clone(&names))?;
    let mut load = Load::open(source, options, &target, std::time::Instant::now())?;
    let mut rows = Vec::new();
    let list = load.read(options, &mut |_| {}, &mut |batch| {
        render(batch, &names, &mut rows);
        Ok(())
    })?;
    let mut report = load.report();
    report.reject_file = list;
    Ok(Loaded { report, rows })
}

/// Renders a batch whose keys are numbered in the order they come.
pub(super) fn render(batch: EventBatch, names: &Names, rows: &mut Vec<String>) {
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let events: EventColumns = resolve(batch, &mut Vec::new(), |_, column, ids| {
        for i in 0..column.len() {
            keys.push(column.get(i).to_vec());
            ids.push(u32::try_from(keys.len()).unwrap());
        }
        Ok(())
    })
    .unwrap();
    let key = |id: u32| match id {
        0 => "-".to_owned(),
        id => String::from_utf8(keys[id as usize - 1].clone()).unwrap(),
    };
    let name = |table, id: u32| match id {
        0 => "-".to_owned(),
        id => names.name(table, id).unwrap().to_string(),
    };
    let cell = |column: &[u32], row: usize, empty: u32| column.get(row).copied().unwrap_or(empty);
    for row in 0..events.len() {
        let parts = [
            key(events.consumer[row]),
            name(NameTable::Brand, events.brand[row]),
            name(NameTable::Behaviour, u32::from(events.behaviour[row])),
            events.day[row].to_string(),
            cell(&events.second, row, 0).to_string(),
            cell(&events.count, row, 1).to_string(),
            name(NameTable::Touchpoint, cell(&events.touchpoint, row, 0)),
            name(NameTable::Category, cell(&events.category, row, 0)),
            key(cell(&events.item, row, 0)),
            key(cell(&events.order, row, 0)),
            events.amount.get(row).copied().unwrap_or(0).to_string(),
        ];
        rows.push(parts.join(" "));
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}
