//! What the binder asks about names. The engine answers from a snapshot of the store.

use serde::{Deserialize, Serialize};

use crate::plan::{AttributeType, NameKind};

/// The store's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217 code, such as `CNY`.
    pub code: String,
    /// Digits of the minor unit, such as 2.
    pub exponent: u8,
}

/// Names known to a store.
pub trait Catalog {
    /// Whether a name of this kind exists (attributes: those of consumers, not of a brand).
    fn exists(&self, kind: NameKind, name: &str) -> bool;
    /// Every name of this kind, for suggestions and completion. Brand attributes as `brand.name`.
    fn names(&self, kind: NameKind) -> Vec<String>;
    /// The type of an attribute of consumers, or of consumers at a brand.
    fn attribute(&self, brand: Option<&str>, name: &str) -> Option<AttributeType>;
    /// The stages of a model in their order, without `none`.
    fn stages(&self, model: &str) -> Option<Vec<String>>;
    /// The groups of a partition in their order, the rest last.
    fn groups(&self, partition: &str) -> Option<Vec<String>>;
    /// The currency of money.
    fn currency(&self) -> Currency;
}
