//! CREATE and ALTER.

use std::collections::HashSet;

use crate::ast::{AttributeName, Create as Node, Freeze, Name, Set as SetNode, Span, StageRule};
use crate::builtin::{NO_STAGE, is_model, state_of};
use crate::error::{ErrorCode, QueryError};
use crate::limits::{MODEL_STAGES_MAX, STATE_BEHAVIOURS_MAX};
use crate::plan::{
    AttributeRef, AudienceKind, Create, Figure, IfExists, IfMissing, Model, NameKind, State,
};
use crate::text::{model_text, set_text};

use super::binder::{Binder, Place};
use super::names::kind_word;

impl Binder<'_> {
    pub fn create(&mut self, exists: IfExists, node: &Node) -> Result<Create, QueryError> {
        match node {
            Node::Audience { name, freeze, set, as_of } => {
                self.check_new(NameKind::Audience, name, exists)?;
                let as_of = self.optional_date(as_of.as_ref())?;
                let kind = match freeze {
                    Freeze::Live => AudienceKind::Live,
                    Freeze::Frozen => AudienceKind::Frozen { as_of },
                };
                self.create_audience(name, kind, set, exists)
            }
            Node::Brand { name, target_categories } => {
                self.check_new(NameKind::Brand, name, exists)?;
                // A brand may be described before its categories are loaded, so they are not
                // looked up.
                let target_categories = self.texts(target_categories)?;
                Ok(Create::Brand { name: name.text.clone(), target_categories, exists })
            }
            Node::Behaviour { name } => {
                self.check_new(NameKind::Behaviour, name, exists)?;
                Ok(Create::Behaviour { name: name.text.clone(), exists })
            }
            Node::Attribute { attribute, kind } => {
                let attribute = self.new_attribute(attribute, exists)?;
                Ok(Create::Attribute { attribute, kind: *kind, exists })
            }
            Node::Model { name, stages, text } => self.create_model(name, stages, text, exists),
            Node::State { name, from, until } => self.create_state(name, from, until, exists),
            Node::Partition { name, division, text } => {
                self.create_partition(name, division, text, exists)
            }
        }
    }

    pub(super) fn check_new(
        &self,
        kind: NameKind,
        name: &Name,
        exists: IfExists,
    ) -> Result<(), QueryError> {
        if exists != IfExists::Error || !self.catalog.exists(kind, &name.text) {
            return Ok(());
        }
        Err(duplicate(kind, &name.text, &name.span))
    }

    fn create_audience(
        &mut self,
        name: &Name,
        kind: AudienceKind,
        node: &SetNode,
        exists: IfExists,
    ) -> Result<Create, QueryError> {
        self.place = Place::Audience(name.text.clone());
        let set = self.set(node)?;
        self.place = Place::Query;
        let text = if self.has_parameters() {
            // Kept text has no parameters: their values become part of it.
            set_text(&set, self.catalog)
        } else {
            self.source.get(node.span.clone()).unwrap_or_default().to_owned()
        };
        Ok(Create::Audience { name: name.text.clone(), set, text, kind, exists })
    }

    fn new_attribute(
        &self,
        written: &AttributeName,
        exists: IfExists,
    ) -> Result<AttributeRef, QueryError> {
        let brand = match &written.brand {
            Some(brand) => Some(self.known(NameKind::Brand, brand)?),
            None => None,
        };
        let name = written.name.text.clone();
        check_attribute_name(brand.as_deref(), &name).map_err(|mut error| {
            error.span = written.name.span.clone();
            error
        })?;
        let taken = self.catalog.attribute(brand.as_deref(), &name).is_some();
        if exists == IfExists::Error && taken {
            return Err(duplicate(NameKind::Attribute, &name, &written.span()));
        }
        Ok(AttributeRef { brand, name })
    }

    fn create_state(
        &mut self,
        name: &Name,
        from: &[Name],
        until: &[Name],
        exists: IfExists,
    ) -> Result<Create, QueryError> {
        let bad = |name: &Name, message: String| {
            QueryError::new(ErrorCode::BadDefinition, name.span.clone(), message)
        };
        if let Some(built_in) = state_of(&name.text) {
            let message = format!("state `{built_in}` is built in");
            let span = name.span.clone();
            let error = QueryError::new(ErrorCode::DuplicateObject, span, message);
            return Err(error.hint("give yours another name"));
        }
        if name.text.eq_ignore_ascii_case("unknown") {
            let message = "a state cannot be called `unknown`: IS UNKNOWN asks of attributes";
            return Err(bad(name, message.to_owned()));
        }
        self.check_new(NameKind::State, name, exists)?;
        for behaviours in [from, until] {
            if let Some(beyond) = behaviours.get(STATE_BEHAVIOURS_MAX) {
                let message =
                    format!("a state begins and ends by {STATE_BEHAVIOURS_MAX} behaviours at most");
                let span = beyond.span.clone();
                return Err(QueryError::new(ErrorCode::TooLong, span, message));
            }
        }
        if let Some(both) = until.iter().find(|end| from.iter().any(|begin| begin.text == end.text))
        {
            let message = format!("`{}` cannot both begin and end a state", both.text);
            return Err(bad(both, message));
        }
        let known = |names: &[Name]| -> Result<Vec<String>, QueryError> {
            let known = names.iter().map(|name| self.known(NameKind::Behaviour, name));
            Ok(super::value::distinct(known.collect::<Result<_, _>>()?))
        };
        let state = State { name: name.text.clone(), from: known(from)?, until: known(until)? };
        Ok(Create::State { state, exists })
    }

    fn create_model(
        &mut self,
        name: &Name,
        stages: &[StageRule],
        text: &Span,
        exists: IfExists,
    ) -> Result<Create, QueryError> {
        if is_model(&name.text) && exists != IfExists::Keep {
            let message = format!("model `{}` is built in", name.text);
            let error = QueryError::new(ErrorCode::DuplicateObject, name.span.clone(), message);
            return Err(error.hint("give yours another name"));
        }
        self.check_new(NameKind::Model, name, exists)?;
        Ok(Create::Model { model: self.model_of(name, stages, text)?, exists })
    }

    /// A model with its new rules.
    pub fn altered_model(
        &mut self,
        name: &Name,
        stages: &[StageRule],
        text: &Span,
        missing: IfMissing,
    ) -> Result<Model, QueryError> {
        if is_model(&name.text) {
            let message = format!("model `{}` is built in", name.text);
            let error = QueryError::new(ErrorCode::NotSupported, name.span.clone(), message);
            return Err(error.hint("CREATE MODEL makes one of your own, with another name"));
        }
        if missing == IfMissing::Error {
            self.known(NameKind::Model, name)?;
        }
        self.model_of(name, stages, text)
    }

    fn model_of(
        &mut self,
        name: &Name,
        stages: &[StageRule],
        text: &Span,
    ) -> Result<Model, QueryError> {
        self.place = Place::Model;
        let stages = self.stage_rules(stages)?;
        self.place = Place::Query;
        let text = self.source.get(text.clone()).unwrap_or_default().to_owned();
        let mut model = Model { name: name.text.clone(), stages, text };
        if self.has_parameters() {
            model.text = model_text(&model, self.catalog);
        }
        Ok(model)
    }

    pub fn stage_rules(
        &mut self,
        nodes: &[StageRule],
    ) -> Result<Vec<crate::plan::StageRule>, QueryError> {
        if nodes.len() > MODEL_STAGES_MAX {
            let message = format!("a model has at most {MODEL_STAGES_MAX} stages");
            let span = nodes.get(MODEL_STAGES_MAX).map_or(0..0, |rule| rule.stage.span.clone());
            return Err(QueryError::new(ErrorCode::TooLong, span, message));
        }
        let mut names = HashSet::new();
        let mut rules = Vec::with_capacity(nodes.len());
        for node in nodes {
            let stage = node.stage.text.clone();
            let refused = if stage == NO_STAGE {
                Some("`none` is the stage of whoever matches no rule".to_owned())
            } else if names.insert(stage.clone()) {
                None
            } else {
                Some(format!("two stages are called `{stage}`"))
            };
            if let Some(message) = refused {
                let span = node.stage.span.clone();
                return Err(QueryError::new(ErrorCode::BadDefinition, span, message));
            }
            rules.push(crate::plan::StageRule { stage, rule: self.set(&node.rule)? });
        }
        Ok(rules)
    }
}

