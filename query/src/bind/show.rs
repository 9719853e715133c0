//! The columns of SHOW and of the other statements with a fixed answer.

use crate::plan::{Column, ColumnType, NameKind, Show};

use super::columns::column;

/// Digits after the point of the bytes per event.
pub const BYTES_PER_EVENT_SCALE: u8 = 3;

/// The columns of a SHOW: the one table that the engine follows.
#[must_use]
pub fn show_columns(show: &Show) -> Vec<Column> {
    use ColumnType::{Boolean, Date, Integer, Numeric, Text};
    let columns: &[(&str, ColumnType)] = match show {
        Show::Names(NameKind::Audience) => {
            &[("name", Text), ("kind", Text), ("as_of", Date), ("definition", Text)]
        }
        Show::Names(NameKind::Brand) => &[("name", Text), ("target_categories", Text)],
        Show::Names(NameKind::Behaviour) => &[("name", Text), ("builtin", Boolean)],
        Show::Names(NameKind::Attribute) => &[("name", Text), ("brand", Text), ("type", Text)],
        Show::Names(NameKind::Model) => &[
            ("name", Text),
            ("stages", Text),
            ("builtin", Boolean),
            ("version", Integer),
            ("changed", Text),
        ],
        Show::Names(NameKind::Partition) => {
            &[("name", Text), ("groups", Text), ("definition", Text)]
        }
        Show::Names(NameKind::State) => {
            &[("name", Text), ("begins", Text), ("ends", Text), ("builtin", Boolean)]
        }
        Show::Names(NameKind::Touchpoint | NameKind::Category) => &[("name", Text)],
        Show::Versions { .. } => {
            &[("version", Integer), ("changed", Text), ("current", Boolean), ("definition", Text)]
        }
        Show::Definition { .. } => &[("definition", Text)],
        Show::Store | Show::Server => &[("property", Text), ("value", Text)],
        Show::Storage => &[
            ("section", Text),
            ("name", Text),
            ("count", Integer),
            ("events", Integer),
            ("bytes", Integer),
            ("bytes_per_event", Numeric { scale: BYTES_PER_EVENT_SCALE }),
        ],
        Show::Measures => {
            &[("name", Text), ("statement", Text), ("definition", Text), ("source", Text)]
        }
        Show::Limits => &[("name", Text), ("value", Integer)],
        Show::Erasures => &[
            ("number", Integer),
            ("time", Text),
            ("kind", Text),
            ("subject", Text),
            ("first_day", Date),
            ("last_day", Date),
            ("consumers", Integer),
            ("events", Integer),
            ("gone", Boolean),
        ],
    };
    columns.iter().map(|(name, kind)| column(*name, *kind)).collect()
}
