//! FORGET CONSUMER and DELETE EVENTS.

use throng_query::plan::{Column, DeleteEvents, Forget, IfMissing};
use throng_storage::erasure::Deletion;
use throng_storage::store::{IfUnknown, WriteError};

use crate::answer::{Answer, Value};
use crate::database::Database;
use crate::error::{DatabaseError, ExecuteError};
use crate::identity::key_of;
use crate::options::ExecuteOptions;

/// Forgets the consumers of some identities: all or none.
pub(crate) fn forget(
    database: &Database,
    forget: &Forget,
    columns: &[Column],
    options: &ExecuteOptions,
) -> Result<Answer, DatabaseError> {
    let Forget { identities, missing } = forget;
    let keys: Vec<&[u8]> = identities.iter().map(|one| key_of(one).as_bytes()).collect();
    let unknown = match missing {
        IfMissing::Error => IfUnknown::Refuse,
        IfMissing::Ignore => IfUnknown::Skip,
    };
    let named = |place: usize| identities.get(place).cloned().unwrap_or_default();
    let done = match database.store().forget(&keys, unknown, options.now) {
        Err(WriteError::UnknownIdentity { place }) => {
            return Err(ExecuteError::UnknownIdentity { identity: named(place) }.into());
        }
        done => done?,
    };
    database.renew_view();
    let notice =
        |place: &usize| format!("nobody has the identity `{}`: it was left out", named(*place));
    let mut answer = answer("FORGET", columns, done.consumers, done.events);
    answer.notices = done.unknown.iter().map(notice).collect();
    Ok(answer)
}

/// Deletes events of a brand.
pub(crate) fn delete(
    database: &Database,
    delete: &DeleteEvents,
    columns: &[Column],
    options: &ExecuteOptions,
) -> Result<Answer, DatabaseError> {
    let _hold = database.hold_compactor();
    let view = database.view()?;
    let mut behaviours: Vec<u16> =
        delete.behaviours.iter().filter_map(|name| view.behaviour_id(name)).collect();
    behaviours.sort_unstable();
    behaviours.dedup();
    // A brand or behaviour that has a name and no id has no events.
    let brand = match view.brand_id(&delete.brand) {
        Some(brand) if delete.behaviours.is_empty() || !behaviours.is_empty() => brand,
        _ => return Ok(answer("DELETE", columns, 0, 0)),
    };
    let deletion =
        Deletion { brand, behaviours, first_day: delete.first.0, last_day: delete.last.0 };
    drop(view);
    let done = database.store().delete_events(&deletion, options.now)?;
    database.renew_view();
    Ok(answer("DELETE", columns, done.consumers, done.events))
}

fn answer(tag: &str, columns: &[Column], consumers: u64, events: u64) -> Answer {
    let number = |number| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    Answer {
        columns: columns.to_vec(),
        rows: vec![vec![number(consumers), number(events)]],
        tag: format!("{tag} {consumers}"),
        ..Answer::default()
    }
}
