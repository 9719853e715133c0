//! DID and SPENT: which rows, how often, how much.

use crate::ast::{AtLeast, Brand, Did, Literal, Rows, SetKind, Spend, SpentTest, Window};
use crate::error::{ErrorCode, QueryError};
use crate::lexer::{Symbol, TokenKind};
use crate::plan::NameKind;

use super::cursor::{Expect, Parser};

impl Parser {
    /// After `brand DID`.
    pub(super) fn did(&mut self, brand: Brand) -> Result<Did, QueryError> {
        let behaviour = |parser: &mut Self| parser.name(Expect::Name(NameKind::Behaviour));
        let behaviours = if self.word("ANY") {
            Vec::new()
        } else if self.is_symbol_after(0, Symbol::Open) {
            self.paren_list(behaviour)?
        } else {
            self.wants(Expect::Symbol(Symbol::Open));
            let is_not = self.is_word_after(0, "NOT");
            let name = behaviour(self).map_err(|mut error| {
                if is_not {
                    error.hint = Some("write NOT before the whole term".to_owned());
                }
                error
            })?;
            vec![name]
        };
        let mut at_least = None;
        let mut rows = Rows::default();
        while self.how_often(&mut at_least)? || self.row_clause(&mut rows)? {}
        Ok(Did { brand, behaviours, at_least, rows })
    }

    /// `n TIMES`, `ONCE` or `ON n DAYS`.
    fn how_often(&mut self, slot: &mut Option<AtLeast>) -> Result<bool, QueryError> {
        let at = self.span();
        let found = if self.word("ONCE") {
            AtLeast::Once
        } else if self.is_on_days() {
            self.advance();
            let days = self.number(Expect::Other("a number of days"))?;
            self.require_any(&["DAYS", "DAY"])?;
            AtLeast::Days(days)
        } else if matches!(self.kind(), TokenKind::Number(_) | TokenKind::Parameter(_)) {
            let times = self.number(Expect::Other("a number of times"))?;
            self.require_any(&["TIMES", "TIME"])?;
            AtLeast::Times(times)
        } else {
            self.wants(Expect::Other("n TIMES"));
            self.wants(Expect::Word("ON"));
            return Ok(false);
        };
        if slot.is_some() {
            return Err(twice(self.since(at.start), "how often"));
        }
        *slot = Some(found);
        Ok(true)
    }

    /// `ON n DAYS`, not `ON 'date'`.
    fn is_on_days(&self) -> bool {
        let counted = match self.kind_after(1) {
            TokenKind::Number(_) => true,
            TokenKind::Parameter(_) => {
                ["DAY", "DAYS"].iter().any(|word| self.is_word_after(2, word))
            }
            _ => false,
        };
        self.is_word_after(0, "ON") && counted
    }

    /// Windows and filters of SPENT and SUM.
    pub(super) fn rows(&mut self) -> Result<Rows, QueryError> {
        let mut rows = Rows::default();
        self.more_rows(&mut rows)?;
        Ok(rows)
    }

    pub(super) fn more_rows(&mut self, rows: &mut Rows) -> Result<(), QueryError> {
        while self.row_clause(rows)? {}
        Ok(())
    }

    fn row_clause(&mut self, rows: &mut Rows) -> Result<bool, QueryError> {
        let at = self.span();
        if self.word("VIA") {
            let texts = self.texts(Expect::Name(NameKind::Touchpoint))?;
            return self.fill(&mut rows.touchpoints, texts, at.start, "VIA");
        }
        if self.word("ITEM") {
            let texts = self.texts(Expect::Other("an item in single quotes"))?;
            return self.fill(&mut rows.items, texts, at.start, "ITEM");
        }
        let window = if self.word("BETWEEN") {
            let (from, to) = self.range(Self::date)?;
            Window::Between(from, to)
        } else if self.word("ON") {
            Window::On(self.date()?)
        } else if self.phrase("BEFORE LAST")? {
            let days = self.number(Expect::Other("a number of days"))?;
            self.require_any(&["DAYS", "DAY"])?;
            Window::BeforeLastDays(days)
        } else if self.word("IN") {
            match self.after_in(rows, at.start)? {
                Some(window) => window,
                None => return Ok(true),
            }
        } else {
            return Ok(false);
        };
        if rows.window.is_some() {
            return Err(twice(self.since(at.start), "the window"));
        }
        rows.window = Some(window);
        Ok(true)
    }

    /// IN LAST is a window; IN CATEGORY and IN TARGET CATEGORIES are filters.
    fn after_in(&mut self, rows: &mut Rows, start: usize) -> Result<Option<Window>, QueryError> {
        if self.word("LAST") {
            let days = self.number(Expect::Other("a number of days"))?;
            self.require_any(&["DAYS", "DAY"])?;
            return Ok(Some(Window::LastDays(days)));
        }
        if self.word("CATEGORY") {
            let texts = self.texts(Expect::Name(NameKind::Category))?;
            self.fill(&mut rows.categories, texts, start, "IN CATEGORY")?;
            return Ok(None);
        }
        self.require_word("TARGET")?;
        self.require_word("CATEGORIES")?;
        let span = self.since(start);
        if rows.target_categories.is_some() {
            return Err(twice(span, "IN TARGET CATEGORIES"));
        }
        rows.target_categories = Some(span);
        Ok(None)
    }

    fn fill(
        &self,
        slot: &mut Vec<Literal>,
        texts: Vec<Literal>,
        start: usize,
        what: &str,
    ) -> Result<bool, QueryError> {
        if !slot.is_empty() {
            let error = twice(self.since(start), what);
            return Err(error.hint("several values are listed after one word, between commas"));
        }
        *slot = texts;
        Ok(true)
    }

    /// `'a', 'b'` or `('a', 'b')`.
    pub(super) fn texts(&mut self, expect: Expect) -> Result<Vec<Literal>, QueryError> {
        let text = |parser: &mut Self| parser.text(expect.clone());
        if self.is_symbol_after(0, Symbol::Open) {
            return self.paren_list(text);
        }
        self.comma_list_while(text, |parser| {
            matches!(parser.kind_after(1), TokenKind::Text(_) | TokenKind::Parameter(_))
        })
    }

    /// After `brand SPENT`.
    pub(super) fn spent(&mut self, brand: Brand) -> Result<SetKind, QueryError> {
        let (spend, test) = self.money_test(brand)?;
        Ok(SetKind::Spent { spend, test })
    }

    /// After `brand PRICE`.
    pub(super) fn price(&mut self, brand: Brand) -> Result<SetKind, QueryError> {
        let (of, test) = self.money_test(brand)?;
        Ok(SetKind::Price { of, test })
    }

    fn money_test(&mut self, brand: Brand) -> Result<(Spend, SpentTest), QueryError> {
        let amount = |parser: &mut Self| parser.number(Expect::Other("an amount of money"));
        let test = if let Some(comparison) = self.comparison() {
            SpentTest::Compare(comparison, amount(self)?)
        } else if self.word("BETWEEN") {
            let (low, high) = self.range(amount)?;
            SpentTest::Between(low, high)
        } else {
            return Err(self.unexpected());
        };
        let rows = self.rows()?;
        Ok((Spend { brand, rows }, test))
    }
}

fn twice(span: crate::ast::Span, what: &str) -> QueryError {
    QueryError::new(ErrorCode::Syntax, span, format!("{what} is given twice"))
}
