//! The stored form of definitions.
//!
//! Sets and rules are stored as text of the language, which outlives any version of the plan.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use throng_query::date::Date;
use throng_query::plan::{AttributeRef, AttributeType, NameKind};
use throng_storage::codec::{self, ValueKind};
use throng_storage::store::Definition;

/// The kinds of definitions, as storage numbers them. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DefinitionKind {
    /// A stage model: a [`ModelRecord`].
    Model = 1,
    /// An audience: an [`AudienceRecord`].
    Audience = 2,
    /// A brand that was created or dropped by a statement: a [`BrandRecord`].
    Brand = 3,
    /// An attribute: an [`AttributeRecord`].
    Attribute = 4,
    /// A behaviour that was created or dropped by a statement: a [`BehaviourRecord`].
    Behaviour = 5,
    /// A partition of one's own: a [`PartitionRecord`].
    Partition = 6,
    /// A state of one's own: a [`StateRecord`].
    State = 7,
}

impl DefinitionKind {
    /// The kind of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        let all = [
            Self::Model,
            Self::Audience,
            Self::Brand,
            Self::Attribute,
            Self::Behaviour,
            Self::Partition,
            Self::State,
        ];
        all.into_iter().find(|kind| *kind as u8 == number)
    }

    /// What messages call it.
    #[must_use]
    pub fn name_kind(self) -> NameKind {
        match self {
            Self::Model => NameKind::Model,
            Self::Audience => NameKind::Audience,
            Self::Brand => NameKind::Brand,
            Self::Attribute => NameKind::Attribute,
            Self::Behaviour => NameKind::Behaviour,
            Self::Partition => NameKind::Partition,
            Self::State => NameKind::State,
        }
    }

    fn value_kind(self) -> ValueKind {
        ValueKind(256 + u16::from(self as u8))
    }

    /// The kind of a value in its later form, which knows of versions of models.
    fn versioned_kind(self) -> ValueKind {
        ValueKind(512 + u16::from(self as u8))
    }
}

/// Versions of a model whose rules are kept; of older ones only the number is known.
const VERSIONS_KEPT: usize = 64;

/// A model as it is stored. It stays when the model is dropped, so that no number of a version is
/// given twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// The newest versions, the newest last. Never empty.
    versions: Vec<ModelVersion>,
    /// Whether the name is still known.
    pub standing: Standing,
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// Counts from 1.
    pub number: u32,
    /// Its stage rules as they were written.
    pub text: String,
    /// When it came, in seconds since 1970-01-01 UTC; none when nobody said so.
    pub changed: Option<i64>,
}

impl ModelRecord {
    /// A model with a new version after those of `before`.
    pub fn next(before: Option<&Self>, text: String, changed: Option<i64>) -> Self {
        let mut versions = before.map_or_else(Vec::new, |record| record.versions.clone());
        let number = versions.last().map_or(1, |last| last.number.saturating_add(1));
        versions.push(ModelVersion { number, text, changed });
        let old = versions.len().saturating_sub(VERSIONS_KEPT);
        versions.drain(..old);
        Self { versions, standing: Standing::Created }
    }

    /// The same, dropped.
    #[must_use]
    pub fn dropped(&self) -> Self {
        Self { versions: self.versions.clone(), standing: Standing::Dropped }
    }

    /// The versions that are kept, the oldest first.
    #[must_use]
    pub fn versions(&self) -> &[ModelVersion] {
        &self.versions
    }

    /// The newest version.
    #[must_use]
    pub fn newest(&self) -> Option<&ModelVersion> {
        self.versions.last()
    }
}

/// A model as it was stored before models had versions: its first.
#[derive(Deserialize)]
struct FirstModelRecord {
    text: String,
}

/// A partition as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRecord {
    /// Its groups as they were written.
    pub text: String,
}

/// A state as it is stored: behaviours by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRecord {
    /// Those that begin it.
    pub from: Vec<String>,
    /// Those that end it.
    pub until: Vec<String>,
}

/// An audience as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceRecord {
    /// The set as it was written.
    pub text: String,
    /// The day a frozen audience was taken as of; none when it is live.
    pub frozen: Option<Date>,
    /// The models that a frozen audience was made by, with their versions; none in the form of
    /// before, which did not say.
    pub models: Vec<(String, u32)>,
}

/// An audience as it was stored before models had versions.
#[derive(Serialize, Deserialize)]
struct FirstAudienceRecord {
    text: String,
    frozen: Option<Date>,
}

