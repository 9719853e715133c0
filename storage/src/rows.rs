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

    /// Checks invariant 1.
    ///
    /// # Errors
    /// Names the first column whose length is wrong.
    pub fn check(&self) -> Result<(), ColumnsError> {
        let rows = self.len();
        let must = [
            ("brand", self.brand.len()),
            ("behaviour", self.behaviour.len()),
            ("day", self.day.len()),
        ];
        let may = [
            ("second", self.second.len()),
            ("count", self.count.len()),
            ("touchpoint", self.touchpoint.len()),
            ("category", self.category.len()),
            ("item", self.item.len()),
            ("order", self.order.len()),
            ("amount", self.amount.len()),
        ];
        let wrong = must
            .into_iter()
            .chain(may.into_iter().filter(|(_, found)| *found != 0))
            .find(|(_, found)| *found != rows);
        match wrong {
            Some((column, found)) => Err(ColumnsError { column, found, rows }),
            None => Ok(()),
        }
    }

    /// Whether there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.consumer.is_empty()
    }
}

/// Columns that do not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the column {column} has {found} rows where there are {rows} events")]
pub struct ColumnsError {
    /// The column.
    pub column: &'static str,
    /// Its length.
    pub found: usize,
    /// The length of `consumer`.
    pub rows: usize,
}
