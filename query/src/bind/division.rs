//! Partitions as rules or bands, and the top of a ranking.

use std::collections::HashSet;

use crate::ast::{Bands, Division as Node, Literal, Name, Ranking, Sign, Span, Top as TopNode};
use crate::error::{ErrorCode, QueryError, shown};
use crate::limits::MODEL_STAGES_MAX;
use crate::plan::{Create, Division, IfExists, NameKind, Set, StageRule, Top};
use crate::suggest::closest;
use crate::text::division_text;

use super::binder::{Binder, Place};
use super::set::signed;
use super::value::MILLION;

/// The rest of a partition when it has no other name.
const REST: &str = "rest";

impl Binder<'_> {
    pub fn create_partition(
        &mut self,
        name: &Name,
        node: &Node,
        text: &Span,
        exists: IfExists,
    ) -> Result<Create, QueryError> {
        self.check_new(NameKind::Partition, name, exists)?;
        let text = self.source.get(text.clone()).unwrap_or_default().to_owned();
        let mut partition = self.division(&name.text, node, text)?;
        if self.has_parameters() {
            partition.text = division_text(&partition, self.catalog);
        }
        Ok(Create::Partition { partition, exists })
    }

    /// The groups of a partition, each a rule.
    pub fn division(
        &mut self,
        name: &str,
        node: &Node,
        text: String,
    ) -> Result<Division, QueryError> {
        self.place = Place::Partition;
        let rules = match &node.bands {
            Some(bands) => self.bands(bands)?,
            None => self.group_rules(node)?,
        };
        self.place = Place::Query;
        let rest = node.rest.as_ref().map_or(REST, |rest| rest.text.as_str()).to_owned();
        if rules.iter().any(|rule| rule.stage == rest) {
            let message = format!("the rest cannot be called `{}`: a group is", shown(&rest));
            let span = node.rest.as_ref().map_or(0..0, |rest| rest.span.clone());
            let error = QueryError::new(ErrorCode::BadDefinition, span, message);
            return Err(error.hint("REST name gives it another name"));
        }
        Ok(Division { name: name.to_owned(), rules, rest, text })
    }

    fn group_rules(&mut self, node: &Node) -> Result<Vec<StageRule>, QueryError> {
        if let Some(beyond) = node.rules.get(MODEL_STAGES_MAX) {
            let message = format!("a partition has at most {MODEL_STAGES_MAX} groups");
            return Err(QueryError::new(ErrorCode::TooLong, beyond.stage.span.clone(), message));
        }
        let mut names = HashSet::new();
        let mut rules: Vec<StageRule> = Vec::with_capacity(node.rules.len());
        for group in &node.rules {
            let stage = group.stage.text.clone();
            let rule = self.set(&group.rule)?;
            let before = rules.iter().find(|earlier| earlier.rule == Set::All);
            let before = before.or_else(|| rules.iter().find(|earlier| earlier.rule == rule));
            let refused = if !names.insert(stage.clone()) {
                Some(format!("two groups are called `{}`", shown(&stage)))
            } else {
                before.map(|earlier| {
                    let (own, earlier) = (shown(&stage), shown(&earlier.stage));
                    format!("nobody can be in `{own}`: `{earlier}` takes them all before")
                })
            };
            if let Some(message) = refused {
                let span = group.stage.span.clone();
                return Err(QueryError::new(ErrorCode::BadDefinition, span, message));
            }
            rules.push(StageRule { stage, rule });
        }
        Ok(rules)
    }

    /// The highest band is `1`: as the first rule that holds wins, each is the top so far.
    fn bands(&mut self, node: &Bands) -> Result<Vec<StageRule>, QueryError> {
        let most = u32::try_from(MODEL_STAGES_MAX).unwrap_or(u32::MAX);
        let count = self.at_least_one(&node.count, "a number of bands", most)?;
        let top = self.ranked(&node.ranking, MILLION)?;
        let band = |place: u32| {
            let part = u64::from(MILLION) * u64::from(place) / u64::from(count.max(1));
            let per_million = u32::try_from(part).unwrap_or(MILLION);
            let rule = Set::Top(Top { per_million, ..top.clone() });
            StageRule { stage: place.to_string(), rule }
        };
        Ok((1..=count).map(band).collect())
    }

    pub fn top(&mut self, node: &TopNode) -> Result<Set, QueryError> {
        let per_million = self.per_million(&node.percent)?;
        Ok(Set::Top(self.ranked(&node.ranking, per_million)?))
    }

    fn ranked(&mut self, node: &Ranking, per_million: u32) -> Result<Top, QueryError> {
        let among = match &node.among {
            Some(set) => Some(Box::new(self.set(set)?)),
            None => None,
        };
        Ok(Top { per_million, among, by: node.by, of: self.spend(&node.of)? })
    }

    /// Those in some groups of a partition.
    pub fn group_test(
        &mut self,
        partition: &Name,
        as_of: Option<&Literal>,
        sign: Sign,
        literals: &[Literal],
    ) -> Result<Set, QueryError> {
        let name = self.partition_name(partition)?;
        let known = self.catalog.groups(&name).unwrap_or_default();
        let mut groups = Vec::with_capacity(literals.len());
        for literal in literals {
            let Some(group) = self.text(literal)? else { continue };
            if !known.contains(&group) {
                let message = format!("partition `{name}` has no group `{}`", shown(&group));
                let names = || known.iter().map(String::as_str);
                let span = literal.span.clone();
                let error = QueryError::new(ErrorCode::UndefinedObject, span, message)
                    .suggest(closest(&group, names()));
                let list: Vec<&str> = names().collect();
                return Err(error.hint(format!("its groups are {}", list.join(", "))));
            }
            groups.push(group);
        }
        let groups = super::value::distinct(groups);
        let as_of = self.optional_date(as_of)?;
        Ok(signed(sign, Set::Group { partition: name, groups, as_of }))
    }

    /// A partition that must be known, where one may be used.
    pub fn partition_name(&self, name: &Name) -> Result<String, QueryError> {
        let refused = match self.place {
            Place::Model => "a model's rules cannot use a partition",
            Place::Partition => "a partition's rules cannot use a partition",
            Place::Query | Place::Audience(_) => return self.known(NameKind::Partition, name),
        };
        Err(QueryError::new(ErrorCode::BadDefinition, name.span.clone(), refused))
    }
}
