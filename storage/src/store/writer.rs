//! Small batches: through the log into memory.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::columns;
use super::error::WriteError;
use super::shared::{LogState, Pending, Shared};
use super::turn::TurnGuard;
use super::types::{Definition, KeyTable, Outcome, TOKEN_BYTES_MAX};
use crate::dictionary::KeyColumn;
use crate::rows::EventColumns;
use crate::wal::{AppendError, CommitBody, KeyRun, RecordKind, encode_commit};

/// The one writer's turn: small batches. Dropping it without `append` changes nothing.
#[derive(Debug)]
pub struct Writer<'s> {
    shared: &'s Arc<Shared>,
    _turn: TurnGuard<'s>,
}

/// A batch in the log, not yet known to be durable.
#[derive(Debug)]
#[must_use = "a batch is acknowledged by `wait`"]
pub struct Ticket {
    shared: Arc<Shared>,
    sequence: u64,
    outcome: Outcome,
}

/// Refuses a token that cannot be kept.
pub(super) fn check_token(token: Option<&str>) -> Result<(), WriteError> {
    match token {
        Some(token) if token.is_empty() || token.len() > TOKEN_BYTES_MAX => {
            Err(WriteError::TokenLength { length: token.len() })
        }
        _ => Ok(()),
    }
}

/// Appends the ids of keys, new ones added.
pub(super) fn intern(
    shared: &Shared,
    table: KeyTable,
    keys: &KeyColumn,
    ids: &mut Vec<u32>,
) -> Result<(), WriteError> {
    let before = ids.len();
    let interned = shared.dictionaries[table as usize].intern(keys, ids);
    ids[before..].iter_mut().for_each(|id| *id += table.first_id());
    Ok(interned?)
}

impl<'s> Writer<'s> {
    pub(super) fn new(shared: &'s Arc<Shared>, turn: TurnGuard<'s>) -> Self {
        Self { shared, _turn: turn }
    }

    /// The ids of keys, new ones added.
    ///
    /// # Errors
    /// When the dictionary is full (2^32 - 3 keys) or a key is longer than 1,024 bytes.
    pub fn intern(
        &mut self,
        table: KeyTable,
        keys: &KeyColumn,
        ids: &mut Vec<u32>,
    ) -> Result<(), WriteError> {
        intern(self.shared, table, keys, ids)
    }

    /// Puts the batch in the log. It is visible and durable once the ticket has been waited for.
    ///
    /// # Errors
    /// When the columns are inconsistent or the log cannot be written; then nothing changed.
    pub fn append(self, token: Option<&str>, events: EventColumns) -> Result<Ticket, WriteError> {
        check_token(token)?;
        columns::check(&events, &self.shared.limits())?;
        let mut state = self.shared.log();
        if token.is_some_and(|token| state.tokens.contains(token)) {
            let sequence = state.log.last();
            drop(state);
            return Ok(self.ticket(sequence, Outcome::Repeated));
        }
        let outcome = Outcome::Applied { events: events.len() as u64 };
        let body = CommitBody {
            token: token.map(str::to_owned),
            keys: new_keys(self.shared, &state),
            events,
            ..CommitBody::default()
        };
        let sequence = log_commit(self.shared, &mut state, body)?;
        drop(state);
        Ok(self.ticket(sequence, outcome))
    }

    fn ticket(&self, sequence: u64, outcome: Outcome) -> Ticket {
        Ticket { shared: Arc::clone(self.shared), sequence, outcome }
    }
}

impl Drop for Writer<'_> {
    fn drop(&mut self) {
        // Keys that no record names go away again.
        let logged = self.shared.log().keys_logged;
        for (dictionary, logged) in self.shared.dictionaries.iter().zip(logged) {
            if dictionary.count() > logged {
                dictionary.truncate(logged);
            }
        }
    }
}

fn new_keys(shared: &Shared, state: &LogState) -> [KeyRun; 3] {
    KeyTable::ALL.map(|table| {
        let first = state.keys_logged[table as usize];
        let dictionary = &shared.dictionaries[table as usize];
        KeyRun { first, keys: dictionary.tail_keys(first, dictionary.count()) }
    })
}

/// Appends a record with the new names and puts it in line to be published.
pub(super) fn log_commit(
    shared: &Shared,
    state: &mut LogState,
    mut body: CommitBody,
) -> Result<u64, WriteError> {
    shared.healthy()?;
    body.names = state.new_names(&shared.names);
    let bytes = encode_commit(&body);
    let synced = shared.synced.load(Ordering::Acquire);
    let sequence = match state.log.append(RecordKind::Commit, &bytes, synced) {
        Ok(sequence) => sequence,
        Err(AppendError::Undone(error)) => return Err(error.into()),
        Err(AppendError::Broken(error)) => return Err(shared.fail(error)),
        Err(AppendError::Length(bytes)) => return Err(WriteError::Length { bytes }),
    };
    state.note_names(&body.names);
    for (logged, run) in state.keys_logged.iter_mut().zip(&body.keys) {
        *logged = (*logged).max(run.first + u32::try_from(run.keys.len()).unwrap_or(0));
    }
    for change in &body.definitions {
        state.changed.insert((change.kind, change.name.clone()), change.value.clone());
    }
    if let Some(token) = body.token {
        state.tokens.add(&token);
        state.tokens_new.push(token);
    }
    let keys = state.keys_logged;
    if let Some(forgetting) = &body.forgetting {
        Arc::make_mut(&mut state.erasures).forget(forgetting);
    }
    let CommitBody { events, definitions, forgetting, .. } = body;
    state.pending.push_back(Pending { sequence, events, keys, definitions, forgetting });
    Ok(sequence)
}

/// Puts changes of definitions in the log and waits until they are visible.
pub(super) fn define(shared: &Shared, changes: Vec<Definition>) -> Result<(), WriteError> {
    let sequence = {
        let mut state = shared.log();
        // A bulk load may be adding keys meanwhile: they are not for this record.
        let keys = state.keys_logged.map(|first| KeyRun { first, ..KeyRun::default() });
        let body = CommitBody { keys, definitions: changes, ..CommitBody::default() };
        log_commit(shared, &mut state, body)?
    };
    shared.wait_for(sequence)?;
    shared.follow_with_catalog();
    Ok(())
}

impl Ticket {
    /// Waits until the batch is on disk and visible to the next snapshot.
    ///
    /// # Errors
    /// When the sync failed: the batch is not acknowledged and the store is read-only.
    pub fn wait(self) -> Result<Outcome, WriteError> {
        self.shared.wait_for(self.sequence)?;
        Ok(self.outcome)
    }
}
