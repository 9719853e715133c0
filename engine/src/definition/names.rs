//! What the binder may ask, answered from a snapshot and its definitions.

use throng_query::catalog::{Catalog, Currency};
use throng_query::plan::{AttributeRef, AttributeType, NameKind};
use throng_storage::names::NameTable;
use throng_storage::store::Snapshot;

use super::record::DefinitionKind;
use super::tables::Definitions;

/// The names of a snapshot. Its audiences are known by name before they are bound, so that one may
/// refer to another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SnapshotNames<'a> {
    pub snapshot: &'a Snapshot,
    pub definitions: &'a Definitions,
    pub currency: &'a Currency,
}

/// The table of names of a kind; none for kinds that are only defined.
fn table_of(kind: NameKind) -> Option<NameTable> {
    match kind {
        NameKind::Brand => Some(NameTable::Brand),
        NameKind::Behaviour => Some(NameTable::Behaviour),
        NameKind::Touchpoint => Some(NameTable::Touchpoint),
        NameKind::Category => Some(NameTable::Category),
        NameKind::Audience
        | NameKind::Attribute
        | NameKind::Model
        | NameKind::Partition
        | NameKind::State => None,
    }
}

/// Whether any segment has events of this brand.
pub(crate) fn brand_has_events(snapshot: &Snapshot, brand: u32) -> bool {
    let behaviours = snapshot.names().all(NameTable::Behaviour).len();
    let last = u16::try_from(behaviours).unwrap_or(u16::MAX);
    let segments = snapshot.segments();
    segments.iter().any(|segment| (1..=last).any(|id| segment.lane(brand, id).is_some()))
}

/// Whether any segment has events of this behaviour.
pub(crate) fn behaviour_has_events(snapshot: &Snapshot, behaviour: u16) -> bool {
    let mut segments = snapshot.segments().iter();
    segments.any(|segment| segment.lanes().any(|lane| lane.behaviour() == behaviour))
}

impl SnapshotNames<'_> {
    /// Whether a name of a table was dropped and has no events since.
    fn is_hidden(&self, kind: NameKind, name: &str, id: u32) -> bool {
        match kind {
            NameKind::Brand => {
                self.definitions.is_dropped(DefinitionKind::Brand, name)
                    && !brand_has_events(self.snapshot, id)
            }
            NameKind::Behaviour => {
                self.definitions.is_dropped(DefinitionKind::Behaviour, name)
                    && u16::try_from(id).is_ok_and(|id| !behaviour_has_events(self.snapshot, id))
            }
            _ => false,
        }
    }

    fn attribute_names(&self) -> Vec<String> {
        let name = |attribute: &AttributeRef| match &attribute.brand {
            None => attribute.name.clone(),
            Some(brand) => format!("{brand}.{}", attribute.name),
        };
        self.definitions.attributes().map(|info| name(&info.attribute)).collect()
    }

    fn audience_names(&self) -> impl Iterator<Item = &str> {
        let kind = DefinitionKind::Audience as u8;
        let all = self.snapshot.definitions().keys();
        all.filter(move |key| key.0 == kind).map(|key| key.1.as_str())
    }
}

impl Catalog for SnapshotNames<'_> {
    fn exists(&self, kind: NameKind, name: &str) -> bool {
        if let Some(table) = table_of(kind) {
            let id = self.snapshot.names().get(table, name);
            return id.is_some_and(|id| !self.is_hidden(kind, name, id));
        }
        match kind {
            NameKind::Audience => {
                let key = (DefinitionKind::Audience as u8, name.to_owned());
                self.snapshot.definitions().contains_key(&key)
            }
            NameKind::Model => self.definitions.model(name).is_some(),
            NameKind::Partition => self.definitions.partition(name).is_some(),
            NameKind::State => self.definitions.state(name).is_some(),
            _ => self.attribute(None, name).is_some(),
        }
    }

    fn names(&self, kind: NameKind) -> Vec<String> {
        if let Some(table) = table_of(kind) {
            let all = self.snapshot.names().all(table);
            let shown = (1..).zip(&all).filter(|(id, name)| !self.is_hidden(kind, name, *id));
            return shown.map(|(_, name)| name.to_string()).collect();
        }
        match kind {
            NameKind::Audience => self.audience_names().map(str::to_owned).collect(),
            NameKind::Partition => {
                self.definitions.partitions().map(|partition| partition.name.clone()).collect()
            }
            NameKind::State => self.definitions.states().map(|state| state.name.clone()).collect(),
            NameKind::Model => self.definitions.models().map(|model| model.name.clone()).collect(),
            _ => self.attribute_names(),
        }
    }

    fn attribute(&self, brand: Option<&str>, name: &str) -> Option<AttributeType> {
        let attribute = AttributeRef { brand: brand.map(str::to_owned), name: name.to_owned() };
        self.definitions.attribute(&attribute).map(|info| info.kind)
    }

    fn stages(&self, model: &str) -> Option<Vec<String>> {
        let model = self.definitions.model(model)?;
        Some(model.stages.iter().map(|rule| rule.stage.clone()).collect())
    }

    fn groups(&self, partition: &str) -> Option<Vec<String>> {
        self.definitions.partition(partition).map(|partition| partition.groups())
    }

    fn currency(&self) -> Currency {
        self.currency.clone()
    }
}
