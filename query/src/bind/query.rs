//! Queries: a measure and its clauses.

use crate::ast::{
    Every, Measure as MeasureNode, NamedKind, Partition as PartitionNode, Query as Node,
};
use crate::error::{ErrorCode, QueryError};
use crate::every::every_dates;
use crate::limits::{EVERY_DATES_MAX, FORECAST_DAYS_MAX, PARTITIONS_MAX, PROFILE_PARTITIONS_MAX};
use crate::plan::{AttributeType, Column, Dates, Measure, NameKind, Partition, Query};

use super::binder::Binder;

impl Binder<'_> {
    pub fn query(&mut self, node: &Node) -> Result<(Query, Vec<Column>), QueryError> {
        let measure = self.measure(&node.measure)?;
        check_clauses(node)?;
        let filter = node.filter.as_ref().map(|set| self.set(set)).transpose()?;
        let versus = node.versus.as_ref().map(|set| self.set(set)).transpose()?;
        let mut partitions = Vec::with_capacity(node.partitions.len());
        for partition in &node.partitions {
            partitions.push(self.partition(partition)?);
        }
        let dates = match &node.every {
            Some(every) => self.every(every)?,
            None => Dates::AsOf(self.optional_date(node.as_of.as_ref())?),
        };
        let forecast_days = self.forecast(node)?;
        let columns = self.query_columns(node, &measure)?;
        let order = self.order(&node.order, &columns)?;
        let limit = match &node.limit {
            Some(limit) => self.whole(limit, "LIMIT", 0, i64::MAX)?.map(i64::unsigned_abs),
            None => None,
        };
        let query =
            Query { measure, filter, versus, partitions, dates, forecast_days, order, limit };
        Ok((query, columns))
    }

    fn measure(&mut self, node: &MeasureNode) -> Result<Measure, QueryError> {
        match node {
            MeasureNode::Count => Ok(Measure::Count),
            MeasureNode::Profile => Ok(Measure::Profile),
            MeasureNode::Compare { set, base } => self.compare(set, base),
            MeasureNode::Spend(spend) => self.spend(spend).map(Measure::Spend),
            MeasureNode::AttributeSum(written) => {
                let (attribute, kind) = self.attribute(written)?;
                let scale = match kind {
                    AttributeType::Integer => 0,
                    AttributeType::Decimal { scale } => scale,
                    AttributeType::Text | AttributeType::Boolean | AttributeType::Date => {
                        let message = format!("`{}` is not a number", written.name.text);
                        let span = written.span();
                        let error = QueryError::new(ErrorCode::TypeMismatch, span, message);
                        return Err(error.hint("COUNT ... BY it instead"));
                    }
                };
                Ok(Measure::AttributeSum { attribute, scale })
            }
            MeasureNode::OfBrand(of) => self.brand_measure(of),
            MeasureNode::Purchases(of) => self.purchases(of).map(Measure::Purchases),
            MeasureNode::Named(of) => self.named(of).map(Measure::Named),
            MeasureNode::Overlap { operands, regions } => {
                let (operands, shape) = self.operands(operands, *regions)?;
                Ok(Measure::Overlap { operands, shape })
            }
        }
    }

    fn partition(&mut self, node: &PartitionNode) -> Result<Partition, QueryError> {
        match node {
            PartitionNode::Stage { brand, model, categories, as_of } => {
                let name = self.known(NameKind::Brand, brand)?;
                let (model, _) = self.model(model.as_ref(), &brand.span)?;
                let as_of = self.optional_date(as_of.as_ref())?;
                let categories = self.known_literals(NameKind::Category, categories)?;
                Ok(Partition::Stage { brand: name, model, categories, as_of })
            }
            PartitionNode::Attribute(written) => {
                Ok(Partition::Attribute(self.attribute(written)?.0))
            }
            PartitionNode::Audience(name) => self.audience(name).map(Partition::Audience),
            PartitionNode::About { what, of, top, span } => {
                if of.at_least.is_some() {
                    let message = "whoever did it once is in the group";
                    let error = QueryError::new(ErrorCode::NotSupported, span.clone(), message);
                    return Err(error.hint("ask for those who did it more often by WHERE"));
                }
                let top = match top {
                    Some(top) => self.whole(top, "TOP", 1, i64::MAX)?.map(i64::unsigned_abs),
                    None => None,
                };
                Ok(Partition::About { what: *what, of: self.did(of)?, top })
            }
            PartitionNode::Own { name, as_of } => {
                let name = self.partition_name(name)?;
                Ok(Partition::Own { name, as_of: self.optional_date(as_of.as_ref())? })
            }
        }
    }

    /// The days of FORECAST, on a measure of one number that is asked of many dates.
    fn forecast(&mut self, node: &Node) -> Result<Option<u32>, QueryError> {
        let Some((days, span)) = &node.forecast else { return Ok(None) };
        let has_one = match &node.measure {
            MeasureNode::Count
            | MeasureNode::Spend(_)
            | MeasureNode::Purchases(_)
            | MeasureNode::AttributeSum(_) => node.versus.is_none(),
            MeasureNode::Named(named) => matches!(
                named.kind,
                NamedKind::Deepening(_) | NamedKind::Reservoir | NamedKind::Penetration(_)
            ),
            MeasureNode::Overlap { .. }
            | MeasureNode::Profile
            | MeasureNode::Compare { .. }
            | MeasureNode::OfBrand(_) => false,
        };
        let refused = if node.every.is_none() {
            Some(("FORECAST needs a series", "ask EVERY n DAYS FROM 'day' TO 'day' before it"))
        } else if has_one {
            None
        } else {
            let hint = "COUNT, SUM, DEEPENING, RESERVOIR and PENETRATION give one";
            Some(("FORECAST continues one number a day", hint))
        };
        if let Some((message, hint)) = refused {
            let error = QueryError::new(ErrorCode::NotSupported, span.clone(), message);
            return Err(error.hint(hint));
        }
        self.at_least_one(days, "a forecast", FORECAST_DAYS_MAX).map(Some)
    }

    fn every(&mut self, every: &Every) -> Result<Dates, QueryError> {
        let step = self.whole(&every.step, "a step", 1, i64::from(u32::MAX))?;
        let days = self.days_between(&every.from, &every.to)?;
        let step = step.map(|step| u32::try_from(step).unwrap_or(u32::MAX));
        if let (Some(step), Some((from, to))) = (step, days) {
            let dates = every_dates(step, every.unit, from, to, EVERY_DATES_MAX + 1);
            if dates.len() > EVERY_DATES_MAX {
                let message = format!("these are more than {EVERY_DATES_MAX} dates");
                return Err(QueryError::new(ErrorCode::TooLong, every.span.clone(), message));
            }
        }
        let (step, (from, to)) = (step.unwrap_or(1), days.unwrap_or_default());
        Ok(Dates::Every { step, unit: every.unit, from, to })
    }
}

