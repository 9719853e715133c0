//! Definitions: models, audiences, brands' settings and attribute types, stored and resolved.

mod built_in;
mod names;
mod record;
mod tables;
mod uses;
mod versions;

pub(crate) use names::{SnapshotNames, behaviour_has_events, brand_has_events};
pub use record::{
    AttributeRecord, AudienceRecord, BehaviourRecord, BrandRecord, DefinitionKind, ModelRecord,
    ModelVersion, PartitionRecord, Standing, StateRecord, encode, removal,
};
pub(crate) use record::{attribute_type, decodes, encode_audience, encode_model};
pub use tables::{Definitions, audience_key};
pub(crate) use uses::Uses;
pub(crate) use versions::{told, versions_of};
