//! The sets of an OVERLAP, and of PROFILE a AGAINST b.

use std::collections::HashSet;

use crate::ast::{Members, Operand as Node, Regions, SetKind};
use crate::builtin::{ASSET_STAGES, DEFAULT_MODEL};
use crate::error::{ErrorCode, QueryError};
use crate::limits::{OVERLAP_PAIRS_OPERANDS_MAX, OVERLAP_REGIONS_OPERANDS_MAX};
use crate::plan::{BrandRef, Measure, NameKind, Operand, OverlapShape, Set};

use super::binder::Binder;

impl Binder<'_> {
    pub fn operands(
        &mut self,
        nodes: &[Node],
        regions: Regions,
    ) -> Result<(Vec<Operand>, OverlapShape), QueryError> {
        let (shape, most) = match regions {
            Regions::Pairs => (OverlapShape::Pairs, OVERLAP_PAIRS_OPERANDS_MAX),
            Regions::Regions => (OverlapShape::Regions, OVERLAP_REGIONS_OPERANDS_MAX),
        };
        let span = match (nodes.first(), nodes.last()) {
            (Some(first), Some(last)) => first.span.start..last.span.end,
            _ => 0..0,
        };
        if nodes.len() < 2 {
            let message = "an overlap is between two sets or more";
            return Err(QueryError::new(ErrorCode::Syntax, span, message));
        }
        if nodes.len() > most {
            let message = format!("an overlap of {} sets; the limit is {most}", nodes.len());
            return Err(QueryError::new(ErrorCode::TooLong, span, message));
        }
        let mut labels = HashSet::new();
        let mut operands = Vec::with_capacity(nodes.len());
        for node in nodes {
            // A brand given as a parameter has no label until its value is known.
            let Some(operand) = self.operand(node)? else { continue };
            if !labels.insert(operand.label.clone()) {
                let message = format!("two sets are called `{}`", operand.label);
                let span = node.span.clone();
                let error = QueryError::new(ErrorCode::DuplicateLabel, span, message);
                return Err(error.hint("name one by AS"));
            }
            operands.push(operand);
        }
        Ok((operands, shape))
    }

    /// A set and its base.
    pub fn compare(&mut self, set: &Node, base: &Node) -> Result<Measure, QueryError> {
        // A brand given as a parameter has no label until its value is known.
        let unknown = || Operand { label: String::new(), set: Set::All };
        let [set, base_set] = [set, base].map(|node| self.operand(node));
        let (set, base_set) = (set?, base_set?);
        if set.is_some() && set == base_set {
            let message = "a set compared with itself";
            let error = QueryError::new(ErrorCode::BadValue, base.span.clone(), message);
            return Err(error.hint("name another base after AGAINST, or ask PROFILE WHERE ..."));
        }
        let (set, base) = (set.unwrap_or_else(unknown), base_set.unwrap_or_else(unknown));
        Ok(Measure::Compare { set: Box::new(set), base: Box::new(base) })
    }

    fn operand(&mut self, node: &Node) -> Result<Option<Operand>, QueryError> {
        let (label, set) = match &node.members {
            Members::Brand(brand) => match self.known_literal(NameKind::Brand, brand)? {
                Some(brand) => (brand.clone(), consumer_assets(brand)),
                None => return Ok(None),
            },
            Members::Set(set) => {
                let label = match &set.kind {
                    SetKind::Audience(name) => name.text.clone(),
                    _ => self.as_written(node.span.clone()),
                };
                (label, self.set(set)?)
            }
        };
        let label = node.label.as_ref().map_or(label, |label| label.text.clone());
        Ok(Some(Operand { label, set }))
    }

    /// A part of the source in one line.
    fn as_written(&self, span: crate::ast::Span) -> String {
        let text = self.source.get(span).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What a bare brand means: its stages A, I, P and L.
pub(crate) fn consumer_assets(brand: String) -> Set {
    Set::Stage {
        brand: BrandRef::Named(brand),
        model: DEFAULT_MODEL.to_owned(),
        stages: ASSET_STAGES.iter().map(|stage| (*stage).to_owned()).collect(),
        categories: Vec::new(),
        as_of: None,
    }
}
