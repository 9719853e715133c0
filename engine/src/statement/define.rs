//! CREATE, ALTER and DROP.

use std::sync::PoisonError;

use throng_query::plan::{Create, IfMissing, Model, NameKind};

use super::{create as creating, drop as dropping, model as altering};
use crate::answer::Answer;
use crate::database::Database;
use crate::error::{DatabaseError, kind_word};
use crate::options::ExecuteOptions;

/// Whether anything changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It did.
    Made,
    /// What was asked for was so already.
    Unneeded,
    /// It says the same already.
    Same,
}

/// Makes a definition.
pub(crate) fn create(
    database: &Database,
    create: &Create,
    options: &ExecuteOptions,
) -> Result<Answer, DatabaseError> {
    let _turn = database.defining().lock().unwrap_or_else(PoisonError::into_inner);
    let (kind, name) = match create {
        Create::Audience { name, .. } => (NameKind::Audience, name),
        Create::Brand { name, .. } => (NameKind::Brand, name),
        Create::Behaviour { name, .. } => (NameKind::Behaviour, name),
        Create::Attribute { attribute, .. } => (NameKind::Attribute, &attribute.name),
        Create::Model { model, .. } => (NameKind::Model, &model.name),
        Create::Partition { partition, .. } => (NameKind::Partition, &partition.name),
        Create::State { state, .. } => (NameKind::State, &state.name),
    };
    let change = creating::run(database, create, options)?;
    let mut answer = done("CREATE", kind, name, change, "exists");
    match (create, change) {
        (Create::Partition { partition, .. }, Change::Made) => {
            let view = database.view()?;
            answer.notices.extend(super::partition::notices(&view, partition, options)?);
        }
        (Create::Model { .. }, Change::Made) => answer.notices.extend(version(database, name)?),
        _ => {}
    }
    Ok(answer)
}

/// Gives a model new rules, as its next version.
pub(crate) fn alter(
    database: &Database,
    model: &Model,
    missing: IfMissing,
    options: &ExecuteOptions,
) -> Result<Answer, DatabaseError> {
    let _turn = database.defining().lock().unwrap_or_else(PoisonError::into_inner);
    let change = altering::alter(database, model, missing, options.now)?;
    let mut answer = done("ALTER", NameKind::Model, &model.name, change, "does not exist");
    if change == Change::Made {
        answer.notices.extend(version(database, &model.name)?);
    }
    Ok(answer)
}

/// The version of a model that was just made, unless it is its first.
fn version(database: &Database, name: &str) -> Result<Option<String>, DatabaseError> {
    let number = database.view()?.definitions().version(name);
    let later = number.filter(|number| *number > 1);
    Ok(later.map(|number| format!("model `{name}` has version {number} now")))
}

/// Removes a definition.
pub(crate) fn drop(
    database: &Database,
    kind: NameKind,
    name: &str,
    brand: Option<&str>,
    missing: IfMissing,
) -> Result<Answer, DatabaseError> {
    let _turn = database.defining().lock().unwrap_or_else(PoisonError::into_inner);
    let change = dropping::run(database, kind, name, brand, missing)?;
    Ok(done("DROP", kind, name, change, "does not exist"))
}

fn done(verb: &str, kind: NameKind, name: &str, change: Change, because: &str) -> Answer {
    let word = kind_word(kind);
    let mut answer = Answer { tag: format!("{verb} {}", word.to_uppercase()), ..Answer::default() };
    let because = match change {
        Change::Made => return answer,
        Change::Unneeded => because,
        Change::Same => "says the same already",
    };
    answer.notices.push(format!("{word} `{name}` {because}: nothing was changed"));
    answer
}
