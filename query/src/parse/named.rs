//! The measures by name.

use crate::ast::{Measure, Named, NamedKind, Rows};
use crate::error::QueryError;
use crate::plan::NameKind;

use super::cursor::{Expect, Parser};

impl Parser {
    /// `FAST brand` and its like, or nothing when none begins here.
    pub(super) fn named_measure(&mut self) -> Result<Option<Measure>, QueryError> {
        type Rest = fn(&mut Parser) -> Result<NamedKind, QueryError>;
        let measures: [(&str, Rest); 5] = [
            ("FAST", |parser| parser.last_days().map(NamedKind::Fast)),
            ("DEEPENING", |parser| parser.last_days().map(NamedKind::Deepening)),
            ("RESERVOIR", |_| Ok(NamedKind::Reservoir)),
            ("PENETRATION", |parser| parser.rows().map(NamedKind::Penetration)),
            ("GROW", Self::grow),
        ];
        let start = self.span().start;
        let Some((_, rest)) = measures.into_iter().find(|(word, _)| self.word(word)) else {
            return Ok(None);
        };
        let brand = self.name_or_text(Expect::Name(NameKind::Brand))?;
        let kind = rest(self)?;
        Ok(Some(Measure::Named(Named { brand, kind, span: self.since(start) })))
    }

    /// `IN LAST n DAYS`, if it is here.
    fn last_days(&mut self) -> Result<Option<crate::ast::Literal>, QueryError> {
        if !self.phrase("IN LAST")? {
            return Ok(None);
        }
        let days = self.number(Expect::Other("a number of days"))?;
        self.require_any(&["DAYS", "DAY"])?;
        Ok(Some(days))
    }

    fn grow(&mut self) -> Result<NamedKind, QueryError> {
        let mut rows: Rows = self.rows()?;
        let mut against = None;
        if self.word("AGAINST") {
            self.require_word("BETWEEN")?;
            against = Some(self.range(Self::date)?);
            self.more_rows(&mut rows)?;
        }
        Ok(NamedKind::Grow { rows, against })
    }
}
