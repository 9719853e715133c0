//! CREATE: one function per kind of thing.

use throng_query::plan::{
    AttributeRef, AttributeType, AudienceKind, Create, IfExists, NameKind, Set,
};
use throng_query::{catalog::Catalog, date::Date};
use throng_storage::names::NameTable;
use throng_storage::store::{Bulk, BulkOptions, Definition};

use super::define::Change;
use crate::attribute::{index_key, index_of_sets};
use crate::behaviour;
use crate::database::Database;
use crate::definition::{
    AttributeRecord, AudienceRecord, BehaviourRecord, BrandRecord, DefinitionKind, Standing, Uses,
    audience_key, encode, encode_audience, versions_of,
};
use crate::error::{DatabaseError, DefinitionError};
use crate::exec;
use crate::options::ExecuteOptions;
use crate::view::View;

/// Memory of a bulk load that has no events.
pub(super) const BULK_MEMORY: usize = 1 << 20;

/// Makes a definition. The caller holds the database's turn to define.
pub(super) fn run(
    database: &Database,
    create: &Create,
    options: &ExecuteOptions,
) -> Result<Change, DatabaseError> {
    match create {
        Create::Audience { name, set, text, kind, exists } => {
            let members = Members { set, text, kind: *kind };
            audience(database, name, &members, *exists, options)
        }
        Create::Brand { name, target_categories, exists } => {
            brand(database, name, target_categories, *exists)
        }
        Create::Behaviour { name, exists } => new_behaviour(database, name, *exists),
        Create::Attribute { attribute: asked, kind, exists } => {
            attribute(database, asked, *kind, *exists)
        }
        Create::Model { model, exists } => {
            super::model::create(database, model, *exists, options.now)
        }
        Create::State { state, exists } => super::state::create(database, state, *exists),
        Create::Partition { partition, exists } => {
            super::partition::create(database, partition, *exists)
        }
    }
}

/// Whether to go on: an error when the name may not be taken, `Unneeded` when it is kept.
pub(super) fn may_take(
    exists: bool,
    policy: IfExists,
    kind: NameKind,
    name: &str,
) -> Result<Change, DefinitionError> {
    match (exists, policy) {
        (false, _) | (true, IfExists::Replace) => Ok(Change::Made),
        (true, IfExists::Keep) => Ok(Change::Unneeded),
        (true, IfExists::Error) => Err(DefinitionError::Exists { kind, name: name.to_owned() }),
    }
}

struct Members<'a> {
    set: &'a Set,
    text: &'a str,
    kind: AudienceKind,
}

fn audience(
    database: &Database,
    name: &str,
    members: &Members<'_>,
    exists: IfExists,
    options: &ExecuteOptions,
) -> Result<Change, DatabaseError> {
    // The writer's turn comes first, so that what is checked is still so when it is published.
    let mut bulk = bulk(database)?;
    let view = database.view()?;
    let before = view.audience(name);
    if may_take(before.is_some(), exists, NameKind::Audience, name)? == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    check_known(&view, members.set)?;
    let frozen = match members.kind {
        AudienceKind::Live => {
            check_cycle(&view, name, members.set)?;
            None
        }
        AudienceKind::Frozen { as_of } => Some(view.as_of(as_of)),
    };
    let models = frozen.map(|_| versions_of(&view, &Uses::of_set(members.set)));
    let text = lasting_text(members, &view);
    let record = AudienceRecord { text, frozen, models: models.unwrap_or_default() };
    match frozen {
        Some(day) => freeze(&mut bulk, &view, name, members.set, day, options)?,
        None if before.is_some_and(|before| before.index_key.is_some()) => {
            bulk.drop_index(&audience_key(name));
        }
        None => {}
    }
    publish(bulk, encode_audience(name, &record))
}

fn freeze(
    bulk: &mut Bulk<'_>,
    view: &View,
    name: &str,
    set: &Set,
    day: Date,
    options: &ExecuteOptions,
) -> Result<(), DatabaseError> {
    let members = exec::members(view, set, day.0, options)?;
    bulk.put_index(&audience_key(name), index_of_sets(Vec::new(), &[members]))?;
    Ok(())
}

/// The text as it was written, unless it means something else without its statement: with
/// parameters replaced by values it is written anew.
fn lasting_text(members: &Members<'_>, view: &View) -> String {
    match throng_query::bind_set(members.text, view) {
        Ok(set) if set == *members.set => members.text.to_owned(),
        _ => throng_query::set_text(members.set, view),
    }
}

