//! CREATE, ALTER and DROP.

use crate::ast::{Create, Freeze, Name, Span, StageRule, Statement};
use crate::error::{ErrorCode, QueryError};
use crate::lexer::{Symbol, TokenKind};
use crate::limits::DECIMAL_SCALE_MAX;
use crate::plan::{AttributeType, IfExists, IfMissing, NameKind};

use super::cursor::{Expect, Parser, Subject};
use super::statement::keyword_of;

const DEFINABLE: [NameKind; 7] = [
    NameKind::Audience,
    NameKind::Brand,
    NameKind::Behaviour,
    NameKind::Attribute,
    NameKind::Model,
    NameKind::Partition,
    NameKind::State,
];

impl Parser {
    /// After CREATE.
    pub(super) fn create(&mut self) -> Result<Statement, QueryError> {
        let at = self.span();
        let replace = self.word("OR");
        if replace {
            self.require_word("REPLACE")?;
        }
        let replaced = self.since(at.start);
        let frozen = self.word("FROZEN");
        let kinds = if frozen { &DEFINABLE[..1] } else { &DEFINABLE[..] };
        let kind = self.kind_of_thing(kinds)?;
        let exists = self.if_exists(kind, replace.then_some(replaced))?;
        let what = match kind {
            NameKind::Audience => {
                self.create_audience(if frozen { Freeze::Frozen } else { Freeze::Live })?
            }
            NameKind::Brand => self.create_brand()?,
            NameKind::Behaviour => Create::Behaviour { name: self.name(Expect::NewName)? },
            NameKind::Attribute => self.create_attribute()?,
            NameKind::Partition => self.create_partition()?,
            NameKind::State => self.create_state()?,
            _ => self.create_model()?,
        };
        Ok(Statement::Create { exists, what })
    }

    /// `IF NOT EXISTS`, or the OR REPLACE before.
    fn if_exists(&mut self, kind: NameKind, replace: Option<Span>) -> Result<IfExists, QueryError> {
        let start = self.span().start;
        let keep = self.word("IF");
        if keep {
            self.require_word("NOT")?;
            self.require_word("EXISTS")?;
        }
        match replace {
            None if keep => Ok(IfExists::Keep),
            None => Ok(IfExists::Error),
            Some(_) if keep => {
                let message = "OR REPLACE and IF NOT EXISTS exclude each other";
                Err(QueryError::new(ErrorCode::Syntax, self.since(start), message))
            }
            Some(span) if matches!(kind, NameKind::Behaviour | NameKind::Attribute) => {
                let message =
                    "only audiences, brands, models, partitions and states can be replaced";
                let error = QueryError::new(ErrorCode::NotSupported, span, message);
                Err(error.hint("IF NOT EXISTS keeps what is there"))
            }
            Some(_) => Ok(IfExists::Replace),
        }
    }

    fn create_audience(&mut self, freeze: Freeze) -> Result<Create, QueryError> {
        let name = self.name(Expect::NewName)?;
        self.require_word("AS")?;
        let start = self.span().start;
        let mut set = Box::new(self.set()?);
        // With its outer parentheses, which its own span leaves out.
        set.span = self.since(start);
        let at = self.span();
        let as_of = if self.phrase("AS OF")? { Some(self.date()?) } else { None };
        if let (Freeze::Live, Some(_)) = (freeze, &as_of) {
            let message = "a live audience has no day: it follows the day of each question";
            let error = QueryError::new(ErrorCode::NotSupported, self.since(at.start), message);
            return Err(error.hint("CREATE FROZEN AUDIENCE keeps its members as of a day"));
        }
        Ok(Create::Audience { name, freeze, set, as_of })
    }

    fn create_brand(&mut self) -> Result<Create, QueryError> {
        let name = self.name(Expect::NewName)?;
        let mut target_categories = Vec::new();
        if self.word("TARGET") {
            self.require_word("CATEGORIES")?;
            target_categories =
                self.paren_list(|parser| parser.text(Expect::Name(NameKind::Category)))?;
        }
        Ok(Create::Brand { name, target_categories })
    }