/// A brand as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BrandRecord {
    /// Target categories by name.
    pub target_categories: Vec<String>,
    /// Whether the name is still known.
    pub standing: Standing,
}

/// A behaviour as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BehaviourRecord {
    /// Whether the name is still known.
    pub standing: Standing,
}

/// Names are never taken out of their table. A dropped one is only hidden until events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Standing {
    /// Known.
    #[default]
    Created,
    /// Hidden while it has no events.
    Dropped,
}

/// An attribute as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeRecord {
    /// Whose, and its name.
    pub attribute: AttributeRef,
    /// Its type.
    pub kind: AttributeType,
}

/// A definition to store.
pub fn encode<T: Serialize>(kind: DefinitionKind, name: &str, value: &T) -> Definition {
    let value = codec::encode(kind.value_kind(), value)
        .expect("a definition has plain fields and a statement's size at most");
    Definition { kind: kind as u8, name: name.to_owned(), value: Some(value) }
}

/// A model to store.
pub(crate) fn encode_model(name: &str, record: &ModelRecord) -> Definition {
    encode_versioned(DefinitionKind::Model, name, record)
}

/// An audience to store. A live one keeps the earlier form, which says all of it.
pub(crate) fn encode_audience(name: &str, record: &AudienceRecord) -> Definition {
    let kind = DefinitionKind::Audience;
    if record.models.is_empty() {
        let first = FirstAudienceRecord { text: record.text.clone(), frozen: record.frozen };
        return encode(kind, name, &first);
    }
    encode_versioned(kind, name, record)
}

fn encode_versioned<T: Serialize>(kind: DefinitionKind, name: &str, value: &T) -> Definition {
    let value = codec::encode(kind.versioned_kind(), value)
        .expect("a definition has plain fields and some statements' size at most");
    Definition { kind: kind as u8, name: name.to_owned(), value: Some(value) }
}

/// A definition to remove.
pub fn removal(kind: DefinitionKind, name: &str) -> Definition {
    Definition { kind: kind as u8, name: name.to_owned(), value: None }
}

/// Reads a stored definition.
pub(super) fn decode<T: DeserializeOwned>(kind: DefinitionKind, bytes: &[u8]) -> Option<T> {
    codec::decode(kind.value_kind(), bytes).ok()
}

/// Reads a stored model, of either form.
pub(super) fn decode_model(bytes: &[u8]) -> Option<ModelRecord> {
    let kind = DefinitionKind::Model;
    if let Some(first) = decode::<FirstModelRecord>(kind, bytes) {
        return Some(ModelRecord::next(None, first.text, None));
    }
    let record: ModelRecord = codec::decode(kind.versioned_kind(), bytes).ok()?;
    (!record.versions.is_empty()).then_some(record)
}

/// Reads a stored audience, of either form.
pub(super) fn decode_audience(bytes: &[u8]) -> Option<AudienceRecord> {
    let kind = DefinitionKind::Audience;
    if let Some(FirstAudienceRecord { text, frozen }) = decode(kind, bytes) {
        return Some(AudienceRecord { text, frozen, models: Vec::new() });
    }
    codec::decode(kind.versioned_kind(), bytes).ok()
}

/// Whether a stored definition is of a kind and version that this program reads.
pub(crate) fn decodes(kind: u8, bytes: &[u8]) -> bool {
    let Some(kind) = DefinitionKind::from_number(kind) else { return false };
    match kind {
        DefinitionKind::Model => decode_model(bytes).is_some(),
        DefinitionKind::Audience => decode_audience(bytes).is_some(),
        DefinitionKind::Brand => decode::<BrandRecord>(kind, bytes).is_some(),
        DefinitionKind::Attribute => decode::<AttributeRecord>(kind, bytes).is_some(),
        DefinitionKind::Behaviour => decode::<BehaviourRecord>(kind, bytes).is_some(),
        DefinitionKind::Partition => decode::<PartitionRecord>(kind, bytes).is_some(),
        DefinitionKind::State => decode::<StateRecord>(kind, bytes).is_some(),
    }
}

/// The type in the stored definition of an attribute.
pub(crate) fn attribute_type(bytes: &[u8]) -> Option<AttributeType> {
    decode::<AttributeRecord>(DefinitionKind::Attribute, bytes).map(|record| record.kind)
}
