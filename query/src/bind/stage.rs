//! Stages and the models they belong to.

use crate::ast::{Brand, Literal, Name, Span, StageTest};
use crate::builtin::{DEFAULT_MODEL, NO_STAGE, is_model, models};
use crate::date::Date;
use crate::error::{ErrorCode, QueryError, shown};
use crate::plan::{NameKind, Set};
use crate::suggest::closest;

use super::binder::{Binder, Place};
use super::names::not_in_a_model;
use super::set::signed;

impl Binder<'_> {
    pub fn stage_test(&mut self, test: &StageTest) -> Result<Set, QueryError> {
        let brand = match &test.brand {
            Brand::Named(name) if self.place == Place::Model => {
                let error = not_in_a_model(name.span.clone());
                return Err(error.hint("leave the brand out: stage(aipl) = L"));
            }
            brand => self.brand(brand)?,
        };
        let (model, known) = self.model(test.model.as_ref(), test.brand.span())?;
        if self.place == Place::Model {
            self.check_referred(test, &model)?;
        }
        let categories = self.known_literals(NameKind::Category, &test.categories)?;
        let as_of = self.optional_date(test.as_of.as_ref())?;
        let stages = self.stages(&test.stages, &model, &known)?;
        Ok(signed(test.sign, Set::Stage { brand, model, stages, categories, as_of }))
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
        default_at: &Span,
    ) -> Result<(String, Vec<String>), QueryError> {
        let (text, span) = match name {
            Some(name) => (name.text.as_str(), &name.span),
            None => (DEFAULT_MODEL, default_at),
        };
        let model = self.known_text(NameKind::Model, text, span)?;
        let stages = self.catalog.stages(&model).unwrap_or_default();
        Ok((model, stages))
    }

    /// A model's rules may refer to built-in models only: those refer to none but earlier ones, so
    /// no model can come to depend on itself, and what is referred to can be neither replaced nor
    /// dropped.
    fn check_referred(&self, test: &StageTest, model: &str) -> Result<(), QueryError> {
        if is_model(model) {
            return Ok(());
        }
        let span = test.model.as_ref().map_or(test.brand.span(), |model| &model.span).clone();
        let message = "a model's rules can use the stages of built-in models only";
        let names: Vec<&str> = models().iter().map(|(name, _)| *name).collect();
        let error = QueryError::new(ErrorCode::BadDefinition, span, message);
        Err(error.hint(format!("these are {}", names.join(", "))))
    }

    /// Stages that a model must have.
    pub fn stages(
        &mut self,
        literals: &[Literal],
        model: &str,
        known: &[String],
    ) -> Result<Vec<String>, QueryError> {
        let mut stages = Vec::with_capacity(literals.len());
        for literal in literals {
            stages.extend(self.stage(literal, model, known)?);
        }
        Ok(super::value::distinct(stages))
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
