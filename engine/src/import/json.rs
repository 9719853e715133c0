//! JSON lines: the wanted members of an object as fields. Numbers keep the digits they are written
//! with, so that money is exact.

use std::borrow::Cow;
use std::fmt;

use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::Reason;
use super::options::ROW_BYTES_MAX;
use super::record::Record;

/// Which member goes to which field.
#[derive(Debug, Clone, Default)]
pub(super) struct Members {
    fields: HashMap<String, usize>,
    /// Fields of a record, wanted or not.
    width: usize,
}

impl Members {
    pub(super) fn new(names: &[String]) -> Self {
        let fields = names.iter().enumerate().map(|(i, name)| (name.clone(), i)).collect();
        Self { fields, width: names.len() }
    }

    /// Forgets the members that nobody wants.
    pub(super) fn keep(&mut self, wanted: &[usize]) {
        self.fields.retain(|_, field| wanted.contains(field));
    }

    /// Reads one line into a record.
    pub(super) fn read(&self, line: &[u8], record: &mut Record) -> Result<(), (usize, Reason)> {
        record.reset(self.width);
        if line.len() > ROW_BYTES_MAX {
            return Err((usize::MAX, Reason::RowLength { found: line.len() }));
        }
        let mut nested = None;
        let mut reader = serde_json::Deserializer::from_slice(line);
        let object = Object { fields: &self.fields, record, nested: &mut nested };
        let read = object.deserialize(&mut reader).and_then(|()| reader.end());
        read.map_err(|error| (usize::MAX, fault(&error)))?;
        match nested {
            Some(field) => Err((field, Reason::Nested)),
            None => Ok(()),
        }
    }
}

fn fault(error: &serde_json::Error) -> Reason {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text).to_owned();
    Reason::Json { what, at: error.column() }
}

/// The names of the members of one line, in their order.
pub(super) fn names(line: &[u8]) -> Option<Vec<String>> {
    struct Names;
    impl<'de> Visitor<'de> for Names {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut names = Vec::new();
            while let Some(name) = map.next_key::<String>()? {
                map.next_value::<IgnoredAny>()?;
                names.push(name);
            }
            Ok(names)
        }
    }
    let mut reader = serde_json::Deserializer::from_slice(line);
    serde::Deserializer::deserialize_map(&mut reader, Names).ok()
}

struct Object<'a> {
    fields: &'a HashMap<String, usize>,
    record: &'a mut Record,
    /// The first wanted member that is a list or an object.
    nested: &'a mut Option<usize>,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Key(self.fields))? {
            let Some(field) = field else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let text = map.next_value::<&RawValue>()?.get();
            match text.as_bytes().first() {
                Some(b'"') if !text.contains('\\') => {
                    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or("");
                    self.record.set(field, inner.as_bytes());
                }
                Some(b'"') => {
                    let value: String = serde_json::from_str(text).map_err(A::Error::custom)?;
                    self.record.set(field, value.as_bytes());
                }
                Some(b'n') => self.record.set(field, &[]),
                Some(b'{' | b'[') => {
                    self.nested.get_or_insert(field);
                    self.record.set(field, text.as_bytes());
                }
                _ => self.record.set(field, text.as_bytes()),
            }
        }
        Ok(())
    }
}

/// A member's name, as the field it goes to.
struct Key<'a>(&'a HashMap<String, usize>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;
    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(name).copied())
    }

    fn visit_string<E: Error>(self, name: String) -> Result<Self::Value, E> {
        Ok(self.0.get(Cow::from(name).as_ref()).copied())
    }
}
