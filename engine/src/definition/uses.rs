//! What a set or a model refers to.

use std::collections::BTreeSet;

use throng_query::plan::{
    AttributeRef, BrandRef, Division, Measure, Model, Partition, Query, Set, State,
};

/// Names that a set refers to.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    pub audiences: BTreeSet<String>,
    pub models: BTreeSet<String>,
    /// Model and stage.
    pub stages: BTreeSet<(String, String)>,
    pub brands: BTreeSet<String>,
    pub behaviours: BTreeSet<String>,
    pub states: BTreeSet<String>,
    pub attributes: Vec<AttributeRef>,
    pub partitions: BTreeSet<String>,
    /// Partition and group.
    pub groups: BTreeSet<(String, String)>,
}

impl Uses {
    /// What a set refers to.
    pub fn of_set(set: &Set) -> Self {
        let mut uses = Self::default();
        uses.add(set);
        uses
    }

    /// What the rules of a model refer to.
    pub fn of_model(model: &Model) -> Self {
        let mut uses = Self::default();
        model.stages.iter().for_each(|stage| uses.add(&stage.rule));
        uses
    }

    /// What the rules of a partition refer to.
    pub fn of_partition(partition: &Division) -> Self {
        let mut uses = Self::default();
        partition.rules.iter().for_each(|group| uses.add(&group.rule));
        uses
    }

    /// What a state refers to.
    pub fn of_state(state: &State) -> Self {
        let behaviours = state.from.iter().chain(&state.until).cloned().collect();
        Self { behaviours, ..Self::default() }
    }

    /// What a query refers to that is made of counts and sums.
    pub fn add_query(&mut self, query: &Query) {
        query.filter.iter().chain(&query.versus).for_each(|set| self.add(set));
        if let Measure::Overlap { operands, .. } = &query.measure {
            operands.iter().for_each(|operand| self.add(&operand.set));
        }
        for partition in &query.partitions {
            match partition {
                Partition::Stage { model, .. } => {
                    self.models.insert(model.clone());
                }
                Partition::Audience(name) => {
                    self.audiences.insert(name.clone());
                }
                Partition::Own { name, .. } => {
                    self.partitions.insert(name.clone());
                }
                Partition::Attribute(_) | Partition::About { .. } => {}
            }
        }
    }

    /// What a set refers to, too.
    pub fn add(&mut self, set: &Set) {
        match set {
            Set::All | Set::Sample { .. } => {}
            Set::And(sets) | Set::Or(sets) => sets.iter().for_each(|set| self.add(set)),
            Set::Not(set) => self.add(set),
            Set::Stage { brand, model, stages, .. } => {
                let stage = |stage: &String| (model.clone(), stage.clone());
                self.stages.extend(stages.iter().map(stage));
                self.add_brand(brand);
                self.models.insert(model.clone());
            }
            Set::Did(did) => {
                self.add_brand(&did.brand);
                self.behaviours.extend(did.behaviours.iter().cloned());
            }
            Set::Spent { spend: of, .. } | Set::Price { of, .. } => self.add_brand(&of.brand),
            Set::State { brand, state } => {
                self.add_brand(brand);
                self.states.insert(state.clone());
            }
            Set::Attribute { attribute, .. } => {
                self.brands.extend(attribute.brand.iter().cloned());
                self.attributes.push(attribute.clone());
            }
            Set::Group { partition, groups, .. } => {
                let group = |group: &String| (partition.clone(), group.clone());
                self.groups.extend(groups.iter().map(group));
                self.partitions.insert(partition.clone());
            }
            Set::Top(top) => {
                self.add_brand(&top.of.brand);
                top.among.iter().for_each(|set| self.add(set));
            }
            Set::Audience(name) => {
                self.audiences.insert(name.clone());
            }
        }
    }

    fn add_brand(&mut self, brand: &BrandRef) {
        if let BrandRef::Named(name) = brand {
            self.brands.insert(name.clone());
        }
    }
}
