//! Lanes of money: buys and refunds, read for the amounts of their rows.

use std::ops::RangeInclusive;

use super::listed::{LaneList, Needs, Purpose, each_lane};
use super::program::{LaneChoice, NodeId, SpendChoice};
use crate::view::View;

/// A lane of money.
#[derive(Debug)]
pub(super) struct MoneyLane {
    is_refund: bool,
    with_days: bool,
}

impl MoneyLane {
    /// What amounts count for.
    pub(super) fn sign(&self) -> i128 {
        if self.is_refund { -1 } else { 1 }
    }
}

impl Purpose for MoneyLane {
    fn settle(&mut self, _: &RangeInclusive<i32>) -> Needs {
        if self.with_days { Needs::DatedAmounts } else { Needs::Amounts }
    }
}

/// Whether nothing but days decides which rows of some money count, and for what.
pub(super) fn is_plain(money: &SpendChoice) -> bool {
    money.above.is_none() && money.rows.is_unfiltered()
}

/// The lanes of some money that [`is_plain`].
pub(super) fn money_lanes<'v>(
    view: &'v View,
    choice: &SpendChoice,
    with_days: bool,
) -> LaneList<'v, MoneyLane> {
    let mut behaviours = vec![choice.buy, choice.refund];
    behaviours.sort_unstable();
    let chosen = LaneChoice { brand: choice.brand, behaviours };
    let (mut lanes, days) = (LaneList::new(), choice.rows.days());
    each_lane(view, &chosen, &days, &mut |segment, lane| {
        let is_refund = lane.behaviour() == choice.refund;
        // Money is of no node.
        let none = NodeId(usize::MAX);
        let _ = lanes.lane((segment, lane), &days, none, || MoneyLane { is_refund, with_days });
    });
    lanes
}
