//! Conditions on stages and attributes.

use crate::ast::{
    AttributeName, AttributeTest, Brand, Literal, Moved, Name, SetKind, Sign, StageTest,
};
use crate::builtin::DEFAULT_MODEL;
use crate::error::QueryError;
use crate::lexer::Symbol;
use crate::plan::{Comparison, NameKind};

use super::cursor::{Expect, Parser};

const COMPARISONS: [(Symbol, Comparison); 6] = [
    (Symbol::Equal, Comparison::Equal),
    (Symbol::NotEqual, Comparison::NotEqual),
    (Symbol::Less, Comparison::Less),
    (Symbol::LessOrEqual, Comparison::LessOrEqual),
    (Symbol::Greater, Comparison::Greater),
    (Symbol::GreaterOrEqual, Comparison::GreaterOrEqual),
];

impl Parser {
    pub(super) fn comparison(&mut self) -> Option<Comparison> {
        COMPARISONS.iter().find(|(symbol, _)| self.symbol(*symbol)).map(|(_, found)| *found)
    }

    /// `[(model)]` of a stage.
    pub(super) fn model_choice(&mut self) -> Result<Option<Name>, QueryError> {
        if !self.symbol(Symbol::Open) {
            return Ok(None);
        }
        let model = self.name(Expect::Name(NameKind::Model))?;
        self.require_symbol(Symbol::Close)?;
        Ok(Some(model))
    }

    /// `[IN CATEGORY 'c', ...]` of a stage.
    pub(super) fn category_choice(&mut self) -> Result<Vec<Literal>, QueryError> {
        if !(self.is_word_after(0, "IN") && self.is_word_after(1, "CATEGORY")) {
            self.wants(Expect::Word("IN CATEGORY"));
            return Ok(Vec::new());
        }
        self.advance();
        self.advance();
        self.texts(Expect::Name(NameKind::Category))
    }

    /// `brand.stage [(model)] [IN CATEGORY 'c'] [AS OF d] = P` and its like, after `stage`.
    pub(super) fn stage_leaf(&mut self, brand: Brand) -> Result<SetKind, QueryError> {
        let model = self.model_choice()?;
        let categories = self.category_choice()?;
        let as_of = if self.phrase("AS OF")? { Some(self.date()?) } else { None };
        let of = model.as_ref().map_or(DEFAULT_MODEL, |model| model.text.as_str()).to_owned();
        let stage = |parser: &mut Self| parser.name_or_text(Expect::Stage(of.clone()));
        let is_state = self.is_word_after(0, "IS");
        let (sign, stages) = self.chosen(stage).map_err(|error| {
            if is_state { error.hint("who is in no stage is asked for by = none") } else { error }
        })?;
        Ok(SetKind::Stage(StageTest { brand, model, categories, as_of, sign, stages }))
    }

    /// `= one`, `<> one`, `IN (one, ...)` or `NOT IN (one, ...)`.
    pub(super) fn chosen(
        &mut self,
        one: impl Fn(&mut Self) -> Result<Literal, QueryError>,
    ) -> Result<(Sign, Vec<Literal>), QueryError> {
        if self.symbol(Symbol::Equal) {
            Ok((Sign::Plain, vec![one(self)?]))
        } else if self.symbol(Symbol::NotEqual) {
            Ok((Sign::Negated, vec![one(self)?]))
        } else if self.word("IN") {
            Ok((Sign::Plain, self.paren_list(one)?))
        } else if self.word("NOT") {
            self.require_word("IN")?;
            Ok((Sign::Negated, self.paren_list(one)?))
        } else {
            Err(self.unexpected())
        }
    }

    /// `brand.moved(I TO P, 'd1', 'd2') [(model)] [IN CATEGORY 'c']`, after `moved`.
    pub(super) fn moved_leaf(&mut self, brand: Name) -> Result<SetKind, QueryError> {
        self.require_symbol(Symbol::Open)?;
        let from = self.side()?;
        self.require_word("TO")?;
        let to = self.side()?;
        self.require_symbol(Symbol::Comma)?;
        let first = self.date()?;
        self.require_symbol(Symbol::Comma)?;
        let days = (first, self.date()?);
        self.require_symbol(Symbol::Close)?;
        let model = self.model_choice()?;
        let categories = self.category_choice()?;
        Ok(SetKind::Moved(Moved { brand, model, categories, from, to, days }))
    }

    /// `P` or `(P, L)`. The model, hence its stages, is named later.
    fn side(&mut self) -> Result<Vec<Literal>, QueryError> {
        let stage = |parser: &mut Self| parser.name_or_text(Expect::Other("a stage"));
        if self.is_symbol_after(0, Symbol::Open) {
            return self.paren_list(stage);
        }
        Ok(vec![stage(self)?])
    }

    /// A condition on an attribute, after its name.
    pub(super) fn attribute_leaf(
        &mut self,
        brand: Option<Name>,
        name: Name,
    ) -> Result<SetKind, QueryError> {
        let attribute = AttributeName { brand, name };
        let at = self.span();
        let test = if let Some(comparison) = self.comparison() {
            AttributeTest::Compare { comparison, at, value: self.value()? }
        } else if self.word("IN") {
            AttributeTest::In(self.paren_list(Self::value)?)
        } else if self.word("NOT") {
            self.require_in()?;
            AttributeTest::NotIn(self.paren_list(Self::value)?)
        } else if self.word("BETWEEN") {
            let (low, high) = self.range(Self::value)?;
            AttributeTest::Between { at, low, high }
        } else if self.word("IS") {
            let known = self.word("NOT");
            if attribute.brand.is_none() {
                self.wants(Expect::Word("MEMBER"));
                self.wants(Expect::Word("FOLLOWER"));
                self.wants(Expect::Name(NameKind::State));
            }
            self.require_word("UNKNOWN")?;
            if known { AttributeTest::Known } else { AttributeTest::Unknown }
        } else {
            return Err(self.unexpected());
        };
        Ok(SetKind::Attribute { attribute, test })
    }

    fn require_in(&mut self) -> Result<(), QueryError> {
        let is_between = self.is_word_after(0, "BETWEEN");
        self.require_word("IN").map_err(|error| {
            if is_between { error.hint("write NOT before the whole term") } else { error }
        })
    }

    /// `a AND b`: this AND belongs to BETWEEN.
    pub(super) fn range(
        &mut self,
        mut end: impl FnMut(&mut Self) -> Result<Literal, QueryError>,
    ) -> Result<(Literal, Literal), QueryError> {
        let low = end(self)?;
        self.require_word("AND")?;
        Ok((low, end(self)?))
    }
}
