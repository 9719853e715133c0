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
        }
    }

    fn value_kind(self) -> ValueKind {
        ValueKind(256 + u16::from(self as u8))
    }
}

/// A model as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    /// Its stage rules as they were written.
    pub text: String,
}

/// A partition as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRecord {
    /// Its groups as they were written.
    pub text: String,
}

/// An audience as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudienceRecord {
    /// The set as it was written.
    pub text: String,
    /// The day a frozen audience was taken as of; none when it is live.
    pub frozen: Option<Date>,
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

/// A definition to remove.
pub fn removal(kind: DefinitionKind, name: &str) -> Definition {
    Definition { kind: kind as u8, name: name.to_owned(), value: None }
}

/// Reads a stored definition.
pub(super) fn decode<T: DeserializeOwned>(kind: DefinitionKind, bytes: &[u8]) -> Option<T> {
    codec::decode(kind.value_kind(), bytes).ok()
}

/// Whether a stored definition is of a kind and version that this program reads.
pub(crate) fn decodes(kind: u8, bytes: &[u8]) -> bool {
    let Some(kind) = DefinitionKind::from_number(kind) else { return false };
    match kind {
        DefinitionKind::Model => decode::<ModelRecord>(kind, bytes).is_some(),
        DefinitionKind::Audience => decode::<AudienceRecord>(kind, bytes).is_some(),
        DefinitionKind::Brand => decode::<BrandRecord>(kind, bytes).is_some(),
        DefinitionKind::Attribute => decode::<AttributeRecord>(kind, bytes).is_some(),
        DefinitionKind::Behaviour => decode::<BehaviourRecord>(kind, bytes).is_some(),
        DefinitionKind::Partition => decode::<PartitionRecord>(kind, bytes).is_some(),
    }
}

/// The type in the stored definition of an attribute.
pub(crate) fn attribute_type(bytes: &[u8]) -> Option<AttributeType> {
    decode::<AttributeRecord>(DefinitionKind::Attribute, bytes).map(|record| record.kind)
}
