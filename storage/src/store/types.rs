//! What goes into a store and comes out of its operations.

use serde::{Deserialize, Serialize};

/// Bytes of a token at most.
pub const TOKEN_BYTES_MAX: usize = 256;

/// What is fixed when a store is created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// IANA name of the store's time zone.
    pub time_zone: String,
    /// ISO 4217 code of its currency.
    pub currency: String,
    /// Digits of the currency's minor unit.
    pub exponent: u8,
}

/// What became of a batch or a bulk load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable and visible.
    Applied {
        /// Events in it.
        events: u64,
    },
    /// Its token had been applied before; nothing changed.
    Repeated,
}

/// The kinds of long dictionaries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyTable {
    /// Identities to consumers; ids start at 0.
    Consumer,
    /// Items; ids start at 1, 0 stands for none.
    Item,
    /// Orders; ids start at 1, 0 stands for none.
    Order,
}

impl KeyTable {
    /// Every table, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Consumer, Self::Item, Self::Order];

    /// The id of the first key.
    #[must_use]
    pub const fn first_id(self) -> u32 {
        match self {
            Self::Consumer => 0,
            Self::Item | Self::Order => 1,
        }
    }
}

/// How a bulk load uses the machine.
#[derive(Debug, Clone)]
pub struct BulkOptions {
    /// Applied at most once.
    pub token: Option<String>,
    /// Bytes of memory for events before they are spilled to temporary files.
    pub memory: usize,
}

/// One change of a definition: models, audiences, brands' settings, attribute types. The value is
/// the engine's own; storage does not look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The kind, numbered by the engine.
    pub kind: u8,
    /// The name within the kind.
    pub name: String,
    /// The new value; none removes it.
    pub value: Option<Vec<u8>>,
}
