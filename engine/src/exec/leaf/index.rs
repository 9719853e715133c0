//! Sets read in place: attribute values, frozen audiences.

use throng_storage::container::Container;
use throng_storage::index::IndexCursor;

use super::Tools;
use crate::error::ExecuteError;
use crate::exec::set::{ChunkSet, Pool, SetBuilder};
use crate::view::View;

/// Some sets of one index, united.
#[derive(Debug)]
pub struct IndexReader<'v> {
    cursors: Vec<IndexCursor<'v>>,
}

impl<'v> IndexReader<'v> {
    /// Opens the sets; an index that does not exist has no member.
    pub fn open(view: &'v View, key: &str, sets: &[u32]) -> Self {
        let cursors = view.index(key).map_or_else(Vec::new, |index| {
            sets.iter().filter(|set| **set < index.sets()).map(|set| index.cursor(*set)).collect()
        });
        Self { cursors }
    }

    /// What the only set holds of a chunk; none when there is not just one set.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn in_place(
        &mut self,
        chunk: u32,
        pool: &mut Pool,
    ) -> Result<Option<Option<Container<'v>>>, ExecuteError> {
        match self.cursors.as_mut_slice() {
            [cursor] => Ok(Some(cursor.chunk_ahead(chunk, pool.ahead())?)),
            _ => Ok(None),
        }
    }

    /// Its members in a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, 'v>,
    ) -> Result<ChunkSet, ExecuteError> {
        let mut members = SetBuilder::new(tools.pool);
        for cursor in &mut self.cursors {
            if let Some(container) = cursor.chunk_ahead(chunk, tools.pool.ahead())? {
                tools.touched.container(&container);
                members.push_container(&container, tools.pool);
            }
        }
        Ok(members.finish(tools.pool))
    }
}
