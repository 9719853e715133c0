//! Sets.

use crate::ast::{Brand, Literal, Name, Set as Node, SetKind, Sign};
use crate::builtin::state_of;
use crate::error::{ErrorCode, QueryError};
use crate::plan::{BrandRef, NameKind, Set};

use super::binder::{Binder, Place};
use super::names::not_in_a_model;

impl Binder<'_> {
    /// AND inside AND and OR inside OR are flattened.
    pub fn set(&mut self, node: &Node) -> Result<Set, QueryError> {
        match &node.kind {
            SetKind::All => Ok(Set::All),
            SetKind::And(nodes) => {
                let mut parts = Vec::with_capacity(nodes.len());
                for node in nodes {
                    match self.set(node)? {
                        Set::And(inner) => parts.extend(inner),
                        other => parts.push(other),
                    }
                }
                Ok(Set::And(parts))
            }
            SetKind::Or(nodes) => {
                let mut parts = Vec::with_capacity(nodes.len());
                for node in nodes {
                    match self.set(node)? {
                        Set::Or(inner) => parts.extend(inner),
                        other => parts.push(other),
                    }
                }
                Ok(Set::Or(parts))
            }
            SetKind::Not(inner) => Ok(Set::Not(Box::new(self.set(inner)?))),
            SetKind::Stage(test) => self.stage_test(test),
            SetKind::Moved(moved) => self.moved(moved),
            SetKind::Did(did) => self.did(did).map(Set::Did),
            SetKind::Spent { spend, test } => self.spent(spend, test),
            SetKind::Price { of, test } => self.price(of, test),
            SetKind::State { brand, state, sign } => {
                let brand = self.brand(brand)?;
                Ok(signed(*sign, Set::State { brand, state: self.state(state)? }))
            }
            SetKind::Attribute { attribute, test } => self.attribute_test(attribute, test),
            SetKind::Audience(name) => self.audience(name).map(Set::Audience),
            SetKind::Top(top) => self.top(top),
            SetKind::Group { partition, as_of, sign, groups } => {
                self.group_test(partition, as_of.as_ref(), *sign, groups)
            }
            SetKind::Sample { percent, seed } => self.sample(percent, seed.as_ref()),
        }
    }

    fn sample(&mut self, percent: &Literal, seed: Option<&Literal>) -> Result<Set, QueryError> {
        let per_million = self.per_million(percent)?;
        let seed = match seed {
            Some(seed) => self.whole(seed, "a seed", 0, i64::MAX)?.unwrap_or(0),
            None => 0,
        };
        Ok(Set::Sample { per_million, seed: seed.unsigned_abs() })
    }

    /// A state that must be known. The built-in ones are words of the language.
    fn state(&self, name: &Name) -> Result<String, QueryError> {
        match state_of(&name.text) {
            Some(built_in) => Ok(built_in.to_owned()),
            None => self.known(NameKind::State, name),
        }
    }

    pub fn brand(&self, brand: &Brand) -> Result<BrandRef, QueryError> {
        match brand {
            Brand::Named(name) if self.place == Place::Model => {
                Err(not_in_a_model(name.span.clone()))
            }
            Brand::Named(name) => self.known(NameKind::Brand, name).map(BrandRef::Named),
            Brand::Subject(_) => Ok(BrandRef::Subject),
            Brand::Any(_) => Ok(BrandRef::Any),
        }
    }

    /// An audience that must be known, and not the one being defined.
    pub fn audience(&self, name: &Name) -> Result<String, QueryError> {
        let refused = match &self.place {
            Place::Model => Some("a model's rules cannot use an audience"),
            Place::Partition => Some("a partition's rules cannot use an audience"),
            Place::Audience(own) if *own == name.text => {
                Some("an audience cannot be defined by itself")
            }
            _ => None,
        };
        if let Some(message) = refused {
            return Err(QueryError::new(ErrorCode::BadDefinition, name.span.clone(), message));
        }
        self.known(NameKind::Audience, name)
    }
}

pub(super) fn signed(sign: Sign, set: Set) -> Set {
    match sign {
        Sign::Plain => set,
        Sign::Negated => Set::Not(Box::new(set)),
    }
}
