//! What a run gives before ratios are formed: numbers that add over disjoint sets of consumers.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde::{Deserialize, Serialize};

/// The value of one partition in one group. Its order is the order of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GroupKey {
    /// A stage, by its place in the model; `none` comes last.
    Stage(u32, String),
    /// A text value.
    Text(String),
    /// An integer.
    Number(i64),
    /// A decimal number: its digits, and how many of them are after the point.
    Decimal(i64, u8),
    /// A calendar day: days since 1970-01-01.
    Day(i32),
    /// A boolean value.
    Boolean(bool),
    /// In the audience.
    In,
    /// Not in the audience.
    Out,
    /// Unknown.
    Unknown,
}

/// The partial result of a query.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Partial {
    /// One part per as-of day.
    pub days: Vec<DayPartial>,
}

/// The partial result as of one day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DayPartial {
    /// The day.
    pub day: i32,
    /// For each family of groups, the numbers of each group that has a member: per channel how
    /// many members, and their sum.
    pub groups: Vec<BTreeMap<Vec<GroupKey>, Vec<i128>>>,
    /// For each channel (the filter, the other side of VERSUS), how many consumers it has.
    pub totals: Vec<i128>,
    /// The counts of an overlap: of each pair (i, j), i <= j, row by row; or of each region, by
    /// the bits of the sets it is in.
    pub overlap: Vec<i128>,
}

impl Partial {
    /// Adds the result of the same query on other consumers; none when the other result is of
    /// other days or another query, or a sum does not fit.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Option<Self> {
        if self.days.len() != other.days.len() {
            return None;
        }
        for (mine, theirs) in self.days.iter_mut().zip(other.days) {
            mine.merge(theirs)?;
        }
        Some(self)
    }
}

impl DayPartial {
    fn merge(&mut self, other: Self) -> Option<()> {
        if self.day != other.day || self.groups.len() != other.groups.len() {
            return None;
        }
        add(&mut self.totals, &other.totals)?;
        add(&mut self.overlap, &other.overlap)?;
        for (mine, theirs) in self.groups.iter_mut().zip(other.groups) {
            for (key, numbers) in theirs {
                match mine.entry(key) {
                    Entry::Vacant(entry) => {
                        entry.insert(numbers);
                    }
                    Entry::Occupied(mut entry) => add(entry.get_mut(), &numbers)?,
                }
            }
        }
        Some(())
    }
}

/// Adds numbers one by one; none when they are not equally many or a sum does not fit.
pub fn add(mine: &mut [i128], theirs: &[i128]) -> Option<()> {
    if mine.len() != theirs.len() {
        return None;
    }
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine = mine.checked_add(*theirs)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partials_add_and_other_shapes_are_refused() {
        let part = |key: &str, n: i128| Partial {
            days: vec![DayPartial {
                day: 3,
                groups: vec![[(vec![GroupKey::Text(key.into())], vec![n])].into()],
                totals: vec![n],
                overlap: vec![],
            }],
        };
        let sum = part("a", 1).merge(part("b", 2)).unwrap().merge(part("a", 5)).unwrap();
        assert_eq!(sum.days[0].totals, [8]);
        let groups: Vec<_> = sum.days[0].groups[0].values().cloned().collect();
        assert_eq!(groups, [vec![6], vec![2]]);
        let mut other = part("a", 1);
        other.days[0].day = 4;
        assert_eq!(part("a", 1).merge(other), None);
        assert_eq!(part("a", 1).merge(Partial::default()), None);
        assert_eq!(part("a", i128::MAX).merge(part("a", 1)), None);
    }
}
