//! DROP: nothing that something else needs is dropped.

use throng_query::catalog::Catalog;
use throng_query::plan::{AttributeRef, IfMissing, NameKind};

use super::create::{bulk, commit};
use super::define::Change;
use crate::attribute::index_key;
use crate::behaviour;
use crate::database::Database;
use crate::definition::{
    BehaviourRecord, BrandRecord, DefinitionKind, Standing, Uses, audience_key,
    behaviour_has_events, brand_has_events, encode, removal,
};
use crate::error::{DatabaseError, DefinitionError, User};
use crate::view::View;

/// Removes a definition. The caller holds the database's turn to define.
pub(super) fn run(
    database: &Database,
    kind: NameKind,
    name: &str,
    brand: Option<&str>,
    missing: IfMissing,
) -> Result<Change, DatabaseError> {
    let found = match kind {
        NameKind::Audience => drop_audience(database, name)?,
        NameKind::Attribute => {
            let attribute = AttributeRef { brand: brand.map(str::to_owned), name: name.to_owned() };
            drop_attribute(database, &attribute)?
        }
        NameKind::Model => super::model::drop(database, name)?,
        NameKind::Partition => drop_partition(database, name)?,
        NameKind::State => super::state::drop(database, name)?,
        NameKind::Brand => drop_brand(database, name)?,
        NameKind::Behaviour => drop_behaviour(database, name)?,
        // These are known by their events alone.
        NameKind::Touchpoint | NameKind::Category => Change::Unneeded,
    };
    if found == Change::Unneeded && missing == IfMissing::Error {
        return Err(DefinitionError::Missing { kind, name: name.to_owned() }.into());
    }
    Ok(found)
}

/// Refuses when a set of an audience, a model or a partition, or a state, uses the thing.
pub(super) fn check_unused(
    view: &View,
    kind: NameKind,
    name: &str,
    is_used: impl Fn(&Uses) -> bool,
) -> Result<(), DefinitionError> {
    let in_use = |user_kind, user: &str| DefinitionError::InUse {
        kind,
        name: name.to_owned(),
        user: User::Definition { kind: user_kind, name: user.to_owned() },
    };
    for audience in view.definitions().audiences() {
        if is_used(&Uses::of_set(&audience.set)) {
            return Err(in_use(NameKind::Audience, &audience.name));
        }
    }
    for model in view.definitions().models() {
        if is_used(&Uses::of_model(model)) {
            return Err(in_use(NameKind::Model, &model.name));
        }
    }
    for partition in view.definitions().partitions() {
        if is_used(&Uses::of_partition(partition)) {
            return Err(in_use(NameKind::Partition, &partition.name));
        }
    }
    for state in view.definitions().states() {
        if is_used(&Uses::of_state(state)) {
            return Err(in_use(NameKind::State, &state.name));
        }
    }
    Ok(())
}

/// Refuses when a set uses the attribute.
pub(super) fn check_attribute_unused(
    view: &View,
    attribute: &AttributeRef,
) -> Result<(), DefinitionError> {
    let kind = NameKind::Attribute;
    check_unused(view, kind, &attribute.name, |uses| uses.attributes.contains(attribute))
}

fn drop_audience(database: &Database, name: &str) -> Result<Change, DatabaseError> {
    let mut bulk = bulk(database)?;
    let view = database.view()?;
    let Some(audience) = view.audience(name) else { return Ok(Change::Unneeded) };
    check_unused(&view, NameKind::Audience, name, |uses| uses.audiences.contains(name))?;
    if audience.index_key.is_some() {
        bulk.drop_index(&audience_key(name));
    }
    bulk.define(removal(DefinitionKind::Audience, name));
    commit(bulk)
}

fn drop_attribute(database: &Database, attribute: &AttributeRef) -> Result<Change, DatabaseError> {
    let mut bulk = bulk(database)?;
    let view = database.view()?;
    let Some(info) = view.attribute_info(attribute) else { return Ok(Change::Unneeded) };
    check_attribute_unused(&view, attribute)?;
    if info.index.is_some() {
        bulk.drop_index(&info.key);
    }
    bulk.define(removal(DefinitionKind::Attribute, &index_key(attribute)));
    commit(bulk)
}

fn drop_partition(database: &Database, name: &str) -> Result<Change, DatabaseError> {
    let view = database.view()?;
    if view.partition(name).is_none() {
        return Ok(Change::Unneeded);
    }
    check_unused(&view, NameKind::Partition, name, |uses| uses.partitions.contains(name))?;
    database.store().define(vec![removal(DefinitionKind::Partition, name)])?;
    Ok(Change::Made)
}

fn drop_brand(database: &Database, name: &str) -> Result<Change, DatabaseError> {
    let kind = NameKind::Brand;
    let view = database.view()?;
    let Some(id) = view.brand_id(name).filter(|_| view.exists(kind, name)) else {
        return Ok(Change::Unneeded);
    };
    check_unused(&view, kind, name, |uses| uses.brands.contains(name))?;
    let mut attributes = view.definitions().attributes().map(|info| &info.attribute);
    let in_use = |user| DefinitionError::InUse { kind, name: name.to_owned(), user };
    if let Some(attribute) = attributes.find(|of| of.brand.as_deref() == Some(name)) {
        let (kind, name) = (NameKind::Attribute, attribute.name.clone());
        return Err(in_use(User::Definition { kind, name }).into());
    }
    if brand_has_events(view.snapshot(), id) {
        return Err(in_use(User::Events).into());
    }
    let record = BrandRecord { target_categories: Vec::new(), standing: Standing::Dropped };
    database.store().define(vec![encode(DefinitionKind::Brand, name, &record)])?;
    Ok(Change::Made)
}

fn drop_behaviour(database: &Database, name: &str) -> Result<Change, DatabaseError> {
    let kind = NameKind::Behaviour;
    if behaviour::is_built_in(name) {
        return Err(DefinitionError::BuiltIn { kind, name: name.to_owned() }.into());
    }
    let view = database.view()?;
    let Some(id) = view.behaviour_id(name).filter(|_| view.exists(kind, name)) else {
        return Ok(Change::Unneeded);
    };
    check_unused(&view, kind, name, |uses| uses.behaviours.contains(name))?;
    if behaviour_has_events(view.snapshot(), id) {
        let user = User::Events;
        return Err(DefinitionError::InUse { kind, name: name.to_owned(), user }.into());
    }
    let record = BehaviourRecord { standing: Standing::Dropped };
    database.store().define(vec![encode(DefinitionKind::Behaviour, name, &record)])?;
    Ok(Change::Made)
}
