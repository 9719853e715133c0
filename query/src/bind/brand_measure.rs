//! The measures of one brand's consumers: which clauses each has, and what they mean.

use crate::ast::{
    BrandMeasure, BrandMeasureKind, Measure as MeasureNode, Moved, Name, Partition, Query as Node,
};
use crate::builtin::DEFAULT_MODEL;
use crate::date::Date;
use crate::error::{ErrorCode, QueryError, shown};
use crate::limits::HORIZON_DAYS_MAX;
use crate::plan::{BrandRef, Flow, Ledger, Measure, Method, NameKind, Set, Valuation};
use crate::suggest::closest;

use super::binder::{Binder, Place};
use super::names::not_in_a_model;

/// Days looked ahead when nothing else is said: a year.
const HORIZON_DAYS: u32 = 365;

const METHODS: [(&str, Method); 2] = [("cohort", Method::Cohort), ("markov", Method::Markov)];

impl BrandMeasureKind {
    /// The word it begins with.
    fn word(self) -> &'static str {
        match self {
            Self::Flow => "FLOW",
            Self::Asset => "ASSET",
            Self::Ledger => "LEDGER",
            Self::Backtest => "BACKTEST",
        }
    }
}

impl Binder<'_> {
    pub fn brand_measure(&mut self, node: &BrandMeasure) -> Result<Measure, QueryError> {
        let brand = self.known_literal(NameKind::Brand, &node.brand)?.unwrap_or_default();
        match node.kind {
            BrandMeasureKind::Flow => {
                let model = match &node.using {
                    Some(name) => self.known(NameKind::Model, name)?,
                    None => DEFAULT_MODEL.to_owned(),
                };
                let categories = self.known_literals(NameKind::Category, &node.categories)?;
                let (from, to) = self.period(node)?;
                Ok(Measure::Flow(Flow { brand, categories, model, from, to }))
            }
            BrandMeasureKind::Asset => Ok(Measure::Asset(self.valuation(node, brand)?)),
            BrandMeasureKind::Backtest => Ok(Measure::Backtest(self.valuation(node, brand)?)),
            BrandMeasureKind::Ledger => {
                let (from, to) = self.period(node)?;
                let of = self.valuation(node, brand)?;
                let Valuation { brand, categories, horizon_days, method } = of;
                if let (Method::Markov, Some(name)) = (method, &node.using) {
                    let message = "a ledger is by cohort";
                    let span = name.span.clone();
                    let error = QueryError::new(ErrorCode::NotSupported, span, message);
                    return Err(error.hint("ASSET ... USING markov on each day gives the totals"));
                }
                Ok(Measure::Ledger(Ledger { brand, categories, horizon_days, from, to }))
            }
        }
    }

    fn valuation(&mut self, node: &BrandMeasure, brand: String) -> Result<Valuation, QueryError> {
        let horizon_days = match &node.horizon {
            Some(days) => self.at_least_one(days, "a horizon", HORIZON_DAYS_MAX)?,
            None => HORIZON_DAYS,
        };
        let method = match &node.using {
            None => Method::Cohort,
            Some(name) => {
                let wanted = name.text.to_lowercase();
                let known = METHODS.iter().find(|(word, _)| *word == wanted);
                known.map(|(_, method)| *method).ok_or_else(|| unknown_method(name))?
            }
        };
        let categories = self.known_literals(NameKind::Category, &node.categories)?;
        Ok(Valuation { brand, categories, horizon_days, method })
    }

    fn period(&mut self, node: &BrandMeasure) -> Result<(Date, Date), QueryError> {
        let Some((from, to)) = &node.period else {
            let word = node.kind.word();
            let message = format!("{word} needs FROM and TO");
            let error = QueryError::new(ErrorCode::Syntax, node.brand.span.clone(), message);
            return Err(error.hint(format!("{word} brand FROM '2017-10-20' TO '2017-11-12'")));
        };
        Ok(self.days_between(from, to)?.unwrap_or_default())
    }

    /// Those in one of some stages on a day and in one of others on a later one.
    pub fn moved(&mut self, moved: &Moved) -> Result<Set, QueryError> {
        if self.place == Place::Model {
            return Err(not_in_a_model(moved.brand.span.clone()));
        }
        let brand = self.known(NameKind::Brand, &moved.brand)?;
        let (model, known) = self.model(moved.model.as_ref(), &moved.brand.span)?;
        let (from, to) = self.days_between(&moved.days.0, &moved.days.1)?.unwrap_or_default();
        let categories = self.known_literals(NameKind::Category, &moved.categories)?;
        let mut sides = Vec::with_capacity(2);
        for (stages, day) in [(&moved.from, from), (&moved.to, to)] {
            let stages = self.stages(stages, &model, &known)?;
            let (brand, model) = (BrandRef::Named(brand.clone()), model.clone());
            let categories = categories.clone();
            sides.push(Set::Stage { brand, model, stages, categories, as_of: Some(day) });
        }
        Ok(Set::And(sides))
    }
}

