//! The universe as of a day: everyone with an event by then, and everyone known by attributes.

use std::sync::Arc;

use throng_storage::index::IndexCursor;
use throng_storage::segment::ColumnSet;

use super::Tools;
use super::lanes::LaneReader;
use crate::error::ExecuteError;
use crate::exec::set::{ChunkSet, SetBuilder};
use crate::kernel;
use crate::universe::{NEVER, Universe};
use crate::view::View;

/// Everyone's first day, and those known by attributes.
#[derive(Debug)]
pub struct UniverseReader<'v> {
    view: &'v View,
    first_days: FirstDays<'v>,
    known: Option<IndexCursor<'v>>,
    day: i32,
}

/// Where first days are found.
#[derive(Debug)]
enum FirstDays<'v> {
    /// Not asked for yet.
    Unopened,
    /// Gathered by the view.
    Gathered(Arc<Universe>),
    /// In the presence lanes.
    Lanes(Vec<LaneReader<'v>>),
}

impl<'v> UniverseReader<'v> {
    /// Opens the universe as of a day.
    pub fn open(view: &'v View, day: i32) -> Self {
        let known = view.known().map(|index| index.cursor(0));
        Self { view, first_days: FirstDays::Unopened, known, day }
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
        if matches!(self.first_days, FirstDays::Unopened) {
            self.first_days = match self.view.universe()? {
                Some(universe) => FirstDays::Gathered(universe),
                None => FirstDays::Lanes(presence_lanes(self.view, self.day)),
            };
        }
        let mut members = SetBuilder::new(tools.pool);
        if let Some(known) = &mut self.known
            && let Some(container) = known.chunk(chunk)?
        {
            tools.touched.container(&container);
            members.push_container(&container, tools.pool);
        }
        match &mut self.first_days {
            FirstDays::Unopened => {}
            FirstDays::Gathered(universe) => {
                if let Some(days) = universe.first_days(chunk)
                    && let Ok(day) = u16::try_from(self.day.min(i32::from(NEVER) - 1))
                {
                    tools.touched.bytes += size_of_val(days) as u64;
                    kernel::or_at_most(members.dense(tools.pool), days, day);
                }
            }
            FirstDays::Lanes(lanes) => from_lanes(lanes, self.day, chunk, &mut members, tools)?,
        }
        Ok(members.finish(tools.pool))
    }
}

/// The presence lanes that have somebody by a day.
fn presence_lanes(view: &View, day: i32) -> Vec<LaneReader<'_>> {
    let lanes = view.snapshot().segments().iter().filter_map(|segment| segment.presence());
    lanes.filter(|lane| lane.first_day() <= day).map(LaneReader::new).collect()
}

fn from_lanes(
    lanes: &mut [LaneReader<'_>],
    day: i32,
    chunk: u32,
    members: &mut SetBuilder,
    tools: &mut Tools<'_, '_>,
) -> Result<(), ExecuteError> {
    for lane in lanes {
        let whole = lane.last_day <= day;
        let Some(part) = lane.chunk(chunk)? else { continue };
        if whole {
            tools.touched.consumers(&part);
            members.push_container(&part.consumers(), tools.pool);
            continue;
        }
        let rows = &mut tools.scratch.rows;
        part.decode(ColumnSet::DAY, rows)?;
        tools.touched.rows(&part);
        for (low, first) in rows.low.iter().zip(&rows.day) {
            if *first <= day {
                members.push(*low, tools.pool);
            }
        }
    }
    Ok(())
}