/// Checks the names of a plan that was bound elsewhere.
pub(super) fn check_known(view: &View, set: &Set) -> Result<(), DefinitionError> {
    let uses = Uses::of_set(set);
    let missing = |kind, name: &String| DefinitionError::Missing { kind, name: name.clone() };
    let names = [
        (NameKind::Audience, &uses.audiences),
        (NameKind::Model, &uses.models),
        (NameKind::Partition, &uses.partitions),
        (NameKind::Behaviour, &uses.behaviours),
        (NameKind::State, &uses.states),
    ];
    for (kind, names) in names {
        if let Some(name) = names.iter().find(|name| !view.exists(kind, name)) {
            return Err(missing(kind, name));
        }
    }
    let unknown = |attribute: &&AttributeRef| view.attribute_info(attribute).is_none();
    match uses.attributes.iter().find(unknown) {
        Some(attribute) => Err(missing(NameKind::Attribute, &attribute.name)),
        None => Ok(()),
    }
}

/// Refuses a live audience that would need itself, through other live audiences.
fn check_cycle(view: &View, name: &str, set: &Set) -> Result<(), DefinitionError> {
    let mut path = vec![name.to_owned()];
    let mut clean = Vec::new();
    if reaches(view, name, set, &mut path, &mut clean) {
        return Err(DefinitionError::Cycle { path });
    }
    Ok(())
}

fn reaches(
    view: &View,
    goal: &str,
    set: &Set,
    path: &mut Vec<String>,
    clean: &mut Vec<String>,
) -> bool {
    for next in Uses::of_set(set).audiences {
        let found = next == goal;
        if !found && (clean.contains(&next) || path.contains(&next)) {
            continue;
        }
        path.push(next.clone());
        if found {
            return true;
        }
        let live = view.audience(&next).filter(|audience| audience.kind == AudienceKind::Live);
        if let Some(audience) = live
            && reaches(view, goal, &audience.set, path, clean)
        {
            return true;
        }
        path.pop();
        clean.push(next);
    }
    false
}

fn brand(
    database: &Database,
    name: &str,
    categories: &[String],
    exists: IfExists,
) -> Result<Change, DatabaseError> {
    let view = database.view()?;
    let taken = view.exists(NameKind::Brand, name);
    if may_take(taken, exists, NameKind::Brand, name)? == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    let names = database.store().names();
    names.intern(NameTable::Brand, name).map_err(DefinitionError::from)?;
    let mut target_categories: Vec<String> = Vec::new();
    for category in categories {
        names.intern(NameTable::Category, category).map_err(DefinitionError::from)?;
        if !target_categories.contains(category) {
            target_categories.push(category.clone());
        }
    }
    let record = BrandRecord { target_categories, standing: Standing::Created };
    database.store().define(vec![encode(DefinitionKind::Brand, name, &record)])?;
    Ok(Change::Made)
}

fn new_behaviour(
    database: &Database,
    name: &str,
    exists: IfExists,
) -> Result<Change, DatabaseError> {
    let kind = NameKind::Behaviour;
    let view = database.view()?;
    let taken = view.exists(kind, name);
    if behaviour::is_built_in(name) && exists == IfExists::Replace {
        return Err(DefinitionError::BuiltIn { kind, name: name.to_owned() }.into());
    }
    if may_take(taken, exists, kind, name)? == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    let names = database.store().names();
    names.intern(NameTable::Behaviour, name).map_err(DefinitionError::from)?;
    let record = BehaviourRecord { standing: Standing::Created };
    database.store().define(vec![encode(DefinitionKind::Behaviour, name, &record)])?;
    Ok(Change::Made)
}

fn attribute(
    database: &Database,
    asked: &AttributeRef,
    kind: AttributeType,
    exists: IfExists,
) -> Result<Change, DatabaseError> {
    let mut bulk = bulk(database)?;
    let view = database.view()?;
    let before = view.attribute_info(asked);
    let taken = may_take(before.is_some(), exists, NameKind::Attribute, &asked.name)?;
    if taken == Change::Unneeded {
        return Ok(Change::Unneeded);
    }
    if let Some(before) = &before
        && before.kind != kind
    {
        if before.index.is_some() {
            return Err(DefinitionError::AttributeType { name: asked.name.clone() }.into());
        }
        super::drop::check_attribute_unused(&view, asked)?;
    }
    if let Some(brand) = &asked.brand {
        let names = database.store().names();
        names.intern(NameTable::Brand, brand).map_err(DefinitionError::from)?;
    }
    let record = AttributeRecord { attribute: asked.clone(), kind };
    bulk.define(encode(DefinitionKind::Attribute, &index_key(asked), &record));
    commit(bulk)
}

/// The writer's turn, for a definition that comes with an index.
pub(super) fn bulk(database: &Database) -> Result<Bulk<'_>, DatabaseError> {
    Ok(database.store().bulk(BulkOptions { token: None, memory: BULK_MEMORY })?)
}

fn publish(mut bulk: Bulk<'_>, definition: Definition) -> Result<Change, DatabaseError> {
    bulk.define(definition);
    commit(bulk)
}

pub(super) fn commit(bulk: Bulk<'_>) -> Result<Change, DatabaseError> {
    bulk.commit(&mut |_, _| {})?;
    Ok(Change::Made)
}
