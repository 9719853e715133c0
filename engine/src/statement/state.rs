//! CREATE and DROP STATE.

use throng_query::builtin;
use throng_query::catalog::Catalog;
use throng_query::plan::{IfExists, NameKind, State};

use super::create::may_take;
use super::define::Change;
use super::drop::check_unused;
use crate::database::Database;
use crate::definition::{DefinitionKind, StateRecord, Uses, encode, removal};
use crate::error::{DatabaseError, DefinitionError, User};

/// Makes a state, or replaces it. One that a model uses stays as it is: else the model would
/// change without a version of its own.
pub(super) fn create(
    database: &Database,
    asked: &State,
    exists: IfExists,
) -> Result<Change, DatabaseError> {
    let (kind, name) = (NameKind::State, &asked.name);
    if builtin::state_of(name).is_some() {
        return Err(DefinitionError::BuiltIn { kind, name: name.clone() }.into());
    }
    let view = database.view()?;
    let before = view.state(name);
    if may_take(before.is_some(), exists, kind, name)? == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    let missing = |behaviour: &&String| !view.exists(NameKind::Behaviour, behaviour);
    if let Some(behaviour) = asked.from.iter().chain(&asked.until).find(missing) {
        let (kind, name) = (NameKind::Behaviour, behaviour.clone());
        return Err(DefinitionError::Missing { kind, name }.into());
    }
    if let Some(before) = before {
        if *before == *asked {
            return Ok(Change::Same);
        }
        let uses = |model: &&std::sync::Arc<_>| Uses::of_model(model).states.contains(name);
        if let Some(model) = view.definitions().models().find(uses) {
            let user = User::Definition { kind: NameKind::Model, name: model.name.clone() };
            return Err(DefinitionError::InUse { kind, name: name.clone(), user }.into());
        }
    }
    let record = StateRecord { from: asked.from.clone(), until: asked.until.clone() };
    database.store().define(vec![encode(DefinitionKind::State, name, &record)])?;
    Ok(Change::Made)
}

/// Drops a state that nothing uses.
pub(super) fn drop(database: &Database, name: &str) -> Result<Change, DatabaseError> {
    let kind = NameKind::State;
    if builtin::state_of(name).is_some() {
        return Err(DefinitionError::BuiltIn { kind, name: name.to_owned() }.into());
    }
    let view = database.view()?;
    if view.state(name).is_none() {
        return Ok(Change::Unneeded);
    }
    check_unused(&view, kind, name, |uses| uses.states.contains(name))?;
    database.store().define(vec![removal(DefinitionKind::State, name)])?;
    Ok(Change::Made)
}
