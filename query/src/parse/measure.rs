//! What a query measures.

use crate::ast::{
    AttributeName, Brand, Measure, Members, Operand, Purchases, Regions, Set, SetKind, Spend,
};
use crate::error::QueryError;
use crate::lexer::{Symbol, TokenKind};
use crate::plan::{Figure, NameKind};

use super::cursor::{Expect, Parser};

impl Parser {
    /// The measure, or nothing when no query begins here.
    pub(super) fn measure(&mut self) -> Result<Option<Measure>, QueryError> {
        if self.word("COUNT") {
            Ok(Some(Measure::Count))
        } else if self.word("SUM") {
            self.sum().map(Some)
        } else if self.word("OVERLAP") {
            self.overlap().map(Some)
        } else if self.word("PROFILE") {
            self.profile().map(Some)
        } else if let Some(named) = self.named_measure()? {
            Ok(Some(named))
        } else {
            self.brand_measure()
        }
    }

    fn sum(&mut self) -> Result<Measure, QueryError> {
        let start = self.span().start;
        if self.phrase("ANY BRAND")? {
            let brand = Brand::Any(self.since(start));
            self.require_symbol(Symbol::Point)?;
            if let Some(figure) = self.figure() {
                return Ok(Measure::Purchases(Purchases { figure, of: self.spend_of(brand)? }));
            }
            self.require_word("SPEND")?;
            return self.spend_of(brand).map(Measure::Spend);
        }
        self.wants(Expect::Name(NameKind::Brand));
        let first = self.name(Expect::Name(NameKind::Attribute))?;
        if !self.symbol(Symbol::Point) {
            return Ok(Measure::AttributeSum(AttributeName { brand: None, name: first }));
        }
        if self.word("SPEND") {
            return self.spend_of(Brand::Named(first)).map(Measure::Spend);
        }
        if let Some(figure) = self.figure() {
            let of = self.spend_of(Brand::Named(first))?;
            return Ok(Measure::Purchases(Purchases { figure, of }));
        }
        let name = self.name(Expect::BrandAttribute(first.text.clone()))?;
        Ok(Measure::AttributeSum(AttributeName { brand: Some(first), name }))
    }

    fn spend_of(&mut self, brand: Brand) -> Result<Spend, QueryError> {
        Ok(Spend { brand, rows: self.rows()? })
    }

    /// What is counted of purchases, if it is here.
    fn figure(&mut self) -> Option<Figure> {
        let words = [
            ("PURCHASE_DAYS", Figure::PurchaseDays),
            ("CATEGORIES", Figure::Categories),
            ("CATEGORY_DAYS", Figure::CategoryDays),
        ];
        words.into_iter().find(|(word, _)| self.word(word)).map(|(_, figure)| figure)
    }

    /// After PROFILE: two sets, or clauses alone.
    fn profile(&mut self) -> Result<Measure, QueryError> {
        self.wants(Expect::Word("AUDIENCE"));
        self.wants(Expect::Name(NameKind::Brand));
        let is_operand = self.is_symbol_after(0, Symbol::Open)
            || self.is_name_after(0)
            || matches!(self.kind(), TokenKind::Text(_) | TokenKind::Parameter(_));
        if !is_operand || self.is_word_after(0, "FORECAST") {
            return Ok(Measure::Profile);
        }
        let set = self.operand()?;
        self.require_word("AGAINST").map_err(|error| {
            error.hint("PROFILE WHERE set takes everybody as the base: PROFILE a AGAINST b BY age")
        })?;
        Ok(Measure::Compare { set, base: self.operand()? })
    }

    fn overlap(&mut self) -> Result<Measure, QueryError> {
        let operands = self.comma_list(Self::operand)?;
        let regions = if self.word("REGIONS") { Regions::Regions } else { Regions::Pairs };
        Ok(Measure::Overlap { operands, regions })
    }

    /// A brand, `AUDIENCE a` or `(set)`, perhaps with `AS label`.
    fn operand(&mut self) -> Result<Operand, QueryError> {
        let is_audience = self.is_word_after(0, "AUDIENCE")
            && self.is_name_after(1)
            && !self.is_word_after(1, "REGIONS");
        let members = if self.symbol(Symbol::Open) {
            self.enter()?;
            let set = self.set()?;
            self.leave();
            self.require_symbol(Symbol::Close)?;
            Members::Set(Box::new(set))
        } else if is_audience {
            Members::Set(Box::new(self.audience_operand()?))
        } else {
            self.wants(Expect::Word("AUDIENCE"));
            Members::Brand(self.name_or_text(Expect::Name(NameKind::Brand))?)
        };
        let span = match &members {
            Members::Set(set) => set.span.clone(),
            Members::Brand(brand) => brand.span.clone(),
        };
        let named = self.is_word_after(0, "AS") && !self.is_word_after(1, "OF");
        let label = if named {
            self.advance();
            Some(self.name(Expect::NewName)?)
        } else {
            self.wants(Expect::Word("AS"));
            None
        };
        Ok(Operand { label, members, span })
    }

    fn audience_operand(&mut self) -> Result<Set, QueryError> {
        let start = self.span().start;
        self.advance();
        let name = self.name(Expect::Name(NameKind::Audience))?;
        let kind = SetKind::Audience(name);
        Ok(Set { kind, span: self.since(start) })
    }
}
