//! CREATE, ALTER and DROP MODEL: every change of a model's rules is its next version.

use throng_query::builtin;
use throng_query::plan::{IfExists, IfMissing, Model, NameKind};

use super::create::{check_known, may_take};
use super::define::Change;
use super::drop::check_unused;
use crate::database::Database;
use crate::definition::{ModelRecord, Uses, encode_model};
use crate::error::{DatabaseError, DefinitionError, User};
use crate::view::View;

/// Makes a model, or replaces its rules.
pub(super) fn create(
    database: &Database,
    asked: &Model,
    exists: IfExists,
    now: Option<i64>,
) -> Result<Change, DatabaseError> {
    let (kind, name) = (NameKind::Model, &asked.name);
    let view = database.view()?;
    if builtin::is_model(name) && exists == IfExists::Replace {
        return Err(DefinitionError::BuiltIn { kind, name: name.clone() }.into());
    }
    if may_take(view.model(name).is_some(), exists, kind, name)? == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    put(database, &view, asked, now)
}

/// Replaces the rules of a model.
pub(super) fn alter(
    database: &Database,
    asked: &Model,
    missing: IfMissing,
    now: Option<i64>,
) -> Result<Change, DatabaseError> {
    let (kind, name) = (NameKind::Model, &asked.name);
    let view = database.view()?;
    if builtin::is_model(name) {
        return Err(DefinitionError::BuiltIn { kind, name: name.clone() }.into());
    }
    match (view.model(name), missing) {
        (Some(_), _) => put(database, &view, asked, now),
        (None, IfMissing::Ignore) => Ok(Change::Unneeded),
        (None, IfMissing::Error) => {
            Err(DefinitionError::Missing { kind, name: name.clone() }.into())
        }
    }
}

/// The same rules are no new version.
fn put(
    database: &Database,
    view: &View,
    asked: &Model,
    now: Option<i64>,
) -> Result<Change, DatabaseError> {
    let name = &asked.name;
    for stage in &asked.stages {
        check_known(view, &stage.rule)?;
    }
    if let Some(before) = view.model(name) {
        if before.stages == asked.stages {
            return Ok(Change::Same);
        }
        check_stages_kept(view, asked)?;
    }
    let text = match throng_query::bind_model(name, &asked.text, view) {
        Ok(model) if model.stages == asked.stages => asked.text.clone(),
        _ => throng_query::model_text(asked, view),
    };
    let before = view.definitions().versions(name);
    let record = ModelRecord::next(before.map(|record| &**record), text, now);
    database.store().define(vec![encode_model(name, &record)])?;
    Ok(Change::Made)
}

/// Refuses a new form of a model that lacks a stage some audience or partition names.
fn check_stages_kept(view: &View, model: &Model) -> Result<(), DefinitionError> {
    let kept = |stage: &String| {
        stage == builtin::NO_STAGE || model.stages.iter().any(|rule| rule.stage == *stage)
    };
    let lacks = |uses: Uses| {
        let lost = |(of, stage): &(String, String)| *of == model.name && !kept(stage);
        uses.stages.iter().any(lost)
    };
    let in_use = |kind, user: &str| {
        let user = User::Definition { kind, name: user.to_owned() };
        DefinitionError::InUse { kind: NameKind::Model, name: model.name.clone(), user }
    };
    for audience in view.definitions().audiences() {
        if lacks(Uses::of_set(&audience.set)) {
            return Err(in_use(NameKind::Audience, &audience.name));
        }
    }
    for partition in view.definitions().partitions() {
        if lacks(Uses::of_partition(partition)) {
            return Err(in_use(NameKind::Partition, &partition.name));
        }
    }
    Ok(())
}

/// Drops a model. The numbers of its versions stay taken.
pub(super) fn drop(database: &Database, name: &str) -> Result<Change, DatabaseError> {
    let kind = NameKind::Model;
    if builtin::is_model(name) {
        return Err(DefinitionError::BuiltIn { kind, name: name.to_owned() }.into());
    }
    let view = database.view()?;
    let versions = view.definitions().versions(name);
    let Some(record) = versions.filter(|_| view.model(name).is_some()) else {
        return Ok(Change::Unneeded);
    };
    check_unused(&view, kind, name, |uses| uses.models.contains(name))?;
    database.store().define(vec![encode_model(name, &record.dropped())])?;
    Ok(Change::Made)
}
