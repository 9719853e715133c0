//! Partitions by rules, the first that holds takes a consumer; and sets made of several leaves.

use throng_query::plan::{BrandRef, Comparison, Did, NameKind, Spend, StageRule};

use super::compile::{Compiler, Context, unknown};
use super::leaf::keyed::{KeyChoice, RowKey};
use super::program::{Leaf, NodeId, PiecePrice, SpendChoice};
use crate::error::ExecuteError;

impl Compiler<'_> {
    /// The groups of a partition of one's own: disjoint sets, and what the rest is called.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn groups(
        &mut self,
        partition: &str,
        as_of: Option<i32>,
    ) -> Result<(Vec<(String, NodeId)>, String), ExecuteError> {
        let day = as_of.unwrap_or(self.day);
        let found = self.view.partition(partition);
        let found = found.ok_or_else(|| unknown(NameKind::Partition, partition))?;
        let groups = self.divide(&found.rules, Context { day, subject: None })?;
        Ok((groups, found.rest.clone()))
    }

    /// What some events are about; none when no row can matter.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn about(&mut self, of: &Did, key: RowKey) -> Result<Option<KeyChoice>, ExecuteError> {
        let at = Context { day: self.day, subject: None };
        let Some((lanes, rows)) = self.chosen_rows(of, at)? else { return Ok(None) };
        Ok(Some(KeyChoice { lanes, rows, key }))
    }

    /// The last beginning is not before the last end: one of the beginnings is not before any of
    /// the ends.
    pub(super) fn state(
        &mut self,
        brand: &BrandRef,
        name: &str,
        at: Context<'_>,
    ) -> Result<NodeId, ExecuteError> {
        let state = self.view.state(name).ok_or_else(|| unknown(NameKind::State, name))?;
        let Some(brand) = self.brand(brand, at) else { return Ok(self.nobody()) };
        let mut begun = Vec::with_capacity(state.from.len());
        for enter in &state.from {
            let enter = self.behaviour(enter)?;
            let mut lasting = Vec::with_capacity(state.until.len());
            for exit in &state.until {
                let exit = self.behaviour(exit)?;
                lasting.push(self.program.leaf(Leaf::State { brand, enter, exit, last: at.day }));
            }
            begun.push(self.program.and(lasting));
        }
        Ok(self.program.or(begun))
    }

    /// Those who paid so much for a piece on average. Who bought nothing has no row, and no price.
    pub(super) fn priced(
        &mut self,
        of: &Spend,
        comparison: Comparison,
        price: PiecePrice,
        at: Context<'_>,
    ) -> Result<NodeId, ExecuteError> {
        let Some(spend) = self.spend_in(of, at)? else { return Ok(self.nobody()) };
        let spend = SpendChoice { above: Some(price), ..spend };
        Ok(self.program.leaf(Leaf::Spent { spend, comparison, amount: 0 }))
    }

    /// The first rule that holds takes a consumer.
    pub(super) fn divide(
        &mut self,
        rules: &[StageRule],
        at: Context<'_>,
    ) -> Result<Vec<(String, NodeId)>, ExecuteError> {
        let mut groups = Vec::with_capacity(rules.len() + 1);
        let mut taken = Vec::new();
        for group in rules {
            let rule = self.compile(&group.rule, at)?;
            let before = self.program.or(taken.clone());
            let node = self.program.minus(rule, before);
            self.program.keep(node);
            groups.push((group.stage.clone(), node));
            taken.push(rule);
        }
        Ok(groups)
    }

    /// Those in some of a partition's groups, of which the rest has no node.
    pub(super) fn chosen(
        &mut self,
        all: &[(String, NodeId)],
        names: &[String],
        rest: &str,
    ) -> NodeId {
        let nodes_of = |wanted: bool| {
            let chosen = all.iter().filter(|(name, _)| names.contains(name) == wanted);
            chosen.map(|(_, node)| *node).collect()
        };
        if names.iter().any(|name| name == rest) {
            let others = self.program.or(nodes_of(false));
            let universe = self.universe();
            return self.program.minus(universe, others);
        }
        self.program.or(nodes_of(true))
    }
}
