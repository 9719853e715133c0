//! One row to one event: every value checked before anything is kept of the row.

use std::sync::Arc;

use throng_storage::names::NameTable;
use throng_storage::rows::EventColumns;

use super::batch::EventBatch;
use super::block::{BLOCK_BYTES, RowView};
use super::code::Codes;
use super::column::EventColumn;
use super::error::{Reason, Reject};
use super::number::{Number, minor_units, whole};
use super::options::{KEY_BYTES_MAX, MissingConsumer, Returns, TrimZero, VALUE_SHOWN_MAX};
use super::pipeline::RowParser;
use super::plan::{EventPlan, Pick};
use super::time::{Moment, TimeReader};
use crate::behaviour::{BUY, REFUND};

/// The rows that a block is expected to have, so that columns grow rarely.
const ROWS_EXPECTED: usize = BLOCK_BYTES / 48;

/// Checks rows and gathers events.
pub(super) struct EventRows {
    plan: Arc<EventPlan>,
    time: TimeReader,
    brands: Codes,
    behaviours: Codes,
    touchpoints: Codes,
    categories: Codes,
    batch: EventBatch,
}

/// What is wrong, and with which column.
type Fault = (EventColumn, Reason);

/// The numbers of a row.
struct Figures {
    amount: i64,
    count: u32,
    behaviour: u16,
}

/// What became of a row.
enum Taken {
    Kept,
    Skipped,
}

impl EventRows {
    pub(super) fn new(plan: Arc<EventPlan>, time: TimeReader) -> Self {
        let codes = |column: EventColumn, table| {
            let meant = plan.options.values.iter().filter(|(target, ..)| *target == column);
            let meant = meant.map(|(_, found, meant)| (found.clone(), meant.clone())).collect();
            Codes::new(table, meant, plan.options.new_behaviours)
        };
        Self {
            brands: codes(EventColumn::Brand, NameTable::Brand),
            behaviours: codes(EventColumn::Behaviour, NameTable::Behaviour),
            touchpoints: codes(EventColumn::Touchpoint, NameTable::Touchpoint),
            categories: codes(EventColumn::Category, NameTable::Category),
            plan,
            time,
            batch: EventBatch::default(),
        }
    }

    fn take(&mut self, row: &RowView<'_>) -> Result<Taken, Fault> {
        let plan: &EventPlan = &self.plan;
        let value = |column: EventColumn| value(plan, row, column);
        let wrong = |column: EventColumn| move |reason: Reason| (column, reason);

        let consumer = value(EventColumn::Consumer);
        if consumer.is_empty() {
            return match plan.options.missing_consumer {
                MissingConsumer::Skip => Ok(Taken::Skipped),
                MissingConsumer::Reject => Err((EventColumn::Consumer, Reason::Missing)),
            };
        }
        let identity = identity(consumer, plan.namespace.as_deref());
        let identity = identity.map_err(wrong(EventColumn::Consumer))?;
        let (item, order) = (value(EventColumn::Item), value(EventColumn::Order));
        for (column, key) in [(EventColumn::Item, item), (EventColumn::Order, order)] {
            if key.len() > KEY_BYTES_MAX {
                return Err((column, Reason::KeyLength { found: key.len() }));
            }
        }
        let time = required(value(EventColumn::Time)).map_err(wrong(EventColumn::Time))?;
        let moment = self.time.read(time).map_err(wrong(EventColumn::Time))?;
        let id = |codes: &mut Codes, column: EventColumn| {
            codes.id(value(column), &plan.names).map_err(wrong(column))
        };
        let must = |id: u32, column| present(id).map_err(wrong(column));
        let behaviour = id(&mut self.behaviours, EventColumn::Behaviour)?;
        let behaviour = must(behaviour, EventColumn::Behaviour)?;
        let figures = figures(plan, row, u16::try_from(behaviour).unwrap_or(u16::MAX))?;
        // Only a row that is otherwise good may add these names to the store.
        let touchpoint = id(&mut self.touchpoints, EventColumn::Touchpoint)?;
        let category = id(&mut self.categories, EventColumn::Category)?;
        let brand = must(id(&mut self.brands, EventColumn::Brand)?, EventColumn::Brand)?;

        let batch = &mut self.batch;
        let at = batch.len();
        let keys = &mut batch.consumers;
        keys.bytes.extend_from_slice(identity.prefix);
        keys.bytes.extend_from_slice(identity.value);
        keys.ends.push(u32::try_from(keys.bytes.len()).unwrap_or(u32::MAX));
        batch.items.push(at, item);
        batch.orders.push(at, order);
        batch.events.brand.push(brand);
        if *plan.pick(EventColumn::Touchpoint) != Pick::Nothing {
            batch.events.touchpoint.push(touchpoint);
        }
        if *plan.pick(EventColumn::Category) != Pick::Nothing {
            batch.events.category.push(category);
        }
        keep(plan, &mut batch.events, moment, &figures);
        Ok(Taken::Kept)
    }

