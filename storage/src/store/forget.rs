//! Forgetting consumers: gone from every answer at once, from every file after compaction.

use roaring::RoaringBitmap;

use super::error::WriteError;
use super::handle::Store;
use super::random;
use super::trace::Traces;
use super::types::KeyTable;
use super::writer::log_commit;
use crate::erasure::{ErasureRecord, Forgetting, SALT_BYTES, Subject, hash_of};
use crate::wal::{CommitBody, KeyRun};

/// What to do about an identity that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfUnknown {
    /// Fail, and forget nobody.
    Refuse,
    /// Leave it out.
    Skip,
}

/// What forgetting did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Consumers that were forgotten.
    pub consumers: u64,
    /// Their events.
    pub events: u64,
    /// The places of identities that nobody has.
    pub unknown: Vec<usize>,
}

impl Store {
    /// Forgets the consumers of some identities, all or none of them. On return that is durable,
    /// and no new snapshot has them; merging everything ([`Self::compact_all`]) takes them out of
    /// the files. An identity that comes again is a new consumer. It waits for a bulk load that is
    /// under way, since that may name them. `time` goes into the record, in seconds since
    /// 1970-01-01 UTC.
    ///
    /// # Errors
    /// When an identity is unknown and that was to be refused, bytes are corrupt, or the log
    /// cannot be written; then nothing changed.
    pub fn forget(
        &self,
        identities: &[&[u8]],
        unknown: IfUnknown,
        time: Option<i64>,
    ) -> Result<Forgotten, WriteError> {
        let shared = &*self.shared;
        let turn = shared.turn.take();
        shared.healthy()?;
        // Events come only from whoever has the turn: after this every one is in the snapshot.
        shared.lead().flush()?;
        let snapshot = shared.present();
        let mut forgotten = Forgotten::default();
        let mut consumers = RoaringBitmap::new();
        let mut named = Vec::new();
        for (place, identity) in identities.iter().enumerate() {
            match snapshot.id(KeyTable::Consumer, identity)? {
                Some(id) if consumers.insert(id) => named.push((id, *identity)),
                Some(_) => {}
                None if unknown == IfUnknown::Refuse => {
                    return Err(WriteError::UnknownIdentity { place });
                }
                None => forgotten.unknown.push(place),
            }
        }
        if named.is_empty() {
            return Ok(forgotten);
        }
        let mut traces = Traces::default();
        for segment in snapshot.segments() {
            traces.add(segment, &consumers)?;
        }
        let record = |(id, identity): (u32, &[u8])| {
            let salt = salt();
            let subject = Subject::Consumer { id, salt, hash: hash_of(&salt, identity) };
            let events = traces.events.get(&id).copied().unwrap_or(0);
            ErasureRecord { time, subject, events }
        };
        let records: Vec<_> = named.into_iter().map(record).collect();
        forgotten.consumers = consumers.len();
        forgotten.events = records.iter().map(|record| record.events).sum();
        let forgetting = Forgetting { records, suspects: traces.keys };
        let sequence = {
            let mut state = shared.log();
            let keys = state.keys_logged.map(|first| KeyRun { first, ..KeyRun::default() });
            let body = CommitBody { keys, forgetting: Some(forgetting), ..CommitBody::default() };
            log_commit(shared, &mut state, body)?
        };
        shared.wait_for(sequence)?;
        // Only now: whoever writes next finds the keys buried.
        drop(turn);
        Ok(forgotten)
    }
}

fn salt() -> [u8; SALT_BYTES] {
    let mut salt = [0; SALT_BYTES];
    for part in salt.chunks_exact_mut(8) {
        part.copy_from_slice(&random::number().to_le_bytes());
    }
    salt
}
