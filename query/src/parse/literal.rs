//! Texts, numbers, dates and parameters.

use crate::ast::{Literal, LiteralKind};
use crate::error::{QueryError, shown};
use crate::keywords::is_reserved;
use crate::lexer::{Symbol, TokenKind};

use super::cursor::{Expect, Parser};

impl Parser {
    /// A parameter or a token that `take` turns into a literal.
    fn literal(&mut self, take: impl Fn(&TokenKind) -> Option<LiteralKind>) -> Option<Literal> {
        let kind = match self.kind() {
            TokenKind::Parameter(number) => LiteralKind::Parameter(*number),
            other => take(other)?,
        };
        let span = self.span();
        self.advance();
        Some(Literal { kind, span })
    }

    /// `'text'` or a parameter.
    pub(super) fn text(&mut self, expect: Expect) -> Result<Literal, QueryError> {
        let text = self.literal(|kind| match kind {
            TokenKind::Text(text) => Some(LiteralKind::Text(text.clone())),
            _ => None,
        });
        text.ok_or_else(|| {
            self.wants(expect);
            let error = self.unexpected();
            match self.kind() {
                TokenKind::Word(word) | TokenKind::Quoted(word) if !is_reserved(word) => {
                    error.hint(format!("a text is written '{}'", shown(word)))
                }
                _ => error,
            }
        })
    }

    /// A name, `'text'` or a parameter: brands and stages, which may be texts of a client.
    pub(super) fn name_or_text(&mut self, expect: Expect) -> Result<Literal, QueryError> {
        if matches!(self.kind(), TokenKind::Text(_) | TokenKind::Parameter(_)) {
            return self.text(expect);
        }
        let name = self.name(expect)?;
        Ok(Literal { kind: LiteralKind::Text(name.text), span: name.span })
    }

    /// A day: `'2017-11-11'` or a parameter.
    pub(super) fn date(&mut self) -> Result<Literal, QueryError> {
        let unquoted = matches!(self.kind(), TokenKind::Number(_) | TokenKind::Word(_));
        let date = self.text(Expect::Other("a date such as '2017-11-11'"));
        date.map_err(|mut error| {
            if unquoted {
                error.hint = Some("a date is written '2017-11-11'".to_owned());
            }
            error
        })
    }

    /// Digits with an optional sign, or a parameter.
    pub(super) fn number(&mut self, expect: Expect) -> Result<Literal, QueryError> {
        let start = self.span().start;
        let negative = self.is_symbol_after(0, Symbol::Minus)
            && matches!(self.kind_after(1), TokenKind::Number(_));
        if negative {
            self.advance();
        }
        let number = self.literal(|kind| match kind {
            TokenKind::Number(text) => Some(LiteralKind::Number(text.clone())),
            _ => None,
        });
        let Some(number) = number else {
            self.wants(expect);
            let error = self.unexpected();
            return Err(match self.kind() {
                TokenKind::Text(_) => error.hint("a number is written without quotes"),
                _ => error,
            });
        };
        match number.kind {
            LiteralKind::Number(text) if negative => {
                let kind = LiteralKind::Number(format!("-{text}"));
                Ok(Literal { kind, span: start..number.span.end })
            }
            _ => Ok(number),
        }
    }

    /// A value of an attribute: text or date, number, TRUE or FALSE, or a parameter.
    pub(super) fn value(&mut self) -> Result<Literal, QueryError> {
        let truth = self.literal(|kind| match kind {
            TokenKind::Text(text) => Some(LiteralKind::Text(text.clone())),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("TRUE") => {
                Some(LiteralKind::Boolean(true))
            }
            TokenKind::Word(word) if word.eq_ignore_ascii_case("FALSE") => {
                Some(LiteralKind::Boolean(false))
            }
            _ => None,
        });
        if let Some(value) = truth {
            return Ok(value);
        }
        let hint = match self.kind() {
            TokenKind::Word(word) if word.eq_ignore_ascii_case("NULL") => {
                Some("who has no known value is asked for by IS UNKNOWN".to_owned())
            }
            TokenKind::Word(word) | TokenKind::Quoted(word) => {
                Some(format!("a text is written '{}'", shown(word)))
            }
            _ => None,
        };
        let number = self.number(Expect::Other("a value"));
        number.map_err(|mut error| {
            error.hint = hint.or(error.hint);
            error
        })
    }
}