    fn create_attribute(&mut self) -> Result<Create, QueryError> {
        let attribute = self.attribute_name(Expect::NewName)?;
        let kind = if self.word("TEXT") {
            AttributeType::Text
        } else if self.word("INTEGER") {
            AttributeType::Integer
        } else if self.word("DECIMAL") {
            self.require_symbol(Symbol::Open)?;
            let scale = self.scale()?;
            self.require_symbol(Symbol::Close)?;
            AttributeType::Decimal { scale }
        } else if self.word("BOOLEAN") {
            AttributeType::Boolean
        } else if self.word("DATE") {
            AttributeType::Date
        } else {
            return Err(self.unexpected());
        };
        Ok(Create::Attribute { attribute, kind })
    }

    /// Digits after the point.
    fn scale(&mut self) -> Result<u8, QueryError> {
        let TokenKind::Number(digits) = self.kind() else {
            self.wants(Expect::Other("a number of digits after the point"));
            return Err(self.unexpected());
        };
        let scale = digits.parse().ok().filter(|scale| *scale <= DECIMAL_SCALE_MAX);
        let Some(scale) = scale else {
            let message = format!("a decimal has 0 to {DECIMAL_SCALE_MAX} digits after the point");
            return Err(QueryError::new(ErrorCode::OutOfRange, self.span(), message));
        };
        self.advance();
        Ok(scale)
    }

    fn create_model(&mut self) -> Result<Create, QueryError> {
        let name = self.name(Expect::NewName)?;
        let (stages, text) = self.model_rules()?;
        Ok(Create::Model { name, stages, text })
    }

    /// `AS STAGE s WHEN set, ...`, and the place of what stands after AS.
    fn model_rules(&mut self) -> Result<(Vec<StageRule>, Span), QueryError> {
        self.require_word("AS")?;
        let start = self.span().start;
        self.subject = Subject::Asked;
        let stages = self.stage_rules()?;
        self.subject = Subject::Named;
        Ok((stages, self.since(start)))
    }

    /// After ALTER: models alone can be altered.
    pub(super) fn alter(&mut self) -> Result<Statement, QueryError> {
        let other = DEFINABLE
            .iter()
            .find(|kind| **kind != NameKind::Model && self.is_word_after(0, keyword_of(**kind)));
        if let Some(kind) = other {
            let message = "only models can be altered";
            let error = QueryError::new(ErrorCode::NotSupported, self.span(), message);
            return Err(match kind {
                NameKind::Audience | NameKind::Brand | NameKind::Partition | NameKind::State => {
                    let word = keyword_of(*kind);
                    error.hint(format!("CREATE OR REPLACE {word} replaces what is there"))
                }
                _ => error.hint("DROP it and CREATE it again"),
            });
        }
        self.require_word("MODEL")?;
        let missing = if self.phrase("IF EXISTS")? { IfMissing::Ignore } else { IfMissing::Error };
        let name = self.name(Expect::Name(NameKind::Model))?;
        let (stages, text) = self.model_rules()?;
        Ok(Statement::AlterModel { name, stages, text, missing })
    }

    fn create_partition(&mut self) -> Result<Create, QueryError> {
        let name = self.name(Expect::NewName)?;
        self.require_word("AS")?;
        let start = self.span().start;
        let division = Box::new(self.division()?);
        Ok(Create::Partition { name, division, text: self.since(start) })
    }

    /// `name FROM behaviour, ... UNTIL behaviour, ...`.
    fn create_state(&mut self) -> Result<Create, QueryError> {
        let behaviours = |parser: &mut Self| {
            let one = |parser: &mut Self| parser.name(Expect::Name(NameKind::Behaviour));
            if parser.is_symbol_after(0, Symbol::Open) {
                return parser.paren_list(one);
            }
            parser.comma_list(one)
        };
        let name = self.name(Expect::NewName)?;
        self.require_word("FROM")?;
        let from = behaviours(self)?;
        self.require_word("UNTIL")?;
        Ok(Create::State { name, from, until: behaviours(self)? })
    }

    /// After DROP.
    pub(super) fn drop(&mut self) -> Result<Statement, QueryError> {
        let kind = self.kind_of_thing(&DEFINABLE)?;
        let missing = if self.phrase("IF EXISTS")? { IfMissing::Ignore } else { IfMissing::Error };
        let (brand, name): (Option<Name>, Name) = if kind == NameKind::Attribute {
            let attribute = self.attribute_name(Expect::Name(kind))?;
            (attribute.brand, attribute.name)
        } else {
            (None, self.name(Expect::Name(kind))?)
        };
        Ok(Statement::Drop { kind, brand, name, missing })
    }
}
