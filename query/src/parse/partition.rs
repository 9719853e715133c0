//! What BY divides consumers into.

use crate::ast::{AttributeName, Brand, Literal, Name, Partition};
use crate::error::{ErrorCode, QueryError};
use crate::keywords::is_reserved;
use crate::lexer::{Symbol, TokenKind};
use crate::plan::{About, NameKind};

use super::cursor::{Expect, Parser};

/// The partitions of one BY, and the AS OF behind the last, which is the statement's.
pub(super) struct Divisions {
    pub partitions: Vec<Partition>,
    pub as_of: Option<Literal>,
}

impl Parser {
    /// An AS OF before a comma, or inside parentheses, is its partition's own; one behind the last
    /// partition is the statement's.
    pub(super) fn partitions(&mut self) -> Result<Divisions, QueryError> {
        let mut statement_as_of = None;
        let partitions = self.comma_list(|parser| {
            if parser.symbol(Symbol::Open) {
                let mut partition = parser.partition()?;
                if let Some(as_of) = parser.partition_as_of()? {
                    parser.give_date(&mut partition, as_of)?;
                }
                parser.require_symbol(Symbol::Close)?;
                return Ok(partition);
            }
            let mut partition = parser.partition()?;
            if let Some(as_of) = parser.partition_as_of()? {
                if parser.is_symbol_after(0, Symbol::Comma) {
                    parser.give_date(&mut partition, as_of)?;
                } else {
                    statement_as_of = Some(as_of);
                }
            }
            Ok(partition)
        })?;
        Ok(Divisions { partitions, as_of: statement_as_of })
    }

    fn partition_as_of(&mut self) -> Result<Option<Literal>, QueryError> {
        if self.phrase("AS OF")? { Ok(Some(self.date()?)) } else { Ok(None) }
    }

    fn give_date(&self, partition: &mut Partition, date: Literal) -> Result<(), QueryError> {
        match partition {
            Partition::Stage { as_of, .. } | Partition::Own { as_of, .. } => {
                *as_of = Some(date);
                Ok(())
            }
            Partition::Attribute(_) | Partition::Audience(_) | Partition::About { .. } => {
                let message = "only a stage, or a partition of one's own, has a day";
                let error = QueryError::new(ErrorCode::NotSupported, date.span, message);
                Err(error.hint(
                    "attributes are known as loaded last; AS OF behind the last partition is the \
                     whole statement's day",
                ))
            }
        }
    }

    fn partition(&mut self) -> Result<Partition, QueryError> {
        if self.is_word_after(0, "AUDIENCE") && self.is_name_after(1) {
            self.advance();
            return Ok(Partition::Audience(self.name(Expect::Name(NameKind::Audience))?));
        }
        self.wants(Expect::Word("AUDIENCE"));
        if self.is_word_after(0, "PARTITION") && self.is_name_after(1) {
            self.advance();
            let name = self.name(Expect::Name(NameKind::Partition))?;
            return Ok(Partition::Own { name, as_of: None });
        }
        self.wants(Expect::Word("PARTITION"));
        if let Some(about) = self.about()? {
            return Ok(about);
        }
        self.wants(Expect::Name(NameKind::Brand));
        let name = self.name(Expect::Name(NameKind::Attribute))?;
        if !self.symbol(Symbol::Point) {
            return Ok(Partition::Attribute(AttributeName { brand: None, name }));
        }
        self.wants(Expect::Word("stage"));
        let part = self.name(Expect::BrandAttribute(name.text.clone()))?;
        if !part.text.eq_ignore_ascii_case("stage") {
            return Ok(Partition::Attribute(AttributeName { brand: Some(name), name: part }));
        }
        let model = self.model_choice()?;
        let categories = self.category_choice()?;
        Ok(Partition::Stage { brand: name, model, categories, as_of: None })
    }

    /// `[TOP n] CATEGORIES OF brand DID ...`, if it is here.
    fn about(&mut self) -> Result<Option<Partition>, QueryError> {
        let start = self.span().start;
        let limited = self.is_word_after(0, "TOP")
            && matches!(self.kind_after(1), TokenKind::Number(_) | TokenKind::Parameter(_));
        let mut top = None;
        if limited {
            self.advance();
            top = Some(self.number(Expect::Other("a number of groups"))?);
        } else {
            self.wants(Expect::Word("TOP"));
        }
        let is_here = |parser: &Self, about: About| {
            parser.is_word_after(0, about.plural()) && parser.is_word_after(1, "OF")
        };
        let what = About::ALL.into_iter().find(|about| is_here(self, *about));
        let Some(what) = what else {
            for about in About::ALL {
                self.wants(Expect::Word(about.plural()));
            }
            return if limited { Err(self.unexpected()) } else { Ok(None) };
        };
        self.advance();
        self.advance();
        let at = self.span().start;
        let brand = if self.phrase("ANY BRAND")? {
            Brand::Any(self.since(at))
        } else {
            Brand::Named(self.name(Expect::Name(NameKind::Brand))?)
        };
        self.require_word("DID")?;
        let of = Box::new(self.did(brand)?);
        Ok(Some(Partition::About { what, of, top, span: self.since(start) }))
    }

    /// Whether the token `n` places ahead can be a name.
    pub(super) fn is_name_after(&self, n: usize) -> bool {
        match self.kind_after(n) {
            TokenKind::Quoted(_) => true,
            TokenKind::Word(word) => !is_reserved(word),
            _ => false,
        }
    }

    /// `[brand.]attribute`.
    pub(super) fn attribute_name(&mut self, expect: Expect) -> Result<AttributeName, QueryError> {
        let first: Name = self.name(expect)?;
        if !self.symbol(Symbol::Point) {
            return Ok(AttributeName { brand: None, name: first });
        }
        let name = self.name(Expect::BrandAttribute(first.text.clone()))?;
        Ok(AttributeName { brand: Some(first), name })
    }
}
