//! The stored form of definitions.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use throng_query::date::Date;
use throng_query::plan::{AttributeRef, AttributeType, NameKind, Set};
use throng_storage::store::Definition;

use super::super::attribute::index_key;

/// The kinds of definitions, as storage numbers them. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DefinitionKind {
    /// A stage model: a [`throng_query::plan::Model`].
    Model = 1,
    /// An audience: an [`AudienceRecord`].
    Audience = 2,
    /// A brand that was created by a statement: a [`BrandRecord`].
    Brand = 3,
    /// An attribute: an [`AttributeRecord`].
    Attribute = 4,
    /// A behaviour that was created by a statement: no value.
    Behaviour = 5,
}

impl DefinitionKind {
    /// The kind of a number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        let all = [Self::Model, Self::Audience, Self::Brand, Self::Attribute, Self::Behaviour];
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
        }
    }
}

/// An audience as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudienceRecord {
    /// Its members.
    pub set: Set,
    /// The set as it was written.
    pub text: String,
    /// The day a frozen audience was taken as of; none when it is live.
    pub frozen: Option<Date>,
}

/// A brand's settings as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BrandRecord {
    /// Target categories by name.
    pub target_categories: Vec<String>,
}

/// An attribute as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeRecord {
    /// Whose, and its name.
    pub attribute: AttributeRef,
    /// Its type.
    pub kind: AttributeType,
}

/// The name an attribute's definition is stored under.
#[must_use]
pub fn attribute_name(attribute: &AttributeRef) -> String {
    index_key(attribute)
}

/// A definition to store.
pub fn encode<T: Serialize>(kind: DefinitionKind, name: &str, value: &T) -> Definition {
    let value = serde_json::to_vec(value).expect("a definition has only plain fields");
    Definition { kind: kind as u8, name: name.to_owned(), value: Some(value) }
}

/// Reads a stored definition.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}
