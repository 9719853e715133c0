//! Stages and the models they belong to.

use crate::ast::{Literal, Name, StageTest};
use crate::builtin::{DEFAULT_MODEL, NO_STAGE};
use crate::date::Date;
use crate::error::{ErrorCode, QueryError, shown};
use crate::plan::{NameKind, Set};
use crate::suggest::closest;

use super::binder::{Binder, Place};
use super::set::signed;

impl Binder<'_> {
    pub fn stage_test(&mut self, test: &StageTest) -> Result<Set, QueryError> {
        if self.place == Place::Model {
            let message = "a model's rules cannot use stages";
            let span = test.brand.span.clone();
            return Err(QueryError::new(ErrorCode::BadDefinition, span, message));
        }
        let brand = self.known(NameKind::Brand, &test.brand)?;
        let (model, known) = self.model(test.model.as_ref(), &test.brand)?;
        let as_of = self.optional_date(test.as_of.as_ref())?;
        let mut stages = Vec::with_capacity(test.stages.len());
        for literal in &test.stages {
            stages.extend(self.stage(literal, &model, &known)?);
        }
        let stages = super::value::distinct(stages);
        Ok(signed(test.sign, Set::Stage { brand, model, stages, as_of }))
    }

    pub fn optional_date(&mut self, literal: Option<&Literal>) -> Result<Option<Date>, QueryError> {
        match literal {
            Some(literal) => self.date(literal),
            None => Ok(None),
        }
    }

    /// A model and its stages; the default one when none is named.
    pub fn model(
        &self,
        name: Option<&Name>,
        brand: &Name,
    ) -> Result<(String, Vec<String>), QueryError> {
        let (text, span) = match name {
            Some(name) => (name.text.as_str(), &name.span),
            None => (DEFAULT_MODEL, &brand.span),
        };
        let model = self.known_text(NameKind::Model, text, span)?;
        let stages = self.catalog.stages(&model).unwrap_or_default();
        Ok((model, stages))
    }

    fn stage(
        &mut self,
        literal: &Literal,
        model: &str,
        known: &[String],
    ) -> Result<Option<String>, QueryError> {
        let Some(stage) = self.text(literal)? else { return Ok(None) };
        if stage == NO_STAGE || known.contains(&stage) {
            return Ok(Some(stage));
        }
        let message = format!("model `{model}` has no stage `{}`", shown(&stage));
        let all = || known.iter().map(String::as_str).chain([NO_STAGE]);
        let error = QueryError::new(ErrorCode::UndefinedObject, literal.span.clone(), message)
            .suggest(closest(&stage, all()));
        let list: Vec<&str> = all().collect();
        Err(error.hint(format!("its stages are {}", list.join(", "))))
    }
}
