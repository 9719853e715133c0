//! Names looked up, with a suggestion when they are not known.

use crate::ast::{AttributeName, Literal, Name, Span};
use crate::error::{ErrorCode, QueryError, shown};
use crate::plan::{AttributeRef, AttributeType, NameKind};
use crate::suggest::closest;

use super::binder::{Binder, Place};

/// A kind of thing in a sentence.
pub(super) fn kind_word(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Audience => "audience",
        NameKind::Brand => "brand",
        NameKind::Behaviour => "behaviour",
        NameKind::Attribute => "attribute",
        NameKind::Model => "model",
        NameKind::Touchpoint => "touchpoint",
        NameKind::Category => "category",
        NameKind::Partition => "partition",
        NameKind::State => "state",
    }
}

impl Binder<'_> {
    /// A name that must be known.
    pub fn known(&self, kind: NameKind, name: &Name) -> Result<String, QueryError> {
        self.known_text(kind, &name.text, &name.span)
    }

    pub fn known_text(
        &self,
        kind: NameKind,
        text: &str,
        span: &Span,
    ) -> Result<String, QueryError> {
        if self.catalog.exists(kind, text) {
            return Ok(text.to_owned());
        }
        let message = format!("no {} is called `{}`", kind_word(kind), shown(text));
        let names = self.catalog.names(kind);
        let suggestion = closest(text, names.iter().map(String::as_str));
        let mut error = QueryError::new(ErrorCode::UndefinedObject, span.clone(), message);
        if suggestion.is_none() {
            error.hint = self.other_kind(kind, text);
        }
        Err(error.suggest(suggestion))
    }

    /// A name as text or parameter that must be known, if its value is.
    pub fn known_literal(
        &mut self,
        kind: NameKind,
        literal: &Literal,
    ) -> Result<Option<String>, QueryError> {
        match self.text(literal)? {
            Some(text) => self.known_text(kind, &text, &literal.span).map(Some),
            None => Ok(None),
        }
    }

    /// Texts that must all be known.
    pub fn known_literals(
        &mut self,
        kind: NameKind,
        literals: &[Literal],
    ) -> Result<Vec<String>, QueryError> {
        let mut names = Vec::with_capacity(literals.len());
        for literal in literals {
            names.extend(self.known_literal(kind, literal)?);
        }
        Ok(super::value::distinct(names))
    }

    /// What the name is, when it is something else.
    fn other_kind(&self, kind: NameKind, text: &str) -> Option<String> {
        let is = |other| other != kind && self.catalog.exists(other, text);
        if is(NameKind::Brand) {
            return Some(format!(
                "`{text}` is a brand: write {text}.stage, {text} DID ... or {text} SPENT ..."
            ));
        }
        if is(NameKind::Audience) {
            return Some(format!("`{text}` is an audience: write (AUDIENCE {text})"));
        }
        if is(NameKind::Partition) {
            return Some(format!("`{text}` is a partition: write PARTITION {text}"));
        }
        if is(NameKind::State) {
            return Some(format!("`{text}` is a state: write brand IS {text}"));
        }
        is(NameKind::Attribute).then(|| format!("`{text}` is an attribute of consumers"))
    }

    /// An attribute that must be known, with its type.
    pub fn attribute(
        &self,
        written: &AttributeName,
    ) -> Result<(AttributeRef, AttributeType), QueryError> {
        let name = &written.name;
        let brand = match &written.brand {
            Some(brand) if self.place == Place::Model => {
                return Err(not_in_a_model(brand.span.clone()));
            }
            Some(brand) => Some(self.known(NameKind::Brand, brand)?),
            None => None,
        };
        if let Some(kind) = self.catalog.attribute(brand.as_deref(), &name.text) {
            return Ok((AttributeRef { brand, name: name.text.clone() }, kind));
        }
        let candidates = self.attribute_names(brand.as_deref());
        let suggestion = closest(&name.text, candidates.iter().map(String::as_str));
        let message = match &brand {
            Some(brand) => format!("no attribute of `{brand}` is called `{}`", name.text),
            None => format!("no attribute is called `{}`", name.text),
        };
        let mut error = QueryError::new(ErrorCode::UndefinedObject, name.span.clone(), message);
        if suggestion.is_none() {
            error.hint = self.attribute_hint(brand.as_deref(), &name.text);
        }
        Err(error.suggest(suggestion))
    }

    fn attribute_hint(&self, brand: Option<&str>, name: &str) -> Option<String> {
        if let Some(brand) = brand {
            let is_spend = name.eq_ignore_ascii_case("spend");
            return if is_spend {
                Some(format!("what consumers spent is compared by {brand} SPENT >= ..."))
            } else {
                self.catalog
                    .attribute(None, name)
                    .map(|_| format!("`{name}` is an attribute of consumers: write {name}"))
            };
        }
        if name.eq_ignore_ascii_case("stage") || name.eq_ignore_ascii_case("spend") {
            return Some(format!("it belongs to a brand: write brand.{name}"));
        }
        if let Some(hint) = self.other_kind(NameKind::Attribute, name) {
            return Some(hint);
        }
        let ending = format!(".{name}");
        let of_brand =
            self.catalog.names(NameKind::Attribute).into_iter().find(|n| n.ends_with(&ending))?;
        Some(format!("it belongs to a brand: write {of_brand}"))
    }

    /// The names of the attributes of consumers, or of consumers at a brand.
    pub fn attribute_names(&self, brand: Option<&str>) -> Vec<String> {
        attribute_names(self.catalog, brand)
    }
}

/// The names of the attributes of consumers, or of consumers at a brand.
pub(crate) fn attribute_names(
    catalog: &dyn crate::catalog::Catalog,
    brand: Option<&str>,
) -> Vec<String> {
    let prefix = brand.map(|brand| format!("{brand}.")).unwrap_or_default();
    let all = catalog.names(NameKind::Attribute).into_iter();
    all.filter_map(|name| name.strip_prefix(&prefix).map(str::to_owned))
        .filter(|name| catalog.attribute(brand, name).is_some())
        .collect()
}

/// A named brand in a model's rule.
pub(super) fn not_in_a_model(span: Span) -> QueryError {
    let message = "a model's rules are about the brand whose stage is asked";
    QueryError::new(ErrorCode::BadDefinition, span, message)
        .hint("leave the brand out: DID ..., SPENT ..., IS MEMBER")
}
