//! Rows of attributes: a consumer and its cells, each checked against its column's type.

use std::sync::Arc;

use throng_query::plan::AttributeType;
use throng_storage::dictionary::KeyColumn;

use super::block::RowView;
use super::error::{Reason, Reject};
use super::infer;
use super::options::{KEY_BYTES_MAX, MissingConsumer};
use super::pipeline::RowParser;
use super::row::{identity, shown, without_zero};

/// What rows of a file are checked against.
#[derive(Debug)]
pub(super) struct CellPlan {
    pub(super) file: Arc<str>,
    pub(super) fields: Vec<Arc<str>>,
    /// The field of the consumer.
    pub(super) consumer: usize,
    /// Field and type of each attribute.
    pub(super) cells: Vec<(usize, AttributeType)>,
    pub(super) namespace: Option<Box<[u8]>>,
    pub(super) trim_zero: super::options::TrimZero,
    pub(super) missing_consumer: MissingConsumer,
}

/// The values of one attribute in a block, with the positions of their consumers.
#[derive(Debug)]
pub(super) enum Cells {
    Texts(KeyColumn, Vec<u32>),
    Numbers(Vec<(u32, i64)>),
    Flags(Vec<(u32, bool)>),
}

impl Cells {
    fn new(kind: AttributeType) -> Self {
        match kind {
            AttributeType::Text => Self::Texts(KeyColumn::default(), Vec::new()),
            AttributeType::Boolean => Self::Flags(Vec::new()),
            _ => Self::Numbers(Vec::new()),
        }
    }
}

/// Rows of a block.
#[derive(Debug)]
pub(super) struct CellBatch {
    pub(super) consumers: KeyColumn,
    /// By attribute of the plan.
    pub(super) cells: Vec<Cells>,
    pub(super) rejects: Vec<Reject>,
    pub(super) rows: u64,
    pub(super) skipped: u64,
}

impl CellBatch {
    fn new(plan: &CellPlan) -> Self {
        Self {
            consumers: KeyColumn::default(),
            cells: plan.cells.iter().map(|&(_, kind)| Cells::new(kind)).collect(),
            rejects: Vec::new(),
            rows: 0,
            skipped: 0,
        }
    }
}

/// A checked value, not yet kept.
enum Cell<'a> {
    Empty,
    Text(&'a [u8]),
    Number(i64),
    Flag(bool),
}

/// Checks rows and gathers cells.
pub(super) struct CellRows {
    plan: Arc<CellPlan>,
    batch: CellBatch,
}

impl CellRows {
    pub(super) fn new(plan: Arc<CellPlan>) -> Self {
        let batch = CellBatch::new(&plan);
        Self { plan, batch }
    }

    fn take(&mut self, row: &RowView<'_>) -> Result<(), (usize, Reason)> {
        let plan: &CellPlan = &self.plan;
        let text = |field: usize| row.record.get(row.data, field).trim_ascii();
        let consumer = without_zero(text(plan.consumer), plan.trim_zero);
        if consumer.is_empty() {
            if plan.missing_consumer == MissingConsumer::Skip {
                self.batch.skipped += 1;
                return Ok(());
            }
            return Err((plan.consumer, Reason::Missing));
        }
        let identity = identity(consumer, plan.namespace.as_deref())
            .map_err(|reason| (plan.consumer, reason))?;
        // A bad row keeps nothing, so all cells are read before the first is kept.
        for &(field, kind) in &plan.cells {
            read(text(field), kind).map_err(|reason| (field, reason))?;
        }
        let at = u32::try_from(self.batch.consumers.len()).unwrap_or(u32::MAX);
        let keys = &mut self.batch.consumers;
        keys.bytes.extend_from_slice(identity.prefix);
        keys.bytes.extend_from_slice(identity.value);
        keys.ends.push(u32::try_from(keys.bytes.len()).unwrap_or(u32::MAX));
        for (&(field, kind), cells) in plan.cells.iter().zip(&mut self.batch.cells) {
            let cell = read(text(field), kind).map_err(|reason| (field, reason))?;
            match (cell, cells) {
                (Cell::Text(value), Cells::Texts(keys, rows)) => {
                    keys.push(value);
                    rows.push(at);
                }
                (Cell::Number(value), Cells::Numbers(rows)) => rows.push((at, value)),
                (Cell::Flag(value), Cells::Flags(rows)) => rows.push((at, value)),
                _ => {}
            }
        }
        Ok(())
    }

    #[cold]
    fn reject(&mut self, row: &RowView<'_>, field: usize, reason: Reason) {
        let (column, value) = match self.plan.fields.get(field) {
            Some(label) => (Arc::clone(label), shown(row.record.get(row.data, field))),
            None => (Arc::from(""), shown(row.raw)),
        };
        let file = Arc::clone(&self.plan.file);
        self.batch.rejects.push(Reject { file, line: row.line, column, value, reason });
    }
}

fn read(value: &[u8], kind: AttributeType) -> Result<Cell<'_>, Reason> {
    if value.is_empty() {
        return Ok(Cell::Empty);
    }
    let typed = |expected| move |_| Reason::Type { expected };
    match kind {
        AttributeType::Text if value.len() > KEY_BYTES_MAX => {
            Err(Reason::KeyLength { found: value.len() })
        }
        AttributeType::Text => Ok(Cell::Text(value)),
        AttributeType::Integer => {
            infer::scaled(value, 0).map(Cell::Number).map_err(typed("an integer"))
        }
        AttributeType::Decimal { scale } => infer::scaled(value, scale).map(Cell::Number),
        AttributeType::Boolean => {
            infer::truth(value).map(Cell::Flag).ok_or(Reason::Type { expected: "true or false" })
        }
        AttributeType::Date => infer::date(value)
            .map(|date| Cell::Number(i64::from(date.0)))
            .ok_or(Reason::Type { expected: "a date as 2017-11-11" }),
    }
}

impl RowParser for CellRows {
    type Batch = CellBatch;

    fn row(&mut self, mut row: RowView<'_>) {
        self.batch.rows += 1;
        let taken = match row.fault.take() {
            Some(fault) => Err(fault),
            None => self.take(&row),
        };
        if let Err((field, reason)) = taken {
            self.reject(&row, field, reason);
        }
    }

    fn finish(&mut self) -> CellBatch {
        let fresh = CellBatch::new(&self.plan);
        std::mem::replace(&mut self.batch, fresh)
    }
}
