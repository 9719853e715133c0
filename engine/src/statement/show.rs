//! SHOW: what the store knows.

use crate::import::KEY_BYTES_MAX;
use throng_query::catalog::Catalog;
use throng_query::expansion::{self, MeasureEntry};
use throng_query::plan::{AudienceKind, Create, Division, IfExists, Model, NameKind, Show, State};
use throng_query::{builtin, create_text, type_text};

use super::reading::{text, text_or_null};
use super::{Reading, erasures, server_report, storage_report, store_report};
use crate::answer::{Answer, Value};
use crate::attribute::TEXT_VALUES_MAX;
use crate::behaviour;
use crate::error::ExecuteError;
use crate::view::{AttributeInfo, Audience, View};

type Row = Vec<Value>;

/// Answers a SHOW, with the columns of [`throng_query::show_columns`].
pub(crate) fn run(reading: &Reading<'_>, what: &Show) -> Result<Answer, ExecuteError> {
    let rows = match what {
        Show::Names(kind) => names(reading, *kind),
        Show::Definition { kind, name } => vec![vec![definition(reading.view, *kind, name)?]],
        Show::Versions { model } => versions(reading, model)?,
        Show::Store => store_report::lines(reading),
        Show::Storage => storage_report::lines(reading)?,
        Show::Server => server_report::lines(reading),
        Show::Limits => limits(),
        Show::Measures => measures(),
        Show::Erasures => erasures::lines(reading),
    };
    Ok(reading.answer("SHOW", rows))
}

fn names(reading: &Reading<'_>, kind: NameKind) -> Vec<Row> {
    let view = reading.view;
    let definitions = view.definitions();
    let sorted = || {
        let mut names = view.names(kind);
        names.sort_unstable();
        names.into_iter()
    };
    match kind {
        NameKind::Audience => definitions.audiences().map(|one| audience(one)).collect(),
        NameKind::Attribute => definitions.attributes().map(|one| attribute(one)).collect(),
        NameKind::Model => definitions.models().map(|one| model(reading, one)).collect(),
        NameKind::Partition => definitions.partitions().map(|one| partition(one)).collect(),
        NameKind::Brand => sorted().map(|name| brand(view, name)).collect(),
        NameKind::Behaviour => {
            let built_in = |name: &str| Value::Boolean(behaviour::is_built_in(name));
            sorted().map(|name| vec![text(&name), built_in(&name)]).collect()
        }
        NameKind::State => definitions.states().map(|one| state(one)).collect(),
        NameKind::Touchpoint | NameKind::Category => {
            sorted().map(|name| vec![text(name)]).collect()
        }
    }
}

fn audience(audience: &Audience) -> Row {
    let (kind, as_of) = match audience.kind {
        AudienceKind::Live => ("live", Value::Null),
        AudienceKind::Frozen { as_of } => ("frozen", as_of.map_or(Value::Null, Value::Date)),
    };
    vec![text(&audience.name), text(kind), as_of, text(&audience.text)]
}

fn attribute(info: &AttributeInfo) -> Row {
    let brand = info.attribute.brand.as_deref().map_or(Value::Null, text);
    vec![text(&info.attribute.name), brand, text(type_text(info.kind))]
}

fn model(reading: &Reading<'_>, model: &Model) -> Row {
    let stages: Vec<&str> = model.stages.iter().map(|rule| rule.stage.as_str()).collect();
    let built_in = Value::Boolean(builtin::is_model(&model.name));
    let definitions = reading.view.definitions();
    let version = definitions.version(&model.name);
    let version = version.map_or(Value::Null, |number| Value::Integer(number.into()));
    let newest = definitions.versions(&model.name).and_then(|record| record.newest());
    let changed = reading.moment(newest.and_then(|newest| newest.changed));
    vec![text(&model.name), text(stages.join(", ")), built_in, version, changed]
}

