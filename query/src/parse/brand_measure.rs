//! The measures of one brand's consumers, and the clauses that only they have.

use crate::ast::{BrandMeasure, BrandMeasureKind, Measure};
use crate::error::QueryError;
use crate::plan::NameKind;

use super::clauses::once;
use super::cursor::{Expect, Parser};

const MEASURES: [(&str, BrandMeasureKind); 4] = [
    ("FLOW", BrandMeasureKind::Flow),
    ("ASSET", BrandMeasureKind::Asset),
    ("LEDGER", BrandMeasureKind::Ledger),
    ("BACKTEST", BrandMeasureKind::Backtest),
];

impl Parser {
    /// `FLOW brand` and its like, or nothing when none begins here.
    pub(super) fn brand_measure(&mut self) -> Result<Option<Measure>, QueryError> {
        let Some((_, kind)) = MEASURES.iter().find(|(word, _)| self.word(word)) else {
            return Ok(None);
        };
        let brand = self.name_or_text(Expect::Name(NameKind::Brand))?;
        Ok(Some(Measure::OfBrand(BrandMeasure {
            kind: *kind,
            brand,
            categories: Vec::new(),
            period: None,
            using: None,
            horizon: None,
        })))
    }

    /// `IN CATEGORY 'c', ...`, `FROM d1 TO d2`, `USING name` or `HORIZON n DAYS`. Which of them a
    /// measure has is known to the binder, which can say so in better words.
    pub(super) fn brand_clause(&mut self, measure: &mut Measure) -> Result<bool, QueryError> {
        let Measure::OfBrand(of) = measure else { return Ok(false) };
        let at = self.span();
        let categories = self.category_choice()?;
        if !categories.is_empty() {
            once(of.categories.is_empty(), &at, "IN CATEGORY").map_err(|error| {
                error.hint("several categories are listed after one IN CATEGORY")
            })?;
            of.categories = categories;
        } else if self.word("FROM") {
            once(of.period.is_none(), &at, "FROM")?;
            let from = self.date()?;
            self.require_word("TO")?;
            of.period = Some((from, self.date()?));
        } else if self.word("USING") {
            once(of.using.is_none(), &at, "USING")?;
            let expect = match of.kind {
                BrandMeasureKind::Flow => Expect::Name(NameKind::Model),
                _ => Expect::Other("cohort or markov"),
            };
            of.using = Some(self.name(expect)?);
        } else if self.word("HORIZON") {
            once(of.horizon.is_none(), &at, "HORIZON")?;
            of.horizon = Some(self.number(Expect::Other("a number of days"))?);
            self.require_any(&["DAYS", "DAY"])?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}
