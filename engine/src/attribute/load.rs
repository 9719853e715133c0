//! One load of attributes: values gathered per column, then written with everything they touch.

use std::collections::HashMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use throng_query::plan::{AttributeRef, AttributeType, AttributeValue};
use throng_storage::error::{CorruptError, FileError};
use throng_storage::index::IndexFile;
use throng_storage::names::{NameError, NameTable};
use throng_storage::store::{Bulk, Store, WriteError};

use super::encode::{NewValues, TooManyValues, index_of_sets, merge};
use super::{AttributeLayout, KNOWN_KEY, TEXT_VALUES_MAX, index_key};
use crate::definition::{AttributeRecord, DefinitionKind, encode};
use crate::error::DefinitionError;
use crate::view::{AttributeInfo, View};

/// Attribute values of one load. Ids are those that the load's own [`Bulk`] gave.
///
/// Memory: up to 256 MiB for values as they came, and the indexes they become, which take
/// a bit or less per consumer and set; never more with more rows for the same consumers.
#[derive(Debug, Default)]
pub struct AttributeLoad {
    columns: Vec<LoadColumn>,
    consumers: RoaringBitmap,
    /// Bytes of values not yet merged.
    pending: usize,
}

/// Bytes of values that are kept as they came before [`AttributeLoad::settle`] merges them.
const PENDING_MAX: usize = 256 << 20;
/// Bytes that one value takes until then, at most.
const VALUE_BYTES: usize = size_of::<(u32, i64)>();

/// A column of an [`AttributeLoad`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnId(usize);

#[derive(Debug)]
struct LoadColumn {
    attribute: AttributeRef,
    kind: AttributeType,
    values: NewValues,
    positions: HashMap<String, u32>,
    /// What was merged so far, the stored values below it.
    merged: Option<(IndexFile, AttributeLayout)>,
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
    /// Values merged so far cannot be read back.
    #[error(transparent)]
    File(#[from] FileError),
    /// Nothing was stored.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl AttributeLoad {
    /// Adds a column. An attribute that exists must have the same type: see [`Self::write`].
    pub fn column(&mut self, attribute: AttributeRef, kind: AttributeType) -> ColumnId {
        let values = NewValues::new(kind);
        let positions = HashMap::new();
        self.columns.push(LoadColumn { attribute, kind, values, positions, merged: None });
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
        self.pending += VALUE_BYTES;
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
        self.pending += VALUE_BYTES;
        self.consumers.insert(consumer);
        Ok(())
    }

    /// Merges the values gathered so far when there are many. The view is of the store that
    /// [`Self::write`] will be given, and nobody writes to it meanwhile.
    ///
    /// # Errors
    /// See [`AttributeError`].
    pub fn settle(&mut self, view: &View) -> Result<(), AttributeError> {
        if self.pending < PENDING_MAX {
            return Ok(());
        }
        self.pending = 0;
        self.columns.iter_mut().try_for_each(|column| column.settle(view))
    }

    #[cfg(test)]
    pub(super) fn settle_now(&mut self, view: &View) -> Result<(), AttributeError> {
        self.pending = PENDING_MAX;
        self.settle(view)
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

    /// The attribute as the store has it.
    fn stored(&self, view: &View) -> Result<Option<Arc<AttributeInfo>>, AttributeError> {
        match view.attribute_info(&self.attribute) {
            Some(info) if info.kind != self.kind => {
                let name = self.attribute.name.clone();
                Err(AttributeError::Type { name, stored: info.kind })
            }
            stored => Ok(stored),
        }
    }

    /// The index after all values so far, as layout and bytes; none when there was no value.
    fn merge(
        &mut self,
        stored: Option<&AttributeInfo>,
    ) -> Result<Option<(AttributeLayout, Vec<u8>)>, AttributeError> {
        if self.values.is_empty() && self.merged.is_none() {
            return Ok(None);
        }
        let of_store = || stored.and_then(|info| Some((&**info.index.as_ref()?, &info.layout)));
        let merged = self.merged.as_ref().map(|(index, layout)| (index, layout));
        let values = self.values.take();
        let merged = merge(merged.or_else(of_store), values)?;
        let name = self.attribute.name.clone();
        let (layout, sets) = merged.map_err(|source| AttributeError::Values { name, source })?;
        let bytes = index_of_sets(layout.encode(), &sets);
        Ok(Some((layout, bytes)))
    }

    fn settle(&mut self, view: &View) -> Result<(), AttributeError> {
        let stored = self.stored(view)?;
        if let Some((layout, bytes)) = self.merge(stored.as_deref())? {
            let index = IndexFile::from_bytes(bytes, self.attribute.name.clone().into())?;
            self.merged = Some((index, layout));
        }
        Ok(())
    }

    fn write(mut self, view: &View, bulk: &mut Bulk<'_>) -> Result<(), AttributeError> {
        let stored = self.stored(view)?;
        let key = index_key(&self.attribute);
        if stored.is_none() {
            let record = AttributeRecord { attribute: self.attribute.clone(), kind: self.kind };
            bulk.define(encode(DefinitionKind::Attribute, &key, &record));
        }
        if let Some((_, bytes)) = self.merge(stored.as_deref())? {
            bulk.put_index(&key, bytes)?;
        }
        Ok(())
    }
}