/// Clauses that a measure does not have.
fn check_clauses(node: &Node) -> Result<(), QueryError> {
    let refuse = |message: &str, hint: &str| {
        let error = QueryError::new(ErrorCode::NotSupported, node.span.clone(), message);
        Err(error.hint(hint))
    };
    let most = match node.measure {
        MeasureNode::Profile | MeasureNode::Compare { .. } => PROFILE_PARTITIONS_MAX,
        _ => PARTITIONS_MAX,
    };
    if node.partitions.len() > most {
        let message = format!("BY has {} parts; the limit is {most}", node.partitions.len());
        return Err(QueryError::new(ErrorCode::TooLong, node.span.clone(), message));
    }
    let about = node.partitions.iter().find_map(|partition| match partition {
        PartitionNode::About { span, .. } => Some(span),
        _ => None,
    });
    let is_profile = matches!(node.measure, MeasureNode::Profile | MeasureNode::Compare { .. });
    if let (Some(span), false) = (about, is_profile) {
        let message = "only PROFILE asks what events are about: one consumer is in several groups";
        return Err(QueryError::new(ErrorCode::NotSupported, span.clone(), message));
    }
    match node.measure {
        MeasureNode::Spend(_) | MeasureNode::Purchases(_) | MeasureNode::AttributeSum(_)
            if node.versus.is_some() =>
        {
            refuse("SUM has no VERSUS", "ask for each sum on its own")
        }
        MeasureNode::Overlap { .. } if node.versus.is_some() => {
            refuse("OVERLAP has no VERSUS", "each set is measured against each other already")
        }
        MeasureNode::Overlap { .. } if !node.partitions.is_empty() => {
            refuse("OVERLAP has no BY", "restrict it by WHERE, once per part")
        }
        MeasureNode::Compare { .. } if node.versus.is_some() => {
            refuse("PROFILE a AGAINST b has no VERSUS", "the set after AGAINST is the base")
        }
        MeasureNode::Profile | MeasureNode::Compare { .. } if node.partitions.is_empty() => {
            refuse("PROFILE needs BY", "name the attributes: PROFILE WHERE ... BY age, gender")
        }
        MeasureNode::Named(_) => super::named::check_clauses(node),
        _ => super::brand_measure::check_clauses(node),
    }
}
