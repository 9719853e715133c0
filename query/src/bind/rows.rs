//! DID and SPENT.

use crate::ast::{AtLeast as AtLeastNode, Did as DidNode, Rows, Spend as SpendNode, SpentTest};
use crate::ast::{Literal, Window as WindowNode};
use crate::error::{ErrorCode, QueryError};
use crate::limits::WINDOW_DAYS_MAX;
use crate::plan::{
    AtLeast, BrandRef, Comparison, Did, NameKind, RowFilter, Set, Spend, TargetCategories, Window,
};

use super::binder::Binder;
use super::value::{Scale, distinct, in_order};

impl Binder<'_> {
    pub fn did(&mut self, did: &DidNode) -> Result<Did, QueryError> {
        let brand = self.brand(&did.brand)?;
        let mut behaviours = Vec::with_capacity(did.behaviours.len());
        for name in &did.behaviours {
            behaviours.push(self.known(NameKind::Behaviour, name)?);
        }
        let at_least = match &did.at_least {
            None | Some(AtLeastNode::Once) => AtLeast::Times(1),
            Some(AtLeastNode::Times(n)) => {
                AtLeast::Times(self.at_least_one(n, "a number of times", u32::MAX)?)
            }
            Some(AtLeastNode::Days(n)) => {
                AtLeast::Days(self.at_least_one(n, "a number of days", WINDOW_DAYS_MAX)?)
            }
        };
        let (window, rows) = self.rows(&did.rows, &brand)?;
        Ok(Did { brand, behaviours: distinct(behaviours), at_least, window, rows })
    }

    pub fn spend(&mut self, spend: &SpendNode) -> Result<Spend, QueryError> {
        let brand = self.brand(&spend.brand)?;
        let (window, rows) = self.rows(&spend.rows, &brand)?;
        Ok(Spend { brand, window, rows })
    }

    pub fn spent(&mut self, spend: &SpendNode, test: &SpentTest) -> Result<Set, QueryError> {
        let spend = self.spend(spend)?;
        self.money_test(test, |comparison, amount| {
            let spend = spend.clone();
            Set::Spent { spend, comparison, amount }
        })
    }

    pub fn price(&mut self, of: &SpendNode, test: &SpentTest) -> Result<Set, QueryError> {
        let of = self.spend(of)?;
        self.money_test(test, |comparison, amount| {
            let of = of.clone();
            Set::Price { of, comparison, amount }
        })
    }

    /// One comparison, or the two of BETWEEN.
    fn money_test(
        &mut self,
        test: &SpentTest,
        compared: impl Fn(Comparison, i64) -> Set,
    ) -> Result<Set, QueryError> {
        match test {
            SpentTest::Compare(comparison, amount) => {
                Ok(compared(*comparison, self.money(amount)?.unwrap_or(0)))
            }
            SpentTest::Between(low, high) => {
                let (first, last) = (self.money(low)?, self.money(high)?);
                if let (Some(first), Some(last)) = (first, last) {
                    let exponent = self.catalog.currency().exponent;
                    let text = |amount| super::decimal::unscaled_text(amount, exponent);
                    in_order(first <= last, low, high, &text(first), &text(last))?;
                }
                let part =
                    |comparison, amount: Option<i64>| compared(comparison, amount.unwrap_or(0));
                Ok(Set::And(vec![
                    part(Comparison::GreaterOrEqual, first),
                    part(Comparison::LessOrEqual, last),
                ]))
            }
        }
    }

    /// An amount of money in minor units.
    fn money(&mut self, literal: &Literal) -> Result<Option<i64>, QueryError> {
        let currency = self.catalog.currency();
        self.decimal(literal, Scale { of: &currency.code, digits: currency.exponent })
    }

    pub(super) fn rows(
        &mut self,
        rows: &Rows,
        brand: &BrandRef,
    ) -> Result<(Window, RowFilter), QueryError> {
        let window = match &rows.window {
            None => Window::Always,
            Some(WindowNode::LastDays(n)) => {
                Window::LastDays(self.at_least_one(n, "a number of days", WINDOW_DAYS_MAX)?)
            }
            Some(WindowNode::BeforeLastDays(n)) => {
                let days = self.at_least_one(n, "a number of days", WINDOW_DAYS_MAX)?;
                Window::BeforeLastDays(days)
            }
            Some(WindowNode::Between(from, to)) => {
                let (from, to) = self.days_between(from, to)?.unwrap_or_default();
                Window::Between(from, to)
            }
            Some(WindowNode::On(day)) => {
                let day = self.date(day)?.unwrap_or_default();
                Window::Between(day, day)
            }
        };
        let target_categories = match &rows.target_categories {
            None => TargetCategories::Ignored,
            Some(span) if *brand == BrandRef::Any && !self.in_model() => {
                let message = "whose target categories? ANY BRAND has none of its own";
                let error = QueryError::new(ErrorCode::NotSupported, span.clone(), message);
                return Err(error.hint("name a brand, or list categories: IN CATEGORY '...'"));
            }
            Some(_) => TargetCategories::Only,
        };
        let filter = RowFilter {
            touchpoints: self.known_literals(NameKind::Touchpoint, &rows.touchpoints)?,
            categories: self.known_literals(NameKind::Category, &rows.categories)?,
            items: self.texts(&rows.items)?,
            target_categories,
        };
        Ok((window, filter))
    }

    fn in_model(&self) -> bool {
        self.place == super::binder::Place::Model
    }
}
