//! All definitions of a snapshot, decoded. What did not change since the last one is taken over.

use std::collections::BTreeMap;
use std::sync::Arc;

use throng_query::plan::{AttributeRef, AudienceKind, Model};
use throng_storage::names::NameTable;
use throng_storage::store::Snapshot;

use super::built_in;
use super::record::{AttributeRecord, AudienceRecord, BrandRecord, DefinitionKind, decode};
use crate::attribute::{AttributeLayout, index_key};
use crate::error::DefinitionError;
use crate::view::{AttributeInfo, Audience, BrandSettings};

/// Definitions by name.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    models: BTreeMap<String, Arc<Model>>,
    audiences: BTreeMap<String, Arc<Audience>>,
    brands: BTreeMap<String, Arc<BrandSettings>>,
    attributes: BTreeMap<String, Arc<AttributeInfo>>,
}

/// The key of a frozen audience's index.
#[must_use]
pub fn audience_key(name: &str) -> String {
    format!("audience:{name}")
}

impl Definitions {
    /// Decodes a snapshot's definitions. `before` are those of an earlier snapshot.
    ///
    /// # Errors
    /// When stored bytes are not a definition of this version.
    pub fn resolve(
        snapshot: &Snapshot,
        before: Option<(&Snapshot, &Self)>,
    ) -> Result<Self, DefinitionError> {
        let same = before.is_some_and(|(earlier, _)| {
            std::ptr::eq(earlier.definitions(), snapshot.definitions())
        });
        if same && let Some((earlier, definitions)) = before {
            return definitions.with_indexes(earlier, snapshot);
        }
        let mut all = Self { models: built_in::models().clone(), ..Self::default() };
        for ((number, name), bytes) in snapshot.definitions() {
            let Some(kind) = DefinitionKind::from_number(*number) else { continue };
            let kept = before.filter(|(earlier, _)| {
                earlier.definitions().get(&(*number, name.clone())) == Some(bytes)
            });
            all.add(kind, name, bytes, snapshot, kept.map(|(_, definitions)| definitions))?;
        }
        Ok(all)
    }

    fn add(
        &mut self,
        kind: DefinitionKind,
        name: &str,
        bytes: &[u8],
        snapshot: &Snapshot,
        kept: Option<&Self>,
    ) -> Result<(), DefinitionError> {
        let unreadable =
            || DefinitionError::Unreadable { kind: kind.name_kind(), name: name.to_owned() };
        match kind {
            DefinitionKind::Model => {
                let model = match kept.and_then(|all| all.models.get(name)) {
                    Some(model) => Arc::clone(model),
                    None => Arc::new(decode(bytes).ok_or_else(unreadable)?),
                };
                self.models.insert(name.to_owned(), model);
            }
            DefinitionKind::Audience => {
                let audience = match kept.and_then(|all| all.audiences.get(name)) {
                    Some(audience) => Arc::clone(audience),
                    None => Arc::new(audience(name, decode(bytes).ok_or_else(unreadable)?)),
                };
                self.audiences.insert(name.to_owned(), audience);
            }
            DefinitionKind::Brand => {
                let brand = match kept.and_then(|all| all.brands.get(name)) {
                    Some(brand) => Arc::clone(brand),
                    None => Arc::new(brand(decode(bytes).ok_or_else(unreadable)?, snapshot)),
                };
                self.brands.insert(name.to_owned(), brand);
            }
            DefinitionKind::Attribute => {
                let before = kept.and_then(|all| all.attributes.get(name));
                let info = match before.filter(|info| is_current(info, snapshot)) {
                    Some(info) => Arc::clone(info),
                    None => {
                        let record = decode(bytes).ok_or_else(unreadable)?;
                        Arc::new(attribute(record, snapshot).ok_or_else(unreadable)?)
                    }
                };
                self.attributes.insert(name.to_owned(), info);
            }
            DefinitionKind::Behaviour => {}
        }
        Ok(())
    }

    /// The same definitions with the indexes of another snapshot.
    fn with_indexes(
        &self,
        earlier: &Snapshot,
        snapshot: &Snapshot,
    ) -> Result<Self, DefinitionError> {
        let mut all = self.clone();
        for (name, info) in &self.attributes {
            if !is_current(info, snapshot) {
                let (kind, name) = (DefinitionKind::Attribute, name.clone());
                let key = (kind as u8, name.clone());
                if let Some(bytes) = earlier.definitions().get(&key) {
                    all.add(kind, &name, bytes, snapshot, None)?;
                }
            }
        }
        Ok(all)
    }

    /// A model.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Arc<Model>> {
        self.models.get(name)
    }

    /// An audience.
    #[must_use]
    pub fn audience(&self, name: &str) -> Option<&Arc<Audience>> {
        self.audiences.get(name)
    }

    /// A brand's settings.
    #[must_use]
    pub fn brand(&self, name: &str) -> Option<&Arc<BrandSettings>> {
        self.brands.get(name)
    }

    /// An attribute.
    #[must_use]
    pub fn attribute(&self, attribute: &AttributeRef) -> Option<&Arc<AttributeInfo>> {
        self.attributes.get(&index_key(attribute))
    }

    /// All models by name, built-in ones included.
    pub fn models(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.models.values()
    }

    /// All audiences by name.
    pub fn audiences(&self) -> impl Iterator<Item = &Arc<Audience>> {
        self.audiences.values()
    }

    /// All brands with settings by name.
    pub fn brands(&self) -> impl Iterator<Item = (&str, &Arc<BrandSettings>)> {
        self.brands.iter().map(|(name, settings)| (name.as_str(), settings))
    }

    /// All attributes: those of consumers and those at brands.
    pub fn attributes(&self) -> impl Iterator<Item = &Arc<AttributeInfo>> {
        self.attributes.values()
    }
}

fn audience(name: &str, record: AudienceRecord) -> Audience {
    let kind = match record.frozen {
        Some(day) => AudienceKind::Frozen { as_of: Some(day) },
        None => AudienceKind::Live,
    };
    Audience {
        name: name.to_owned(),
        kind,
        set: record.set,
        text: record.text,
        index_key: record.frozen.map(|_| audience_key(name)),
    }
}

fn brand(record: BrandRecord, snapshot: &Snapshot) -> BrandSettings {
    let find = |name: &String| snapshot.names().get(NameTable::Category, name);
    let mut ids: Vec<u32> = record.target_categories.iter().filter_map(find).collect();
    ids.sort_unstable();
    ids.dedup();
    BrandSettings { target_categories: record.target_categories, target_category_ids: ids }
}

fn attribute(record: AttributeRecord, snapshot: &Snapshot) -> Option<AttributeInfo> {
    let key = index_key(&record.attribute);
    let index = snapshot.index(&key).cloned();
    let layout = match &index {
        None => AttributeLayout::Empty,
        Some(index) => AttributeLayout::decode(index.header(), index.sets()).ok()?,
    };
    Some(AttributeInfo { attribute: record.attribute, kind: record.kind, key, index, layout })
}

/// Whether the attribute's index is the snapshot's.
fn is_current(info: &AttributeInfo, snapshot: &Snapshot) -> bool {
    match (&info.index, snapshot.index(&info.key)) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
        _ => false,
    }
}
