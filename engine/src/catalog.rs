//! What the binder may ask of a view.

use throng_query::catalog::{Catalog, Currency};
use throng_query::plan::{AttributeRef, AttributeType, NameKind};
use throng_storage::names::NameTable;

use crate::view::View;

impl View {
    fn table(kind: NameKind) -> Option<NameTable> {
        match kind {
            NameKind::Brand => Some(NameTable::Brand),
            NameKind::Behaviour => Some(NameTable::Behaviour),
            NameKind::Touchpoint => Some(NameTable::Touchpoint),
            NameKind::Category => Some(NameTable::Category),
            NameKind::Audience | NameKind::Attribute | NameKind::Model => None,
        }
    }

    fn attribute_names(&self) -> Vec<String> {
        let name = |attribute: &AttributeRef| match &attribute.brand {
            None => attribute.name.clone(),
            Some(brand) => format!("{brand}.{}", attribute.name),
        };
        self.definitions().attributes().map(|info| name(&info.attribute)).collect()
    }
}

impl Catalog for View {
    fn exists(&self, kind: NameKind, name: &str) -> bool {
        match kind {
            NameKind::Audience => self.definitions().audience(name).is_some(),
            NameKind::Model => self.definitions().model(name).is_some(),
            NameKind::Attribute => self.attribute(None, name).is_some(),
            NameKind::Brand | NameKind::Behaviour | NameKind::Touchpoint | NameKind::Category => {
                Self::table(kind)
                    .is_some_and(|table| self.snapshot().names().get(table, name).is_some())
            }
        }
    }

    fn names(&self, kind: NameKind) -> Vec<String> {
        match Self::table(kind) {
            Some(table) => {
                self.snapshot().names().all(table).iter().map(|name| name.to_string()).collect()
            }
            None if kind == NameKind::Audience => {
                self.definitions().audiences().map(|audience| audience.name.clone()).collect()
            }
            None if kind == NameKind::Model => {
                self.definitions().models().map(|model| model.name.clone()).collect()
            }
            None => self.attribute_names(),
        }
    }

    fn attribute(&self, brand: Option<&str>, name: &str) -> Option<AttributeType> {
        let attribute = AttributeRef { brand: brand.map(str::to_owned), name: name.to_owned() };
        self.definitions().attribute(&attribute).map(|info| info.kind)
    }

    fn stages(&self, model: &str) -> Option<Vec<String>> {
        let model = self.definitions().model(model)?;
        Some(model.stages.iter().map(|rule| rule.stage.clone()).collect())
    }

    fn currency(&self) -> Currency {
        View::currency(self).clone()
    }
}
