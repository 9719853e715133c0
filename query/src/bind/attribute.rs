//! Conditions on attributes.

use crate::ast::{AttributeName, AttributeTest as Node, Literal, LiteralKind, Span};
use crate::error::{ErrorCode, QueryError, shown};
use crate::plan::{AttributeTest, AttributeType, AttributeValue, Comparison, Set};

use super::binder::{Binder, Given};
use super::value::{Scale, distinct, in_order};

/// An attribute under test.
struct Subject<'a> {
    name: &'a str,
    kind: AttributeType,
}

impl Binder<'_> {
    pub fn attribute_test(
        &mut self,
        written: &AttributeName,
        test: &Node,
    ) -> Result<Set, QueryError> {
        let (attribute, kind) = self.attribute(written)?;
        let subject = Subject { name: &written.name.text, kind };
        let test = match test {
            Node::Unknown => AttributeTest::Unknown,
            Node::Known => AttributeTest::Known,
            Node::In(values) => AttributeTest::In(self.values(&subject, values)?),
            Node::NotIn(values) => AttributeTest::NotIn(self.values(&subject, values)?),
            Node::Compare { comparison, at, value } => {
                if !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                    subject.require_order(at)?;
                }
                let value = self.value(&subject, value)?;
                AttributeTest::Compare(*comparison, value.unwrap_or(PLACEHOLDER))
            }
            Node::Between { at, low, high } => {
                subject.require_order(at)?;
                self.between(&subject, low, high)?
            }
        };
        Ok(Set::Attribute { attribute, test })
    }

    fn values(
        &mut self,
        subject: &Subject<'_>,
        literals: &[Literal],
    ) -> Result<Vec<AttributeValue>, QueryError> {
        let mut values = Vec::with_capacity(literals.len());
        for literal in literals {
            values.extend(self.value(subject, literal)?);
        }
        Ok(distinct(values))
    }

    fn between(
        &mut self,
        subject: &Subject<'_>,
        low: &Literal,
        high: &Literal,
    ) -> Result<AttributeTest, QueryError> {
        let (first, last) = (self.value(subject, low)?, self.value(subject, high)?);
        if let (Some(first), Some(last)) = (&first, &last) {
            let text = |value| crate::text::attribute_value(value, Some(subject.kind));
            in_order(first <= last, low, high, &text(first), &text(last))?;
        }
        Ok(AttributeTest::Between(first.unwrap_or(PLACEHOLDER), last.unwrap_or(PLACEHOLDER)))
    }

    fn value(
        &mut self,
        subject: &Subject<'_>,
        literal: &Literal,
    ) -> Result<Given<AttributeValue>, QueryError> {
        subject.require_kind(literal)?;
        let label = format!("`{}`", subject.name);
        let digits = match subject.kind {
            AttributeType::Text => {
                return Ok(self.text(literal)?.map(AttributeValue::Text));
            }
            AttributeType::Boolean => {
                return Ok(self.boolean(literal)?.map(AttributeValue::Boolean));
            }
            AttributeType::Date => {
                let day = self.date(literal)?;
                return Ok(day.map(|day| AttributeValue::Number(i64::from(day.0))));
            }
            AttributeType::Integer => 0,
            AttributeType::Decimal { scale } => scale,
        };
        let number = self.decimal(literal, Scale { of: &label, digits })?;
        Ok(number.map(AttributeValue::Number))
    }
}

/// Stands for a parameter in a plan that is only described.
const PLACEHOLDER: AttributeValue = AttributeValue::Number(0);

impl Subject<'_> {
    /// `<` and its like need a type with an order.
    fn require_order(&self, at: &Span) -> Result<(), QueryError> {
        let kind = match self.kind {
            AttributeType::Text => "text",
            AttributeType::Boolean => "boolean",
            AttributeType::Integer | AttributeType::Decimal { .. } | AttributeType::Date => {
                return Ok(());
            }
        };
        let message = format!("`{}` is {kind} and has no order", self.name);
        let error = QueryError::new(ErrorCode::TypeMismatch, at.clone(), message);
        Err(error.hint("it can be tested by =, <>, IN, NOT IN and IS UNKNOWN"))
    }

    /// A literal of another type is an error that shows how to write it.
    fn require_kind(&self, literal: &Literal) -> Result<(), QueryError> {
        use AttributeType as Type;
        let fits = match (&literal.kind, self.kind) {
            (LiteralKind::Parameter(_), _) => true,
            (LiteralKind::Text(_), kind) => matches!(kind, Type::Text | Type::Date),
            (LiteralKind::Number(_), kind) => matches!(kind, Type::Integer | Type::Decimal { .. }),
            (LiteralKind::Boolean(_), kind) => kind == Type::Boolean,
        };
        if fits {
            return Ok(());
        }
        let (kind, example) = match self.kind {
            Type::Text => ("a text", "'text'".to_owned()),
            Type::Integer => ("an integer", "30".to_owned()),
            Type::Decimal { .. } => ("a decimal", "30.5".to_owned()),
            Type::Boolean => ("a boolean", "TRUE or FALSE".to_owned()),
            Type::Date => ("a date", "'2017-11-11'".to_owned()),
        };
        let (written, better) = match &literal.kind {
            LiteralKind::Text(text) => {
                let number = super::decimal::scaled(text, 9).is_ok();
                let truth = ["true", "false"].iter().find(|t| t.eq_ignore_ascii_case(text));
                let better = match (self.kind, truth) {
                    (Type::Integer | Type::Decimal { .. }, _) if number => text.trim().to_owned(),
                    (Type::Boolean, Some(truth)) => truth.to_uppercase(),
                    _ => example,
                };
                (format!("'{}'", shown(text)), better)
            }
            LiteralKind::Number(text) if self.kind == Type::Text => {
                (shown(text), format!("'{}'", shown(text)))
            }
            LiteralKind::Number(text) => (shown(text), example),
            LiteralKind::Boolean(truth) => (truth.to_string().to_uppercase(), example),
            LiteralKind::Parameter(_) => return Ok(()),
        };
        let message = format!("`{}` is {kind}: write {better}, not {written}", self.name);
        Err(QueryError::new(ErrorCode::TypeMismatch, literal.span.clone(), message))
    }
}