fn duplicate(kind: NameKind, name: &str, span: &Span) -> QueryError {
    let message = format!("{} `{name}` exists already", kind_word(kind));
    let error = QueryError::new(ErrorCode::DuplicateObject, span.clone(), message);
    match kind {
        NameKind::Audience
        | NameKind::Brand
        | NameKind::Model
        | NameKind::Partition
        | NameKind::State => error.hint("CREATE OR REPLACE replaces it; IF NOT EXISTS keeps it"),
        _ => error.hint("IF NOT EXISTS keeps it"),
    }
}

/// Whether an attribute may have this name. Loading asks too: no attribute may be called `stage`,
/// and no attribute of a brand `spend`, `purchase_days`, `categories` or `category_days`.
///
/// # Errors
/// With a message that says why not.
pub fn check_attribute_name(brand: Option<&str>, name: &str) -> Result<(), QueryError> {
    let refused = if name.is_empty() {
        Some("an attribute needs a name".to_owned())
    } else if name.len() > crate::limits::NAME_BYTES_MAX {
        Some(format!("an attribute's name has at most {} bytes", crate::limits::NAME_BYTES_MAX))
    } else if name.eq_ignore_ascii_case("stage") {
        Some("an attribute cannot be called `stage`: that is the stage of a model".to_owned())
    } else if brand.is_some() && name.eq_ignore_ascii_case("spend") {
        Some("a brand's attribute cannot be called `spend`: that is money spent".to_owned())
    } else if brand.is_some()
        && let Some(figure) =
            Figure::ALL.iter().find(|figure| name.eq_ignore_ascii_case(figure.word()))
    {
        let word = figure.word();
        Some(format!("a brand's attribute cannot be called `{word}`: SUM counts purchases so"))
    } else {
        None
    };
    match refused {
        Some(message) => Err(QueryError::new(ErrorCode::BadDefinition, 0..0, message)),
        None => Ok(()),
    }
}
