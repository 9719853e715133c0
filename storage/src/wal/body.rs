//! What a record of the log says.

use std::sync::Arc;

use super::columns::{ROWS_MAX, put_columns, take_columns_within};
use super::forgetting::{put_forgetting, take_forgetting};
use super::reader::{Reader, Wrong, put_bytes, put_varint};
use crate::dictionary::KeyColumn;
use crate::erasure::Forgetting;
use crate::rows::EventColumns;
use crate::store::Definition;

/// New names of one table, at positions from `first` on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NameRun {
    pub(crate) first: usize,
    pub(crate) names: Vec<Arc<str>>,
}

/// New keys of one dictionary, at positions from `first` on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyRun {
    pub(crate) first: u32,
    pub(crate) keys: KeyColumn,
}

/// One batch, or one change of definitions. Names and keys say their positions, so that taking a
/// record in twice changes nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CommitBody {
    pub(crate) token: Option<String>,
    pub(crate) names: [NameRun; 4],
    pub(crate) keys: [KeyRun; 3],
    pub(crate) definitions: Vec<Definition>,
    pub(crate) events: EventColumns,
    /// Consumers to forget: those of the records before this one.
    pub(crate) forgetting: Option<Forgetting>,
}

/// The bytes of a body.
pub(crate) fn encode_commit(body: &CommitBody) -> Vec<u8> {
    let mut out = Vec::new();
    // A token is never empty; an empty one stands for none.
    put_bytes(&mut out, body.token.as_deref().unwrap_or_default().as_bytes());
    for run in &body.names {
        put_varint(&mut out, run.first as u64);
        put_varint(&mut out, run.names.len() as u64);
        run.names.iter().for_each(|name| put_bytes(&mut out, name.as_bytes()));
    }
    for run in &body.keys {
        put_varint(&mut out, u64::from(run.first));
        put_varint(&mut out, run.keys.len() as u64);
        run.keys.iter().for_each(|key| put_bytes(&mut out, key));
    }
    put_varint(&mut out, body.definitions.len() as u64);
    for definition in &body.definitions {
        out.push(definition.kind);
        put_bytes(&mut out, definition.name.as_bytes());
        out.push(u8::from(definition.value.is_some()));
        put_bytes(&mut out, definition.value.as_deref().unwrap_or_default());
    }
    put_columns(&mut out, &body.events);
    // Records of before there was this part end here.
    if let Some(forgetting) = &body.forgetting {
        put_forgetting(&mut out, forgetting);
    }
    out
}

impl CommitBody {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Wrong> {
        Self::decode_within(bytes, ROWS_MAX)
    }

    /// Refuses more rows than a number.
    pub(crate) fn decode_within(bytes: &[u8], rows_max: usize) -> Result<Self, Wrong> {
        let mut reader = Reader(bytes);
        let token = reader.text()?;
        let mut body =
            Self { token: (!token.is_empty()).then(|| token.to_owned()), ..Self::default() };
        for run in &mut body.names {
            run.first = usize::try_from(reader.varint()?).map_err(|_| "a position is too large")?;
            let count = reader.count()?;
            for _ in 0..count {
                run.names.push(reader.text()?.into());
            }
        }
        for run in &mut body.keys {
            run.first = reader.u32()?;
            let count = reader.count()?;
            for _ in 0..count {
                let length = reader.count()?;
                run.keys.push(reader.bytes(length)?);
            }
        }
        let count = reader.count()?;
        for _ in 0..count {
            let kind = reader.u8()?;
            let name = reader.text()?.to_owned();
            let there = reader.u8()? != 0;
            let length = reader.count()?;
            let value = reader.bytes(length)?;
            let value = there.then(|| value.to_vec());
            body.definitions.push(Definition { kind, name, value });
        }
        body.events = take_columns_within(&mut reader, rows_max)?;
        if !reader.0.is_empty() {
            body.forgetting = Some(take_forgetting(&mut reader)?);
        }
        reader.end()?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;

    use super::*;
    use crate::erasure::{ErasureRecord, Subject};

    #[test]
    fn a_body_comes_back() {
        let mut body = CommitBody { token: Some("t".into()), ..CommitBody::default() };
        body.names[2] = NameRun { first: 300, names: vec!["a".into(), "雅".into()] };
        body.keys[0] = KeyRun { first: 5, keys: [&b"x"[..], b"", b"longer"].into_iter().collect() };
        body.definitions = vec![
            Definition { kind: 1, name: "n".into(), value: Some(vec![]) },
            Definition { kind: 2, name: String::new(), value: None },
        ];
        body.events.consumer = vec![1];
        body.events.brand = vec![1];
        body.events.behaviour = vec![1];
        body.events.day = vec![1];
        let bytes = encode_commit(&body);
        assert_eq!(CommitBody::decode(&bytes).unwrap(), body);
        for cut in 0..bytes.len() {
            assert!(CommitBody::decode(&bytes[..cut]).is_err());
        }
        let plain = bytes.len();
        let (salt, hash) = ([7; 16], [9; 32]);
        let subject = Subject::Consumer { id: 70_000, salt, hash };
        body.forgetting = Some(Forgetting {
            records: vec![
                ErasureRecord { time: None, subject: subject.clone(), events: 0 },
                ErasureRecord { time: Some(-5), subject, events: 1 << 40 },
            ],
            suspects: [[1, 2, 3].into_iter().collect(), RoaringBitmap::new()],
        });
        let bytes = encode_commit(&body);
        assert_eq!(CommitBody::decode(&bytes).unwrap(), body);
        for cut in (0..bytes.len()).filter(|&cut| cut != plain) {
            assert!(CommitBody::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
