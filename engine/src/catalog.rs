//! What the binder may ask of a view.

use throng_query::catalog::{Catalog, Currency};
use throng_query::plan::{AttributeType, NameKind};

use crate::definition::SnapshotNames;
use crate::view::View;

impl View {
    fn all_names(&self) -> SnapshotNames<'_> {
        SnapshotNames {
            snapshot: self.snapshot(),
            definitions: self.definitions(),
            currency: self.currency(),
        }
    }
}

impl Catalog for View {
    fn exists(&self, kind: NameKind, name: &str) -> bool {
        self.all_names().exists(kind, name)
    }

    fn names(&self, kind: NameKind) -> Vec<String> {
        self.all_names().names(kind)
    }

    fn attribute(&self, brand: Option<&str>, name: &str) -> Option<AttributeType> {
        self.all_names().attribute(brand, name)
    }

    fn stages(&self, model: &str) -> Option<Vec<String>> {
        self.all_names().stages(model)
    }

    fn groups(&self, partition: &str) -> Option<Vec<String>> {
        self.all_names().groups(partition)
    }

    fn currency(&self) -> Currency {
        View::currency(self).clone()
    }
}