    #[cold]
    fn reject(&mut self, row: &RowView<'_>, fault: Fault) {
        let (column, reason) = fault;
        let shown = match self.plan.pick(column) {
            Pick::Product(left, right) => {
                let field = |field: usize| shown(row.record.get(row.data, field));
                format!("{} * {}", field(*left), field(*right))
            }
            _ => shown(value(&self.plan, row, column)),
        };
        let label = Arc::clone(&self.plan.labels[column.index()]);
        self.push_reject(row.line, label, shown, reason);
    }

    #[cold]
    fn reject_field(&mut self, row: &RowView<'_>, field: usize, reason: Reason) {
        let (label, shown) = match self.plan.fields.get(field) {
            Some(label) => (Arc::clone(label), shown(row.record.get(row.data, field))),
            None => (Arc::from(""), shown(row.raw)),
        };
        self.push_reject(row.line, label, shown, reason);
    }

    fn push_reject(&mut self, line: u64, column: Arc<str>, value: String, reason: Reason) {
        let file = Arc::clone(&self.plan.file);
        self.batch.rejects.push(Reject { file, line, column, value, reason });
    }
}

impl RowParser for EventRows {
    type Batch = EventBatch;

    fn row(&mut self, mut row: RowView<'_>) {
        if self.batch.rows == 0 {
            let bytes = ROWS_EXPECTED * 16;
            let batch = EventBatch::with_capacity(ROWS_EXPECTED, bytes);
            let empty = std::mem::replace(&mut self.batch, batch);
            self.batch.rejects = empty.rejects;
        }
        self.batch.rows += 1;
        if let Some((field, reason)) = row.fault.take() {
            self.reject_field(&row, field, reason);
            return;
        }
        match self.take(&row) {
            Ok(Taken::Kept) => {}
            Ok(Taken::Skipped) => self.batch.skipped += 1,
            Err(fault) => self.reject(&row, fault),
        }
    }

    fn finish(&mut self) -> EventBatch {
        let mut batch = std::mem::take(&mut self.batch);
        batch.compact();
        batch
    }
}

/// The value of a column without the spaces around it.
#[inline]
fn value<'a>(plan: &'a EventPlan, row: &RowView<'a>, column: EventColumn) -> &'a [u8] {
    let value = match plan.pick(column) {
        Pick::Field(field) => row.record.get(row.data, *field).trim_ascii(),
        Pick::Constant(value) => value,
        Pick::Nothing | Pick::Product(..) => &[],
    };
    without_zero(value, plan.trim_zero[column.index()])
}

/// A whole number that is written with `.0`, without it where that is asked for.
#[inline]
pub(super) fn without_zero(value: &[u8], trim: TrimZero) -> &[u8] {
    match value.strip_suffix(b".0") {
        Some(whole)
            if trim == TrimZero::Trim
                && !whole.is_empty()
                && whole.iter().all(u8::is_ascii_digit) =>
        {
            whole
        }
        _ => value,
    }
}

