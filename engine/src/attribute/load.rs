//! One load of attributes: values gathered per column, then written with everything they touch.

use std::collections::HashMap;

use roaring::RoaringBitmap;
use throng_query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng_storage::error::CorruptError;
use throng_storage::names::{NameError, NameTable};
use throng_storage::store::{Bulk, Store, WriteError};

use super::encode::{NewValues, TooManyValues, index_of_sets, merge};
use super::{KNOWN_KEY, TEXT_VALUES_MAX, index_key};
use crate::definition::{AttributeRecord, DefinitionKind, encode};
use crate::error::DefinitionError;
use crate::view::View;

/// Attribute values of one load. Ids are those that the load's own [`Bulk`] gave.
///
/// Memory: 8 bytes per text, 8 per boolean, 16 per number, and a bitmap of the consumers.
#[derive(Debug, Default)]
pub struct AttributeLoad {
    columns: Vec<LoadColumn>,
    consumers: RoaringBitmap,
}

/// A column of an [`AttributeLoad`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnId(usize);

#[derive(Debug)]
struct LoadColumn {
    attribute: AttributeRef,
    kind: AttributeType,
    values: NewValues,
    positions: HashMap<String, u32>,
}

/// Why attributes were not loaded.
#[derive(Debug, thiserror::Error)]
pub enum AttributeError {
    /// An attribute of this name has another type.
    #[error("attribute `{name}` is of another type in the store")]
    Type {
        /// Its name.
        name: String,
        /// The type in the store.
        stored: AttributeType,
    },
    /// A value of another type than its column.
    #[error("a value of attribute `{name}` is not of its type")]
    Value {
        /// The attribute's name.
        name: String,
    },
    /// Too many different texts.
    #[error("attribute `{name}` would have {source}")]
    Values {
        /// Its name.
        name: String,
        /// How many.
        #[source]
        source: TooManyValues,
    },
    /// Bytes of an old index cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// Stored definitions cannot be read.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// A brand's name cannot be kept.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Nothing was stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl AttributeLoad {
    /// Adds a column. An attribute that exists must have the same type: see [`Self::write`].
    pub fn column(&mut self, attribute: AttributeRef, kind: AttributeType) -> ColumnId {
        let values = NewValues::new(kind);
        self.columns.push(LoadColumn { attribute, kind, values, positions: HashMap::new() });
        ColumnId(self.columns.len() - 1)
    }

    /// Notes that a consumer is known, also without any value.
    pub fn consumer(&mut self, consumer: u32) {
        self.consumers.insert(consumer);
    }

    /// Adds a text. Of several for one consumer the last stands.
    ///
    /// # Errors
    /// When the column is not of text, or has too many different texts.
    pub fn text(
        &mut self,
        column: ColumnId,
        consumer: u32,
        text: &str,
    ) -> Result<(), AttributeError> {
        let column = &mut self.columns[column.0];
        let NewValues::Texts { texts, rows } = &mut column.values else {
            return Err(column.mismatch());
        };
        let position = match column.positions.get(text) {
            Some(position) => *position,
            None => {
                let found = texts.len() + 1;
                if found > TEXT_VALUES_MAX {
                    let name = column.attribute.name.clone();
                    return Err(AttributeError::Values { name, source: TooManyValues { found } });
                }
                let position = u32::try_from(texts.len()).unwrap_or(u32::MAX);
                texts.push(text.to_owned());
                column.positions.insert(text.to_owned(), position);
                position
            }
        };
        rows.push((consumer, position));
        self.consumers.insert(consumer);
        Ok(())
    }

    /// Adds a value. Of several for one consumer the last stands.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub fn value(
        &mut self,
        column: ColumnId,
        consumer: u32,
        value: &AttributeValue,
    ) -> Result<(), AttributeError> {
        let at = &mut self.columns[column.0];
        match (&mut at.values, value) {
            (NewValues::Texts { .. }, AttributeValue::Text(text)) => {
                return self.text(column, consumer, text);
            }
            (NewValues::Flags(rows), AttributeValue::Boolean(flag)) => rows.push((consumer, *flag)),
            (NewValues::Numbers(rows), AttributeValue::Number(number)) => {
                rows.push((consumer, *number));
            }
            _ => return Err(at.mismatch()),
        }
        self.consumers.insert(consumer);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn into_values(self) -> Vec<NewValues> {
        self.columns.into_iter().map(|column| column.values).collect()
    }

    /// Writes merged indexes, definitions and the known consumers into a bulk load, which has the
    /// writer's turn, so that nobody else changes them meanwhile. The caller commits.
    ///
    /// # Errors
    /// See [`AttributeError`]; then the bulk load must be dropped.
    pub fn write(self, store: &Store, bulk: &mut Bulk<'_>) -> Result<(), AttributeError> {
        let view = View::resolve(store, store.snapshot(), None)?;
        for column in self.columns {
            if let Some(brand) = &column.attribute.brand {
                store.names().intern(NameTable::Brand, brand)?;
            }
            column.write(&view, bulk)?;
        }
        let mut known = self.consumers;
        if let Some(index) = view.known() {
            known |= index.read_set(0)?;
        }
        bulk.put_index(KNOWN_KEY, index_of_sets(Vec::new(), &[known]))?;
        Ok(())
    }
}

impl LoadColumn {
    fn mismatch(&self) -> AttributeError {
        AttributeError::Value { name: self.attribute.name.clone() }
    }

    fn write(self, view: &View, bulk: &mut Bulk<'_>) -> Result<(), AttributeError> {
        let Self { attribute, kind, values, .. } = self;
        let stored = view.attribute_info(&attribute);
        match &stored {
            Some(info) if info.kind != kind => {
                return Err(AttributeError::Type { name: attribute.name, stored: info.kind });
            }
            Some(_) => {}
            None => {
                let record = AttributeRecord { attribute: attribute.clone(), kind };
                let name = index_key(&attribute);
                bulk.define(encode(DefinitionKind::Attribute, &name, &record));
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        let old = stored.as_deref().and_then(|info| Some((&**info.index.as_ref()?, &info.layout)));
        let merged = merge(old, values)?;
        let (layout, sets) = merged
            .map_err(|source| AttributeError::Values { name: attribute.name.clone(), source })?;
        bulk.put_index(&index_key(&attribute), index_of_sets(layout.encode(), &sets))?;
        Ok(())
    }
}
