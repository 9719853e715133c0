//! Whether a program reads so little that a brief statement may run it.

use super::listed::each_lane;
use super::program::Program;
use crate::view::View;

/// Rows that are read in some hundred microseconds at most.
const ROWS_MAX: u64 = 1 << 14;
/// Chunks that are passed meanwhile.
const CHUNKS_MAX: u32 = 1 << 12;

/// Whether all that a program's roots are made of is in a few rows of some brands.
pub fn reads_few(view: &View, program: &Program) -> bool {
    if view.chunk_end() > CHUNKS_MAX {
        return false;
    }
    let mut rows = 0;
    program.asked_leaves().all(|leaf| {
        // What reads no rows is in every chunk, and what is about any brand in every lane.
        let read = leaf.reads().filter(|(lanes, _)| lanes.brand.is_some());
        let Some((lanes, days)) = read else { return false };
        each_lane(view, &lanes, &days, &mut |_, lane| rows += lane.rows());
        rows <= ROWS_MAX
    })
}
