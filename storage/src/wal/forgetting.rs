//! What a record of the log says of consumers who are forgotten.

use super::reader::{Reader, Wrong, put_bytes, put_varint};
use crate::erasure::{ErasureRecord, Forgetting, Subject, bitmap_of, bytes_of};

/// Appends how many there are, each, and the items and orders that their events name.
pub(super) fn put_forgetting(out: &mut Vec<u8>, forgetting: &Forgetting) {
    let people = forgetting.records.iter().filter_map(|record| match &record.subject {
        Subject::Consumer { id, salt, hash } => Some((record, *id, salt, hash)),
        // Deleting events goes past the log.
        Subject::Events { .. } => None,
    });
    put_varint(out, people.clone().count() as u64);
    for (record, id, salt, hash) in people {
        put_varint(out, u64::from(id));
        out.extend_from_slice(salt);
        out.extend_from_slice(hash);
        put_varint(out, record.events);
        out.push(u8::from(record.time.is_some()));
        out.extend_from_slice(&record.time.unwrap_or_default().to_le_bytes());
    }
    forgetting.suspects.iter().for_each(|suspects| put_bytes(out, &bytes_of(suspects)));
}

/// Takes what [`put_forgetting`] appended.
pub(super) fn take_forgetting(reader: &mut Reader<'_>) -> Result<Forgetting, Wrong> {
    let mut forgetting = Forgetting::default();
    let count = reader.count()?;
    for _ in 0..count {
        let id = reader.u32()?;
        let (salt, hash) = (reader.array()?, reader.array()?);
        let events = reader.varint()?;
        let there = reader.u8()? != 0;
        let time = i64::from_le_bytes(reader.array()?);
        let subject = Subject::Consumer { id, salt, hash };
        let time = there.then_some(time);
        forgetting.records.push(ErasureRecord { time, subject, events });
    }
    for suspects in &mut forgetting.suspects {
        let length = reader.count()?;
        *suspects = bitmap_of(reader.bytes(length)?)?;
    }
    Ok(forgetting)
}
