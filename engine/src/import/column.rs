//! The columns of an event, by the names that files and COPY give them.

use std::fmt;
use std::str::FromStr;

/// A column of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventColumn {
    /// Who: an identity, `namespace:value`.
    Consumer,
    /// Of which brand.
    Brand,
    /// What was done.
    Behaviour,
    /// When.
    Time,
    /// Where.
    Touchpoint,
    /// In which category.
    Category,
    /// With which article.
    Item,
    /// In which order.
    Order,
    /// For how much money, the whole row together.
    Amount,
    /// How often.
    Count,
}

impl EventColumn {
    /// Every column, the required ones first.
    pub const ALL: [Self; 10] = [
        Self::Consumer,
        Self::Brand,
        Self::Behaviour,
        Self::Time,
        Self::Touchpoint,
        Self::Category,
        Self::Item,
        Self::Order,
        Self::Amount,
        Self::Count,
    ];

    /// The name in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Brand => "brand",
            Self::Behaviour => "behaviour",
            Self::Time => "time",
            Self::Touchpoint => "touchpoint",
            Self::Category => "category",
            Self::Item => "item",
            Self::Order => "order",
            Self::Amount => "amount",
            Self::Count => "count",
        }
    }

    /// Whether every event has it.
    #[must_use]
    pub fn is_required(self) -> bool {
        matches!(self, Self::Consumer | Self::Brand | Self::Behaviour | Self::Time)
    }

    /// Whether its values are names or keys, which can be translated and trimmed.
    #[must_use]
    pub fn is_text(self) -> bool {
        !matches!(self, Self::Time | Self::Amount | Self::Count)
    }

    pub(super) fn index(self) -> usize {
        self as usize
    }
}

/// A word that is not a column of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("events have no column `{name}`; {}", hint(suggestion.as_deref()))]
pub struct ColumnError {
    /// The word.
    pub name: String,
    /// The column that may have been meant.
    pub suggestion: Option<String>,
}

fn hint(suggestion: Option<&str>) -> String {
    match suggestion {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<&str> = EventColumn::ALL.iter().map(|column| column.name()).collect();
            format!("they have {}", names.join(", "))
        }
    }
}

impl FromStr for EventColumn {
    type Err = ColumnError;

    fn from_str(text: &str) -> Result<Self, ColumnError> {
        let found = Self::ALL.into_iter().find(|column| column.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| ColumnError {
            name: text.to_owned(),
            suggestion: nearest(text, Self::ALL.iter().map(|column| column.name()))
                .map(str::to_owned),
        })
    }
}

impl fmt::Display for EventColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name that is nearest to a word, where one is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).take(64).collect();
    let far = (word.len() / 3).max(1) + 1;
    names
        .map(|name| (distance(&word, name), name))
        .filter(|&(distance, _)| distance < far)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, a row of the table at a time.
fn distance(word: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (i, letter) in name.chars().flat_map(char::to_lowercase).take(64).enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, &other) in word.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX - 1);
            let change = diagonal + usize::from(letter != other);
            if let Some(cell) = row.get_mut(j) {
                *cell = left;
            }
            left = change.min(above + 1).min(left + 1);
            diagonal = above;
        }
        if let Some(cell) = row.last_mut() {
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{EventColumn, distance, nearest};

    #[test]
    fn names_round_trip_and_near_ones_are_suggested() {
        for column in EventColumn::ALL {
            assert_eq!(column.name().parse(), Ok(column));
            assert_eq!(EventColumn::ALL[column.index()], column);
        }
        let error = "behavior".parse::<EventColumn>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "events have no column `behavior`; did you mean `behaviour`?"
        );
        assert!("zebra".parse::<EventColumn>().unwrap_err().to_string().contains("they have"));
    }

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, expected) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("buy", "buy", 0)]
        {
            let a: Vec<char> = a.chars().collect();
            assert_eq!(distance(&a, b), expected);
        }
        assert_eq!(nearest("favourite", ["favorite", "buy"].into_iter()), Some("favorite"));
        assert_eq!(nearest("xyzzy", ["favorite", "buy"].into_iter()), None);
    }
}