/// The versions of a model, the oldest first. It may have been dropped.
fn versions(reading: &Reading<'_>, name: &str) -> Result<Vec<Row>, ExecuteError> {
    let definitions = reading.view.definitions();
    let current = definitions.version(name);
    let row = |number: u32, changed: Option<i64>, rules: &str| {
        let is_current = Value::Boolean(current == Some(number));
        vec![Value::Integer(number.into()), reading.moment(changed), is_current, text(rules)]
    };
    if let Some(record) = definitions.versions(name) {
        let versions = record.versions().iter();
        return Ok(versions.map(|one| row(one.number, one.changed, &one.text)).collect());
    }
    let built_in = builtin::models().iter().find(|(known, _)| *known == name);
    let unknown = || ExecuteError::Unknown { kind: NameKind::Model, name: name.to_owned() };
    let (_, rules) = built_in.ok_or_else(unknown)?;
    Ok(vec![row(builtin::BUILT_IN_VERSION, None, rules)])
}

fn state(state: &State) -> Row {
    let built_in = builtin::state_of(&state.name).is_some();
    let [begins, ends] = [&state.from, &state.until].map(|names| text(names.join(", ")));
    vec![text(&state.name), begins, ends, Value::Boolean(built_in)]
}

fn partition(partition: &Division) -> Row {
    [partition.name.clone(), partition.groups().join(", "), partition.text.clone()]
        .map(text)
        .to_vec()
}

fn brand(view: &View, name: String) -> Row {
    let settings = view.brand_settings(&name);
    let categories = settings.map(|settings| settings.target_categories.join(", "));
    let categories = categories.filter(|joined| !joined.is_empty());
    vec![text(name), text_or_null(categories)]
}

/// The statement that makes a definition again.
fn definition(view: &View, kind: NameKind, name: &str) -> Result<Value, ExecuteError> {
    let unknown = || ExecuteError::Unknown { kind, name: name.to_owned() };
    let exists = IfExists::Error;
    let create = match kind {
        NameKind::Audience => {
            let audience = view.audience(name).ok_or_else(unknown)?;
            Create::Audience {
                name: name.to_owned(),
                set: audience.set.clone(),
                text: audience.text.clone(),
                kind: audience.kind,
                exists,
            }
        }
        NameKind::Model => {
            let model = view.model(name).ok_or_else(unknown)?;
            Create::Model { model: (*model).clone(), exists }
        }
        NameKind::State => {
            let state = view.state(name).ok_or_else(unknown)?;
            Create::State { state: (*state).clone(), exists }
        }
        NameKind::Partition => {
            let partition = view.partition(name).ok_or_else(unknown)?;
            Create::Partition { partition: (*partition).clone(), exists }
        }
        NameKind::Brand if view.exists(kind, name) => {
            let settings = view.brand_settings(name);
            let categories = settings.map(|settings| settings.target_categories.clone());
            let target_categories = categories.unwrap_or_default();
            Create::Brand { name: name.to_owned(), target_categories, exists }
        }
        NameKind::Behaviour if view.exists(kind, name) => {
            Create::Behaviour { name: name.to_owned(), exists }
        }
        _ => return Err(unknown()),
    };
    Ok(text(create_text(&create, view)))
}

fn measures() -> Vec<Row> {
    let row = |entry: MeasureEntry| {
        [entry.name, entry.statement, entry.definition, entry.source].map(text).to_vec()
    };
    expansion::measures().into_iter().map(row).collect()
}

fn limits() -> Vec<Row> {
    let mut all: Vec<(&str, usize)> = throng_query::limits::all();
    all.push(("text_values_max", TEXT_VALUES_MAX));
    all.push(("key_bytes_max", KEY_BYTES_MAX));
    let value = |limit| Value::Integer(i64::try_from(limit).unwrap_or(i64::MAX));
    all.into_iter().map(|(name, limit)| vec![text(name), value(limit)]).collect()
}
