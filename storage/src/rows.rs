//! Events in columns, with every name resolved to an id.

/// Events, one per position in every non-empty column.
///
/// Invariant 1: `consumer`, `brand`, `behaviour` and `day` have the same length; every other column
/// has that length too or is empty, which stands for the value stated with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventColumns {
    /// Consumer ids.
    pub consumer: Vec<u32>,
    /// Brand ids.
    pub brand: Vec<u32>,
    /// Behaviour ids.
    pub behaviour: Vec<u16>,
    /// Calendar days since 1970-01-01 in the store's time zone.
    pub day: Vec<i32>,
    /// Seconds within the day, 0..86_400 (0..90_000 on a day that a clock change lengthens).
    /// Empty: all 0.
    pub second: Vec<u32>,
    /// How often it happened. Empty: all 1.
    pub count: Vec<u32>,
    /// Touchpoint ids; 0 is none. Empty: all 0.
    pub touchpoint: Vec<u32>,
    /// Category ids; 0 is none. Empty: all 0.
    pub category: Vec<u32>,
    /// Item ids; 0 is none. Empty: all 0.
    pub item: Vec<u32>,
    /// Order ids; 0 is none. Empty: all 0.
    pub order: Vec<u32>,
    /// Money in minor units. Empty: all 0.
    pub amount: Vec<i64>,
}

impl EventColumns {
    /// How many events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.consumer.len()
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }
}
