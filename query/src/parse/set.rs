//! Sets: terms joined by AND, OR and NOT.

use crate::ast::{Brand, Name, Set, SetKind, Sign};
use crate::error::{ErrorCode, QueryError};
use crate::lexer::{Symbol, TokenKind};
use crate::plan::NameKind;

use super::cursor::{Expect, Parser, Subject};

impl Parser {
    /// OR binds least, then AND, then NOT.
    pub(super) fn set(&mut self) -> Result<Set, QueryError> {
        self.joined("OR", SetKind::Or, |parser| parser.joined("AND", SetKind::And, Self::negation))
    }

    fn joined(
        &mut self,
        word: &'static str,
        join: impl Fn(Vec<Set>) -> SetKind,
        mut part: impl FnMut(&mut Self) -> Result<Set, QueryError>,
    ) -> Result<Set, QueryError> {
        let start = self.span().start;
        let first = part(self)?;
        if !self.word(word) {
            return Ok(first);
        }
        let mut parts = vec![first, part(self)?];
        while self.word(word) {
            parts.push(part(self)?);
        }
        Ok(Set { kind: join(parts), span: self.since(start) })
    }

    fn negation(&mut self) -> Result<Set, QueryError> {
        let start = self.span().start;
        if !self.word("NOT") {
            return self.term();
        }
        self.enter()?;
        let inner = self.negation()?;
        self.leave();
        Ok(Set { kind: SetKind::Not(Box::new(inner)), span: self.since(start) })
    }

    fn term(&mut self) -> Result<Set, QueryError> {
        self.count_term()?;
        let start = self.span().start;
        if self.symbol(Symbol::Open) {
            self.enter()?;
            let inner = self.set()?;
            self.leave();
            self.require_symbol(Symbol::Close)?;
            return Ok(inner);
        }
        let kind = self.leaf()?;
        Ok(Set { kind, span: self.since(start) })
    }

    fn leaf(&mut self) -> Result<SetKind, QueryError> {
        if self.subject == Subject::Asked && self.is_word_after(0, "STAGE") {
            let start = self.span().start;
            self.advance();
            return self.stage_leaf(Brand::Subject(start..start));
        }
        if self.is_leading_name() || matches!(self.kind(), TokenKind::Quoted(_)) {
            return self.named_leaf();
        }
        let start = self.span();
        if self.word("ALL") {
            return Ok(SetKind::All);
        }
        if self.word("AUDIENCE") {
            return Ok(SetKind::Audience(self.name(Expect::Name(NameKind::Audience))?));
        }
        if self.word("PARTITION") {
            return self.group_leaf();
        }
        if self.word("SAMPLE") {
            return self.sample();
        }
        if self.word("TOP") {
            return self.top();
        }
        if self.phrase("ANY BRAND")? {
            return self.brand_leaf(Brand::Any(self.since(start.start)));
        }
        if self.is_subject_leaf() {
            return self.subject_leaf();
        }
        self.wants(Expect::Name(NameKind::Brand));
        self.name(Expect::Name(NameKind::Attribute)).and_then(|_| Err(self.unexpected()))
    }

    fn is_subject_leaf(&mut self) -> bool {
        if self.subject == Subject::Asked {
            for word in ["DID", "SPENT", "IS", "STAGE"] {
                self.wants(Expect::Word(word));
            }
        }
        ["DID", "SPENT", "IS"].iter().any(|word| self.is_word_after(0, word))
    }

    /// `DID ...` without a brand: the brand whose stage is asked.
    fn subject_leaf(&mut self) -> Result<SetKind, QueryError> {
        let at = self.span();
        if self.subject == Subject::Named {
            let message = "whose behaviour? There is no brand here";
            let error = QueryError::new(ErrorCode::Syntax, at, message);
            return Err(error.hint(
                "write a brand before it, or ANY BRAND; only a model's rules \
                leave the brand out",
            ));
        }
        self.brand_leaf(Brand::Subject(at.start..at.start))
    }

    /// `SAMPLE p PERCENT [SEED n]`, after its first word.
    fn sample(&mut self) -> Result<SetKind, QueryError> {
        let percent = self.number(Expect::Other("a number of percent"))?;
        self.require_word("PERCENT")?;
        let seed = if self.word("SEED") {
            Some(self.number(Expect::Other("a whole number"))?)
        } else {
            None
        };
        Ok(SetKind::Sample { percent, seed })
    }

    /// A term that begins with the name of a brand or an attribute.
    fn named_leaf(&mut self) -> Result<SetKind, QueryError> {
        let name = self.name(Expect::Name(NameKind::Brand))?;
        if self.symbol(Symbol::Point) {
            return self.dotted_leaf(name);
        }
        if ["DID", "SPENT", "PRICE"].iter().any(|word| self.is_word_after(0, word)) {
            return self.brand_leaf(Brand::Named(name));
        }
        let is_state = self.is_word_after(0, "IS") && {
            let after = if self.is_word_after(1, "NOT") { 2 } else { 1 };
            self.is_name_after(after) && !self.is_word_after(after, "UNKNOWN")
        };
        if is_state {
            return self.brand_leaf(Brand::Named(name));
        }
        self.wants(Expect::Word("DID"));
        self.wants(Expect::Word("SPENT"));
        self.wants(Expect::Word("PRICE"));
        self.attribute_leaf(None, name)
    }

    fn dotted_leaf(&mut self, brand: Name) -> Result<SetKind, QueryError> {
        self.wants(Expect::Word("stage"));
        let name = self.name(Expect::BrandAttribute(brand.text.clone()))?;
        if name.text.eq_ignore_ascii_case("stage") {
            return self.stage_leaf(Brand::Named(brand));
        }
        if name.text.eq_ignore_ascii_case("moved") && self.is_symbol_after(0, Symbol::Open) {
            return self.moved_leaf(brand);
        }
        self.attribute_leaf(Some(brand), name)
    }

    /// A term about a brand's events.
    fn brand_leaf(&mut self, brand: Brand) -> Result<SetKind, QueryError> {
        if self.word("DID") {
            return self.did(brand).map(SetKind::Did);
        }
        if self.word("SPENT") {
            return self.spent(brand);
        }
        if !matches!(brand, Brand::Subject(_)) && self.word("PRICE") {
            return self.price(brand);
        }
        if !matches!(brand, Brand::Any(_)) && self.word("IS") {
            return self.state(brand);
        }
        Err(self.unexpected())
    }

    fn state(&mut self, brand: Brand) -> Result<SetKind, QueryError> {
        let sign = if self.word("NOT") { Sign::Negated } else { Sign::Plain };
        for word in ["MEMBER", "FOLLOWER"] {
            self.wants(Expect::Word(word));
        }
        let state = self.name(Expect::Name(NameKind::State))?;
        Ok(SetKind::State { brand, state, sign })
    }
}
