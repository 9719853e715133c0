//! States: those whose latest row of two behaviours is of the entering one.

use throng_storage::segment::ColumnSet;

use super::Tools;
use super::lanes::{LaneId, Lanes};
use crate::error::ExecuteError;
use crate::exec::program::LaneChoice;
use crate::exec::set::{ChunkSet, SetBuilder};
use crate::view::View;

/// The lanes of one state.
#[derive(Debug)]
pub struct StateReader {
    lanes: Vec<LaneId>,
    enter: u16,
    last: i32,
}

impl StateReader {
    /// Opens the lanes of both behaviours.
    pub fn open<'v>(
        view: &'v View,
        brand: Option<u32>,
        (enter, exit): (u16, u16),
        last: i32,
        lanes: &mut Lanes<'v>,
    ) -> Self {
        let mut behaviours = vec![enter, exit];
        behaviours.sort_unstable();
        let lanes = lanes.open(view, &LaneChoice { brand, behaviours }, i32::MIN, last);
        Self { lanes, enter, last }
    }

    /// Its members in a chunk.
    ///
    /// # Errors
    /// When the bytes are corrupt.
    pub fn read(
        &mut self,
        chunk: u32,
        tools: &mut Tools<'_, '_>,
    ) -> Result<ChunkSet, ExecuteError> {
        let filled = self.fill(chunk, tools);
        let scratch = &mut *tools.scratch;
        let mut members = SetBuilder::new(tools.pool);
        for low in scratch.lows.drain(..) {
            let latest = std::mem::take(&mut scratch.numbers[usize::from(low)]);
            if latest & 1 == 1 {
                members.push(low, tools.pool);
            }
        }
        filled?;
        Ok(members.finish(tools.pool))
    }

    /// The latest time of each position, with a last bit that says which behaviour it was: at the
    /// same second the entering one wins.
    fn fill(&mut self, chunk: u32, tools: &mut Tools<'_, '_>) -> Result<(), ExecuteError> {
        for lane in &self.lanes {
            let lane = tools.lanes.get(*lane);
            let enters = u64::from(lane.behaviour == self.enter);
            let Some(part) = lane.chunk(chunk)? else { continue };
            let scratch = &mut *tools.scratch;
            part.decode(ColumnSet::DAY.with(ColumnSet::SECOND), &mut scratch.rows)?;
            tools.touched.rows(&part);
            let rows = &scratch.rows;
            for (row, day) in rows.day.iter().enumerate() {
                if *day > self.last {
                    continue;
                }
                let day = u64::from(day.cast_unsigned() ^ 0x8000_0000);
                let time = (day << 20 | u64::from(rows.second[row])) << 1 | enters | 1 << 62;
                let latest = &mut scratch.numbers[usize::from(rows.low[row])];
                if *latest == 0 {
                    scratch.lows.push(rows.low[row]);
                }
                *latest = time.max(*latest);
            }
        }
        Ok(())
    }
}
