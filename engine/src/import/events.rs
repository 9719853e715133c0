//! Loading events: one file, one atomic unit.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use throng_storage::dictionary::KeyColumn;
use throng_storage::names::{NameTable, Names};
use throng_storage::rows::EventColumns;
use throng_storage::store::{Bulk, BulkOptions, KeyTable, Outcome, Settings, WriteError};

use super::batch::EventBatch;
use super::column::{EventColumn, nearest};
use super::error::LoadError;
use super::input::Input;
use super::options::{EventOptions, EventSource, LoadMode};
use super::pipeline;
use super::plan::{EventPlan, Pick, Target};
use super::reject::Rejects;
use super::report::{ColumnUse, LoadReport, Progress, Stage, Understood};
use super::row::{EventRows, shown};
use super::time::TimeReader;
use crate::answer::Date;
use crate::behaviour::BUILT_IN;
use crate::database::{CreateOptions, Database};
use crate::time::Zone;

/// Loads the events of one source: all of them, or none. `progress` is called now and then, in this
/// thread.
///
/// With [`LoadMode::DryRun`] everything is read and checked and nothing is kept, and bad rows are
/// reported, not an error.
///
/// # Errors
/// See [`LoadError`]. Nothing was kept then; a list of the bad rows may have been written.
pub fn load_events(
    database: &Database,
    source: EventSource,
    options: &EventOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<LoadReport, LoadError> {
    let store = database.store();
    if options.mode == LoadMode::DryRun {
        let names = copy_names(store.names());
        return preview(store.settings(), names, source, options, progress);
    }
    let start = Instant::now();
    let token = options.token.clone();
    let bulk = store.bulk(BulkOptions { token, memory: options.memory })?;
    if bulk.repeated() {
        return Ok(repeated(&source, start));
    }
    let target = Target::new(store.settings(), Arc::clone(store.names()))?;
    let known = store.snapshot().keys(KeyTable::Consumer);
    let mut load = Load::open(source, options, &target, start)?;
    let mut sink = BulkSink { bulk, consumers: known, ids: Vec::new() };
    let reject_file = load.read(options, progress, &mut |batch| sink.take(batch))?;
    let new_consumers = u64::from(sink.consumers - known);
    let BulkSink { bulk, .. } = sink;
    let (bytes, bytes_total) = (load.input.read.load(Ordering::Relaxed), load.input.total);
    let outcome = bulk.commit(&mut |events, events_total| {
        progress(Progress { stage: Stage::Writing, bytes, bytes_total, events, events_total });
    })?;
    let mut report = load.report();
    report.repeated = outcome == Outcome::Repeated;
    report.new_consumers = new_consumers;
    report.reject_file = reject_file;
    Ok(report)
}

/// Reads and checks events as a new store with these options would, and keeps nothing.
///
/// # Errors
/// See [`LoadError`].
pub fn preview_events(
    new: &CreateOptions,
    source: EventSource,
    options: &EventOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<LoadReport, LoadError> {
    let names = Names::default();
    for name in BUILT_IN {
        names.intern(NameTable::Behaviour, name).expect("an empty table has room for them");
    }
    let settings = Settings {
        time_zone: new.time_zone.clone(),
        currency: new.currency.clone(),
        exponent: crate::currency::exponent(&new.currency)?,
    };
    preview(&settings, Arc::new(names), source, options, progress)
}

fn preview(
    settings: &Settings,
    names: Arc<Names>,
    source: EventSource,
    options: &EventOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<LoadReport, LoadError> {
    let options = EventOptions { mode: LoadMode::DryRun, ..options.clone() };
    let target = Target::new(settings, names)?;
    let mut load = Load::open(source, &options, &target, Instant::now())?;
    load.read(&options, progress, &mut |_| Ok(()))?;
    Ok(load.report())
}

/// Names that a trial run may add to.
fn copy_names(names: &Names) -> Arc<Names> {
    let copy = Names::default();
    let tables =
        [NameTable::Brand, NameTable::Behaviour, NameTable::Touchpoint, NameTable::Category];
    for table in tables {
        for name in names.all(table) {
            // It was taken once, so it is taken again.
            let _ = copy.intern(table, &name);
        }
    }
    Arc::new(copy)
}

pub(super) fn repeated(source: &EventSource, start: Instant) -> LoadReport {
    LoadReport {
        file: source.name(),
        understood: None,
        repeated: true,
        rows: 0,
        kept: 0,
        skipped: 0,
        new_consumers: 0,
        rejects: Vec::new(),
        first_rejects: Vec::new(),
        reject_file: None,
        days: None,
        bytes: 0,
        elapsed: start.elapsed(),
    }
}

impl Target {
    pub(super) fn new(settings: &Settings, names: Arc<Names>) -> Result<Self, LoadError> {
        let zone = Arc::new(Zone::new(&settings.time_zone)?);
        Ok(Self { names, zone, exponent: settings.exponent })
    }
}

/// The events of a batch with ids for all keys.
pub(super) fn resolve(
    batch: EventBatch,
    ids: &mut Vec<u32>,
    mut intern: impl FnMut(KeyTable, &KeyColumn, &mut Vec<u32>) -> Result<(), WriteError>,
) -> Result<EventColumns, LoadError> {
    let rows = batch.len();
    let mut events = batch.events;
    intern(KeyTable::Consumer, &batch.consumers, &mut events.consumer)?;
    for (table, sparse) in [(KeyTable::Item, &batch.items), (KeyTable::Order, &batch.orders)] {
        ids.clear();
        if !sparse.keys.is_empty() {
            intern(table, &sparse.keys, ids)?;
        }
        let column = sparse.spread(ids, rows);
        match table {
            KeyTable::Item => events.item = column,
            _ => events.order = column,
        }
    }
    Ok(events)
}

/// Gives batches to a bulk load.
struct BulkSink<'s> {
    bulk: Bulk<'s>,
    /// One more than the largest consumer so far.
    consumers: u32,
    ids: Vec<u32>,
}

impl BulkSink<'_> {
    fn take(&mut self, batch: EventBatch) -> Result<(), LoadError> {
        let bulk = &mut self.bulk;
        let events =
            resolve(batch, &mut self.ids, |table, keys, ids| bulk.intern(table, keys, ids))?;
        let end = events.consumer.iter().max().map_or(0, |&consumer| consumer.saturating_add(1));
        self.consumers = self.consumers.max(end);
        Ok(bulk.push(events)?)
    }
}

/// One load on its way.
pub(super) struct Load {
    input: Input,
    plan: Arc<EventPlan>,
    time: TimeReader,
    understood: Understood,
    rejects: Rejects,
    rows: u64,
    kept: u64,
    skipped: u64,
    days: Option<(i32, i32)>,
    start: Instant,
}

impl Load {
    pub(super) fn open(
        source: EventSource,
        options: &EventOptions,
        target: &Target,
        start: Instant,
    ) -> Result<Self, LoadError> {
        let optional: Vec<&str> = EventColumn::ALL
            .iter()
            .filter(|column| !column.is_required())
            .map(|column| column.name())
            .collect();
        let mut input = Input::open(source, &options.input, &optional)?;
        let plan = EventPlan::new(&input.file, &input.header, options, target)?;
        input.want(&plan.wanted());
        let (time, examples) = sample(&mut input, &plan)?;
        let understood = understand(&input, &plan, &time, examples);
        Ok(Self {
            input,
            plan: Arc::new(plan),
            time,
            understood,
            rejects: Rejects::new(&options.rejects, options.mode),
            rows: 0,
            kept: 0,
            skipped: 0,
            days: None,
            start,
        })
    }

    /// Reads everything. Gives the file that lists bad rows, if there is one.
    pub(super) fn read(
        &mut self,
        options: &EventOptions,
        progress: &mut dyn FnMut(Progress),
        take: &mut dyn FnMut(EventBatch) -> Result<(), LoadError>,
    ) -> Result<Option<std::path::PathBuf>, LoadError> {
        let threads = options.threads.unwrap_or_else(cores);
        let (plan, time) = (Arc::clone(&self.plan), self.time.clone());
        let (read, total) = (Arc::clone(&self.input.read), self.input.total);
        let Self { input, rejects, rows, kept, skipped, days, .. } = self;
        let make = || EventRows::new(Arc::clone(&plan), time.clone());
        let result = pipeline::run(input, threads, make, |mut batch, lines| {
            *rows += batch.rows;
            *skipped += batch.skipped;
            let bad = std::mem::take(&mut batch.rejects);
            if rejects.take(bad, lines)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let day = &batch.events.day;
            if let (Some(&low), Some(&high)) = (day.iter().min(), day.iter().max()) {
                let (first, last) = days.get_or_insert((low, high));
                (*first, *last) = ((*first).min(low), (*last).max(high));
            }
            *kept += batch.len() as u64;
            // Nothing of a failed load is kept; what is left is read for its faults.
            if !rejects.is_failed() && batch.len() > 0 {
                take(batch)?;
            }
            let bytes = read.load(Ordering::Relaxed);
            let (bytes_total, events) = (total, *kept);
            let stage = Stage::Reading;
            progress(Progress { stage, bytes, bytes_total, events, events_total: 0 });
            Ok(ControlFlow::Continue(()))
        });
        // Bad rows come before whatever ended the file: they are its first trouble.
        let listed = rejects.finish();
        result.and(listed).and_then(|listed| {
            if self.rows == 0 {
                return Err(LoadError::NoRows { file: Arc::clone(&self.plan.file) });
            }
            Ok(listed)
        })
    }

    pub(super) fn report(self) -> LoadReport {
        LoadReport {
            file: self.plan.file.to_string(),
            understood: Some(self.understood),
            repeated: false,
            rows: self.rows,
            kept: self.kept,
            skipped: self.skipped,
            new_consumers: 0,
            rejects: self.rejects.kinds(),
            first_rejects: self.rejects.first,
            reject_file: None,
            days: self.days.map(|(first, last)| (Date(first), Date(last))),
            bytes: self.input.read.load(Ordering::Relaxed),
            elapsed: self.start.elapsed(),
        }
    }
}

pub(super) fn cores() -> usize {
    throng_storage::cores()
}

/// The first non-empty value of each column, and how times are written.
fn sample(input: &mut Input, plan: &EventPlan) -> Result<(TimeReader, Vec<String>), LoadError> {
    let mut examples = vec![String::new(); EventColumn::ALL.len()];
    let mut times: Vec<Vec<u8>> = Vec::new();
    input.sample(&mut |row| {
        if row.fault.is_some() {
            return;
        }
        for (column, example) in EventColumn::ALL.into_iter().zip(&mut examples) {
            let field = |field: usize| row.record.get(row.data, field).trim_ascii();
            let text = match plan.pick(column) {
                Pick::Nothing => continue,
                Pick::Constant(value) => shown(value),
                Pick::Field(at) => shown(field(*at)),
                Pick::Product(a, b) => format!("{} * {}", shown(field(*a)), shown(field(*b))),
            };
            if column == EventColumn::Time {
                times.push(text.clone().into_bytes());
            }
            if example.is_empty() {
                *example = text;
            }
        }
    })?;
    let samples = times.iter().map(Vec::as_slice);
    let reader = TimeReader::new(&plan.options.time, Arc::clone(&plan.zone), samples)?;
    Ok((reader, examples))
}

fn understand(
    input: &Input,
    plan: &EventPlan,
    time: &TimeReader,
    examples: Vec<String>,
) -> Understood {
    let mut columns = Vec::new();
    for (column, example) in EventColumn::ALL.into_iter().zip(examples) {
        let source = match plan.pick(column) {
            Pick::Nothing => continue,
            Pick::Constant(_) => "a constant".to_owned(),
            Pick::Field(_) | Pick::Product(..) => {
                format!("column `{}`", plan.labels[column.index()])
            }
        };
        let kind = match column {
            EventColumn::Time => time.kind().to_string(),
            EventColumn::Amount => format!("money with {} decimals", plan.digits),
            EventColumn::Count => "whole number".to_owned(),
            _ => "text".to_owned(),
        };
        // Members that JSON lines may have but do not are no columns.
        if !example.is_empty()
            || column.is_required()
            || plan.options.columns.iter().any(|(c, _)| *c == column)
        {
            columns.push(ColumnUse { column: column.name().to_owned(), source, kind, example });
        }
    }
    let wanted = plan.wanted();
    let unused: Vec<String> = (0..input.header.len())
        .filter(|field| !wanted.contains(field))
        .filter_map(|field| input.header.get(field).cloned())
        .collect();
    let absent: Vec<&str> = EventColumn::ALL
        .into_iter()
        .filter(|column| *plan.pick(*column) == Pick::Nothing)
        .map(EventColumn::name)
        .collect();
    let notices = unused.iter().filter_map(|name| {
        let meant = nearest(name, absent.iter().copied())?;
        Some(format!("column `{name}` is not loaded; if it is `{meant}`, add --map {meant}={name}"))
    });
    Understood {
        format: input.format,
        compression: input.compression,
        delimiter: input.delimiter(),
        columns,
        notices: notices.collect(),
        unused,
    }
}
