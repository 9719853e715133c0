//! The stages of a model at a brand, compiled once for all that ask for one of them.

use throng_query::plan::{NameKind, StageRule};

use super::compile::{Compiler, Context, unknown};
use super::program::NodeId;
use crate::error::ExecuteError;

/// Stages of a model at a brand, perhaps within categories, as of a day.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Staged {
    brand: String,
    model: String,
    categories: Vec<String>,
    day: i32,
}

impl Compiler<'_> {
    /// The stages of a model in its order: disjoint sets. The rest of the universe is in none. With
    /// categories, by the events in them alone.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn stages(
        &mut self,
        brand: &str,
        model: &str,
        categories: &[String],
        as_of: Option<i32>,
    ) -> Result<Vec<(String, NodeId)>, ExecuteError> {
        let day = as_of.unwrap_or(self.day);
        let asked = Staged {
            brand: brand.to_owned(),
            model: model.to_owned(),
            categories: categories.to_vec(),
            day,
        };
        if let Some(stages) = self.stages.get(&asked) {
            return Ok(stages.clone());
        }
        let stages = self.new_stages(&asked)?;
        self.stages.insert(asked, stages.clone());
        Ok(stages)
    }

    fn new_stages(&mut self, asked: &Staged) -> Result<Vec<(String, NodeId)>, ExecuteError> {
        let model = self.view.model(&asked.model);
        let model = model.ok_or_else(|| unknown(NameKind::Model, &asked.model))?;
        let at = Context { day: asked.day, subject: Some(&asked.brand) };
        if asked.categories.is_empty() {
            return self.divide(&model.stages, at);
        }
        let within = |rule: &StageRule| StageRule {
            stage: rule.stage.clone(),
            rule: rule.rule.in_categories(&asked.categories),
        };
        self.divide(&model.stages.iter().map(within).collect::<Vec<_>>(), at)
    }
}
