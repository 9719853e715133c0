//! The clauses of a query, in any order, each at most once.

use crate::ast::{Every, OrderColumn, OrderKey, Partition, Query, Span};
use crate::error::{ErrorCode, QueryError};
use crate::lexer::{Symbol, TokenKind};
use crate::plan::{Direction, StepUnit};

use super::cursor::{Expect, Parser};

impl Parser {
    /// A query, or nothing when none begins here.
    pub(super) fn query(&mut self) -> Result<Option<Query>, QueryError> {
        let start = self.span().start;
        let Some(measure) = self.measure()? else { return Ok(None) };
        let mut query = Query {
            span: self.since(start),
            measure,
            filter: None,
            versus: None,
            partitions: Vec::new(),
            as_of: None,
            every: None,
            forecast: None,
            order: Vec::new(),
            limit: None,
        };
        while self.clause(&mut query)? {}
        if let (Some(as_of), Some(_)) = (&query.as_of, &query.every) {
            let message = "a query has either AS OF or EVERY, not both";
            let error = QueryError::new(ErrorCode::Syntax, as_of.span.clone(), message);
            return Err(error.hint("a partition's own day is written (brand.stage AS OF 'day')"));
        }
        Ok(Some(query))
    }

    fn clause(&mut self, query: &mut Query) -> Result<bool, QueryError> {
        let at = self.span();
        if self.word("WHERE") {
            once(query.filter.is_none(), &at, "WHERE")
                .map_err(|error| error.hint("join conditions by AND"))?;
            query.filter = Some(self.set()?);
        } else if self.word("VERSUS") {
            once(query.versus.is_none(), &at, "VERSUS")?;
            query.versus = Some(self.set()?);
        } else if self.word("BY") {
            once(query.partitions.is_empty(), &at, "BY")
                .map_err(|error| error.hint("several partitions are listed after one BY"))?;
            let divisions = self.partitions()?;
            query.partitions = divisions.partitions;
            if let Some(as_of) = divisions.as_of {
                self.whole_day(query, as_of)?;
            }
        } else if self.phrase("AS OF")? {
            let as_of = self.date()?;
            self.whole_day(query, as_of)?;
        } else if self.word("EVERY") {
            once(query.every.is_none(), &at, "EVERY")?;
            query.every = Some(self.every(at.start)?);
        } else if self.word("FORECAST") {
            once(query.forecast.is_none(), &at, "FORECAST")?;
            let days = self.number(Expect::Other("a number of days"))?;
            self.require_any(&["DAYS", "DAY"])?;
            query.forecast = Some((days, self.since(at.start)));
        } else if self.phrase("ORDER BY")? {
            once(query.order.is_empty(), &at, "ORDER BY")?;
            query.order = self.comma_list(Self::order_key)?;
        } else if self.word("LIMIT") {
            once(query.limit.is_none(), &at, "LIMIT")?;
            query.limit = Some(self.number(Expect::Other("a number of rows"))?);
        } else {
            return self.brand_clause(&mut query.measure);
        }
        Ok(true)
    }

    /// The statement's own day.
    fn whole_day(&self, query: &mut Query, as_of: crate::ast::Literal) -> Result<(), QueryError> {
        let has_stage = query.partitions.iter().any(|p| matches!(p, Partition::Stage { .. }));
        once(query.as_of.is_none(), &as_of.span, "AS OF").map_err(|error| {
            if has_stage {
                error.hint("a partition's own day is written (brand.stage AS OF 'day')")
            } else {
                error
            }
        })?;
        query.as_of = Some(as_of);
        Ok(())
    }

    /// `EVERY n DAYS FROM a TO b`, after its first word.
    fn every(&mut self, start: usize) -> Result<Every, QueryError> {
        let step = self.number(Expect::Other("a number"))?;
        let unit = if self.any_word(&["DAY", "DAYS"]) {
            StepUnit::Day
        } else if self.any_word(&["WEEK", "WEEKS"]) {
            StepUnit::Week
        } else if self.any_word(&["MONTH", "MONTHS"]) {
            StepUnit::Month
        } else {
            return Err(self.unexpected());
        };
        self.require_word("FROM")?;
        let from = self.date()?;
        self.require_word("TO")?;
        let to = self.date()?;
        Ok(Every { step, unit, from, to, span: self.since(start) })
    }

    fn order_key(&mut self) -> Result<OrderKey, QueryError> {
        let start = self.span().start;
        let column = match self.kind() {
            TokenKind::Number(position) => {
                let position = position.clone();
                self.advance();
                OrderColumn::Position(position)
            }
            _ => OrderColumn::Name(self.column_name()?),
        };
        let span = self.since(start);
        let direction = if self.word("DESC") {
            Direction::Descending
        } else {
            self.word("ASC");
            Direction::Ascending
        };
        Ok(OrderKey { column, direction, span })
    }

    /// `count`, `estee.stage` or `"any column"`.
    fn column_name(&mut self) -> Result<String, QueryError> {
        self.wants(Expect::Other("a position"));
        let mut column = self.name(Expect::Other("a column"))?.text;
        while self.symbol(Symbol::Point) {
            column.push('.');
            column.push_str(&self.name(Expect::Other("a column"))?.text);
        }
        Ok(column)
    }
}

pub(super) fn once(first: bool, at: &Span, clause: &str) -> Result<(), QueryError> {
    if first {
        return Ok(());
    }
    Err(QueryError::new(ErrorCode::Syntax, at.clone(), format!("{clause} is given twice")))
}
