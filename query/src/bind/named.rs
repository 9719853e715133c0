//! The measures by name.

use crate::ast::{Literal, Purchases as PurchasesNode};
use crate::ast::{Measure as MeasureNode, Named as Node, NamedKind as KindNode, Query, Rows, Span};
use crate::error::{ErrorCode, QueryError};
use crate::limits::PERIOD_DAYS_MAX;
use crate::plan::{BrandRef, Grow, NameKind, Named, NamedKind, Purchases, Window};

use super::binder::Binder;

/// Days of FAST and DEEPENING when nothing else is said: a week.
const PERIOD_DAYS: u32 = 7;

impl Binder<'_> {
    pub fn named(&mut self, node: &Node) -> Result<Named, QueryError> {
        let brand = self.known_literal(NameKind::Brand, &node.brand)?.unwrap_or_default();
        let kind = match &node.kind {
            KindNode::Fast(days) => NamedKind::Fast { days: self.period_days(days.as_ref())? },
            KindNode::Deepening(days) => {
                NamedKind::Deepening { days: self.period_days(days.as_ref())? }
            }
            KindNode::Reservoir => NamedKind::Reservoir,
            KindNode::Penetration(rows) => {
                if let Some(span) = &rows.target_categories {
                    return Err(no_targets(span));
                }
                let (window, rows) = self.rows(rows, &BrandRef::Any)?;
                NamedKind::Penetration { window, rows }
            }
            KindNode::Grow { rows, against } => {
                let grow = self.grow(&brand, rows, against.as_ref(), &node.span)?;
                NamedKind::Grow(grow)
            }
        };
        Ok(Named { brand, kind })
    }

    pub fn purchases(&mut self, node: &PurchasesNode) -> Result<Purchases, QueryError> {
        Ok(Purchases { figure: node.figure, of: self.spend(&node.of)? })
    }

    fn period_days(&mut self, days: Option<&Literal>) -> Result<u32, QueryError> {
        match days {
            Some(days) => self.at_least_one(days, "a period", PERIOD_DAYS_MAX),
            None => Ok(PERIOD_DAYS),
        }
    }

    fn grow(
        &mut self,
        brand: &str,
        rows: &Rows,
        against: Option<&(Literal, Literal)>,
        span: &Span,
    ) -> Result<Grow, QueryError> {
        let (period, rows) = self.rows(rows, &BrandRef::Named(brand.to_owned()))?;
        if !matches!(period, Window::LastDays(_) | Window::Between(..)) {
            let message = "GROW compares two periods of days";
            let error = QueryError::new(ErrorCode::Syntax, span.clone(), message);
            return Err(error.hint("GROW brand IN LAST 30 DAYS, or BETWEEN 'day' AND 'day'"));
        }
        let against = match against {
            Some((first, last)) => Some(self.days_between(first, last)?.unwrap_or_default()),
            None => None,
        };
        Ok(Grow { period, against, rows })
    }
}

fn no_targets(span: &Span) -> QueryError {
    let message = "target categories are one brand's; a penetration is among all brands' buyers";
    let error = QueryError::new(ErrorCode::NotSupported, span.clone(), message);
    error.hint("list categories: IN CATEGORY '...'")
}

/// Clauses that a measure by name does not have.
pub(super) fn check_clauses(node: &Query) -> Result<(), QueryError> {
    let MeasureNode::Named(named) = &node.measure else { return Ok(()) };
    let word = match named.kind {
        KindNode::Fast(_) => "FAST",
        KindNode::Deepening(_) => "DEEPENING",
        KindNode::Reservoir => "RESERVOIR",
        KindNode::Penetration(_) => "PENETRATION",
        KindNode::Grow { .. } => "GROW",
    };
    if node.versus.is_none() {
        return Ok(());
    }
    let message = format!("{word} has no VERSUS");
    let error = QueryError::new(ErrorCode::NotSupported, node.span.clone(), message);
    Err(error.hint("ask for each on its own, by WHERE"))
}
