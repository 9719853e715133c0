//! Decoded rows.

/// Which columns to decode, beside the consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColumnSet(u16);

impl ColumnSet {
    /// No column but the consumers.
    pub const NONE: Self = Self(0);
    /// Days.
    pub const DAY: Self = Self(1);
    /// Seconds within the day.
    pub const SECOND: Self = Self(2);
    /// Counts.
    pub const COUNT: Self = Self(4);
    /// Touchpoints.
    pub const TOUCHPOINT: Self = Self(8);
    /// Categories.
    pub const CATEGORY: Self = Self(16);
    /// Items.
    pub const ITEM: Self = Self(32);
    /// Orders.
    pub const ORDER: Self = Self(64);
    /// Amounts.
    pub const AMOUNT: Self = Self(128);
    /// Every column.
    pub const ALL: Self = Self(255);

    /// The set of a lane's bits in the file.
    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// Without the columns of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every column of `other` is in it.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Decoded rows of one chunk, ordered by (low, day, second). A column that was not asked for is
/// empty; a column asked for is always filled, also where the lane stores a constant.
#[derive(Debug, Default)]
pub struct RowBuffer {
    /// The low 16 bits of the consumer ids, ascending, repeated for consumers with several rows.
    pub low: Vec<u16>,
    /// Calendar days since 1970-01-01.
    pub day: Vec<i32>,
    /// Seconds within the day.
    pub second: Vec<u32>,
    /// Counts.
    pub count: Vec<u32>,
    /// Touchpoint ids, 0 for none.
    pub touchpoint: Vec<u32>,
    /// Category ids, 0 for none.
    pub category: Vec<u32>,
    /// Item ids, 0 for none.
    pub item: Vec<u32>,
    /// Order ids, 0 for none.
    pub order: Vec<u32>,
    /// Amounts in minor units.
    pub amount: Vec<i64>,
}