#[inline]
fn keep(plan: &EventPlan, events: &mut EventColumns, (day, second): Moment, figures: &Figures) {
    events.behaviour.push(figures.behaviour);
    events.day.push(day);
    events.second.push(second);
    if *plan.pick(EventColumn::Count) != Pick::Nothing {
        events.count.push(figures.count);
    }
    if *plan.pick(EventColumn::Amount) != Pick::Nothing {
        events.amount.push(figures.amount);
    }
}

fn required(value: &[u8]) -> Result<&[u8], Reason> {
    if value.is_empty() { Err(Reason::Missing) } else { Ok(value) }
}

fn present(id: u32) -> Result<u32, Reason> {
    if id == 0 { Err(Reason::Missing) } else { Ok(id) }
}

/// An identity as the dictionary has it: its namespace and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    pub(super) prefix: &'a [u8],
    pub(super) value: &'a [u8],
}

/// Puts the namespace before an identity that has it not yet. The namespace `id` is not written.
pub(super) fn identity<'a>(
    value: &'a [u8],
    namespace: Option<&'a [u8]>,
) -> Result<Identity<'a>, Reason> {
    let identity = match value.strip_prefix(b"id:") {
        Some(value) => Identity { prefix: &[], value },
        None => match namespace {
            Some(prefix) if !value.starts_with(prefix) => Identity { prefix, value },
            _ => Identity { prefix: &[], value },
        },
    };
    let found = identity.prefix.len() + identity.value.len();
    if found > KEY_BYTES_MAX {
        return Err(Reason::KeyLength { found });
    }
    let bare = identity.value.is_empty()
        || namespace
            .is_some_and(|prefix| identity.value.len() == prefix.len() && identity.value == prefix);
    if bare { Err(Reason::Identity) } else { Ok(identity) }
}

fn figures(plan: &EventPlan, row: &RowView<'_>, behaviour: u16) -> Result<Figures, Fault> {
    let wrong_amount = |reason| (EventColumn::Amount, reason);
    let amount = match *plan.pick(EventColumn::Amount) {
        Pick::Nothing => 0,
        Pick::Product(left, right) => {
            let number = |field| {
                let text = row.record.get(row.data, field).trim_ascii();
                required(text).and_then(Number::parse)
            };
            number(left)
                .and_then(|left| left.times(number(right)?))
                .and_then(|amount| amount.units(plan.digits, plan.options.rounding))
                .map_err(wrong_amount)?
        }
        _ => match value(plan, row, EventColumn::Amount) {
            b"" => 0,
            text => minor_units(text, plan.digits, plan.options.rounding).map_err(wrong_amount)?,
        },
    };
    let count = match value(plan, row, EventColumn::Count) {
        b"" => 1,
        text => whole(text).map_err(|reason| (EventColumn::Count, reason))?,
    };
    let mut figures = Figures { amount, count: 1, behaviour };
    if amount < 0 || count < 0 {
        let refund = plan.options.returns == Returns::Refund;
        match behaviour {
            BUY if refund => figures.behaviour = REFUND,
            REFUND if refund => {}
            _ if count < 0 && amount >= 0 => return Err((EventColumn::Count, Reason::Count)),
            REFUND => return Err(wrong_amount(Reason::NegativeRefund)),
            _ => return Err(wrong_amount(Reason::Negative)),
        }
        figures.amount = amount.checked_abs().ok_or(wrong_amount(Reason::Large))?;
    }
    let count = u32::try_from(count.unsigned_abs()).ok().filter(|&count| count > 0);
    figures.count = count.ok_or((EventColumn::Count, Reason::Count))?;
    Ok(figures)
}

/// A value for an error: text, and not too long.
pub(super) fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value.get(..VALUE_SHOWN_MAX).unwrap_or(value));
    if value.len() > VALUE_SHOWN_MAX { format!("{text}...") } else { text.into_owned() }
}
