//! Definitions: models, audiences, brands' settings and attribute types, stored and resolved.

pub mod built_in;
mod record;
mod tables;

pub use record::{
    AttributeRecord, AudienceRecord, BrandRecord, DefinitionKind, attribute_name, encode,
};
pub use tables::{Definitions, audience_key};
