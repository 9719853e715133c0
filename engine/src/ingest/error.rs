//! Why a batch was refused.

use std::fmt;

use throng_query::date::Date;
use throng_storage::names::NameError;
use throng_storage::store::WriteError;

use crate::time::{DAY_MAX, DAY_MIN};

/// Why a batch was refused. Nothing of it was kept.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// An event cannot be kept.
    #[error("event {row}: {field}: {problem}")]
    Event {
        /// Which event, from 0.
        row: usize,
        /// Which part of it.
        field: EventField,
        /// What is wrong.
        problem: Problem,
    },
    /// A table of names is full.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Nothing was stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A part of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventField {
    /// The consumer's identity.
    Consumer,
    /// The brand.
    Brand,
    /// The behaviour.
    Behaviour,
    /// The time.
    Time,
    /// The touchpoint.
    Touchpoint,
    /// The category.
    Category,
    /// The item.
    Item,
    /// The order.
    Order,
    /// The count.
    Count,
    /// The amount.
    Amount,
}

impl fmt::Display for EventField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumer => "consumer",
            Self::Brand => "brand",
            Self::Behaviour => "behaviour",
            Self::Time => "time",
            Self::Touchpoint => "touchpoint",
            Self::Category => "category",
            Self::Item => "item",
            Self::Order => "order",
            Self::Count => "count",
            Self::Amount => "amount",
        })
    }
}

/// What is wrong with a part of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No text where some is needed.
    #[error("is empty")]
    Empty,
    /// A text that is too long.
    #[error("has {found} bytes; at most {limit} are kept")]
    Long {
        /// Its bytes.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A behaviour that does not exist.
    #[error("`{name}` is not known{}", suggested(suggestion.as_deref()))]
    UnknownBehaviour {
        /// The name given.
        name: String,
        /// The one that was probably meant.
        suggestion: Option<String>,
    },
    /// A day outside those an event may have.
    #[error("is not from {} to {}", Date(DAY_MIN), Date(DAY_MAX))]
    Day,
    /// A second that the day does not have.
    #[error("second {second} is not within the day")]
    Second {
        /// The second given.
        second: u32,
    },
    /// A count of 0.
    #[error("is 0; it must be at least 1")]
    Zero,
    /// An amount below 0.
    #[error("is negative; money given back is a `refund` with a positive amount")]
    Negative,
}

fn suggested(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
