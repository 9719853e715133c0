//! The universe as of a day: everyone with an event by then, and everyone known by attributes.

use throng_storage::index::IndexCursor;
use throng_storage::segment::ColumnSet;

use super::Tools;
use super::lanes::LaneReader;
use crate::error::ExecuteError;
use crate::exec::set::{ChunkSet, SetBuilder};
use crate::view::View;

/// The presence lanes of all segments.
#[derive(Debug)]
pub struct UniverseReader<'v> {
    lanes: Vec<LaneReader<'v>>,
    known: Option<IndexCursor<'v>>,
    day: i32,
}

impl<'v> UniverseReader<'v> {
    /// Opens the lanes that have somebody by the day.
    pub fn open(view: &'v View, day: i32) -> Self {
        let segments = view.snapshot().segments().iter();
        let lanes = segments.filter_map(|segment| segment.presence());
        let lanes = lanes.filter(|lane| lane.first_day() <= day).map(LaneReader::new).collect();
        let known = view.known().map(|index| index.cursor(0));
        Self { lanes, known, day }
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
        if let Some(known) = &mut self.known
            && let Some(container) = known.chunk(chunk)?
        {
            tools.touched.container(&container);
            members.push_container(&container, tools.pool);
        }
        for lane in &mut self.lanes {
            let whole = lane.last_day <= self.day;
            let Some(part) = lane.chunk(chunk)? else { continue };
            if whole {
                tools.touched.consumers(&part);
                members.push_container(&part.consumers(), tools.pool);
                continue;
            }
            let rows = &mut tools.scratch.rows;
            part.decode(ColumnSet::DAY, rows)?;
            tools.touched.rows(&part);
            for (low, day) in rows.low.iter().zip(&rows.day) {
                if *day <= self.day {
                    members.push(*low, tools.pool);
                }
            }
        }
        Ok(members.finish(tools.pool))
    }
}