fn has_audience(node: &Node) -> bool {
    node.partitions.iter().any(|partition| matches!(partition, Partition::Audience(_)))
}

fn unknown_method(name: &Name) -> QueryError {
    let message = format!("no way to value consumers is called `{}`", shown(&name.text));
    let names = || METHODS.iter().map(|(word, _)| *word);
    let error = QueryError::new(ErrorCode::UndefinedObject, name.span.clone(), message)
        .suggest(closest(&name.text, names()));
    error.hint(format!("they are {}", names().collect::<Vec<_>>().join(" and ")))
}

/// Clauses that a brand's measure does not have.
pub(super) fn check_clauses(node: &Node) -> Result<(), QueryError> {
    let MeasureNode::OfBrand(of) = &node.measure else { return Ok(()) };
    let word = of.kind.word();
    let refused = match of.kind {
        BrandMeasureKind::Flow => vec![
            (node.versus.is_some(), "VERSUS", "ask for each flow on its own, by WHERE"),
            (node.every.is_some(), "EVERY", "a flow has two days: FROM and TO"),
            (!node.partitions.is_empty(), "BY", "COUNT BY two dated stages and more divides it"),
            (of.horizon.is_some(), "HORIZON", "a flow has two days: FROM and TO"),
        ],
        BrandMeasureKind::Asset => vec![
            (node.versus.is_some(), "VERSUS", "ask for each asset on its own, by WHERE"),
            (node.every.is_some(), "EVERY", "ask for each day by AS OF"),
            (of.period.is_some(), "FROM", "its day is AS OF; between two days it is a LEDGER"),
            (has_audience(node), "BY AUDIENCE", "restrict it: WHERE AUDIENCE name"),
        ],
        BrandMeasureKind::Ledger => vec![
            (node.versus.is_some(), "VERSUS", "ask for each ledger on its own, by WHERE"),
            (node.every.is_some(), "EVERY", "a ledger has two days: FROM and TO"),
            (!node.partitions.is_empty(), "BY", "restrict it by WHERE, once per part"),
            (node.as_of.is_some(), "AS OF", "a ledger has two days: FROM and TO"),
        ],
        BrandMeasureKind::Backtest => vec![
            (node.filter.is_some(), "WHERE", "it tests the values of whole stages"),
            (node.versus.is_some(), "VERSUS", "it compares with what came already"),
            (node.every.is_some(), "EVERY", "ask for each day by AS OF"),
            (!node.partitions.is_empty(), "BY", "it tests the values of whole stages"),
            (of.period.is_some(), "FROM", "its day is AS OF, and it begins HORIZON before"),
        ],
    };
    let Some((_, clause, hint)) = refused.iter().find(|(given, ..)| *given) else {
        return Ok(());
    };
    let message = format!("{word} has no {clause}");
    Err(QueryError::new(ErrorCode::NotSupported, node.span.clone(), message).hint(*hint))
}
