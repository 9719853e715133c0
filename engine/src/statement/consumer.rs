//! CONSUMER: one person's identity, stages, attributes, audiences and latest events.

use std::collections::BTreeMap;
use std::sync::Arc;

use throng_query::builtin::{DEFAULT_MODEL, NO_STAGE};
use throng_query::date::Date;
use throng_query::plan::{AttributeType, AttributeValue, AudienceKind, BrandRef, Set};
use throng_storage::names::NameTable;
use throng_storage::store::KeyTable;

use super::Reading;
use super::event_text::{details, events_of, title};
use super::one::{find, holds};
use super::reading::{text, text_or_null};
use crate::answer::{Answer, Decimal, Value};
use crate::attribute::value_of;
use crate::definition::{Uses, told};
use crate::error::ExecuteError;
use crate::exec::{Event, OneConsumer, Wanted};
use crate::identity::parts_of;
use crate::time::render;
use crate::view::{AttributeInfo, Audience};

/// Events shown at most, the latest first.
const EVENTS_SHOWN_MAX: usize = 20;

/// Section, name, value and time of each thing known.
pub(crate) fn run(
    reading: &Reading<'_>,
    identity: &str,
    brand: Option<&str>,
    as_of: Option<Date>,
) -> Result<Answer, ExecuteError> {
    let consumer = find(reading, identity)?;
    let day = reading.view.as_of(as_of).0;
    let brand_id = brand.map(|name| reading.view.brand_id(name).unwrap_or(0));
    let mut one = OneConsumer::new(reading.view, consumer, Wanted::everything(), reading.options);
    let mut events = events_of(&mut one, brand_id, day)?;
    let mut rows = vec![identity_row(reading, consumer)?];
    rows.extend(stages(reading, &mut one, brand, &events, day)?);
    rows.extend(attributes(reading, consumer, brand)?);
    rows.extend(audiences(reading, &mut one, day)?);
    events.sort_by(|a, b| (b.day, b.second, a.brand).cmp(&(a.day, a.second, b.brand)));
    for event in events.iter().take(EVENTS_SHOWN_MAX) {
        rows.push(event_row(reading, event)?);
    }
    let mut uses = Uses::default();
    uses.models.insert(DEFAULT_MODEL.to_owned());
    // A frozen one tells no more here than that it holds.
    let audiences = reading.view.definitions().audiences();
    let live = audiences.filter(|audience| audience.kind == AudienceKind::Live);
    uses.audiences.extend(live.map(|audience| audience.name.clone()));
    Ok(reading.answer("CONSUMER", rows).noting(told(reading.view, &uses)))
}

fn row(section: &str, name: &str, value: Option<String>, time: Option<String>) -> Vec<Value> {
    vec![text(section), text(name), text_or_null(value), text_or_null(time)]
}

fn identity_row(reading: &Reading<'_>, consumer: u32) -> Result<Vec<Value>, ExecuteError> {
    let key = reading.view.snapshot().key(KeyTable::Consumer, consumer)?.unwrap_or_default();
    let key = String::from_utf8_lossy(&key);
    let (namespace, value) = parts_of(&key);
    Ok(row("identity", namespace, Some(value.to_owned()), None))
}

/// The stage of the default model at the brand asked, or at each brand with an event.
fn stages(
    reading: &Reading<'_>,
    consumer: &mut OneConsumer<'_>,
    brand: Option<&str>,
    events: &[Event],
    day: i32,
) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let Some(model) = reading.view.model(DEFAULT_MODEL) else { return Ok(Vec::new()) };
    let brands: Vec<String> = match brand {
        Some(name) => vec![name.to_owned()],
        None => brand_names(reading, events),
    };
    let in_stage = |(brand, stage): (&String, &String)| Set::Stage {
        brand: BrandRef::Named(brand.clone()),
        model: model.name.clone(),
        stages: vec![stage.clone()],
        categories: Vec::new(),
        as_of: None,
    };
    let names: Vec<String> = model.stages.iter().map(|rule| rule.stage.clone()).collect();
    let pairs = brands.iter().flat_map(|brand| names.iter().map(move |stage| (brand, stage)));
    let sets: Vec<Set> = pairs.map(in_stage).collect();
    let found = holds(reading, &sets, day, consumer)?;
    let rows = brands.iter().zip(found.chunks(names.len().max(1))).map(|(brand, found)| {
        let stage = found.iter().position(|&holds| holds).map_or(NO_STAGE, |at| &names[at]);
        row("stage", brand, Some(stage.to_owned()), None)
    });
    Ok(rows.collect())
}

fn brand_names(reading: &Reading<'_>, events: &[Event]) -> Vec<String> {
    let names = reading.view.snapshot().names();
    let ids: BTreeMap<u32, ()> = events.iter().map(|event| (event.brand, ())).collect();
    let found = ids.keys().filter_map(|&id| names.name(NameTable::Brand, id));
    let mut found: Vec<String> = found.map(|name| name.to_string()).collect();
    found.sort_unstable();
    found
}

/// Known attributes: of the consumer, and of the consumer at the brand asked.
fn attributes(
    reading: &Reading<'_>,
    consumer: u32,
    brand: Option<&str>,
) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let mut rows = Vec::new();
    for info in reading.view.definitions().attributes() {
        let of = info.attribute.brand.as_deref();
        if of.is_some() && of != brand {
            continue;
        }
        if let Some(value) = value_of(info, consumer)? {
            let name = match of {
                Some(brand) => format!("{brand}.{}", info.attribute.name),
                None => info.attribute.name.clone(),
            };
            rows.push(row("attribute", &name, Some(shown(info, value)), None));
        }
    }
    Ok(rows)
}

fn shown(info: &AttributeInfo, value: AttributeValue) -> String {
    match (value, info.kind) {
        (AttributeValue::Text(text), _) => text,
        (AttributeValue::Boolean(flag), _) => flag.to_string(),
        (AttributeValue::Number(number), AttributeType::Decimal { scale }) => {
            Decimal { unscaled: i128::from(number), scale }.to_string()
        }
        (AttributeValue::Number(number), AttributeType::Date) => {
            i32::try_from(number).map_or_else(|_| number.to_string(), |day| Date(day).to_string())
        }
        (AttributeValue::Number(number), _) => number.to_string(),
    }
}

/// The audiences that hold.
fn audiences(
    reading: &Reading<'_>,
    consumer: &mut OneConsumer<'_>,
    day: i32,
) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let all: Vec<&Arc<Audience>> = reading.view.definitions().audiences().collect();
    let sets: Vec<Set> = all.iter().map(|one| Set::Audience(one.name.clone())).collect();
    let found = holds(reading, &sets, day, consumer)?;
    let held = all.iter().zip(found).filter(|(_, holds)| *holds);
    let rows = held.map(|(audience, _)| match audience.kind {
        AudienceKind::Live => row("audience", &audience.name, Some("live".to_owned()), None),
        AudienceKind::Frozen { as_of } => {
            let day = as_of.map(|day| day.to_string());
            row("audience", &audience.name, Some("frozen".to_owned()), day)
        }
    });
    Ok(rows.collect())
}

fn event_row(reading: &Reading<'_>, event: &Event) -> Result<Vec<Value>, ExecuteError> {
    let time = render(reading.zone, event.day, event.second);
    Ok(row("event", &title(reading, event), details(reading, event)?, Some(time)))
}
