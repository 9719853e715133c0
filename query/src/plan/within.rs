//! A rule of a model as it is within some categories.

use super::set::{Comparison, Did, RowFilter, Set, Spend};
use crate::builtin::NO_STAGE;

impl Set {
    /// The same by events in these categories alone. States are of a brand, whatever the category:
    /// within one nobody is in any. What is no event, as an attribute, is as before.
    #[must_use]
    pub fn in_categories(&self, categories: &[String]) -> Self {
        let all = |sets: &[Self]| sets.iter().map(|set| set.in_categories(categories)).collect();
        match self {
            Self::And(sets) => Self::And(all(sets)),
            Self::Or(sets) => Self::Or(all(sets)),
            Self::Not(set) => Self::Not(Box::new(set.in_categories(categories))),
            Self::Did(did) => match did.rows.in_categories(categories) {
                Some(rows) => Self::Did(Did { rows, ..did.clone() }),
                None => nobody(),
            },
            Self::Spent { spend, comparison, amount } => {
                let (comparison, amount) = (*comparison, *amount);
                match spend.in_categories(categories) {
                    Some(spend) => Self::Spent { spend, comparison, amount },
                    // Everybody spent 0 there.
                    None if holds_of_zero(comparison, amount) => Self::All,
                    None => nobody(),
                }
            }
            Self::Price { of, comparison, amount } => match of.in_categories(categories) {
                Some(of) => Self::Price { of, comparison: *comparison, amount: *amount },
                None => nobody(),
            },
            Self::Stage { brand, model, stages, categories: own, as_of } => {
                match narrowed(own, categories) {
                    Some(narrowed) => Self::Stage {
                        brand: brand.clone(),
                        model: model.clone(),
                        stages: stages.clone(),
                        categories: narrowed,
                        as_of: *as_of,
                    },
                    // Only stages of built-in models stand in a rule, and without any event
                    // everybody is in `none` of these.
                    None if stages.iter().any(|stage| stage == NO_STAGE) => Self::All,
                    None => nobody(),
                }
            }
            Self::Top(top) => match top.of.in_categories(categories) {
                Some(of) => {
                    let among = top.among.as_ref();
                    let among = among.map(|set| Box::new(set.in_categories(categories)));
                    Self::Top(super::Top { of, among, ..top.clone() })
                }
                None => nobody(),
            },
            Self::State { .. } => nobody(),
            Self::All
            | Self::Attribute { .. }
            | Self::Audience(_)
            | Self::Group { .. }
            | Self::Sample { .. } => self.clone(),
        }
    }
}

impl Spend {
    fn in_categories(&self, categories: &[String]) -> Option<Self> {
        let rows = self.rows.in_categories(categories)?;
        Some(Self { rows, ..self.clone() })
    }
}

impl RowFilter {
    /// Rows in these categories too; none when that leaves no category.
    fn in_categories(&self, categories: &[String]) -> Option<Self> {
        let categories = narrowed(&self.categories, categories)?;
        Some(Self { categories, ..self.clone() })
    }
}

/// What is in both lists, where an empty one is all categories; none when nothing is.
fn narrowed(own: &[String], to: &[String]) -> Option<Vec<String>> {
    if to.is_empty() {
        return Some(own.to_vec());
    }
    let kept = |name: &&String| own.is_empty() || own.contains(name);
    let both: Vec<String> = to.iter().filter(kept).cloned().collect();
    (!both.is_empty()).then_some(both)
}

fn nobody() -> Set {
    Set::Or(Vec::new())
}

fn holds_of_zero(comparison: Comparison, amount: i64) -> bool {
    match comparison {
        Comparison::Equal => amount == 0,
        Comparison::NotEqual => amount != 0,
        Comparison::Less => 0 < amount,
        Comparison::LessOrEqual => 0 <= amount,
        Comparison::Greater => 0 > amount,
        Comparison::GreaterOrEqual => 0 >= amount,
    }
}
