//! Rows of one chunk of one lane from several segments, in their common order, by block of days.

#![expect(clippy::cast_possible_truncation, reason = "days and places are cut to their bits")]

use std::ops::RangeInclusive;

use crate::segment::encode::LaneRows;
use crate::segment::layout::{AMOUNT, CATEGORY, COUNT, DAY, ITEM, ORDER, SECOND, TOUCHPOINT};
use crate::segment::merge::DayBlock;
use crate::segment::rows::{ColumnSet, RowBuffer};

/// Inputs of a merge at most: their numbers share a key with consumer, day and second.
pub(crate) const INPUTS_MAX: usize = 1 << INPUT_BITS;
const INPUT_BITS: u32 = 15;
const SECOND_BITS: u32 = 17;
const DAY_BITS: u32 = 16;
const _: () = assert!(16 + DAY_BITS + SECOND_BITS + INPUT_BITS == u64::BITS);

/// A column of decoded rows.
type NumbersOf = fn(&RowBuffer) -> &[u32];

/// A row of an input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick {
    input: u32,
    row: u32,
}

/// The rows of one chunk, decoded, and who comes next.
#[derive(Debug)]
pub(super) struct Gather {
    columns: ColumnSet,
    buffers: Vec<RowBuffer>,
    /// The inputs that have the chunk, ascending.
    present: Vec<usize>,
    blocks: Vec<DayBlock>,
    /// For each block its rows in order.
    picks: Vec<Vec<Pick>>,
    keys: Vec<u64>,
    taken: Vec<u32>,
    left_out: LeftOut,
}

/// What is left out of a chunk of a lane.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// The low halves of consumers, ascending.
    pub(super) consumers: Vec<u16>,
    /// Events on these days.
    pub(super) days: Option<RangeInclusive<i32>>,
}

impl Gather {
    pub(super) fn new(inputs: usize, blocks: &[DayBlock]) -> Self {
        debug_assert!(inputs <= INPUTS_MAX);
        Self {
            columns: ColumnSet::NONE,
            buffers: (0..inputs).map(|_| RowBuffer::default()).collect(),
            present: Vec::new(),
            blocks: blocks.to_vec(),
            picks: vec![Vec::new(); blocks.len()],
            keys: Vec::new(),
            taken: vec![0; inputs],
            left_out: LeftOut::default(),
        }
    }

    /// Begins a chunk of a lane with these columns.
    pub(super) fn begin(&mut self, columns: ColumnSet, left_out: LeftOut) {
        self.columns = columns;
        self.left_out = left_out;
        self.present.clear();
        self.picks.iter_mut().for_each(Vec::clear);
    }

    /// Where to decode an input's rows. Inputs come in ascending order.
    pub(super) fn buffer(&mut self, input: usize) -> &mut RowBuffer {
        self.present.push(input);
        &mut self.buffers[input]
    }

    /// Puts all rows in order and parts them by block.
    pub(super) fn order(&mut self) {
        self.order_all();
        if self.left_out.consumers.is_empty() && self.left_out.days.is_none() {
            return;
        }
        let (buffers, left_out) = (&self.buffers, &self.left_out);
        let stays = |pick: &Pick| {
            let (rows, row) = (&buffers[pick.input as usize], pick.row as usize);
            left_out.consumers.binary_search(&rows.low[row]).is_err()
                && !left_out.days.as_ref().is_some_and(|days| days.contains(&rows.day[row]))
        };
        self.picks.iter_mut().for_each(|picks| picks.retain(stays));
    }

    fn order_all(&mut self) {
        if let [input] = self.present[..] {
            let days = &self.buffers[input].day;
            for (row, &day) in (0..).zip(days) {
                let pick = Pick { input: input as u32, row };
                push(&self.blocks, &mut self.picks, day, pick);
            }
            return;
        }
        let base = self.blocks.first().map_or(0, |block| block.first);
        self.keys.clear();
        for &input in &self.present {
            let rows = &self.buffers[input];
            self.taken[input] = 0;
            let key = |(row, (&low, &day)): (usize, (&u16, &i32))| {
                let second = rows.second.get(row).copied().unwrap_or(0);
                let high = u64::from(low) << DAY_BITS | u64::from(day.abs_diff(base) as u16);
                (high << SECOND_BITS | u64::from(second)) << INPUT_BITS | input as u64
            };
            self.keys.extend(rows.low.iter().zip(&rows.day).enumerate().map(key));
        }
        // Inputs are sorted runs, which this sort finds; keys that agree are of one input.
        self.keys.sort();
        for key in &self.keys {
            let input = *key as usize & (INPUTS_MAX - 1);
            let row = self.taken[input];
            self.taken[input] = row + 1;
            let day = self.buffers[input].day[row as usize];
            push(&self.blocks, &mut self.picks, day, Pick { input: input as u32, row });
        }
    }

    /// The rows of a block, to be given back.
    pub(super) fn take_picks(&mut self, block: usize) -> Vec<Pick> {
        std::mem::take(&mut self.picks[block])
    }

    pub(super) fn give_back(&mut self, block: usize, picks: Vec<Pick>) {
        self.picks[block] = picks;
    }

    /// Appends rows.
    pub(super) fn fill(&self, chunk: u32, picks: &[Pick], out: &mut LaneRows) {
        let buffers = &self.buffers;
        let low = |pick: &Pick| buffers[pick.input as usize].low[pick.row as usize];
        out.consumer.extend(picks.iter().map(|pick| chunk << 16 | u32::from(low(pick))));
        let first_day = i32::from(out.first_day);
        let day = |pick: &Pick| {
            i64::from(buffers[pick.input as usize].day[pick.row as usize].abs_diff(first_day))
        };
        out.columns[DAY].extend(picks.iter().map(day));
        let numbers: [(ColumnSet, usize, NumbersOf); 6] = [
            (ColumnSet::SECOND, SECOND, |rows| &rows.second),
            (ColumnSet::COUNT, COUNT, |rows| &rows.count),
            (ColumnSet::TOUCHPOINT, TOUCHPOINT, |rows| &rows.touchpoint),
            (ColumnSet::CATEGORY, CATEGORY, |rows| &rows.category),
            (ColumnSet::ITEM, ITEM, |rows| &rows.item),
            (ColumnSet::ORDER, ORDER, |rows| &rows.order),
        ];
        for (set, column, of) in numbers {
            if self.columns.has(set) {
                let value =
                    |pick: &Pick| i64::from(of(&buffers[pick.input as usize])[pick.row as usize]);
                out.columns[column].extend(picks.iter().map(value));
            }
        }
        if self.columns.has(ColumnSet::AMOUNT) {
            let value = |pick: &Pick| buffers[pick.input as usize].amount[pick.row as usize];
            out.columns[AMOUNT].extend(picks.iter().map(value));
        }
    }
}

/// Adds a row to the block of its day.
fn push(blocks: &[DayBlock], picks: &mut [Vec<Pick>], day: i32, pick: Pick) {
    let at = if blocks.len() == 1 { 0 } else { blocks.partition_point(|b| b.last < day) };
    if let Some(picks) = picks.get_mut(at) {
        picks.push(pick);
    }
}
