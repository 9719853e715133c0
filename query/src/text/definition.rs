//! The text of definitions.

use crate::catalog::Catalog;
use crate::plan::{AttributeType, AudienceKind, Create, Division, IfExists, Model};

use super::set::{attribute_name, set_text};
use super::words::{date, list, quote_name, quote_text};

/// The text after AS of a model.
#[must_use]
pub fn model_text(model: &Model, catalog: &dyn Catalog) -> String {
    let rules = model.stages.iter().map(|rule| {
        format!("STAGE {} WHEN {}", quote_name(&rule.stage), set_text(&rule.rule, catalog))
    });
    rules.collect::<Vec<_>>().join(",\n")
}

/// The statement that makes a definition again, for SHOW CREATE. An audience and a model keep the
/// text they were written in; one that has none is printed from its plan.
#[must_use]
pub fn create_text(create: &Create, catalog: &dyn Catalog) -> String {
    match create {
        Create::Audience { name, set, text, kind, exists } => {
            let text = if text.is_empty() { &set_text(set, catalog) } else { text };
            let (frozen, day) = match kind {
                AudienceKind::Live => ("", String::new()),
                AudienceKind::Frozen { as_of: None } => ("FROZEN ", String::new()),
                AudienceKind::Frozen { as_of: Some(day) } => {
                    ("FROZEN ", format!(" AS OF {}", date(*day)))
                }
            };
            let (before, after) = exists_text(*exists);
            format!("CREATE {before}{frozen}AUDIENCE {after}{} AS {text}{day}", quote_name(name))
        }
        Create::Brand { name, target_categories, exists } => {
            let (before, after) = exists_text(*exists);
            let targets = if target_categories.is_empty() {
                String::new()
            } else {
                let categories = list(target_categories, |category| quote_text(category));
                format!(" TARGET CATEGORIES ({categories})")
            };
            format!("CREATE {before}BRAND {after}{}{targets}", quote_name(name))
        }
        Create::Behaviour { name, exists } => {
            let (before, after) = exists_text(*exists);
            format!("CREATE {before}BEHAVIOUR {after}{}", quote_name(name))
        }
        Create::Attribute { attribute, kind, exists } => {
            let (before, after) = exists_text(*exists);
            let name = attribute_name(attribute);
            format!("CREATE {before}ATTRIBUTE {after}{name} {}", type_text(*kind))
        }
        Create::Model { model, exists } => {
            let (before, after) = exists_text(*exists);
            let text =
                if model.text.is_empty() { &model_text(model, catalog) } else { &model.text };
            format!("CREATE {before}MODEL {after}{} AS {text}", quote_name(&model.name))
        }
        Create::State { state, exists } => {
            let (before, after) = exists_text(*exists);
            let [from, until] =
                [&state.from, &state.until].map(|names| list(names, |name| quote_name(name)));
            let name = quote_name(&state.name);
            format!("CREATE {before}STATE {after}{name} FROM {from} UNTIL {until}")
        }
        Create::Partition { partition, exists } => {
            let (before, after) = exists_text(*exists);
            let name = quote_name(&partition.name);
            let own = &partition.text;
            let text = if own.is_empty() { &division_text(partition, catalog) } else { own };
            format!("CREATE {before}PARTITION {after}{name} AS {text}")
        }
    }
}

/// The text after AS of a partition.
#[must_use]
pub fn division_text(division: &Division, catalog: &dyn Catalog) -> String {
    let rules = division.rules.iter().map(|rule| {
        format!("GROUP {} WHEN {}", quote_name(&rule.stage), set_text(&rule.rule, catalog))
    });
    let rules = rules.collect::<Vec<_>>().join(",\n");
    format!("{rules}\nREST {}", quote_name(&division.rest))
}

fn exists_text(exists: IfExists) -> (&'static str, &'static str) {
    match exists {
        IfExists::Error => ("", ""),
        IfExists::Replace => ("OR REPLACE ", ""),
        IfExists::Keep => ("", "IF NOT EXISTS "),
    }
}

/// A type as CREATE ATTRIBUTE writes it, and SHOW ATTRIBUTES shows it.
#[must_use]
pub fn type_text(kind: AttributeType) -> String {
    match kind {
        AttributeType::Text => "TEXT".to_owned(),
        AttributeType::Integer => "INTEGER".to_owned(),
        AttributeType::Decimal { scale } => format!("DECIMAL({scale})"),
        AttributeType::Boolean => "BOOLEAN".to_owned(),
        AttributeType::Date => "DATE".to_owned(),
    }
}
