//! Loading attributes: one file, one atomic unit. A file is read twice: for the types of its
//! columns, and for their values.

use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use throng_query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng_storage::io as files;
use throng_storage::store::{Bulk, BulkOptions, KeyTable, Outcome};

use super::cells::{CellBatch, CellPlan, CellRows, Cells};
use super::column::nearest;
use super::error::LoadError;
use super::events::{cores, repeated};
use super::infer::{Guess, Guesser};
use super::input::Input;
use super::options::{
    AttributeOptions, EventSource, LOAD_MEMORY_DEFAULT, LoadMode, STREAM_BYTES_MAX, type_name,
};
use super::pipeline;
use super::plan::{check_delimiter, field, prefix};
use super::reject::Rejects;
use super::report::{ColumnUse, LoadReport, Progress, Stage, Understood};
use crate::attribute::{AttributeError, AttributeLoad, ColumnId};
use crate::database::Database;
use crate::view::View;

const CONSUMER: &str = "consumer";

/// Loads the attributes of one source: all of them, or none. `progress` is called now and then, in
/// this thread. Of several rows for one consumer the last stands; an empty cell says nothing.
///
/// An attribute that the store has keeps its type. A new one gets the narrowest type that all its
/// values have, unless the options say another.
///
/// # Errors
/// See [`LoadError`]. Nothing was kept then; a list of the bad rows may have been written.
pub fn load_attributes(
    database: &Database,
    source: EventSource,
    options: &AttributeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<LoadReport, LoadError> {
    let start = Instant::now();
    let store = database.store();
    if options.mode == LoadMode::DryRun {
        let view = View::resolve(store, store.snapshot(), None)?;
        return preview_attributes(Some(&view), source, options, progress);
    }
    let token = options.token.clone();
    let mut bulk = store.bulk(BulkOptions { token, memory: LOAD_MEMORY_DEFAULT })?;
    if bulk.repeated() {
        return Ok(repeated(&source, start));
    }
    let view = View::resolve(store, store.snapshot(), None)?;
    let known = view.snapshot().keys(KeyTable::Consumer);
    let mut load = Load::open(Some(&view), source, options, start, progress)?;
    let mut sink = Sink::new(&load.attributes, known);
    load.read(options, progress, &mut |batch| {
        sink.take(&mut bulk, batch)?;
        Ok(sink.values.settle(&view)?)
    })?;
    let new_consumers = u64::from(sink.consumers - known);
    let (bytes, bytes_total) = (load.input.read.load(Ordering::Relaxed), load.input.total);
    sink.values.write(store, &mut bulk)?;
    let outcome = bulk.commit(&mut |events, events_total| {
        progress(Progress { stage: Stage::Writing, bytes, bytes_total, events, events_total });
    })?;
    let mut report = load.report();
    report.repeated = outcome == Outcome::Repeated;
    report.new_consumers = new_consumers;
    Ok(report)
}

/// Reads and checks attributes as a store with this view, or a new one, would, and keeps nothing.
///
/// # Errors
/// See [`LoadError`].
pub fn preview_attributes(
    view: Option<&View>,
    source: EventSource,
    options: &AttributeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<LoadReport, LoadError> {
    let options = AttributeOptions { mode: LoadMode::DryRun, ..options.clone() };
    let mut load = Load::open(view, source, &options, Instant::now(), progress)?;
    load.read(&options, progress, &mut |_| Ok(()))?;
    Ok(load.report())
}

/// A source that can be opened again.
enum Again {
    File(PathBuf),
    Memory(String, Arc<[u8]>),
}

impl Again {
    fn new(source: EventSource) -> Result<Self, LoadError> {
        let name = source.name();
        let file: Arc<str> = name.as_str().into();
        let reader: Box<dyn Read + Send> = match source {
            EventSource::Stream { reader, .. } => reader,
            EventSource::File(path) => match files::open(&path) {
                // A pipe in the place of a file gives its bytes only once.
                Ok(pipe) if pipe.metadata().is_ok_and(|metadata| !metadata.is_file()) => {
                    Box::new(pipe)
                }
                _ => return Ok(Self::File(path)),
            },
        };
        let mut bytes = Vec::new();
        reader
            .take(STREAM_BYTES_MAX as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| LoadError::Read { file: Arc::clone(&file), offset: 0, source })?;
        if bytes.len() > STREAM_BYTES_MAX {
            return Err(LoadError::StreamTooLarge { file, limit: STREAM_BYTES_MAX });
        }
        Ok(Self::Memory(name, bytes.into()))
    }

    fn open(&self) -> EventSource {
        match self {
            Self::File(path) => EventSource::File(path.clone()),
            Self::Memory(name, bytes) => EventSource::Stream {
                name: name.clone(),
                reader: Box::new(std::io::Cursor::new(Arc::clone(bytes))),
            },
        }
    }
}

/// An attribute of the file.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    attribute: AttributeRef,
    kind: AttributeType,
}

/// Gives cells to the attributes of a bulk load.
struct Sink {
    values: AttributeLoad,
    columns: Vec<ColumnId>,
    ids: Vec<u32>,
    /// One more than the largest consumer so far.
    consumers: u32,
}

impl Sink {
    fn new(attributes: &[Loaded], consumers: u32) -> Self {
        let mut values = AttributeLoad::default();
        let columns = attributes
            .iter()
            .map(|loaded| values.column(loaded.attribute.clone(), loaded.kind))
            .collect();
        Self { values, columns, ids: Vec::new(), consumers }
    }

    fn take(&mut self, bulk: &mut Bulk<'_>, batch: CellBatch) -> Result<(), LoadError> {
        self.ids.clear();
        bulk.intern(KeyTable::Consumer, &batch.consumers, &mut self.ids)?;
        let ids = &self.ids;
        for &id in ids {
            self.consumers = self.consumers.max(id.saturating_add(1));
            self.values.consumer(id);
        }
        let id = |row: u32| ids.get(row as usize).copied().unwrap_or(0);
        for (&column, cells) in self.columns.iter().zip(&batch.cells) {
            put(&mut self.values, column, cells, id)?;
        }
        Ok(())
    }
}

fn put(
    values: &mut AttributeLoad,
    column: ColumnId,
    cells: &Cells,
    id: impl Fn(u32) -> u32,
) -> Result<(), AttributeError> {
    match cells {
        Cells::Texts(keys, rows) => {
            for (at, &row) in rows.iter().enumerate() {
                // The row was checked to be UTF-8.
                let text = String::from_utf8_lossy(keys.get(at));
                values.text(column, id(row), &text)?;
            }
        }
        Cells::Numbers(rows) => {
            for &(row, number) in rows {
                values.value(column, id(row), &AttributeValue::Number(number))?;
            }
        }
        Cells::Flags(rows) => {
            for &(row, flag) in rows {
                values.value(column, id(row), &AttributeValue::Boolean(flag))?;
            }
        }
    }
    Ok(())
}

/// One load on its way.
pub(super) struct Load {
    input: Input,
    plan: Arc<CellPlan>,
    attributes: Vec<Loaded>,
    understood: Understood,
    rejects: Rejects,
    rows: u64,
    kept: u64,
    skipped: u64,
    reject_file: Option<PathBuf>,
    start: Instant,
}

impl Load {
    pub(super) fn open(
        view: Option<&View>,
        source: EventSource,
        options: &AttributeOptions,
        start: Instant,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, LoadError> {
        check_delimiter(options.input.delimiter)?;
        let namespace = prefix(options.namespace.as_deref())?;
        let again = Again::new(source)?;
        let mut input = Input::open(again.open(), &options.input, &[])?;
        let chosen = choose(&input, options)?;
        let wanted: Vec<usize> =
            chosen.attributes.iter().map(|&(field, _)| field).chain([chosen.consumer]).collect();
        input.want(&wanted);
        let guesses = guess(&mut input, options, progress)?;
        let mut attributes = Vec::new();
        for (field, name) in &chosen.attributes {
            let attribute = AttributeRef { brand: options.brand.clone(), name: name.clone() };
            let guess = guesses.get(*field);
            let kind = kind(view, &input.file, &attribute, guess, options)?;
            attributes.push(Loaded { attribute, kind });
        }
        let mut input = Input::open(again.open(), &options.input, &[])?;
        input.want(&wanted);
        let plan = CellPlan {
            file: Arc::clone(&input.file),
            fields: input.header.iter().map(|name| Arc::from(name.as_str())).collect(),
            consumer: chosen.consumer,
            cells: chosen
                .attributes
                .iter()
                .map(|&(field, _)| field)
                .zip(attributes.iter().map(|loaded| loaded.kind))
                .collect(),
            namespace,
            trim_zero: options.trim_zero,
            missing_consumer: options.missing_consumer,
        };
        let understood = understand(&input, &chosen, &attributes, &guesses);
        Ok(Self {
            input,
            plan: Arc::new(plan),
            attributes,
            understood,
            rejects: Rejects::new(&options.rejects, options.mode),
            rows: 0,
            kept: 0,
            skipped: 0,
            reject_file: None,
            start,
        })
    }

    pub(super) fn read(
        &mut self,
        options: &AttributeOptions,
        progress: &mut dyn FnMut(Progress),
        take: &mut dyn FnMut(CellBatch) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        let threads = options.threads.unwrap_or_else(cores);
        let plan = Arc::clone(&self.plan);
        let (read, total) = (Arc::clone(&self.input.read), self.input.total);
        let Self { input, rejects, rows, kept, skipped, .. } = self;
        let make = || CellRows::new(Arc::clone(&plan));
        let result = pipeline::run(input, threads, make, |mut batch, lines| {
            *rows += batch.rows;
            *skipped += batch.skipped;
            let bad = std::mem::take(&mut batch.rejects);
            if rejects.take(bad, lines)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            *kept += batch.consumers.len() as u64;
            if !rejects.is_failed() {
                take(batch)?;
            }
            let (bytes, bytes_total) = (read.load(Ordering::Relaxed), total);
            let stage = Stage::Reading;
            progress(Progress { stage, bytes, bytes_total, events: *kept, events_total: 0 });
            Ok(ControlFlow::Continue(()))
        });
        let listed = rejects.finish();
        self.reject_file = result.and(listed)?;
        if self.rows == 0 {
            return Err(LoadError::NoRows { file: Arc::clone(&self.plan.file) });
        }
        Ok(())
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
            reject_file: self.reject_file,
            days: None,
            bytes: self.input.read.load(Ordering::Relaxed),
            elapsed: self.start.elapsed(),
        }
    }
}

/// Which columns of the file are what.
struct Chosen {
    consumer: usize,
    /// Field and name of each attribute.
    attributes: Vec<(usize, String)>,
    unused: Vec<String>,
}

fn choose(input: &Input, options: &AttributeOptions) -> Result<Chosen, LoadError> {
    let (file, header) = (&input.file, &input.header);
    let mut named: Vec<Option<String>> = vec![None; header.len()];
    let mut consumer = header.iter().position(|name| name.eq_ignore_ascii_case(CONSUMER));
    for (target, source) in &options.columns {
        let at = field(file, header, target, source)?;
        if target == CONSUMER {
            consumer = Some(at);
        } else if let Some(name) = named.get_mut(at) {
            *name = Some(target.clone());
        }
    }
    let Some(consumer) = consumer else {
        return Err(LoadError::MissingColumn {
            file: Arc::clone(file),
            column: CONSUMER,
            suggestion: nearest(CONSUMER, header.iter().map(String::as_str)).map(str::to_owned),
            found: header.clone(),
        });
    };
    let mut chosen = Chosen { consumer, attributes: Vec::new(), unused: Vec::new() };
    for (at, name) in header.iter().enumerate().filter(|&(at, _)| at != consumer) {
        let name = named.get(at).cloned().flatten().unwrap_or_else(|| name.clone());
        let wanted = options.only.is_empty() || options.only.contains(&name);
        if name.is_empty() || !wanted {
            chosen.unused.push(name);
        } else {
            chosen.attributes.push((at, name));
        }
    }
    let names = options.only.iter().chain(options.types.iter().map(|(name, _)| name));
    for name in names {
        if !chosen.attributes.iter().any(|(_, known)| known == name) {
            let (file, column) = (Arc::clone(file), name.clone());
            return Err(LoadError::UntypedColumn { file, column });
        }
    }
    if chosen.attributes.is_empty() {
        return Err(LoadError::NoAttributes { file: Arc::clone(file) });
    }
    Ok(chosen)
}

/// What the values of each column of the file are, all rows read.
fn guess(
    input: &mut Input,
    options: &AttributeOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Guess>, LoadError> {
    let columns = input.header.len();
    let mut guesses = vec![Guess::default(); columns];
    let (read, total) = (Arc::clone(&input.read), input.total);
    let threads = options.threads.unwrap_or_else(cores);
    pipeline::run(
        input,
        threads,
        || Guesser::new(columns),
        |(found, _), _| {
            for (guess, other) in guesses.iter_mut().zip(found) {
                guess.merge(other);
            }
            let (bytes, bytes_total) = (read.load(Ordering::Relaxed), total);
            progress(Progress {
                stage: Stage::Reading,
                bytes,
                bytes_total,
                events: 0,
                events_total: 0,
            });
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(guesses)
}

/// The type of an attribute: as told, as the store has it, or as its values are.
fn kind(
    view: Option<&View>,
    file: &Arc<str>,
    attribute: &AttributeRef,
    guess: Option<&Guess>,
    options: &AttributeOptions,
) -> Result<AttributeType, LoadError> {
    let told =
        options.types.iter().find(|(name, _)| *name == attribute.name).map(|&(_, kind)| kind);
    let stored = view.and_then(|view| view.attribute_info(attribute)).map(|info| info.kind);
    match (told, stored) {
        (Some(told), Some(stored)) if told != stored => Err(LoadError::AttributeType {
            file: Arc::clone(file),
            attribute: attribute.name.clone(),
            stored: type_name(stored),
            asked: type_name(told),
        }),
        (Some(kind), _) | (None, Some(kind)) => Ok(kind),
        (None, None) => Ok(guess.map_or(AttributeType::Text, Guess::kind)),
    }
}

fn understand(
    input: &Input,
    chosen: &Chosen,
    attributes: &[Loaded],
    guesses: &[Guess],
) -> Understood {
    let source =
        |field: usize| format!("column `{}`", input.header.get(field).map_or("", String::as_str));
    let example = |field: usize| {
        guesses.get(field).and_then(|guess| guess.example.clone()).unwrap_or_default()
    };
    let mut columns = vec![ColumnUse {
        column: CONSUMER.to_owned(),
        source: source(chosen.consumer),
        kind: "text".to_owned(),
        example: example(chosen.consumer),
    }];
    for (&(field, _), loaded) in chosen.attributes.iter().zip(attributes) {
        let AttributeRef { brand, name } = &loaded.attribute;
        let column = brand.as_ref().map_or_else(|| name.clone(), |brand| format!("{brand}.{name}"));
        let (source, kind) = (source(field), type_name(loaded.kind));
        columns.push(ColumnUse { column, source, kind, example: example(field) });
    }
    Understood {
        format: input.format,
        compression: input.compression,
        delimiter: input.delimiter(),
        columns,
        unused: chosen.unused.clone(),
        notices: Vec::new(),
    }
}
